import { expect, test } from 'vitest';
import { quietTimers } from '../../src/lib/warnings.ts';

test('of all warnings that of negative timers alone is not told', () => {
  const told: unknown[][] = [];
  const warner = { emitWarning: (...warning: unknown[]) => void told.push(warning) };
  quietTimers(warner);
  warner.emitWarning('-1796093322789 is a negative number.', 'TimeoutNegativeWarning');
  warner.emitWarning('something else', 'OtherWarning', 'P001');
  warner.emitWarning('no kind');
  expect(told).toEqual([['something else', 'OtherWarning', 'P001'], ['no kind']]);
});
