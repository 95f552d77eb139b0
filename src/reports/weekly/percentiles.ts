import { listed, plural } from '../../lib/units.ts';
import { MIN_FOR_PERCENTILE } from './limits.ts';

/** Percentiles of so many values. */
export interface Percentiles {
  readonly known: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms?: number | null;
}

/** A percentile where there are enough values for it, else `null`. */
export function percentileOf(of: Percentiles, name: keyof typeof MIN_FOR_PERCENTILE): number | null {
  return of.known < MIN_FOR_PERCENTILE[name] ? null : (of[`${name}Ms`] ?? null);
}

/** Which percentiles so many values have not, in words; `null` where they have all. */
export function percentilesNote(known: number): string | null {
  const missing = Object.entries(MIN_FOR_PERCENTILE).flatMap(([name, least]) =>
    known < least ? [`${name} (from ${least} on)`] : [],
  );
  if (missing.length === 0) return null;
  const which = missing.length === 3 ? 'no percentiles' : `no ${listed(missing)}`;
  return `${plural(known, 'migration')} with a known downtime: ${which}`;
}
