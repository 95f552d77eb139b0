import { duration, plural } from '../lib/units.ts';
import type { Check, Diagnosis } from '../model/diagnosis.ts';
import type { Store } from '../store/store.ts';
import type { Position } from '../stream/stream.ts';
import { clockCheck } from './clock-check.ts';
import { collectorChecks } from './collector-checks.ts';
import type { Filter } from './filter.ts';
import { lossCheck } from './loss-check.ts';
import { recordsCheck } from './records-check.ts';

/** What a diagnosis is made of. */
export interface DoctorParts {
  readonly store: Store;
  /** How far the processors are behind; `null` where that cannot be told from here. */
  positions(): Promise<readonly Position[] | null>;
  /** Of the messages that nobody could read; `null` where that cannot be told from here. */
  deadLetters(): Promise<readonly Position[] | null>;
  now(): number;
}

/** Rows of one check's query, unless the filter names fewer. */
const MOST_ROWS = 100_000;
/** A processor further behind than this shows what is wrong late. */
const LAG_WARN_MS = 10_000;

/** Looks at loss, lag, clocks, records that could not be read, and what collectors say of themselves. */
export async function diagnose({ store, positions, deadLetters, now }: DoctorParts, filter: Filter): Promise<Diagnosis> {
  const asked = { limit: MOST_ROWS, ...filter };
  const at = now();
  const checks = [
    await lossCheck(store, asked),
    ...optional(await positions(), (known) => lagCheck(known, at)),
    ...optional(await deadLetters(), deadLetterCheck),
    await clockCheck(store, asked),
    await recordsCheck(store, asked),
    ...(await collectorChecks(store, { cluster: filter.cluster ?? '', host: filter.host ?? '', now: at })),
  ];
  return { at, since: filter.since ?? null, checks };
}

function optional<T>(known: T | null, check: (known: T) => Check): readonly Check[] {
  return known === null ? [] : [check(known)];
}

function lagCheck(positions: readonly Position[], now: number): Check {
  const behind = positions.reduce((sum, { end, committed, begin }) => sum + end - Math.max(begin, committed ?? begin), 0);
  const since = positions.flatMap(({ waitingSince }) => (waitingSince === null ? [] : [waitingSince]));
  const lagMs = since.length === 0 ? 0 : Math.max(0, now - Math.min(...since));
  const late = lagMs >= LAG_WARN_MS;
  return {
    name: 'lag',
    state: late ? 'warn' : 'ok',
    summary: behind === 0 ? 'every chunk is processed' : `${plural(behind, 'chunk')} wait, the oldest for ${duration(lagMs)}`,
    details: [],
    parts: [],
    hint: late ? 'is the processor running, and does the store take rows? see the log of precopy up' : null,
  };
}

function deadLetterCheck(positions: readonly Position[]): Check {
  const kept = positions.reduce((sum, { begin, end }) => sum + end - begin, 0);
  return {
    name: 'dead letters',
    state: kept === 0 ? 'ok' : 'warn',
    summary:
      kept === 0 ? 'none: every chunk could be read' : `${plural(kept, 'chunk')} could not be read as a whole, and are kept`,
    details: [],
    parts: [],
    hint:
      kept === 0
        ? null
        : 'the log of precopy up names each with its reason; chunks of a newer collector need a precopy of that version',
  };
}
