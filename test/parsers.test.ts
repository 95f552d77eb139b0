import { describe, expect, test } from 'vitest';
import type { EventBody } from '../src/model/event.ts';
import { parsers } from '../src/parsers/index.ts';
import { messageOf, problemsOf, sampleProblems, scanText } from '../src/parsers/samples.ts';
import { literalStarts } from '../src/parsers/scan.ts';

const HOSTILE_CHARS = 64 * 1024;
/** A pattern that looks at each character once takes well under a millisecond; one that goes back again and again, seconds. */
const HOSTILE_MS = 5;

/** Long texts that almost match: a sample cut at any of its words, then much of what may follow. */
function hostile(message: string): readonly string[] {
  const cuts = [...message.slice(0, 400).matchAll(/[\s=:,'"[\](){}]+/g)].map(({ index }) => message.slice(0, index + 1));
  const fillers = [' ', 'a', '0', 'a ', '0 ', ', ', "'", '"', '[', '(', '\n', 'a=0,', message.slice(-8), message];
  return ['', ...cuts, message].flatMap((prefix) => fillers.map((filler) => prefix.padEnd(HOSTILE_CHARS, filler || ' ')));
}

/** Ms of the quicker of two tries, so that a busy machine does not count; the second is spared where the first was quick. */
function matchMs(pattern: RegExp, text: string): number {
  const once = (): number => {
    pattern.lastIndex = 0;
    const began = performance.now();
    pattern.test(text);
    return performance.now() - began;
  };
  const first = once();
  return first < HOSTILE_MS ? first : Math.min(first, once(), once());
}

describe.each(parsers.map((parser) => [parser.source, parser] as const))('%s', (_source, parser) => {
  test('no pattern is slow on a line that almost matches', () => {
    const slow = parser.rules.flatMap((rule) => {
      const message = rule.samples[0] === undefined ? '' : (messageOf(parser, rule.samples[0].record) ?? '');
      return hostile(message).flatMap((text) => {
        const ms = Math.max(matchMs(rule.message, text), matchMs(parser.header, text));
        return ms < HOSTILE_MS ? [] : [`${rule.name}: ${ms.toFixed(1)} ms on ${JSON.stringify(text.slice(0, 80))}`];
      });
    });
    expect(slow).toEqual([]);
  });

  test('rule names are unique', () => {
    const names = parser.rules.map((rule) => rule.name);
    expect(
      names.filter((name, i) => names.indexOf(name) !== i),
      'two rules have these names',
    ).toEqual([]);
  });

  describe.each(parser.rules.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
    test('has a sample, an anchored pattern, and is looked up by its literal beginning', () => {
      expect(rule.samples.length).toBeGreaterThan(0);
      expect(rule.message.source, 'a message pattern begins with ^').toMatch(/^\^/);
      const starts = literalStarts(rule);
      const told = rule.starts !== undefined || starts.length > 0;
      expect(told, 'begin the pattern with four literal characters, or list its beginnings in `starts`').toBe(true);
      for (const start of starts) expect(start.length).toBeGreaterThanOrEqual(4);
    });

    test.each(rule.samples.map((sample) => [sample.record.slice(0, 120), sample] as const))('%s', (_text, sample) => {
      expect(scanText(parser, sample.record, sample.vm ?? null).events.map(({ body }) => body)).toEqual(sample.events);
      expect(problemsOf(parser, rule, sample)).toEqual([]);
    });
  });
});

const timed = parsers.flatMap(({ timeAt, ...parser }) => (timeAt === undefined ? [] : [[parser, timeAt] as const]));

test.each(timed)('$source: reads the same time in the text as in groups of its header', ({ header, time, rules }, timeAt) => {
  for (const { record } of rules.flatMap(({ samples }) => samples)) {
    header.lastIndex = 0;
    const groups = header.exec(record)?.groups ?? {};
    expect(timeAt(`behind ${record}`, 'behind '.length)).toEqual(time(groups));
  }
});

describe('the check of samples, which also runs in the field,', () => {
  const [parser] = parsers;
  const [rule] = parser?.rules ?? [];
  const [sample] = rule?.samples ?? [];
  if (parser === undefined || rule === undefined || sample === undefined) throw new Error('there is no parser to break');

  test('finds nothing wrong with what is right', () => {
    expect(sampleProblems(parser)).toEqual([]);
  });

  test.each([
    ['another event', { ...sample, events: [] }, /yields .* instead of \[\]/],
    ['a field too many', { ...sample, events: sample.events.map((event) => ({ ...event, more: 1 })) }, /yields .* instead of/],
    ['a field too few', { ...sample, events: sample.events.map(({ kind }) => ({ kind }) as EventBody) }, /yields .* instead of/],
    ['another time', { ...sample, at: '2000-01-01T00:00:00.000Z' }, /is of .* instead of 2000-01-01/],
    [
      'a record that the rule does not match',
      { ...sample, record: sample.record.replace(/migration/, 'x') },
      /is decided by the rule/,
    ],
  ])('finds %s', (_what, broken, problem) => {
    const [first] = problemsOf(parser, { ...rule, samples: [broken] }, broken).toReversed();
    expect(first?.what).toMatch(problem);
  });
});
