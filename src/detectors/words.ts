import type { Event } from '../model/event.ts';
import type { HostState, Migration } from '../model/timeline.ts';
import { HOST_ENDS, hostEndWords } from '../timeline/of-kind.ts';
import { MOVED_AWAY } from '../timeline/presence.ts';

/** The source's name, or what stands for it. */
export function sourceOf(migration: Migration): string {
  return migration.source ?? 'the source';
}

/** The destination's name, or what stands for it. */
export function destinationOf(migration: Migration): string {
  return migration.destination ?? migration.destinationAddress ?? 'the destination';
}

/** Source and destination as a command names them; where one is unknown, a word to be replaced. */
export function hostsToType({ source, destination, destinationAddress }: Migration): readonly string[] {
  return [source ?? 'SOURCE', destination ?? destinationAddress ?? 'DESTINATION'];
}

/** Where the VM is now, as the second sentence of a verdict. */
export function whereNow({ after, source }: Migration): string {
  const on = (state: HostState['state']): readonly HostState[] => after.filter((host) => host.state === state);
  const running = on('running');
  const paused = on('paused');
  if (running.length > 1) return `It runs on ${running.map(({ host }) => host).join(' and ')} at the same time.`;
  const [host] = running;
  const [stopped] = paused;
  if (host !== undefined)
    return `It runs on ${host.host}${stopped === undefined ? '' : ` and is paused on ${stopped.host}`} (${host.certainty}: ${host.because}).`;
  if (stopped !== undefined) return `It is paused on ${stopped.host} (${stopped.certainty}: ${stopped.because}).`;
  const ends = on('absent').flatMap((gone) =>
    gone.evidence.flatMap((event) => {
      if (HOST_ENDS.has(event.body.kind)) return [`${gone.host} (the host ${hostEndWords(event)})`];
      return event.body.kind === 'domain-stopped' ? [`${gone.host} (${event.body.reason})`] : [];
    }),
  );
  if (source !== null && ends.length > 0 && ends.length === after.length)
    return `It runs on none of these hosts: its QEMU ended on ${ends.join(' and ')}.`;
  const away = movedAway(after);
  if (away === null) return 'Where it runs now is not in these logs.';
  const to = away.because.slice(MOVED_AWAY.length);
  return `It moved away from ${away.host}${to === '' ? '; where to is not in these logs' : to}.`;
}

/** The host that the VM was last known to leave, for one without logs: it lived when it left. */
export function movedAway(after: readonly HostState[]): HostState | null {
  return after.find(({ state, because }) => state === 'absent' && because.startsWith(MOVED_AWAY)) ?? null;
}

/** The first few of several lists of events, each event once. */
export function evidence(...lists: readonly (readonly Event[])[]): readonly Event[] {
  return [...new Set(lists.flat())];
}
