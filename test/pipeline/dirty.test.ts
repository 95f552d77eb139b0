import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dirtyFrom, type DirtyCluster } from '../../src/pipeline/dirty.ts';
import { contains } from '../../src/pipeline/interval.ts';

const MOST_CHARS = 4000;
const everything = (): boolean => true;

function only(taken: readonly DirtyCluster[]): DirtyCluster {
  const [one] = taken;
  if (one === undefined || taken.length !== 1) throw new Error(`${taken.length} clusters taken`);
  return one;
}

test('what was taken stays in the note until it is done', () => {
  const dirty = dirtyFrom(null);
  dirty.add('c1', { from: 1000, to: 2000 }, 'urgent');
  const taken = only(dirty.take(everything));
  expect(dirtyFrom(dirty.note()).take(everything)).toEqual([taken]);
  expect(dirty.isEmpty()).toBe(false);
  dirty.done(taken, []);
  expect(dirty.isEmpty()).toBe(true);
  expect(dirty.note()).toBe('{}');
});

test('what could not be done is to be done again, and at once', () => {
  const dirty = dirtyFrom(null);
  dirty.add('c1', { from: 0, to: 5 }, 'background');
  dirty.failed(only(dirty.take(everything)));
  expect(only(dirty.take((_, urgency) => urgency === 'urgent')).intervals).toEqual([{ from: 0, to: 5 }]);
});

test('what remains of a long time waits in the note', () => {
  const dirty = dirtyFrom(null);
  dirty.add('c1', { from: 0, to: 1e7 }, 'urgent');
  dirty.done(only(dirty.take(everything)), [{ from: 0, to: 4e6 }]);
  expect(dirty.take((_, urgency) => urgency === 'urgent')).toEqual([]);
  expect(only(dirtyFrom(dirty.note()).take(everything)).intervals).toEqual([{ from: 0, to: 4e6 }]);
});

test('only what is chosen is taken', () => {
  const dirty = dirtyFrom(null);
  dirty.add('c1', { from: 0, to: 5 }, 'urgent');
  dirty.add('c1', { from: 1e6, to: 1e6 }, 'urgent');
  expect(only(dirty.take(({ from }) => from > 0)).intervals).toEqual([{ from: 1e6, to: 1e6 }]);
  expect(only(dirty.take(everything)).intervals).toEqual([{ from: 0, to: 5 }]);
});

describe('the note', () => {
  test('is never longer than a stream takes, and covers all that is to be done', () => {
    const added = fc.tuple(fc.string({ minLength: 1, maxLength: 60 }), fc.integer({ min: 1.7e12, max: 1.9e12 }));
    fc.assert(
      fc.property(fc.array(added, { minLength: 1, maxLength: 400 }), (all) => {
        const dirty = dirtyFrom(null);
        for (const [cluster, at] of all) dirty.add(cluster, { from: at, to: at }, 'urgent');
        expect(dirty.note().length).toBeLessThanOrEqual(MOST_CHARS);
        const again = dirtyFrom(dirty.note());
        const unnamed = again.takeUnnamed();
        const named = again.take(everything);
        for (const [cluster, at] of all) {
          const own = named.find((one) => one.cluster === cluster)?.intervals ?? [];
          expect([...unnamed, ...own].some((interval) => contains(interval, at))).toBe(true);
        }
      }),
    );
  });

  test('names a cluster whatever it is called', () => {
    const dirty = dirtyFrom(null);
    dirty.add('__proto__', { from: 1, to: 2 }, 'urgent');
    expect(dirtyFrom(dirty.note()).clusters()).toEqual(['__proto__']);
  });

  test('of a hundred thousand clusters names none of them', () => {
    const dirty = dirtyFrom(null);
    for (let i = 0; i < 100_000; i += 1) dirty.add(`forged-${i}`, { from: i, to: i }, 'urgent');
    expect(dirty.note().length).toBeLessThanOrEqual(MOST_CHARS);
    expect(dirtyFrom(dirty.note()).takeUnnamed()).toEqual([{ from: 0, to: 99_999 }]);
  });

  test('of something else is refused', () => {
    expect(() => dirtyFrom('[1]')).toThrow(/expected object/);
  });
});
