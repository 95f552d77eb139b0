import { percentileOf } from './percentiles.ts';
import type { WeeklyReport } from './document.ts';
import type { TrendRow, WeekRows } from './rows.ts';

type Change = WeeklyReport['changes'][number];
type Numbers = Readonly<Record<Change['of'], number | null>>;

const UNITS: readonly (readonly [of: Change['of'], unit: Change['unit']])[] = [
  ['migrations', 'count'],
  ['successRate', 'share'],
  ['notCompleted', 'count'],
  ['downtimeP50Ms', 'ms'],
  ['downtimeP95Ms', 'ms'],
  ['overTargetShare', 'share'],
  ['incidents', 'count'],
  ['spikes', 'count'],
];

/** The week beside the four before. */
export function changesOf(rows: WeekRows): readonly Change[] {
  const [current, ...before] = [0, 1, 2, 3, 4].map((week) => numbersOf(week, rows));
  return UNITS.map(([of, unit]) => {
    const weeks = before.map((numbers) => numbers[of]);
    const [value, lastWeek] = [current?.[of] ?? null, weeks[0] ?? null];
    const sinceLastWeek = value === null || lastWeek === null ? null : value - lastWeek;
    return { of, unit, value, lastWeek, sinceLastWeek, median: middle(weeks), weeks };
  });
}

/** A week of which nothing was read and nothing is stored is not a week without migrations. */
function numbersOf(week: number, { trend, troubles, readWeeks }: WeekRows): Numbers {
  const row = trend.find((one) => one.week === week);
  const trouble = troubles.find((one) => one.week === week);
  const observed = row !== undefined || trouble !== undefined || readWeeks.includes(week);
  const none = observed ? 0 : null;
  return {
    migrations: row?.migrations ?? none,
    incidents: trouble?.incidents ?? none,
    spikes: trouble?.spikes ?? none,
    notCompleted: row === undefined ? none : row.failed + row.aborted,
    ...ratesOf(row),
  };
}

function ratesOf(
  row: TrendRow | undefined,
): Pick<Numbers, 'successRate' | 'downtimeP50Ms' | 'downtimeP95Ms' | 'overTargetShare'> {
  if (row === undefined) return { successRate: null, downtimeP50Ms: null, downtimeP95Ms: null, overTargetShare: null };
  const { completed, failed, aborted, downtimeKnown, overTarget } = row;
  const percentiles = { known: downtimeKnown, p50Ms: row.downtimeP50Ms, p95Ms: row.downtimeP95Ms };
  return {
    successRate: shareOf(completed, completed + failed + aborted),
    downtimeP50Ms: percentileOf(percentiles, 'p50'),
    downtimeP95Ms: percentileOf(percentiles, 'p95'),
    overTargetShare: shareOf(overTarget, downtimeKnown),
  };
}

/** A part of a whole; `null` of nothing. */
export function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** The median of those that are known, of two the mean. */
function middle(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const [low, high] = [known[Math.ceil(known.length / 2) - 1], known[Math.floor(known.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}
