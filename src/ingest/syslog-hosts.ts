/** Hosts that are told apart at most: a site has some hundred switches, and anybody can invent names. */
export const MAX_HOSTS = 1000;
/** A host that said nothing for so long makes room for another one. */
const IDLE_MS = 3_600_000;

/** Bounds the names under which messages are stored. `null`: there are too many, and this one is not known. */
export function createHostNames(): (host: string, now: number) => string | null {
  const seen = new Map<string, number>();

  function forgetIdle(now: number): void {
    for (const [host, at] of seen) {
      // in the order of when they were last heard of
      if (now - at < IDLE_MS) return;
      seen.delete(host);
    }
  }

  return (host, now) => {
    if (!seen.delete(host) && seen.size >= MAX_HOSTS) forgetIdle(now);
    if (seen.size >= MAX_HOSTS) return null;
    seen.set(host, now);
    return host;
  };
}
