import { countWhile } from '../lib/overlap-index.ts';

/** A stretch of time, both ends included; Unix ms. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Stretches nearer to each other than this are one: what is looked at around each would overlap anyway. */
const NEAR_MS = 60_000;

/** Intervals in the order of time, those that overlap or nearly touch made one. */
export function merged(intervals: readonly Interval[], nearMs = NEAR_MS): readonly Interval[] {
  const result: Interval[] = [];
  for (const next of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && next.from <= last.to + nearMs)
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, next.to) };
    else result.push(next);
  }
  return result;
}

/** Puts one more among intervals that are as `merged` leaves them, and leaves them so. */
export function addTo(intervals: Interval[], next: Interval): void {
  // they are apart, so that their ends are in order like their beginnings
  const begin = countWhile(intervals, ({ to }) => to < next.from - NEAR_MS);
  let end = begin;
  while (end < intervals.length && (intervals[end]?.from ?? 0) <= next.to + NEAR_MS) end += 1;
  const first = intervals[begin];
  const last = intervals[end - 1];
  if (end === begin || first === undefined || last === undefined) return void intervals.splice(begin, 0, next);
  const whole = { from: Math.min(next.from, first.from), to: Math.max(next.to, last.to) };
  if (end > begin + 1 || whole.from !== first.from || whole.to !== first.to) intervals.splice(begin, end - begin, whole);
}

/** The intervals, at most `max` of them: those nearest to each other become one. */
export function atMost(intervals: readonly Interval[], max: number): readonly Interval[] {
  const apart = merged(intervals);
  if (apart.length <= max) return apart;
  const gaps = apart.slice(1).map(({ from }, i) => from - (apart[i]?.to ?? 0));
  return merged(apart, gaps.toSorted((a, b) => a - b)[apart.length - max - 1]);
}

/** The two have a moment in common. */
export function overlaps(a: Interval, b: Interval): boolean {
  return a.from <= b.to && b.from <= a.to;
}

/** The moment lies in the interval. */
export function contains({ from, to }: Interval, at: number): boolean {
  return at >= from && at <= to;
}

/** The interval with so much more at both ends. */
export function widened({ from, to }: Interval, byMs: number): Interval {
  return { from: from - byMs, to: to + byMs };
}
