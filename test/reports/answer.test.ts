import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sqlAnswer } from '../../src/forensics/sql-answer.ts';
import type { Answer, Column, ColumnKind } from '../../src/model/answer.ts';
import { answerTable } from '../../src/reports/answer-table.ts';
import { answerCsv, answerJson } from '../../src/reports/answer-text.ts';

const AT = Date.UTC(2026, 10, 23, 4, 42, 33, 92);
const DAY = 86_400_000;

/** An answer of one row a list, its columns named `name:kind`. */
function answer(names: readonly string[], ...rows: readonly (readonly unknown[])[]): Answer {
  const columns = names.map((text): Column => {
    const [name = '', kind = 'text'] = text.split(':');
    return { name, kind: kind as ColumnKind };
  });
  return { columns, rows, truncated: false };
}

function table(of: Answer, width: number | null = null): readonly string[] {
  return answerTable(of, { width, color: false }).split('\n').slice(0, -1);
}

describe('a table', () => {
  test('says durations in words, numbers to the right, and what is not known as a dash', () => {
    const of = answer(['vm', 'downtimeMs:duration', 'iterations:number', 'rejectedShare:share', 'lastCelsius:number']);
    const rows = [
      ['i-2-1-VM', 92, 3, 0.0125, 38.85],
      ['i-2-10-VM', 76_000, 12, null, undefined],
    ];
    expect(table({ ...of, rows })).toEqual([
      'vm           downtime  iterations  rejected share  last °C',
      'i-2-1-VM        92 ms           3           1.3 %    38.85',
      'i-2-10-VM  1 min 16 s          12               –        –',
    ]);
  });

  test('says once that times are UTC, and what day it was where it was one', () => {
    expect(table(answer(['startedAt:time', 'vm'], [AT, 'a'], [AT - 3000, 'b']))).toEqual([
      '2026-11-23, times are UTC',
      'started   vm',
      '04:42:33  a',
      '04:42:30  b',
    ]);
    expect(table(answer(['at:time'], [AT], [AT - DAY]))).toEqual([
      '2026, times are UTC',
      'time',
      '11-23 04:42:33',
      '11-22 04:42:33',
    ]);
    expect(table(answer(['at:time'], [AT], [AT - 400 * DAY]))[0]).toBe('times are UTC');
  });

  test('has milliseconds where seconds do not tell rows apart', () => {
    expect(table(answer(['at:time'], [AT], [AT + 5]))).toEqual([
      '2026-11-23, times are UTC',
      'time',
      '04:42:33.092',
      '04:42:33.097',
    ]);
  });

  test('shows and does not obey what a log wrote', () => {
    const [, row = ''] = table(answer(['text'], ['\u001b[2Jgone\u202e\r']));
    expect(row).toBe('\\x1b[2Jgone\\u{202e}');
  });

  test('puts long text below its row where there is no room beside it', () => {
    const text = 'The clock of kvm-b is about 12.1 s ahead of that of kvm-a, so that nothing else can be told of it.';
    expect(table(answer(['vm', 'summary'], ['i-2-10-VM', text]), 40)).toEqual([
      'vm',
      'i-2-10-VM',
      '    The clock of kvm-b is about 12.1 s',
      '    ahead of that of kvm-a, so that',
      '    nothing else can be told of it.',
    ]);
    expect(table(answer(['vm', 'summary'], ['i-2-10-VM', text]), 70)).toEqual([
      'vm         summary',
      'i-2-10-VM  The clock of kvm-b is about 12.1 s ahead of that of kvm-a,',
      '           so that nothing else can be told of it.',
    ]);
  });

  test('names the columns for which there is no room', () => {
    const of = answer(['vm', 'cause', 'iterations:number', 'whereHost'], ['i-2-10-VM', null, 3, 'kvm-b']);
    expect(table(of, 22)).toEqual([
      'vm         iterations',
      'i-2-10-VM           3',
      'not shown at this',
      'width: cause, where',
      'host (--format json',
      'has all)',
    ]);
  });

  test('is whole where nothing watches: one line a row', () => {
    const lines = table(answer(['vm', 'text'], ['a', 'x '.repeat(500).trim()], ['b', 'one\ntwo']));
    expect(lines).toHaveLength(3);
    expect(lines[1]).toHaveLength(4 + 999);
    expect(lines[2]).toBe('b   one …');
  });

  test('is never wider than its screen', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constant(null), fc.array(fc.nat()));
    const number = fc.oneof(fc.constant(null), fc.integer(), fc.double({ min: -1e9, max: 1e9, noNaN: true }));
    const kind = fc.constantFrom<ColumnKind>('text', 'number', 'duration', 'share');
    const column = fc.record({ name: fc.stringMatching(/^[a-z]{1,20}$/), kind });
    const shape = fc.array(column, { minLength: 1, maxLength: 8 }).chain((columns) =>
      fc.record({
        columns: fc.constant(columns),
        rows: fc.array(fc.tuple(...columns.map((one) => (one.kind === 'text' ? text : number))), { minLength: 1, maxLength: 5 }),
        truncated: fc.constant(false),
      }),
    );
    fc.assert(
      fc.property(shape, fc.integer({ min: 60, max: 200 }), (of, width) => {
        expect(table(of, width).filter((line) => Array.from(line).length > width)).toEqual([]);
      }),
    );
  });
});

describe('JSON and CSV', () => {
  const of = answer(
    ['startedAt:time', 'vm', 'downtimeMs:duration', 'a', 'b:number'],
    [AT, 'say "hi",\r\nthen go', 92.5, [1, 'x'], null],
    [null, '', 0, null, 1],
  );

  test('JSON has exact values under their names, and times in ISO 8601', () => {
    expect(JSON.parse(answerJson(of))).toEqual([
      { startedAt: '2026-11-23T04:42:33.092Z', vm: 'say "hi",\r\nthen go', downtimeMs: 92.5, a: [1, 'x'], b: null },
      { startedAt: null, vm: '', downtimeMs: 0, a: null, b: 1 },
    ]);
    expect(answerJson(answer(['a']))).toBe('[]\n');
  });

  test('CSV is that of RFC 4180', () => {
    expect(answerCsv(of)).toBe(
      'startedAt,vm,downtimeMs,a,b\r\n2026-11-23T04:42:33.092Z,"say ""hi"",\r\nthen go",92.5,"[1,""x""]",\r\n,,0,,1\r\n',
    );
  });
});

test('what SQL gives is typed by what the engine says of it', () => {
  const columns = [
    ['a', 'LowCardinality(Nullable(String))'],
    ['b', 'Nullable(UInt64)'],
    ['c', "DateTime64(3, 'UTC')"],
    ['d', 'DateTime'],
    ['e', "DateTime64(6, 'UTC')"],
    ['f', "DateTime('Europe/Berlin')"],
    ['g', 'Decimal(9, 2)'],
    ['h', 'Array(UInt8)'],
  ].map(([name = '', type = '']) => ({ name, type }));
  const time = '2026-11-23 04:42:33';
  const { columns: kinds, rows } = sqlAnswer({
    columns,
    rows: [['x', 1, `${time}.092`, time, `${time}.092000`, time, 1.5, [1]]],
    truncated: false,
  });
  expect(kinds.map(({ kind }) => kind)).toEqual(['text', 'number', 'time', 'time', 'text', 'text', 'number', 'text']);
  expect(rows).toEqual([['x', 1, AT, AT - 92, `${time}.092000`, time, 1.5, [1]]]);
});
