import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOverlapIndex, type Stretch } from '../../src/lib/overlap-index.ts';

const stretch = fc.tuple(fc.nat(50), fc.nat(50)).map(([a, b]): Stretch => ({ from: Math.min(a, b), to: Math.max(a, b) }));

test('an index finds what looking at every item finds, in the same order', () => {
  fc.assert(
    fc.property(fc.array(stretch), stretch, (items, asked) => {
      const overlapping = createOverlapIndex(items, (item) => item);
      expect(overlapping(asked)).toEqual(items.filter(({ from, to }) => from <= asked.to && to >= asked.from));
    }),
  );
});
