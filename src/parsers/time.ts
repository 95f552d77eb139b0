import type { Stamp } from '../model/source.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Year, month (1–12), day, hour, minute, second, ms; as written. */
type Fields = readonly [number, number, number, number, number, number, number];

function toMs([year, month, day, hour, minute, second, ms]: Fields): number | null {
  const clockMs = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
  return hour < 24 && minute < 60 && second < 61 ? validMs(dayMs(year, month, day) + clockMs) : null;
}

function validMs(ms: number): number | null {
  return Number.isNaN(ms) ? null : ms;
}

const DAY_MS = 86_400_000;
const POINT = 46;
const COMMA = 44;
/** What a digit of a fraction counts, by its place after the point. */
const FRACTION_MS = [0, 100, 10, 1];
/** Days of the Gregorian calendar from 1 March of the year 0 to 1 January 1970. */
const EPOCH_DAYS = 719_468;

/** Unix ms of the beginning of a day; NaN where there is no such day. By arithmetic, for it is asked for every record. */
function dayMs(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1)) return Number.NaN;
  // two digits are of the last century, as everywhere in JavaScript
  const full = year < 100 ? year + 1900 : year;
  if (day > 28 && day > new Date(Date.UTC(full, month, 0)).getUTCDate()) return Number.NaN;
  // a year that begins in March ends with the day that some years have more
  const years = month > 2 ? full : full - 1;
  const months = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return (years * 365 + leapDays + Math.floor((months * 153 + 2) / 5) + day - 1 - EPOCH_DAYS) * DAY_MS;
}

/** `2026-11-23 05:42:38,409`, `2026-11-23T04:51:36.752345Z`: digits at fixed places, a fraction of any length or none. */
export function isoStamp(text: string | undefined, clock: Stamp['clock']): Stamp | 'bad-time' {
  return text === undefined ? 'bad-time' : isoStampAt(text, clock, 0);
}

/** The same at a place within a text. */
export function isoStampAt(text: string, clock: Stamp['clock'], at: number): Stamp | 'bad-time' {
  const day = dayMs(digits(text, at, at + 4), digits(text, at + 5, at + 7), digits(text, at + 8, at + 10));
  const hour = digits(text, at + 11, at + 13);
  const minute = digits(text, at + 14, at + 16);
  const second = digits(text, at + 17, at + 19);
  if (!(hour < 24 && minute < 60 && second < 61)) return 'bad-time';
  const ms = day + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs(text, at + 19);
  return Number.isNaN(ms) ? 'bad-time' : { ms, clock, missing: 'nothing' };
}

/** The number that these places hold; places behind the end count as absent, anything but a digit makes it NaN. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to && i < text.length; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Milliseconds of a fraction that begins at this place with its point or comma; 0 where there is none. */
function fractionMs(text: string, at: number): number {
  const point = text.charCodeAt(at);
  if (point !== POINT && point !== COMMA) return 0;
  let ms = 0;
  for (let i = 1; i <= 3; i += 1) {
    const digit = text.charCodeAt(at + i) - 48;
    if (!(digit >= 0 && digit <= 9)) return ms;
    ms += digit * (FRACTION_MS[i] ?? 0);
  }
  return ms;
}

/** `Mon Nov 23 04:40:14 2026 106010 usec`, as `bridge -timestamp monitor` prints it, in local time. */
export function ctimeStamp(text: string | undefined): Stamp | 'bad-time' {
  const match = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d+) (\d\d):(\d\d):(\d\d) (\d{4})(?: (\d+) usec)?/.exec(text ?? '');
  if (match === null) return 'bad-time';
  const [, month = '', day, hour, minute, second, year, usec = '0'] = match;
  const ms = toMs([
    Number(year),
    MONTHS.indexOf(month) + 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    Math.floor(Number(usec) / 1000),
  ]);
  return ms === null ? 'bad-time' : { ms, clock: 'local', missing: 'nothing' };
}

/** `Nov 23 04:40:14`, the classic syslog time: local, without a year. */
export function syslogStamp(text: string | undefined): Stamp | 'bad-time' {
  const match = /^([A-Z][a-z]{2}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?/.exec(text ?? '');
  if (match === null) return 'bad-time';
  const [, month = '', day, hour, minute, second, fraction = '0'] = match;
  // a leap year, so that 29 February is a date
  const ms = toMs([
    2000,
    MONTHS.indexOf(month) + 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    Number(fraction.padEnd(3, '0')),
  ]);
  return ms === null ? 'bad-time' : { ms, clock: 'local', missing: 'year' };
}

/** `04:40:14.105923`, tcpdump without a date: local. */
export function clockStamp(text: string | undefined): Stamp | 'bad-time' {
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?$/.exec(text ?? '');
  if (match === null) return 'bad-time';
  const [, hour, minute, second, fraction = '0'] = match;
  const ms = toMs([2000, 1, 1, Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0'))]);
  return ms === null ? 'bad-time' : { ms, clock: 'local', missing: 'date' };
}
