import { AppError } from '../../lib/errors.ts';
import type { WeeklyReport } from '../../reports/weekly/document.ts';
import { weeklyReport } from '../../reports/weekly/weekly-report.ts';
import type { Store } from '../../store/store.ts';
import { isoWeek, weekAfter, weekBounds, zoneNamed, type WeekBounds, type Zone } from '../../timeline/zone.ts';
import { weekRows } from './week-rows.ts';

/** Which report. */
export interface ReportQuery {
  /** `2026-W47`; `last`: the last one that is over; `this`: the one that is not. */
  readonly week: string;
  /** IANA zone or offset in which the week begins on Monday at 00:00. */
  readonly zone: string;
  /** `null`: all clusters. */
  readonly cluster: string | null;
}

const WEEKS_BEFORE = [1, 2, 3, 4] as const;

/**
 * The weekly report of what the store holds now.
 *
 * @throws AppError `usage` where there is no such week or zone, or the week has not begun.
 */
export async function makeReport(
  store: Store,
  { week, zone, cluster, now }: ReportQuery & { readonly now: number },
): Promise<WeeklyReport> {
  const clocks = zoneNamed(zone);
  if (clocks === null)
    throw new AppError('usage', `${zone}: no such time zone`, {
      hint: 'name one like Europe/Berlin, or an offset like UTC+5:30',
    });
  const bounds = weekNamed(week, clocks, now);
  const before = WEEKS_BEFORE.map((weeks) => weekAfter(bounds, -weeks, clocks));
  const scope = { week: bounds, before, cluster };
  return weeklyReport(await weekRows(store, scope), { scope, zone: clocks.name, madeAt: now });
}

/** The last week that is over, `2026-W47`; `null` where there is no such zone. */
export function lastWeek(zone: string, now: number): string | null {
  const clocks = zoneNamed(zone);
  return clocks === null ? null : weekNamed('last', clocks, now).week;
}

function weekNamed(week: string, zone: Zone, now: number): WeekBounds {
  const current = weekBounds(isoWeek(now, zone), zone);
  if (current === null) throw new Error(`now is in no week: ${now}`);
  const last = weekAfter(current, -1, zone);
  if (week === 'last') return last;
  if (week === 'this') return current;
  const bounds = weekBounds(week, zone);
  if (bounds === null) throw new AppError('usage', `${week}: there is no such week`, { hint: hintFor(week, last, zone) });
  if (bounds.from > now)
    throw new AppError('usage', `${week} has not begun`, { hint: `the last week that is over is ${last.week}` });
  return bounds;
}

function hintFor(week: string, last: WeekBounds, zone: Zone): string {
  const [, year = '', number = ''] = /^(\d{4})-W(\d{2})$/.exec(week) ?? [];
  const weeks = weekBounds(`${year}-W53`, zone) === null ? 52 : 53;
  if (year !== '' && Number(number) > weeks) return `${year} has ${weeks} weeks of ISO 8601`;
  return `name a week of ISO 8601 as ${last.week}, or last, or this`;
}
