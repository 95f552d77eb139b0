import { DateTime, FixedOffsetZone, IANAZone } from 'luxon';
import type { Stamp } from '../model/source.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** A time zone by name (`Europe/Berlin`), by offset (`UTC+5:30`, `+02:00`) or `UTC`; `null` for anything else. */
export function zoneNamed(name: string): Zone | null {
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(name);
  if (offset !== null) {
    const [, sign, hours = '0', minutes = '0'] = offset;
    const size = Number(hours) * 60 + Number(minutes);
    return size > 14 * 60 ? null : fixedZone((sign === '-' ? -1 : 1) * size * MINUTE_MS);
  }
  if (/^(?:UTC|Z|GMT)$/i.test(name)) return fixedZone(0);
  return IANAZone.isValidZone(name) ? { name, offsetsMs: (local) => offsetsOf(name, local) } : null;
}

/** Where a machine's local time lies. */
export interface Zone {
  readonly name: string;
  /** What to take off a local time (as if UTC) to get UTC: one value, or two in the hour that comes twice, earlier time first. */
  offsetsMs(localMs: number): readonly number[];
}

/** A zone with one offset all year. */
export function fixedZone(offsetMs: number): Zone {
  return { name: offsetName(offsetMs), offsetsMs: () => [offsetMs] };
}

/** `UTC`, `UTC+1`, `UTC+5:30`. */
export function offsetName(offsetMs: number): string {
  if (offsetMs === 0) return 'UTC';
  return FixedOffsetZone.instance(offsetMs / MINUTE_MS).name;
}

function offsetsOf(zone: string, localMs: number): readonly number[] {
  const at = (instantMs: number): number => DateTime.fromMillis(instantMs, { zone }).offset * MINUTE_MS;
  const candidates = [at(localMs - 14 * HOUR_MS), at(localMs + 12 * HOUR_MS)];
  const valid = [...new Set(candidates)].filter((offset) => at(localMs - offset) === offset);
  // a local time that the spring change skips exists in neither: read it by the old offset
  return valid.length === 0 ? candidates.slice(0, 1) : valid.toSorted((a, b) => b - a);
}

/** Ms of a stamp, with the year or the date that it lacks. */
export function complete(stamp: Stamp, nearMs: number): number {
  if (stamp.missing === 'year') return withYear(stamp, nearMs);
  return stamp.missing === 'date' ? withDate(stamp, nearMs) : stamp.ms;
}

/** The year that brings a time without one nearest to a known moment. */
function withYear(stamp: Stamp, nearMs: number): number {
  const written = new Date(stamp.ms);
  const near = new Date(nearMs).getUTCFullYear();
  const inYear = (year: number): number =>
    Date.UTC(
      year,
      written.getUTCMonth(),
      written.getUTCDate(),
      written.getUTCHours(),
      written.getUTCMinutes(),
      written.getUTCSeconds(),
      written.getUTCMilliseconds(),
    );
  return [near - 1, near, near + 1].map(inYear).reduce((a, b) => (Math.abs(b - nearMs) < Math.abs(a - nearMs) ? b : a));
}

/** The day that brings a time without a date nearest to a known moment. */
function withDate(stamp: Stamp, nearMs: number): number {
  const day = 24 * HOUR_MS;
  const clock = ((stamp.ms % day) + day) % day;
  const midnight = Math.floor(nearMs / day) * day;
  return [midnight - day, midnight, midnight + day]
    .map((base) => base + clock)
    .reduce((a, b) => (Math.abs(b - nearMs) < Math.abs(a - nearMs) ? b : a));
}

/** A moment as a user writes it: ISO 8601, with a blank or a `T`, UTC unless it names an offset; `null` for anything else. */
export function momentNamed(text: string): number | null {
  const moment = DateTime.fromISO(text.trim().replace(' ', 'T'), { zone: 'utc' });
  return moment.isValid ? moment.toMillis() : null;
}

/** A week of people: Monday 00:00 to the next Monday 00:00 by the clocks of a zone; 167 or 169 hours long where they change. */
export interface WeekBounds {
  /** ISO 8601: `2026-W47`. */
  readonly week: string;
  /** Unix ms, inclusive. */
  readonly from: number;
  /** Unix ms, exclusive. */
  readonly to: number;
}

/** The ISO week that a moment is in, by the clocks of a zone: `2026-W47`. */
export function isoWeek(atMs: number, zone: Zone): string {
  const { weekYear, weekNumber } = DateTime.fromMillis(atMs, { zone: zone.name });
  return weekName(weekYear, weekNumber);
}

/**
 * When an ISO week begins and ends in a zone; `null` where there is no such week: not of the form `2026-W47`, or a 53rd week of a year
 * that has 52.
 */
export function weekBounds(week: string, zone: Zone): WeekBounds | null {
  const [, year = '', number = ''] = /^(\d{4})-W(\d{2})$/.exec(week) ?? [];
  const monday = DateTime.fromObject({ weekYear: Number(year), weekNumber: Number(number), weekday: 1 }, { zone: zone.name });
  if (year === '' || !monday.isValid) return null;
  return boundsFrom(monday);
}

/** The week that comes so many weeks after this one, before it where negative. */
export function weekAfter({ from }: WeekBounds, weeks: number, zone: Zone): WeekBounds {
  return boundsFrom(DateTime.fromMillis(from, { zone: zone.name }).plus({ weeks }));
}

function boundsFrom(monday: DateTime): WeekBounds {
  const { weekYear, weekNumber } = monday;
  // in some zones clocks change at midnight, and a Monday begins at 01:00
  const [from, to] = [monday.startOf('week'), monday.plus({ weeks: 1 }).startOf('week')];
  return { week: weekName(weekYear, weekNumber), from: from.toMillis(), to: to.toMillis() };
}

function weekName(year: number, number: number): string {
  return `${String(year).padStart(4, '0')}-W${String(number).padStart(2, '0')}`;
}

/** A moment by the clocks of a zone, to the minute: `2026-11-23 05:42`. */
export function wallTime(atMs: number, zone: Zone): string {
  return DateTime.fromMillis(atMs, { zone: zone.name }).toFormat('yyyy-MM-dd HH:mm');
}
