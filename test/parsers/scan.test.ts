import { isAscii } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParsedEvent } from '../../src/model/event.ts';
import type { FileTally } from '../../src/model/input.ts';
import { cloudstackAgent } from '../../src/parsers/cloudstack-agent.ts';
import { parsers } from '../../src/parsers/index.ts';
import type { Parser } from '../../src/parsers/parser.ts';
import { createScanner } from '../../src/parsers/scan.ts';

interface Outcome {
  readonly events: readonly ParsedEvent[];
  readonly tally: FileTally;
}

/** Scans a text that arrives in these pieces; `known`: with what is known of each, that it is ASCII or is not. */
function scanPieces(parser: Parser, pieces: readonly string[], known = false): Outcome {
  const events: ParsedEvent[] = [];
  const file = { host: 'kvm-a', source: parser.source, path: 'sample', vm: null };
  const scanner = createScanner(parser, file, (event) => events.push(event));
  for (const piece of pieces) scanner.push(piece, known && isAscii(Buffer.from(piece)));
  return { events, tally: scanner.end() };
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Cuts a text at places given as parts of its length, in [0, 1). */
function cut(text: string, places: readonly number[]): readonly string[] {
  const at = places.map((place) => Math.floor(place * text.length)).toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => text.slice(from, at[index] ?? text.length));
}

const places = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 40 });

/** Some of a parser's samples in any order, now and then with rubbish between them or inside. */
function texts(parser: Parser): fc.Arbitrary<string> {
  const records = parser.rules.flatMap((rule) => rule.samples.map((sample) => sample.record));
  const rubbish = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('\n', '\r\n', '\n\n', ']', 'ü', '{"', '\0'),
  );
  const damaged = fc
    .tuple(fc.constantFrom(...records), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), rubbish)
    .map(([record, place, text]) => cut(record, [place]).join(text));
  const piece = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...records) }, { weight: 2, arbitrary: damaged }, rubbish);
  return fc.array(piece, { maxLength: 12 }).map((pieces) => bytesOf(pieces.join('\n')));
}

describe.each(parsers.map((parser) => [parser.source, parser] as const))('%s', (_source, parser) => {
  test('no text makes it throw, and every record has one outcome', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }).map(bytesOf), texts(parser)), (text) => {
        const { tally } = scanPieces(parser, [text]);
        const rejected = Object.values(tally.rejected).reduce((sum, count) => sum + count, 0);
        expect(tally.plain).toBeGreaterThanOrEqual(0);
        expect(tally.withEvents + tally.plain + rejected).toBe(tally.records);
      }),
    );
  });

  test('pieces of any size give what the whole text gives', () => {
    fc.assert(
      fc.property(texts(parser), places, (text, at) => {
        const whole = scanPieces(parser, [text]);
        expect(scanPieces(parser, cut(text, at))).toEqual(whole);
        expect(scanPieces(parser, cut(text, at), true)).toEqual(whole);
      }),
    );
  });

  test('all samples, cut at every byte or nowhere, give the same', () => {
    const all = bytesOf(parser.rules.flatMap((rule) => rule.samples.map((sample) => sample.record)).join('\n'));
    expect(scanPieces(parser, Array.from(all.slice(0, 20_000)))).toEqual(scanPieces(parser, [all.slice(0, 20_000)]));
  });

  test.each(['\0', '\0\0', 'x\r', '\r'])('errors of virsh behind %j, cut after any line, give the same', (before) => {
    const text = `${before}error: Domain not found\nerror: failed to get domain 'i-2-88-VM'\n`;
    expect(scanPieces(parser, text.split(/(?<=\n)/))).toEqual(scanPieces(parser, [text]));
  });

  test('an event says where its record stands', () => {
    const samples = parser.rules.flatMap((rule) => rule.samples.filter((sample) => sample.events.length > 0).slice(0, 1));
    const all = samples.map((sample) => sample.record).join('\n');
    const lines = all.split('\n');
    for (const { origin } of scanPieces(parser, [bytesOf(all)]).events) {
      const first = origin.text.split('\n', 1)[0] ?? '';
      expect(lines[origin.line - 1]?.startsWith(first)).toBe(true);
      expect(Buffer.from(all).subarray(origin.offset).toString().startsWith(first)).toBe(true);
    }
  });
});

test('a log covers the time of the records that have one, with others before and behind them', () => {
  const text = `char device redirected to /dev/pts/1 (label charserial0)
2026-11-23T04:00:00.000000Z qemu-kvm: warning: a
2026-11-23 04:00:01.000+0000: initiating migration
2026-11-23 04:00:02.000+0000: shutting down, reason=crashed
warning: old compression is deprecated; use multifd compression methods instead
`;
  const parser = parsers.find(({ source }) => source === 'libvirt-qemu');
  expect(parser).toBeDefined();
  if (parser === undefined) return;
  const { first, last } = scanPieces(parser, [text]).tally;
  expect([first, last].map((stamp) => new Date(stamp?.ms ?? 0).toISOString())).toEqual([
    '2026-11-23T04:00:00.000Z',
    '2026-11-23T04:00:02.000Z',
  ]);
});

describe('a step back of local time', () => {
  const line = (time: string): string => `${time},100 INFO  [cloud.agent.Agent] (main:null) (logid:) Nothing of interest\n`;

  /** Which of these records, in pieces of this size, come after a step back. */
  function stepsOf(times: readonly string[], size: number): readonly number[] {
    const text = times.map(line).join('');
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
    return scanPieces(cloudstackAgent, pieces).tally.stepsBack.map(({ offset }) => offset / line(times[0] ?? '').length);
  }

  test.each([
    ['an hour', ['2026-10-25 02:10:00', '2026-10-25 02:59:46', '2026-10-25 02:00:00', '2026-10-25 02:59:00'], [2]],
    ['half an hour, as on Lord Howe', ['2026-04-05 01:59:59', '2026-04-05 01:29:59'], [1]],
    ['shuffled lines', ['2026-10-25 02:10:00', '2026-10-25 02:09:58', '2026-10-25 02:10:01'], []],
    ['the next day', ['2026-10-24 03:10:00', '2026-10-25 02:05:00'], []],
    ['midnight', ['2026-10-24 23:59:00', '2026-10-25 00:01:00'], []],
  ])('%s', (_what, times, steps) => {
    for (const size of [1, 97, 10_000]) expect(stepsOf(times, size)).toEqual(steps);
  });
});

test('a record is cut at 1,000 characters, or before a character of two units that would be halved', () => {
  const record =
    cloudstackAgent.rules.flatMap(({ samples }) => samples.map((sample) => sample.record)).find((each) => each.length > 100) ??
    '';
  const cutTexts = [999, 1000].map((length) => {
    const { events } = scanPieces(cloudstackAgent, [bytesOf(`${record}\n${'x'.repeat(length - record.length - 1)}😀 and more`)]);
    return events[0]?.origin.text;
  });
  expect(cutTexts.map((text) => [text?.length, text?.at(-1)])).toEqual([
    [999, 'x'],
    [1000, 'x'],
  ]);
});
