import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINE_OUTCOMES, type ReadChunk } from '../../src/store/chunk-rows.ts';
import { createWriter } from '../../src/store/writer.ts';
import { temporaryStore, type TemporaryStore } from './temporary-store.ts';

const AT = Date.UTC(2026, 10, 23, 10);
let temporary: TemporaryStore;

beforeAll(async () => {
  temporary = await temporaryStore();
}, 60_000);
afterAll(() => temporary.remove());

function chunk(text: string | Uint8Array, part: Partial<ReadChunk> = {}): ReadChunk {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const lines = Buffer.from(bytes).toString('latin1').replace(/\n$/, '').split('\n').length;
  return {
    header: {
      cluster: 'c1',
      host: 'kvm-a',
      source: 'cloudstack-agent',
      path: '/var/log/agent.log',
      fileId: 'f1',
      vm: null,
      offset: 0,
      line: 0,
      zone: 'UTC',
      observedAt: AT + 500,
    },
    bytes,
    at: Array.from({ length: lines }, (_, index) => AT + index),
    outcomes: Array.from({ length: lines }, () => 'plain' as const),
    firstAt: AT,
    lastAt: AT,
    ...part,
  };
}

describe('lines', () => {
  it('every line is there once, with its offset, number, time and outcome, however often its chunk comes', async () => {
    const { store } = temporary;
    const writer = createWriter(store);
    const text = LINE_OUTCOMES.map((outcome, index) => `${outcome} é ${'x'.repeat(index)}`).join('\n');
    const read = chunk(`${text}\n`, { outcomes: [...LINE_OUTCOMES] });
    const moved = { ...read, header: { ...read.header, fileId: 'once', offset: 1000, line: 70 } };
    await writer.writeBatch({ chunks: [moved], events: [] });
    await writer.writeBatch({ chunks: [moved], events: [] });
    const rows = await store.query(
      "SELECT offset, line, toUnixTimestamp64Milli(at) AS at, toUnixTimestamp64Milli(observed_at) AS observed, outcome, text FROM lines FINAL WHERE file_id = 'once' ORDER BY offset",
    );
    let offset = 1000;
    const expected = text.split('\n').map((line, index) => {
      const row = { offset, line: 71 + index, at: AT + index, observed: AT + 500, outcome: LINE_OUTCOMES[index], text: line };
      offset += Buffer.byteLength(line) + 1;
      return row;
    });
    expect(rows).toEqual(expected);
  });

  it('bytes that are no UTF-8, carriage returns, NULs, quotes and empty lines survive', async () => {
    const { store } = temporary;
    const bytes = Buffer.concat([
      Buffer.from('a\r\n\n"\'\\ \t{x: String}\n'),
      Buffer.from([0xff, 0xfe, 0, 0x80, 10]),
      Buffer.from('end'),
    ]);
    const read = chunk(bytes);
    const moved = { ...read, header: { ...read.header, fileId: 'bytes' } };
    await createWriter(store).writeBatch({ chunks: [moved], events: [] });
    const rows = await store.query<{ readonly hex: string }>(
      "SELECT hex(text) AS hex FROM lines FINAL WHERE file_id = 'bytes' ORDER BY offset",
    );
    expect(Buffer.from(rows.map(({ hex }) => hex).join('0A'), 'hex')).toEqual(bytes);
  });
});
