import { merged, type Interval } from './interval.ts';
import type { Stretch } from './timelines.ts';

/** Times longer than this are cut, ms, and how much happened is counted in stretches of it. */
export const PART_MS = 30 * 60_000;
/** Events that are looked at together, where that is more than `PART_MS`: memory must not follow how much arrived late. */
const MAX_EVENTS = 20_000;
/** What is looked at together at most, ms: a day. */
const MAX_PART_MS = 24 * 3_600_000;

/**
 * Times in the order in which they are told again. Telling a part asks the store the same few questions however long it is, so
 * that times are joined as long as little happened in all of it, and cut where much did.
 */
export function partsOf(intervals: readonly Interval[], stretches: readonly Stretch[]): readonly Interval[] {
  const eventsIn = new Map(stretches.map(({ from, events }) => [from, events]));
  const parts: Interval[] = [];
  let events = 0;
  for (const piece of pieces(intervals)) {
    const last = parts.at(-1);
    const own = eventsIn.get(stretchOf(piece.from)) ?? 0;
    const isNew = last === undefined || stretchOf(last.to) !== stretchOf(piece.from);
    if (last !== undefined && piece.to - last.from <= MAX_PART_MS && events + (isNew ? own : 0) <= MAX_EVENTS) {
      parts[parts.length - 1] = { from: last.from, to: Math.max(last.to, piece.to) };
      events += isNew ? own : 0;
    } else {
      parts.push(piece);
      events = own;
    }
  }
  return parts;
}

/** Intervals, cut at the ends of stretches. */
function pieces(intervals: readonly Interval[]): readonly Interval[] {
  return merged(intervals).flatMap(({ from, to }) => {
    const cut: Interval[] = [];
    for (let start = from; start <= to; start = stretchOf(start) + PART_MS)
      cut.push({ from: start, to: Math.min(to, stretchOf(start) + PART_MS - 1) });
    return cut;
  });
}

function stretchOf(at: number): number {
  return Math.floor(at / PART_MS) * PART_MS;
}
