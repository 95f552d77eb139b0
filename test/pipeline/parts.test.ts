import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contains } from '../../src/pipeline/interval.ts';
import { PART_MS, partsOf } from '../../src/pipeline/parts.ts';

const DAY_MS = 24 * 3_600_000;
const intervals = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 20 * DAY_MS }), fc.integer({ min: 0, max: 2 * DAY_MS }))
    .map(([from, length]) => ({ from, to: from + length })),
  { minLength: 1, maxLength: 10 },
);

test('parts cover all times, in their order, none longer than a day', () => {
  fc.assert(
    fc.property(intervals, fc.integer({ min: 0, max: 40_000 }), (all, events) => {
      const stretches = Array.from({ length: 1100 }, (_, i) => ({ from: i * PART_MS, events }));
      const parts = partsOf(all, stretches);
      for (const { from, to } of all)
        for (const at of [from, to, (from + to) / 2]) expect(parts.some((part) => contains(part, Math.floor(at)))).toBe(true);
      for (const part of parts) expect(part.to - part.from).toBeLessThanOrEqual(DAY_MS);
      for (const [i, part] of parts.slice(1).entries()) expect(part.from).toBeGreaterThan(parts[i]?.to ?? 0);
    }),
  );
});

test('where much happened parts are short, where little did they are long', () => {
  const week = [{ from: 0, to: 7 * DAY_MS - 1 }];
  expect(partsOf(week, [])).toHaveLength(7);
  const busy = Array.from({ length: 7 * 48 }, (_, i) => ({ from: i * PART_MS, events: 15_000 }));
  expect(partsOf(week, busy)).toHaveLength(7 * 48);
});
