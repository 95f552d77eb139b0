import { expect, test } from 'vitest';
import { duration } from '../../src/lib/units.ts';

test.each([
  [45, '45 ms'],
  [5400, '5.4 s'],
  [130_000, '2 min 10 s'],
  [3_900_000, '1 h 5 min'],
  [7_199_600, '2 h'],
  [48 * 3_600_000, '48 h'],
  [671_400_000, '7 d 19 h'],
  [72_000 * 3_600_000, '3000 d'],
])('%i ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});
