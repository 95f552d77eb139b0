/** An instant on an axis and how it is written there. */
export interface TimeTick {
  /** Unix ms. */
  readonly at: number;
  readonly label: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps that a clock is read in, ms. */
const STEPS: readonly number[] = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((count) => count * DAY),
];

/** Round instants between two others, at most so many, in UTC and as short as their step allows: `04:42:33`, `04:42`, `11-23`. */
export function timeTicks(from: number, to: number, most: number): readonly TimeTick[] {
  if (!(to > from)) return [{ at: from, label: labelOf(from, SECOND) }];
  const step = STEPS.find((each) => (to - from) / each < most) ?? (to - from) / Math.max(1, most - 1);
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => {
    const at = first + i * step;
    return { at, label: labelOf(at, step) };
  });
}

function labelOf(at: number, step: number): string {
  const iso = new Date(at).toISOString();
  if (step >= DAY) return iso.slice(5, 10);
  if (step >= MINUTE) return at % DAY === 0 ? iso.slice(5, 10) : iso.slice(11, 16);
  return step >= SECOND ? iso.slice(11, 19) : iso.slice(11, step >= 100 ? 21 : 23);
}
