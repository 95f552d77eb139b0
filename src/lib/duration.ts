import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|min|h|d)$/;
const DURATION_WORDS = 'a number and a unit: 500ms, 1s, 10min, 24h or 30d';
const UNIT_MS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A span of time in a configuration, `10s`. */
export const duration = z.string({ error: DURATION_WORDS }).regex(DURATION, { error: DURATION_WORDS });

/** A span of time as people write it (`500ms`, `1s`, `10min`, `24h`, `30d`) → ms. */
export function durationMs(text: string): number {
  const [, amount = '', unit = 'ms'] = DURATION.exec(text) ?? [];
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
