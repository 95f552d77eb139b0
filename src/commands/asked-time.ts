import { AppError } from '../lib/errors.ts';
import { momentNamed } from '../timeline/zone.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** What the engine can hold. */
const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(2299, 11, 31);

/** How `--since` and `--until` may be written, for helps. */
export const TIME_HELP = '24h, 7d before now, or 2026-11-23T04:00 (UTC), or with an offset';

/**
 * A time as a user writes it: ISO 8601, UTC unless it names an offset, or so long before now. Unix ms.
 *
 * @throws AppError `usage`.
 */
export function timeNamed(option: string, text: string, now: number): number {
  const [, count = '', unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)\s*(s|min|m|h|d|w)$/.exec(text.trim()) ?? [];
  const ago = Number(count) * (UNIT_MS[unit] ?? 0);
  const moment = unit === '' ? momentNamed(text) : Math.round(now - ago);
  if (moment === null || moment < EARLIEST || moment > LATEST)
    throw new AppError('usage', `${option} ${text}: not a time`, { hint: `write it as ${TIME_HELP}` });
  return moment;
}
