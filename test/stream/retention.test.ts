import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openEmbeddedStream, type EmbeddedOptions } from '../../src/stream/embedded.ts';
import type { Stream, StreamMessage } from '../../src/stream/stream.ts';
import { message, noise, PATIENCE, record } from './contract.ts';

const MIB = 2 ** 20;
const BIG: StreamMessage = { key: 'k', headers: {}, value: noise(100_000) };

let folder: string;
let streams: Stream[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-retention-'));
  streams = [];
});

afterEach(async () => {
  for (const stream of streams) await stream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: Partial<EmbeddedOptions> = {}): Promise<Stream> {
  const stream = await openEmbeddedStream({ folder, ...options });
  streams.push(stream);
  return stream;
}

test('what every group has read makes room for what comes, and the file stays near its limit', { timeout: 30_000 }, async () => {
  const stream = await open({ retention: { maxBytes: 4 * MIB } });
  const { messages } = await record(stream, { topic: 't' });
  const producer = await stream.producer();
  for (let index = 0; index < 200; index += 1) {
    const value = noise(1_000 + ((index * 48_611) % 200_000));
    await producer.send('t', [{ key: 'k', headers: {}, value }]);
  }
  await vi.waitFor(() => expect(messages).toHaveLength(200), PATIENCE);
  expect(messages.map(({ offset }) => offset)).toEqual(messages.map((_, index) => index));
  const [position] = await stream.positions('t', 'readers');
  expect(position?.begin).toBeGreaterThan(140);
  expect(position?.end).toBe(200);
  expect(statSync(join(folder, 'data.mdb')).size).toBeLessThan(8 * MIB);
});

test('what a group has not read is kept at the size limit: sending is refused, and goes on when it reads', async () => {
  const stream = await open({ retention: { maxBytes: MIB }, roomWaitMs: 50 });
  const failing = await record(stream, { topic: 't', handle: () => Promise.reject(new Error('down')) });
  const producer = await stream.producer();
  let stored = 0;
  const refused = await (async () => {
    for (;;) {
      try {
        await producer.send('t', [BIG]);
        stored += 1;
      } catch (error) {
        return error;
      }
    }
  })();
  expect(refused).toMatchObject({ code: 'disk-full', retriable: true });
  expect(String(refused)).toContain('it holds its limit of 1 MiB, and the group readers has not read the oldest messages of t/0');
  expect(stored).toBeGreaterThan(7);
  await failing.consumer.stop();
  const { messages } = await record(stream, { topic: 't' });
  await vi.waitFor(() => expect(messages).toHaveLength(stored), PATIENCE);
  await producer.send('t', [BIG]);
  await vi.waitFor(() => expect(messages.map(({ offset }) => offset)).toEqual(messages.map((_, index) => index)), PATIENCE);
  await vi.waitFor(() => expect(messages).toHaveLength(stored + 1), PATIENCE);
});

test('a send that meets the limit waits for a group to read on, and those behind it wait too', async () => {
  const stream = await open({ retention: { maxBytes: MIB }, roomWaitMs: 8_000 });
  await (await record(stream, { topic: 't' })).consumer.stop();
  const producer = await stream.producer();
  const order: number[] = [];
  const sends = Array.from({ length: 20 }, async (_, index) => {
    await producer.send('t', [index === 15 ? message('k', 'small') : BIG]);
    order.push(index);
  });
  await vi.waitFor(async () => expect((await stream.positions('t', 'readers'))[0]?.end).toBeGreaterThan(0), PATIENCE);
  expect(order.length).toBeLessThan(12);
  const { messages } = await record(stream, { topic: 't' });
  await Promise.all(sends);
  expect(order).toEqual(order.map((_, index) => index));
  await vi.waitFor(() => expect(messages).toHaveLength(20), PATIENCE);
  expect(messages[15]?.value.byteLength).toBe(5);
});

test('a topic that no group reads keeps the newest', async () => {
  const stream = await open({ retention: { maxBytes: MIB } });
  const producer = await stream.producer();
  for (let index = 0; index < 50; index += 1) await producer.send('letters', [BIG]);
  const [position] = await stream.positions('letters', 'nobody');
  expect(position).toMatchObject({ end: 50, committed: null });
  expect(position?.begin).toBeGreaterThan(35);
  expect(position?.begin).toBeLessThan(45);
});

test('what is too old and read by every group is dropped at the next send, and when a producer starts', async () => {
  let at = 1_000_000;
  const now = (): number => at;
  const stream = await open({ retention: { maxAgeMs: 60_000 }, now });
  const producer = await stream.producer();
  const reader = await record(stream, { topic: 't' });
  await producer.send('t', [message('k', 'one'), message('k', 'two')]);
  await vi.waitFor(async () => expect((await stream.positions('t', 'readers'))[0]?.committed).toBe(2), PATIENCE);
  await reader.consumer.stop();
  at += 30_000;
  await producer.send('t', [message('k', 'three')]);
  expect((await stream.positions('t', 'readers'))[0]).toMatchObject({ begin: 0, end: 3, waitingSince: 1_030_000 });
  at += 31_000;
  await producer.send('t', [message('k', 'four')]);
  expect((await stream.positions('t', 'readers'))[0]).toMatchObject({ begin: 2, end: 4 });
  at += 1_000_000;
  await producer.send('t', [message('k', 'five')]);
  // unread, so it stays
  expect((await stream.positions('t', 'readers'))[0]).toMatchObject({ begin: 2, end: 5 });
  const next = await record(stream, { topic: 't' });
  await vi.waitFor(async () => expect((await stream.positions('t', 'readers'))[0]?.committed).toBe(5), PATIENCE);
  expect(next.texts()).toEqual(['three', 'four', 'five']);
  await next.consumer.stop();
  const again = await open({ retention: { maxAgeMs: 60_000 }, now });
  expect((await again.positions('t', 'readers'))[0]?.begin).toBe(2);
  await again.producer();
  await vi.waitFor(async () => expect((await again.positions('t', 'readers'))[0]?.begin).toBe(4), PATIENCE);
});

test('more at once than the limit is refused for good', async () => {
  const stream = await open({ retention: { maxBytes: 50_000 } });
  await expect((await stream.producer()).send('t', [BIG])).rejects.toMatchObject({ code: 'stream', retriable: false });
});

test('a consumer in the same process is woken within 5 ms, however seldom it polls', async () => {
  const stream = await open({ pollMs: 60_000 });
  const producer = await stream.producer();
  const delays: number[] = [];
  let sentAt = 0;
  const { messages } = await record(stream, {
    topic: 't',
    async handle() {
      delays.push(performance.now() - sentAt);
      return '';
    },
  });
  for (let index = 0; index < 21; index += 1) {
    await producer.send('t', [message('k', 'x')]);
    sentAt = performance.now();
    await vi.waitFor(() => expect(messages).toHaveLength(index + 1), { ...PATIENCE, interval: 1 });
  }
  expect(delays.toSorted((a, b) => a - b)[10]).toBeLessThan(5);
});
