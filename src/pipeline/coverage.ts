import type { FileSpan, Source, Stamp } from '../model/source.ts';

/** The time that one program's output covers on one host. */
export interface Covered {
  readonly host: string;
  readonly source: Source;
  readonly path: string;
  /** By the host's own clock, Unix ms. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** What arrived of one cluster, by host and program: tells what was not observed, and until when a host was heard of. */
export interface Coverage {
  add(covered: Covered): void;
  /** As the timelines take it. */
  spans(): readonly FileSpan[];
}

/** Hosts and programs that are remembered of a cluster: real ones have some thousand at most, a forged stream any number. */
const MAX_COVERED = 20_000;

/** What is covered so far. */
export function createCoverage(known: readonly Covered[]): Coverage {
  const byProgram = new Map<string, Covered>();

  function add(one: Covered): void {
    const key = `${one.host} ${one.source}`;
    const before = byProgram.get(key);
    if (before === undefined) {
      byProgram.set(key, one);
      if (byProgram.size > MAX_COVERED) forgetOldest();
      return;
    }
    const { firstAt, lastAt } = before;
    if (one.firstAt >= firstAt && one.lastAt <= lastAt) return;
    // in the order in which they were last heard of
    byProgram.delete(key);
    byProgram.set(key, { ...before, firstAt: Math.min(firstAt, one.firstAt), lastAt: Math.max(lastAt, one.lastAt) });
  }

  function forgetOldest(): void {
    for (const key of byProgram.keys()) {
      byProgram.delete(key);
      return;
    }
  }

  for (const one of known) add(one);
  return {
    add,
    spans: () =>
      [...byProgram.values()].map(({ host, source, path, firstAt, lastAt }) => ({
        host,
        source,
        path,
        first: utc(firstAt),
        last: utc(lastAt),
        stepsBack: [],
        modifiedAt: 0,
      })),
  };
}

/** A moment that is known, as a stamp. */
export function utc(ms: number): Stamp {
  return { ms, clock: 'utc', missing: 'nothing' };
}
