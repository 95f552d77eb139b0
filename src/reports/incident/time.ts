import { clockTime, secondOf } from '../../lib/units.ts';

/** `2026-11-23`, of an instant in UTC. */
export function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** Whether a report has to say dates: what it covers is not within one day. */
export function spansDays({ from, to }: { readonly from: number | null; readonly to: number | null }): boolean {
  return from !== null && to !== null && day(from) !== day(to);
}

/** `04:42:33`, with its date where the report spans days. */
export function moment(at: number, withDate: boolean): string {
  return withDate ? secondOf(at) : clockTime(at);
}

/** `04:42:33`, or `11-23 04:42:33` in a column. */
export function shortMoment(at: number, withDate: boolean): string {
  return moment(at, withDate).replace(/^\d{4}-/, '');
}

/** `04:42:33.092`. */
export function precise(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

/** `2026-11-23 04:42:24 to 04:42:42`; the second date only where it is another one. */
export function span(from: number, to: number): string {
  return `${moment(from, true)} to ${moment(to, day(from) !== day(to))}`;
}

/** `04:42:33 to 04:42:38`, or one instant where both are within a second. */
export function stretch(from: number, to: number, withDate: boolean): string {
  return Math.abs(to - from) < 1000
    ? moment(to, withDate)
    : `${moment(from, withDate)} to ${moment(to, withDate && day(from) !== day(to))}`;
}

/** `+5.3 s`, `-0.1 s`, `+2 min 7 s`, `+1 h 0 min 5 s`. */
export function relative(ms: number): string {
  const sign = ms < 0 ? '-' : '+';
  const seconds = Math.abs(ms) / 1000;
  if (seconds < 99.95) return `${sign}${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const hours = whole < 3600 ? '' : `${Math.floor(whole / 3600)} h `;
  return `${sign}${hours}${Math.floor(whole / 60) % 60} min ${whole % 60} s`;
}
