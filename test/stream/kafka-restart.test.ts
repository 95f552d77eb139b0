import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Producer } from '../../src/stream/stream.ts';
import { message, record, textOf, type Recorder } from './contract.ts';
import { canRunKafka, kafkaBed } from './kafka-bed.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const TIMEOUT_MS = 150_000;

/** Sends numbered messages, each again until it is taken, until it is told to end. */
function sendOn(producer: Producer, keys: number): { end(): Promise<number> } {
  const ending = new AbortController();
  const sending = (async () => {
    let number = 0;
    for (; !ending.signal.aborted; number += 1) {
      const one = message(`key ${number % keys}`, String(number));
      while (!(await taken(producer, one))) await pause(100);
    }
    return number;
  })();
  return {
    end() {
      ending.abort();
      return sending;
    },
  };
}

async function taken(producer: Producer, one: ReturnType<typeof message>): Promise<boolean> {
  try {
    await producer.send('t', [one]);
    return true;
  } catch {
    return false;
  }
}

function numbersOf(...recorders: readonly Recorder[]): readonly number[] {
  return recorders.flatMap(({ messages }) => messages.map((one) => Number(textOf(one))));
}

/** Every number below `count` is among them. */
function expectAll(numbers: readonly number[], count: number): void {
  const seen = new Set(numbers);
  expect(Array.from({ length: count }, (_, number) => number).filter((number) => !seen.has(number))).toEqual([]);
}

/** A batch begins where the one before it ended, or is that one again, for its commit was refused or not heard. */
function expectOnlyUncommittedAgain({ batches }: Recorder): void {
  for (const [index, batch] of batches.entries()) {
    const before = batches[index - 1]?.messages;
    const starts = [(before?.at(-1)?.offset ?? -1) + 1, before?.[0]?.offset ?? 0];
    expect(starts, `batch ${index} of ${batches.length}`).toContain(batch.messages[0]?.offset);
  }
}

describe.runIf(canRunKafka())('one broker', () => {
  const bed = kafkaBed();

  test(
    'killed and started again while messages are sent and read: every message is read, in order, again only where it was not committed',
    { timeout: TIMEOUT_MS },
    async () => {
      const stream = await bed.open();
      const recorder = await record(stream, { topic: 't' });
      const sending = sendOn(await stream.producer(), 1);
      for (const _ of [1, 2]) {
        const before = recorder.messages.length;
        await vi.waitFor(() => expect(recorder.messages.length).toBeGreaterThan(before + 20), PATIENCE);
        await bed.cluster().kill(1);
        await bed.cluster().restart(1);
      }
      const before = recorder.messages.length;
      await vi.waitFor(() => expect(recorder.messages.length).toBeGreaterThan(before + 20), PATIENCE);
      const count = await sending.end();
      await vi.waitFor(() => expectAll(numbersOf(recorder), count), PATIENCE);
      expectOnlyUncommittedAgain(recorder);
      const firsts = [...new Set(numbersOf(recorder))];
      expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
      const [position] = await stream.positions('t', 'readers');
      await vi.waitFor(async () => expect((await stream.positions('t', 'readers'))[0]?.committed).toBe(position?.end), PATIENCE);
    },
  );
});

describe.runIf(canRunKafka())('a broker that stays away', () => {
  const bed = kafkaBed();

  test('a send is refused and worth another try, a consumer tells, and both end', { timeout: TIMEOUT_MS }, async () => {
    const stream = await bed.open({ sendBudgetMs: 2_000 });
    const producer = await stream.producer();
    const recorder = await record(stream, { topic: 't' });
    await producer.send('t', [message('k', '0')]);
    await vi.waitFor(() => expect(numbersOf(recorder)).toEqual([0]), PATIENCE);
    await bed.cluster().kill(1);
    await expect(producer.send('t', [message('k', '1')])).rejects.toMatchObject({ code: 'stream', retriable: true });
    await vi.waitFor(() => expect(recorder.failures.length).toBeGreaterThan(0), PATIENCE);
    expect(recorder.failures[0]).toMatchObject({ code: 'stream', retriable: true });
    const began = performance.now();
    await stream.close();
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(recorder.told).toEqual(['assigned 0 null', 'revoked 0']);
  });
});

describe.runIf(canRunKafka())('three brokers', () => {
  const bed = kafkaBed({ nodes: 3 });

  test('when each in turn is killed, leaders change and every message is read', { timeout: TIMEOUT_MS }, async () => {
    const stream = await bed.open({ partitions: 6 });
    const recorder = await record(stream, { topic: 't' });
    const sending = sendOn(await stream.producer(), 12);
    for (const node of [1, 2, 3]) {
      const before = recorder.messages.length;
      await vi.waitFor(() => expect(recorder.messages.length).toBeGreaterThan(before + 50), PATIENCE);
      await bed.cluster().kill(node);
      const during = recorder.messages.length;
      await vi.waitFor(() => expect(recorder.messages.length).toBeGreaterThan(during + 50), PATIENCE);
      await bed.cluster().restart(node);
    }
    const count = await sending.end();
    await vi.waitFor(() => expectAll(numbersOf(recorder), count), PATIENCE);
    expect(count).toBeGreaterThan(300);
  });
});
