import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Stream } from '../../src/stream/stream.ts';
import { buildPrograms, type Programs } from './child.ts';
import { message, record, textOf, type Recorder } from './contract.ts';
import { canRunKafka, kafkaBed } from './kafka-bed.ts';
import { uniquePrefix } from './kafka-options.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const TIMEOUT_MS = 120_000;

describe.runIf(canRunKafka({ existing: true }))('members of a group', () => {
  const bed = kafkaBed({ existing: true });
  let programs: Programs | null = null;

  beforeAll(() => {
    programs = buildPrograms();
  }, 60_000);
  afterAll(() => programs?.remove());

  test('a batch that takes longer than the session is handled once', { timeout: TIMEOUT_MS }, async () => {
    const stream = await bed.open({ sessionMs: 3_000 });
    await (await stream.producer()).send('t', [message('k', 'slow')]);
    const recorder = await record(stream, {
      topic: 't',
      async handle() {
        await pause(8_000);
        return 'done';
      },
    });
    await vi.waitFor(async () => expect((await stream.positions('t', 'readers'))[0]?.committed).toBe(1), PATIENCE);
    await recorder.consumer.stop();
    expect(recorder.batches).toHaveLength(1);
    expect(recorder.told).toEqual(['assigned 0 null', 'revoked 0']);
    expect(recorder.failures).toEqual([]);
  });

  test(
    'a member that works all the time stays one, however many partitions have batches at once',
    { timeout: TIMEOUT_MS },
    async () => {
      const stream = await bed.open({ sessionMs: 3_000, partitions: 12 });
      const producer = await stream.producer();
      await Promise.all(Array.from({ length: 60 }, (_, number) => producer.send('t', [message(`key ${number}`, `${number}`)])));
      const recorder = await record(stream, {
        topic: 't',
        async handle() {
          // all of them together take longer than the session, and nothing else runs meanwhile
          for (const until = performance.now() + 700; performance.now() < until;);
          return 'done';
        },
      });
      await vi.waitFor(() => expect(new Set(recorder.messages.map(textOf)).size).toBe(60), PATIENCE);
      await recorder.consumer.stop();
      expect(recorder.failures).toEqual([]);
      expect(recorder.messages).toHaveLength(60);
    },
  );

  test('of messages however small a batch does not hold too many', { timeout: TIMEOUT_MS }, async () => {
    const stream = await bed.open();
    const small = Array.from({ length: 5_000 }, (_, number) => message('k', String(number)));
    await (await stream.producer()).send('t', small);
    const recorder = await record(stream, { topic: 't' });
    await vi.waitFor(() => expect(recorder.messages.map(textOf)).toEqual(small.map(textOf)), PATIENCE);
    expect(Math.max(...recorder.batches.map(({ messages }) => messages.length))).toBe(2_000);
    await recorder.consumer.stop();
  });

  test('while a batch is in hand, a member that joins waits, and nothing is handled twice', { timeout: TIMEOUT_MS }, async () => {
    const stream = await bed.open({ partitions: 2 });
    const producer = await stream.producer();
    for (let number = 0; number < 20; number += 1) await producer.send('t', [message(`key ${number}`, `${number}`)]);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const begun: string[] = [];
    const first = await record(stream, {
      topic: 't',
      async handle({ messages }) {
        begun.push(...messages.map(textOf));
        await held;
        return 'done';
      },
    });
    await vi.waitFor(() => expect(begun).toHaveLength(20), PATIENCE);
    const joining = record(stream, { topic: 't' });
    // longer than a heartbeat: the first member has been told that somebody joins
    await pause(1_500);
    release();
    const second = await joining;
    await vi.waitFor(() => expect(first.told.length).toBeGreaterThan(2), PATIENCE);
    expect(second.messages).toEqual([]);
    expect(second.told.length).toBe(1);
    expect(second.told[0]).toMatch(/^assigned \d done$/);
    expect([...first.failures, ...second.failures]).toEqual([]);
  });

  test('a member killed in the middle of a batch: the next one begins where it committed', { timeout: TIMEOUT_MS }, async () => {
    const topicPrefix = uniquePrefix();
    const stream = await bed.open({ topicPrefix });
    const producer = await stream.producer();
    const texts = Array.from({ length: 60 }, (_, number) => `${number}`.padEnd(400));
    await producer.send(
      't',
      texts.map((text) => message('k', text)),
    );
    if (programs === null) throw new Error('the programs were not built');
    const child = programs.start('kafka-consumer-child', [bed.cluster().brokers.join(','), topicPrefix, '200']);
    await vi.waitFor(() => {
      expect(child.lines.length, child.complaints()).toBeGreaterThan(7);
      expect(child.lines.at(-1)).toMatch(/^begin/);
    }, PATIENCE);
    await child.kill();
    const ends = child.lines.filter((line) => line.startsWith('end')).map((line) => Number(line.split(' ')[3]));
    const [position] = await stream.positions('t', 'readers');
    expect(position?.committed).toBeGreaterThan(0);
    expect(position?.committed).toBeLessThanOrEqual((ends.at(-1) ?? -1) + 1);
    const next = await record(stream, { topic: 't' });
    await vi.waitFor(() => expect(next.messages.at(-1)?.offset).toBe(texts.length - 1), PATIENCE);
    expect(next.messages[0]?.offset).toBe(position?.committed);
    expect(next.messages).toHaveLength(texts.length - (position?.committed ?? 0));
    expect(next.told).toEqual([`assigned 0 ${(position?.committed ?? 0) - 1}`]);
  });

  test(
    'members that join and leave all the time: every message is handled, and commits never go backwards',
    { timeout: TIMEOUT_MS },
    async () => {
      const topicPrefix = uniquePrefix();
      const open = (): Promise<Stream> => bed.open({ topicPrefix, partitions: 4 });
      const stream = await open();
      const producer = await stream.producer();
      const recorders = [await slowly(stream)];
      const committed = watchCommits(stream);
      let sent = 0;
      for (let round = 0; round < 8; round += 1) {
        const joining = slowly(await open());
        const until = performance.now() + 2_500;
        while (performance.now() < until) {
          await producer.send('t', [message(`key ${sent % 16}`, `${sent}`)]);
          sent += 1;
          await pause(5);
        }
        const joined = await joining;
        recorders.push(joined);
        // by turns the old one leaves, and the one that has just joined
        await recorders.at(round % 2 === 0 ? -1 : -2)?.consumer.stop();
        if (round % 2 === 0) recorders.unshift(...recorders.splice(-1));
      }
      await vi.waitFor(async () => {
        const positions = await stream.positions('t', 'readers');
        expect(positions.map((one) => one.committed ?? 0)).toEqual(positions.map(({ end }) => end));
      }, PATIENCE);
      const backwards = await committed.end();
      const handled = recorders.flatMap(({ messages }) => messages.map((one) => Number(textOf(one))));
      const seen = new Set(handled);
      expect(Array.from({ length: sent }, (_, number) => number).filter((number) => !seen.has(number))).toEqual([]);
      expect(backwards).toEqual([]);
      expect(handled.length - seen.size, 'handled twice').toBe(0);
      expect(sent).toBeGreaterThan(200);
      for (const recorder of recorders) expect(recorder.failures).toEqual([]);
    },
  );
});

/** A consumer that takes a while for each batch, so that many rebalances fall into one. */
function slowly(stream: Stream): Promise<Recorder> {
  return record(stream, {
    topic: 't',
    maxBytes: 100,
    async handle({ messages }) {
      await pause(30);
      return `${messages.at(-1)?.offset}`;
    },
  });
}

/** Looks at what is committed until told to end, and tells what was lower than before. */
function watchCommits(stream: Stream): { end(): Promise<readonly string[]> } {
  const ending = new AbortController();
  const backwards: string[] = [];
  const known = new Map<number, number>();
  const watching = (async () => {
    while (!ending.signal.aborted) {
      for (const { partition, committed } of await stream.positions('t', 'readers')) {
        const before = known.get(partition) ?? 0;
        if ((committed ?? 0) < before) backwards.push(`${partition}: ${before} → ${committed}`);
        known.set(partition, committed ?? 0);
      }
      await pause(50);
    }
    return backwards;
  })();
  return {
    end() {
      ending.abort();
      return watching;
    },
  };
}
