import { expect, test } from 'vitest';
import { inParts } from '../../src/lib/in-parts.ts';
import { oneAhead } from '../../src/lib/one-ahead.ts';

test('each is prepared while the one before it is kept, and kept in turn', async () => {
  const told: string[] = [];
  await oneAhead([1, 2, 3], {
    async prepare(item) {
      told.push(`prepare ${item}`);
      return item;
    },
    async keep(item) {
      told.push(`keep ${item}`);
      await new Promise((resolve) => void setTimeout(resolve, 5));
      told.push(`kept ${item}`);
    },
  });
  expect(told).toEqual(['prepare 1', 'keep 1', 'prepare 2', 'kept 1', 'keep 2', 'prepare 3', 'kept 2', 'keep 3', 'kept 3']);
});

test.each(['prepare', 'keep'] as const)('a failure of %s ends it, when what is being kept has ended', async (where) => {
  const kept: number[] = [];
  const fail = (step: string, item: number): void => {
    if (step === where && item === 2) throw new Error(`${step} ${item}`);
  };
  const work = oneAhead([1, 2, 3], {
    async prepare(item) {
      fail('prepare', item);
      return item;
    },
    async keep(item) {
      await new Promise((resolve) => void setTimeout(resolve, 5));
      fail('keep', item);
      kept.push(item);
    },
  });
  await expect(work).rejects.toThrow(`${where} 2`);
  expect(kept).toEqual([1]);
});

test('parts hold consecutive items of at most so much, and a larger one alone', () => {
  const parts = (sizes: readonly number[]): readonly (readonly number[])[] => inParts(sizes, 10, (size) => size);
  expect(parts([])).toEqual([]);
  expect(parts([4, 6, 1, 20, 10, 0, 3])).toEqual([[4, 6], [1], [20], [10, 0], [3]]);
  expect(parts([0, 0, 11])).toEqual([[0, 0], [11]]);
});
