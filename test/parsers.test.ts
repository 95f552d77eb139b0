import { describe, expect, test } from 'vitest';
import type { ParsedEvent } from '../src/model/event.ts';
import { parsers } from '../src/parsers/index.ts';
import type { Parser, Sample } from '../src/parsers/parser.ts';
import { createScanner, literalStarts } from '../src/parsers/scan.ts';

/** What a parser makes of a text, as the analysis would see it. */
function scan(parser: Parser, text: string, vm: string | null): readonly ParsedEvent[] {
  const events: ParsedEvent[] = [];
  const scanner = createScanner(parser, { host: 'kvm-a', source: parser.source, path: 'sample', vm }, (event) =>
    events.push(event),
  );
  scanner.push(Buffer.from(text).toString('latin1'));
  scanner.end();
  return events;
}

function messageOf(parser: Parser, sample: Sample): string {
  parser.header.lastIndex = 0;
  parser.header.test(sample.record);
  return sample.record.slice(parser.header.lastIndex).replace(/\n+$/, '');
}

function matching(parser: Parser, sample: Sample): readonly string[] {
  const message = messageOf(parser, sample);
  return parser.rules.filter((rule) => rule.message.test(message)).map((rule) => rule.name);
}

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
      const message = rule.samples[0] === undefined ? '' : messageOf(parser, rule.samples[0]);
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

  describe.each(parser.rules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
    test('has a sample, an anchored pattern, and is looked up by its literal beginning', () => {
      expect(rule.samples.length).toBeGreaterThan(0);
      expect(rule.message.source, 'a message pattern begins with ^').toMatch(/^\^/);
      const starts = literalStarts(rule);
      const told = rule.starts !== undefined || starts.length > 0;
      expect(told, 'begin the pattern with four literal characters, or list its beginnings in `starts`').toBe(true);
      for (const start of starts) expect(start.length).toBeGreaterThanOrEqual(4);
    });

    test.each(rule.samples.map((sample) => [sample.record.slice(0, 120), sample] as const))('%s', (_text, sample) => {
      const events = scan(parser, sample.record, sample.vm ?? null);
      expect(events.map((event) => event.body)).toEqual(sample.events);
      for (const { stamp } of events) expect(stamp === null ? null : new Date(stamp.ms).toISOString()).toBe(sample.at);
      expect(matching(parser, sample)[0]).toBe(name);
    });
  });
});
