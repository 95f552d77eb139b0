import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openEmbeddedStream, type EmbeddedOptions } from '../../src/stream/embedded.ts';
import type { Stream } from '../../src/stream/stream.ts';
import { message, PATIENCE, record } from './contract.ts';

let folder: string;
let streams: Stream[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-leases-'));
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

/** A promise, and what resolves it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let resolveIt = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    resolveIt = resolve;
  });
  return { opened, open: () => resolveIt() };
}

test('a member that does not renew for half a minute loses its partition, and cannot commit what it still does', async () => {
  const sleeper = await open();
  const producer = await sleeper.producer();
  await producer.send('t', [message('k', 'one'), message('k', 'two')]);
  const asleep = gate();
  const begun = gate();
  const first = await record(sleeper, {
    topic: 't',
    maxBytes: 3,
    async handle() {
      begun.open();
      await asleep.opened;
      return 'of the sleeper';
    },
  });
  await begun.opened;
  const other = await open({ now: () => Date.now() + 31_000 });
  const second = await record(other, { topic: 't', maxBytes: 3, handle: async () => 'of the other' });
  await vi.waitFor(async () => expect((await other.positions('t', 'readers'))[0]?.committed).toBe(2), PATIENCE);
  expect(second.texts()).toEqual(['one', 'two']);
  asleep.open();
  await vi.waitFor(() => expect(first.told).toContain('revoked 0'), PATIENCE);
  expect(first.texts()).toEqual(['one']);
  // it has looked meanwhile that it is no member any more, or met it at its commit
  for (const failure of first.failures) expect(failure).toMatchObject({ code: 'stream', retriable: true });
  await Promise.all([first.consumer.stop(), second.consumer.stop()]);
  const third = await record(other, { topic: 't' });
  await vi.waitFor(() => expect(third.told).toEqual(['assigned 0 of the other']), PATIENCE);
  expect((await other.positions('t', 'readers'))[0]?.committed).toBe(2);
});

test('a member that joins waits for the batch in hand before it gets its share', async () => {
  const first = await open({ partitions: 2 });
  const producer = await first.producer();
  await producer.send(
    't',
    Array.from({ length: 8 }, (_, index) => message(`key ${index}`, `${index}`)),
  );
  const busy = gate();
  const handed = gate();
  const handling = new Set<number>();
  const slow = await record(first, {
    topic: 't',
    async handle({ partition }) {
      handling.add(partition);
      await busy.opened;
      handling.delete(partition);
      return '';
    },
  });
  await vi.waitFor(() => expect(handling.size).toBe(2), PATIENCE);
  const second = await record(await open({ partitions: 2 }), {
    topic: 't',
    async assigned(partition) {
      expect(handling.has(partition)).toBe(false);
      handed.open();
    },
  });
  busy.open();
  await handed.opened;
  await vi.waitFor(() => expect(slow.told.filter((line) => line.startsWith('revoked'))).toHaveLength(1), PATIENCE);
  await vi.waitFor(() => expect(slow.messages.length + second.messages.length).toBe(8), PATIENCE);
  expect(second.failures).toEqual([]);
});

test('a failing handler is tried again with pauses that double from 100 ms', async () => {
  const stream = await open();
  await (await stream.producer()).send('t', [message('k', 'one')]);
  const attempts: number[] = [];
  const { texts } = await record(stream, {
    topic: 't',
    async handle() {
      attempts.push(performance.now());
      if (attempts.length < 4) throw new Error('not yet');
      return '';
    },
  });
  await vi.waitFor(() => expect(texts()).toEqual(['one']), PATIENCE);
  const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
  for (const [index, least] of [95, 195, 395].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(least);
});

test('a note that is too long is told, and what it stood for is not committed', async () => {
  const stream = await open();
  await (await stream.producer()).send('t', [message('k', 'one')]);
  const { consumer, failures } = await record(stream, { topic: 't', handle: async () => 'x'.repeat(4_001) });
  await vi.waitFor(
    () => expect(failures.map(String)).toContain('Error: a note has 4001 characters, and 4000 is the most'),
    PATIENCE,
  );
  await consumer.stop();
  expect((await stream.positions('t', 'readers'))[0]?.committed).toBe(null);
});

test.each(['', 'a b', 'ü', 'x'.repeat(250), 'a\u0000b'])('the name %j is refused', async (name) => {
  const stream = await open();
  await expect((await stream.producer()).send(name, [message('k', 'one')])).rejects.toThrow('must be 1 to 249 of');
  await expect(record(stream, { topic: 't', group: name })).rejects.toThrow('must be 1 to 249 of');
});

test('a folder that cannot be made is refused with the reason', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await expect(openEmbeddedStream({ folder: join(file, 'stream') })).rejects.toMatchObject({
    code: 'stream',
    message: expect.stringContaining(`cannot open the stream in ${file}/stream: ENOTDIR`),
  });
});
