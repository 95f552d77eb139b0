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

function matching(parser: Parser, sample: Sample): readonly string[] {
  parser.header.lastIndex = 0;
  parser.header.test(sample.record);
  const message = sample.record.slice(parser.header.lastIndex).replace(/\n+$/, '');
  return parser.rules.filter((rule) => rule.message.test(message)).map((rule) => rule.name);
}

describe.each(parsers.map((parser) => [parser.source, parser] as const))('%s', (_source, parser) => {
  test('rule names are unique', () => {
    const names = parser.rules.map((rule) => rule.name);
    expect(new Set(names).size).toBe(names.length);
  });

  describe.each(parser.rules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
    test('has a sample, an anchored pattern, and is looked up by its literal beginning', () => {
      expect(rule.samples.length).toBeGreaterThan(0);
      expect(rule.message.source.startsWith('^')).toBe(true);
      for (const start of literalStarts(rule)) expect(start.length).toBeGreaterThanOrEqual(4);
    });

    test.each(rule.samples.map((sample) => [sample.record.slice(0, 120), sample] as const))('%s', (_text, sample) => {
      const events = scan(parser, sample.record, sample.vm ?? null);
      expect(events.map((event) => event.body)).toEqual(sample.events);
      for (const { stamp } of events) expect(stamp === null ? null : new Date(stamp.ms).toISOString()).toBe(sample.at);
      expect(matching(parser, sample)[0]).toBe(name);
    });
  });
});
