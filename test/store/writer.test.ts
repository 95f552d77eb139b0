import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { LINE_OUTCOMES } from '../../src/store/chunk-rows.ts';
import type { Store } from '../../src/store/store.ts';
import { createWriter } from '../../src/store/writer.ts';
import { AT, readChunk } from './read-chunk.ts';
import { STORES, type TemporaryStore } from './temporary-store.ts';

describe.each(STORES)('$name', ({ open }) => {
  let temporary: TemporaryStore;

  beforeAll(async () => {
    temporary = await open();
  }, 60_000);
  afterAll(() => temporary.remove());

  describe('lines', { timeout: 30_000 }, () => {
    it('every line is there once, with its offset, number, time and outcome, however often its chunk comes', async () => {
      const { store } = temporary;
      const writer = createWriter(store);
      const text = LINE_OUTCOMES.map((outcome, index) => `${outcome} é ${'x'.repeat(index)}`).join('\n');
      const read = readChunk(`${text}\n`, { outcomes: [...LINE_OUTCOMES], in: { fileId: 'once', offset: 1000, line: 70 } });
      await writer.writeBatch({ chunks: [read], events: [] });
      await writer.writeBatch({ chunks: [read], events: [] });
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
      const read = readChunk(bytes, { in: { fileId: 'bytes' } });
      await createWriter(store).writeBatch({ chunks: [read], events: [] });
      const rows = await store.query<{ readonly hex: string }>(
        "SELECT hex(text) AS hex FROM lines FINAL WHERE file_id = 'bytes' ORDER BY offset",
      );
      expect(Buffer.from(rows.map(({ hex }) => hex).join('0A'), 'hex')).toEqual(bytes);
    });

    it('quotes, commas and line breaks in the names of a file, and an empty text, are kept', async () => {
      const { store } = temporary;
      const path = '/a "b",\\n\n,c\\';
      const chunks = [
        readChunk('\n', { in: { fileId: '"', path, vm: "v'1" } }),
        readChunk('"\n', { in: { fileId: '"', path, offset: 1 } }),
      ];
      await createWriter(store).writeBatch({ chunks, events: [] });
      const rows = await store.query("SELECT path, vm, text FROM lines FINAL WHERE file_id = '\"' ORDER BY offset");
      expect(rows).toEqual([
        { path, vm: "v'1", text: '' },
        { path, vm: '', text: '"' },
      ]);
    });

    it('a file of ten years goes in at once, each line in its week', async () => {
      const { store } = temporary;
      const at = Array.from({ length: 300 }, (_, index) => AT - index * 12 * 86_400_000);
      const chunks = [readChunk('x\n'.repeat(300), { at, in: { fileId: 'old' } })];
      // those older than the days of the table go with the next merge; the engine's limit of 100 partitions must not refuse them
      await expect(createWriter(store).writeBatch({ chunks, events: [] })).resolves.toMatchObject({ lines: 300 });
      const newest = await store.query<{ readonly at: number }>(
        "SELECT toUnixTimestamp64Milli(max(at)) AS at FROM lines WHERE file_id = 'old'",
      );
      expect(newest).toEqual([{ at: AT }]);
    });

    it('a chunk whose times do not fit its lines is a bug, and nothing of it is written', async () => {
      const { store } = temporary;
      const read = readChunk('a\nb\n', { at: [AT], in: { fileId: 'bug' } });
      await expect(createWriter(store).writeBatch({ chunks: [read], events: [] })).rejects.toThrow('2 lines, but 1 times');
      expect(await store.query("SELECT * FROM ranges WHERE file_id = 'bug'")).toEqual([]);
    });
  });

  describe('what belongs to chunks', { timeout: 30_000 }, () => {
    it('rejected records and the range of the chunk are there once, with the counts of records', async () => {
      const { store } = temporary;
      const read = readChunk('ok\nbad {\n more\nok\n  at java\nodd', {
        outcomes: ['events', 'bad-json', 'continued', 'plain', 'continued', 'no-header'],
        in: { fileId: 'counts', offset: 100, line: 9 },
      });
      const writer = createWriter(store);
      const written = await writer.writeBatch({ chunks: [read], events: [] });
      await writer.writeBatch({ chunks: [read], events: [] });
      expect(written).toEqual({ lines: 6, events: 0, samples: 0, host_facts: 0, rejected: 2, ranges: 1 });
      expect(
        await store.query("SELECT offset, line, reason, text FROM rejected FINAL WHERE file_id = 'counts' ORDER BY offset"),
      ).toEqual([
        { offset: 103, line: 11, reason: 'bad-json', text: 'bad {\n more' },
        { offset: 128, line: 15, reason: 'no-header', text: 'odd' },
      ]);
      expect(
        await store.query(
          "SELECT from_offset, to_offset, from_line, to_line, records, with_events, plain, rejected FROM ranges FINAL WHERE file_id = 'counts'",
        ),
      ).toEqual([
        { from_offset: 100, to_offset: 131, from_line: 9, to_line: 14, records: 4, with_events: 1, plain: 1, rejected: 2 },
      ]);
    });
  });

  describe('errors', { timeout: 30_000 }, () => {
    function failing(errors: readonly AppError[]): { readonly store: Store; readonly tries: () => number } {
      let tries = 0;
      const store: Store = {
        ...temporary.store,
        async insertBytes(rows) {
          if (rows.table !== 'line_blocks') return temporary.store.insertBytes(rows);
          const error = errors[tries];
          tries += 1;
          if (error !== undefined) throw error;
          await temporary.store.insertBytes(rows);
        },
      };
      return { store, tries: () => tries };
    }
    const batch = { chunks: [readChunk('a\n', { in: { fileId: 'retry' } })], events: [] };
    const passing = new AppError('store', 'busy', { retriable: true });
    const lasting = new AppError('store', 'broken', { retriable: false });

    it('what may pass is tried again, a little later each time', async () => {
      const waits: number[] = [];
      const { store } = failing([passing, passing, passing]);
      const wait = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
      await createWriter(store, { wait }).writeBatch(batch);
      expect(waits).toEqual([100, 200, 400]);
    });

    it('what will not pass is not', async () => {
      const { store, tries } = failing([lasting]);
      await expect(createWriter(store).writeBatch(batch)).rejects.toBe(lasting);
      expect(tries()).toBe(1);
    });

    it('nothing is tried beyond the budget', async () => {
      let now = 0;
      const wait = (ms: number): Promise<void> => Promise.resolve(void (now += ms));
      const { store, tries } = failing(Array.from({ length: 100 }, () => passing));
      await expect(createWriter(store, { wait, now: () => now, budgetMs: 1_000 }).writeBatch(batch)).rejects.toBe(passing);
      expect(tries()).toBe(4);
    });
  });
});
