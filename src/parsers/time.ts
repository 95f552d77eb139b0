import type { Stamp } from '../model/source.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Year, month (1–12), day, hour, minute, second, ms; as written. */
type Fields = readonly [number, number, number, number, number, number, number];

function toMs([year, month, day, hour, minute, second, ms]: Fields): number | null {
  if (!(month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 61)) return null;
  if (day > 28 && day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return null;
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

/** `2026-11-23 05:42:38,409`, `2026-11-23T04:51:36.752345Z`: digits at fixed places, a fraction of any length or none. */
export function isoStamp(text: string | undefined, clock: Stamp['clock']): Stamp | 'bad-time' {
  if (text === undefined) return 'bad-time';
  const at = (from: number, to: number): number => digits(text, from, to);
  const ms = toMs([at(0, 4), at(5, 7), at(8, 10), at(11, 13), at(14, 16), at(17, 19), fractionMs(text, 19)]);
  return ms === null || Number.isNaN(ms) ? 'bad-time' : { ms, clock, missing: 'nothing' };
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
  if (text[at] !== '.' && text[at] !== ',') return 0;
  let ms = 0;
  for (let i = 1; i <= 3; i += 1) {
    const digit = text.charCodeAt(at + i) - 48;
    if (!(digit >= 0 && digit <= 9)) return ms;
    ms += digit * 10 ** (3 - i);
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
