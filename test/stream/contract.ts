import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Batch, Consumer, Consumption, PlacedMessage, Stream, StreamMessage } from '../../src/stream/stream.ts';

/** A place where messages are kept, for one test. */
export interface StreamBed {
  /** Another stream over the same messages, as another part of the deployment would open it. */
  open(): Promise<Stream>;
  /** Closes all that were opened and removes what they kept. */
  remove(): Promise<void>;
}

/** Long enough for a loaded machine; a condition that holds sooner ends the wait. */
export const PATIENCE = { timeout: 8_000, interval: 5 };

/** A message of a key whose value is text. */
export function message(key: string, text: string): StreamMessage {
  return { key, headers: {}, value: Buffer.from(text) };
}

export function textOf({ value }: StreamMessage): string {
  return Buffer.from(value).toString();
}

/** A consumer that keeps what it is given, and everything it was told, in order. */
export interface Recorder {
  readonly consumer: Consumer;
  readonly messages: readonly PlacedMessage[];
  readonly batches: readonly Batch[];
  readonly told: readonly string[];
  readonly failures: readonly unknown[];
  texts(): readonly string[];
}

/** Consumes and keeps. A note is the number of messages kept so far, unless `handle` says otherwise. */
export async function record(stream: Stream, consumption: Partial<Consumption> & Pick<Consumption, 'topic'>): Promise<Recorder> {
  const messages: PlacedMessage[] = [];
  const batches: Batch[] = [];
  const told: string[] = [];
  const failures: unknown[] = [];
  const consumer = await stream.consume({
    group: 'readers',
    maxBytes: 2 ** 20,
    async assigned(partition, note) {
      told.push(`assigned ${partition} ${note}`);
    },
    async revoked(partition) {
      told.push(`revoked ${partition}`);
    },
    failed(error) {
      failures.push(error);
    },
    ...consumption,
    async handle(batch) {
      const note = await consumption.handle?.(batch);
      batches.push(batch);
      messages.push(...batch.messages);
      return note ?? `read ${messages.length}`;
    },
  });
  return { consumer, messages, batches, told, failures, texts: () => messages.map(textOf) };
}

/** What every stream promises. `createBed` makes an empty bed whose topics have so many partitions. */
export function streamContract(name: string, createBed: (partitions: number) => Promise<StreamBed>): void {
  describe(`${name} alone`, () => {
    let bed: StreamBed;
    let stream: Stream;

    beforeEach(async () => {
      bed = await createBed(1);
      stream = await bed.open();
    });

    afterEach(async () => {
      await bed.remove();
    });

    test('messages arrive whole, in the order in which they were sent, with offsets from 0', async () => {
      const before = Date.now();
      const producer = await stream.producer();
      await producer.send('t', [
        message('a', 'one'),
        { key: 'b', headers: { host: 'kvm1', zone: 'Süd' }, value: Buffer.alloc(0) },
      ]);
      await producer.send('t', [message('a', 'two')]);
      const { messages } = await record(stream, { topic: 't' });
      await vi.waitFor(() => expect(messages).toHaveLength(3), PATIENCE);
      expect(messages.map(({ key, headers, offset }) => ({ key, headers, offset }))).toEqual([
        { key: 'a', headers: {}, offset: 0 },
        { key: 'b', headers: { host: 'kvm1', zone: 'Süd' }, offset: 1 },
        { key: 'a', headers: {}, offset: 2 },
      ]);
      expect(messages.map(textOf)).toEqual(['one', '', 'two']);
      for (const { storedAt } of messages) expect(storedAt).toBeGreaterThanOrEqual(before - 1);
      for (const { storedAt } of messages) expect(storedAt).toBeLessThanOrEqual(Date.now());
    });

    test('values of any bytes and of several MiB come back as they were', async () => {
      const values = [1, 511, 2_000, 4_096, 262_144, 3_000_001].map((size) => noise(size));
      const zeros = Buffer.alloc(5 * 2 ** 20);
      const producer = await stream.producer();
      for (const value of [...values, zeros]) await producer.send('t', [{ key: 'k', headers: {}, value }]);
      const { messages } = await record(stream, { topic: 't', maxBytes: 100 });
      await vi.waitFor(() => expect(messages).toHaveLength(values.length + 1), PATIENCE);
      for (const [index, value] of [...values, zeros].entries()) {
        expect(Buffer.compare(Buffer.from(messages[index]?.value ?? []), value)).toBe(0);
      }
    });

    test('sends that are not awaited keep their order', async () => {
      const producer = await stream.producer();
      const sizes = Array.from({ length: 60 }, (_, index) => (index % 7 === 0 ? 300_000 : 10));
      await Promise.all(sizes.map((size, index) => producer.send('t', [message('k', `${index} ${'x'.repeat(size)}`)])));
      const { messages, texts } = await record(stream, { topic: 't' });
      await vi.waitFor(() => expect(messages).toHaveLength(sizes.length), PATIENCE);
      expect(texts().map((text) => Number.parseInt(text, 10))).toEqual(sizes.map((_, index) => index));
    });

    test('a batch holds consecutive messages of at most maxBytes, and one larger message alone', async () => {
      const producer = await stream.producer();
      await producer.send(
        't',
        [40, 40, 40, 500, 10, 90].map((size) => message('k', 'x'.repeat(size))),
      );
      const { batches, messages } = await record(stream, { topic: 't', maxBytes: 100 });
      await vi.waitFor(() => expect(messages).toHaveLength(6), PATIENCE);
      for (const batch of batches) {
        const total = batch.messages.reduce((sum, { value }) => sum + value.byteLength, 0);
        expect(total <= 100 || batch.messages.length === 1).toBe(true);
      }
      expect(messages.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
    });

    test('what one stream sends, another reads', async () => {
      const other = await bed.open();
      const { texts } = await record(other, { topic: 't' });
      await (await stream.producer()).send('t', [message('k', 'hello')]);
      await vi.waitFor(() => expect(texts()).toEqual(['hello']), PATIENCE);
    });

    test('a group goes on where it committed, and gets the note that it committed', async () => {
      const producer = await stream.producer();
      await producer.send('t', [message('k', 'one'), message('k', 'two')]);
      const first = await record(stream, { topic: 't' });
      await vi.waitFor(() => expect(first.texts()).toEqual(['one', 'two']), PATIENCE);
      await first.consumer.stop();
      await producer.send('t', [message('k', 'three')]);
      const second = await record(await bed.open(), { topic: 't' });
      await vi.waitFor(() => expect(second.texts()).toEqual(['three']), PATIENCE);
      expect(first.told).toEqual(['assigned 0 null', 'revoked 0']);
      expect(second.told).toEqual(['assigned 0 read 2']);
    });

    test('a note of 4,000 characters is kept', async () => {
      const note = `${'ä"\n'.repeat(1_333)}.`;
      await (await stream.producer()).send('t', [message('k', 'one')]);
      const first = await record(stream, { topic: 't', handle: async () => note });
      await vi.waitFor(() => expect(first.messages).toHaveLength(1), PATIENCE);
      await first.consumer.stop();
      const second = await record(stream, { topic: 't' });
      await vi.waitFor(() => expect(second.told).toEqual([`assigned 0 ${note}`]), PATIENCE);
    });

    test('a note can be replaced between batches, and the offset stays', async () => {
      await (await stream.producer()).send('t', [message('k', 'one')]);
      const first = await record(stream, { topic: 't' });
      await vi.waitFor(async () => expect((await stream.positions('t', 'readers'))[0]?.committed).toBe(1), PATIENCE);
      await first.consumer.note(0, 'another');
      await first.consumer.note(7, 'of a partition that is not there');
      await first.consumer.stop();
      expect((await stream.positions('t', 'readers'))[0]?.committed).toBe(1);
      const second = await record(stream, { topic: 't' });
      await vi.waitFor(() => expect(second.told).toEqual(['assigned 0 another']), PATIENCE);
    });

    test('a batch that was not handled comes again, after a pause, and its failure is told', async () => {
      await (await stream.producer()).send('t', [message('k', 'one')]);
      const attempts: number[] = [];
      const { texts, failures } = await record(stream, {
        topic: 't',
        async handle() {
          attempts.push(performance.now());
          if (attempts.length < 3) throw new Error(`attempt ${attempts.length}`);
          return '';
        },
      });
      await vi.waitFor(() => expect(texts()).toEqual(['one']), PATIENCE);
      expect(failures.map(String)).toEqual(['Error: attempt 1', 'Error: attempt 2']);
      expect((attempts[1] ?? 0) - (attempts[0] ?? 0)).toBeGreaterThanOrEqual(50);
    });

    test('what was not handled when a consumer stopped comes to the next', async () => {
      await (await stream.producer()).send('t', [message('k', 'one')]);
      const failing = await record(stream, { topic: 't', handle: () => Promise.reject(new Error('no')) });
      await vi.waitFor(() => expect(failing.failures.length).toBeGreaterThan(0), PATIENCE);
      await failing.consumer.stop();
      expect(failing.told).toEqual(['assigned 0 null', 'revoked 0']);
      const { texts } = await record(stream, { topic: 't' });
      await vi.waitFor(() => expect(texts()).toEqual(['one']), PATIENCE);
    });

    test('stop lets the batch in hand end and commits it, and nothing is handled after it', async () => {
      const producer = await stream.producer();
      await producer.send('t', [message('k', 'one')]);
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const begun: string[] = [];
      const recorder = await record(stream, {
        topic: 't',
        async handle(batch) {
          begun.push(...batch.messages.map(textOf));
          await held;
          return 'done';
        },
      });
      await vi.waitFor(() => expect(begun).toEqual(['one']), PATIENCE);
      const stopped = recorder.consumer.stop();
      await producer.send('t', [message('k', 'two')]);
      release();
      await stopped;
      await recorder.consumer.stop();
      expect(recorder.told).toEqual(['assigned 0 null', 'revoked 0']);
      expect(begun).toEqual(['one']);
      expect((await stream.positions('t', 'readers'))[0]).toMatchObject({ committed: 1, end: 2 });
    });

    test('each group gets every message', async () => {
      await (await stream.producer()).send('t', [message('k', 'one')]);
      const recorders = [await record(stream, { topic: 't', group: 'a' }), await record(stream, { topic: 't', group: 'b' })];
      await vi.waitFor(() => expect(recorders.map(({ texts }) => texts())).toEqual([['one'], ['one']]), PATIENCE);
    });

    test('a scan gives all that a topic holds, without a group, and what is thrown at it ends it', async () => {
      const seen: string[] = [];
      const look = async ({ messages }: Batch): Promise<void> => void seen.push(...messages.map(textOf));
      await stream.scan('t', look);
      const producer = await stream.producer();
      for (const text of ['one', 'two', 'three']) await producer.send('t', [message('k', text)]);
      await stream.scan('t', look);
      await (await bed.open()).scan('t', look);
      expect(seen).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
      const failed = stream.scan('t', () => Promise.reject(new Error('enough')));
      await expect(failed).rejects.toThrow('enough');
    });

    test('positions tell what a group has not read, and since when', async () => {
      expect(await stream.positions('t', 'readers')).toEqual([]);
      const producer = await stream.producer();
      await producer.send('t', [message('k', 'one')]);
      const [before] = await stream.positions('t', 'readers');
      expect(before).toMatchObject({ partition: 0, begin: 0, end: 1, committed: null });
      expect(before?.waitingSince).toBeGreaterThan(Date.now() - 60_000);
      await record(stream, { topic: 't' });
      await vi.waitFor(
        async () =>
          expect(await stream.positions('t', 'readers')).toEqual([
            { partition: 0, begin: 0, end: 1, committed: 1, waitingSince: null },
          ]),
        PATIENCE,
      );
    });
  });

  describe(`${name} with four partitions`, () => {
    let bed: StreamBed;
    let stream: Stream;

    beforeEach(async () => {
      bed = await createBed(4);
      stream = await bed.open();
    });

    afterEach(async () => {
      await bed.remove();
    });

    test('messages of one key are in one partition, in order', async () => {
      const producer = await stream.producer();
      const keys = Array.from({ length: 40 }, (_, index) => `cluster ${index % 10}`);
      for (const [index, key] of keys.entries()) await producer.send('t', [message(key, `${index}`)]);
      const { batches } = await record(stream, { topic: 't' });
      const placed = (): readonly { readonly partition: number; readonly message: PlacedMessage }[] =>
        batches.flatMap(({ partition, messages }) => messages.map((one) => ({ partition, message: one })));
      await vi.waitFor(() => expect(placed()).toHaveLength(keys.length), PATIENCE);
      for (const key of new Set(keys)) {
        const own = placed().filter((one) => one.message.key === key);
        expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
        const numbers = own.map((one) => Number(textOf(one.message)));
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }
      expect(new Set(placed().map(({ partition }) => partition)).size).toBeGreaterThan(1);
    });

    test('two members of a group share the partitions, each message goes to one, and a member that stops hands over', async () => {
      const producer = await stream.producer();
      const first = await record(stream, { topic: 't' });
      const second = await record(await bed.open(), { topic: 't' });
      await vi.waitFor(() => expect([holds(first), holds(second)]).toEqual([2, 2]), PATIENCE);
      const texts = Array.from({ length: 100 }, (_, index) => `${index}`);
      for (const text of texts) await producer.send('t', [message(`key ${text}`, text)]);
      await vi.waitFor(() => expect(first.messages.length + second.messages.length).toBe(100), PATIENCE);
      expect([...first.texts(), ...second.texts()].toSorted()).toEqual(texts.toSorted());
      expect(Math.min(first.messages.length, second.messages.length)).toBeGreaterThan(0);
      await first.consumer.stop();
      await vi.waitFor(() => expect(holds(second)).toBe(4), PATIENCE);
    });
  });
}

/** Partitions that a recorder was assigned and that were not revoked. */
function holds({ told }: Recorder): number {
  return told.reduce((count, line) => count + (line.startsWith('assigned') ? 1 : -1), 0);
}

/** Bytes that nothing makes smaller, the same in every run. */
export function noise(size: number): Buffer {
  const value = Buffer.alloc(size);
  let state = size + 1;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    value[index] = state >>> 24;
  }
  return value;
}
