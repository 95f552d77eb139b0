/** From here on hours are counted in days. */
const IN_DAYS_MINUTES = 48 * 60;

/** A duration as a person says it: `45 ms`, `5.4 s`, `2 min 10 s`, `1 h 5 min`, `7 d 18 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? trim(seconds, 1) : trim(seconds, seconds < 20 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return joined([Math.floor(whole / 60), 'min'], [whole % 60, 's']);
  const minutes = Math.round(whole / 60);
  if (minutes <= IN_DAYS_MINUTES) return joined([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min']);
  const hours = Math.round(minutes / 60);
  return joined([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
}

function joined([a, unitA]: readonly [number, string], [b, unitB]: readonly [number, string]): string {
  return b === 0 ? `${a} ${unitA}` : `${a} ${unitA} ${b} ${unitB}`;
}

/** Bytes of memory: `512 MiB`, `1.5 GiB`. */
export function bytes(count: number): string {
  const mib = count / 2 ** 20;
  if (mib < 1) return `${Math.round(count / 1024)} KiB`;
  return mib < 1024 ? `${trim(mib, mib < 10 ? 1 : 0)} MiB` : `${trim(mib / 1024, 1)} GiB`;
}

/** A rate: `25.2 MB/s`, `1.2 GB/s`. */
export function rate(bytesPerSecond: number): string {
  const mb = bytesPerSecond / 1e6;
  return mb < 1000 ? `${trim(mb, mb < 100 ? 1 : 0)} MB/s` : `${trim(mb / 1000, 1)} GB/s`;
}

/** `1 pass`, `3 passes`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and c`; of more than `most` the last ones are counted: `a, b and 3 more`. */
export function listed(names: readonly string[], most = Number.POSITIVE_INFINITY): string {
  const shown = names.length > most ? [...names.slice(0, most - 1), `${names.length - most + 1} more`] : names;
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

/** A number with at most so many decimals, none where they are zero. */
function trim(value: number, decimals: number): string {
  return String(Number(value.toFixed(decimals)));
}

/** An instant as ISO 8601 in UTC with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** The instant of a time in ISO 8601, Unix ms. */
export function isoMs(text: string): number {
  return Date.parse(text);
}

/** An instant in UTC to the second, for people: `2026-11-23 04:51:18`. */
export function secondOf(ms: number): string {
  return isoTime(ms).slice(0, 19).replace('T', ' ');
}

/** The time of day of an instant, in UTC: `04:51:18`. */
export function clockTime(ms: number): string {
  return isoTime(ms).slice(11, 19);
}
