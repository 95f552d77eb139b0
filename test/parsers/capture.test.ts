import { expect, it } from 'vitest';
import { createCapture } from '../../src/parsers/capture.ts';

const patterns: readonly RegExp[] = [
  /^(?<vm>\S+) (?:waited (?<ms>\d+)|(ended) (?<how>\w+))$/,
  /^[(?<a>)]+(?<vm>\w+)(?<!x)(?=$)/,
  /^\((?<vm>[^)\]]+)\) \[(?<how>[\](]+)\]/,
  /(?<vm>i-\d+)(-VM)?/y,
];
const texts = ['i-2 waited 300', 'i-2 ended well', '(?<a>)word', '((ax', '(i-2) [](]', 'i-2-VM', 'a i-2-VM', ''];

it.each(patterns)('%s captures by number what it captures by name', (pattern) => {
  const capture = createCapture(pattern);
  for (const text of texts) {
    pattern.lastIndex = 0;
    const byName = pattern.exec(text)?.groups;
    expect(capture(text, {})).toEqual(byName === undefined ? null : { ...byName });
  }
});

it('each pattern captures something of some text', () => {
  for (const pattern of patterns) expect(texts.some((text) => createCapture(pattern)(text, {}) !== null)).toBe(true);
});

it('adds to what is there, its own groups first, and nothing where it does not match', () => {
  const capture = createCapture(/^(?<vm>\w+)(?: (?<time>\w+))?$/);
  expect(capture('a', { time: '10:00', level: 'info' })).toEqual({ vm: 'a', time: undefined, level: 'info' });
  const groups = { level: 'info' };
  expect(capture('-', groups)).toBeNull();
  expect(groups).toEqual({ level: 'info' });
});

it('refuses a pattern that refers back by name', () => {
  expect(() => createCapture(/(?<quote>["']).*\k<quote>/)).toThrow('referred to by its name');
});
