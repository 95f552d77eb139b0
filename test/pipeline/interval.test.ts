import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atMost, contains, merged, overlaps, widened, type Interval } from '../../src/pipeline/interval.ts';

const intervals = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 5_000_000 }), fc.integer({ min: 0, max: 400_000 }))
    .map(([from, length]) => ({ from, to: from + length })),
  { maxLength: 40 },
);

function covers(all: readonly Interval[], at: number): boolean {
  return all.some((interval) => contains(interval, at));
}

test('what is merged covers all that went in, in the order of time, with room between', () => {
  fc.assert(
    fc.property(intervals, fc.integer({ min: 0, max: 100_000 }), (all, nearMs) => {
      const result = merged(all, nearMs);
      for (const { from, to } of all) expect(covers(result, from) && covers(result, to)).toBe(true);
      for (const [i, { from }] of result.slice(1).entries()) expect(from).toBeGreaterThan((result[i]?.to ?? 0) + nearMs);
    }),
  );
});

test('what is merged covers nothing that is not near to what went in', () => {
  fc.assert(
    fc.property(intervals, fc.integer({ min: 0, max: 6_000_000 }), (all, at) => {
      const wider = all.map((one) => widened(one, 500));
      expect(covers(wider, at) || !covers(merged(all, 1000), at)).toBe(true);
    }),
  );
});

test('no more intervals are left than are allowed, and none of what went in is lost', () => {
  fc.assert(
    fc.property(intervals, fc.integer({ min: 1, max: 10 }), (all, max) => {
      const result = atMost(all, max);
      expect(result.length).toBeLessThanOrEqual(max);
      for (const { from, to } of all) expect(result.some((one) => one.from <= from && one.to >= to)).toBe(true);
    }),
  );
});

test('two intervals that share one moment overlap, those that share none do not', () => {
  expect(overlaps({ from: 0, to: 10 }, { from: 10, to: 20 })).toBe(true);
  expect(overlaps({ from: 0, to: 9 }, { from: 10, to: 20 })).toBe(false);
});
