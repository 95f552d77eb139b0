import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';
import { buildPrograms, type Child, type Programs } from './child.ts';
import { message, PATIENCE, record, textOf } from './contract.ts';

/** More of them find rarer moments: `PRECOPY_KILLS=200`. */
const KILLS = Number(process.env['PRECOPY_KILLS'] ?? 10);
const TIMEOUT_MS = 30_000 + KILLS * 3_000;

let programs: Programs;
let folder: string;
let children: Child[];

beforeAll(() => {
  programs = buildPrograms();
}, 60_000);

afterAll(() => {
  programs.remove();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-killed-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await child.kill();
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: Parameters<Programs['start']>): Child {
  const child = programs.start(...args);
  children.push(child);
  return child;
}

test(
  'what a producer was told is stored is there once and in order, whenever it is killed',
  { timeout: TIMEOUT_MS },
  async () => {
    const acknowledged: number[] = [];
    for (let run = 0; run < KILLS; run += 1) {
      const child = start('producer-child', [folder, String(run)]);
      const least = 1 + ((run * 37) % 60);
      await vi.waitFor(() => expect(child.lines.length, child.complaints()).toBeGreaterThan(least), PATIENCE);
      await child.kill();
      acknowledged.push(Math.max(...child.lines.map(Number)));
    }
    const stream = await openEmbeddedStream({ folder });
    const { messages } = await record(stream, { topic: 't' });
    const [position] = await stream.positions('t', 'readers');
    await vi.waitFor(() => expect(messages).toHaveLength(position?.end ?? -1), { ...PATIENCE, timeout: 30_000 });
    await stream.close();
    const stored = messages.map((one) => textOf(one).split(' '));
    for (let run = 0; run < KILLS; run += 1) {
      const numbers = stored.filter(([of]) => of === String(run)).map(([, number]) => Number(number));
      expect(numbers).toEqual(numbers.map((_, index) => index));
      expect(numbers.length).toBeGreaterThan(acknowledged[run] ?? Number.NaN);
    }
    expect(messages.map(({ offset }) => offset)).toEqual(messages.map((_, index) => index));
    for (const [index, [run = '', number = '', filling = '']] of stored.entries()) {
      expect(filling.length, `message ${index}: ${run} ${number}`).toBe((Number(number) * 7_919) % 50_000);
    }
  },
);

test(
  'whenever a consumer is killed, each message is handled and commits never go backwards',
  { timeout: TIMEOUT_MS },
  async () => {
    const stream = await openEmbeddedStream({ folder });
    const producer = await stream.producer();
    const count = 60 * KILLS;
    for (let index = 0; index < count; index += 20) {
      await producer.send(
        't',
        Array.from({ length: 20 }, (_, step) => message('k', `${index + step}`.padEnd(400))),
      );
    }
    const handled = new Set<number>();
    const committed: number[] = [0];
    for (let run = 0; run < KILLS; run += 1) {
      const child = start('consumer-child', [folder, '1', '1']);
      const least = 2 + ((run * 17) % 30);
      await vi.waitFor(() => expect(child.lines.length, child.complaints()).toBeGreaterThan(least), PATIENCE);
      await child.kill();
      const words = child.lines.map((line) => line.split(' '));
      for (const [what, , first, last] of words) {
        if (what === 'end') for (let at = Number(first); at <= Number(last); at += 1) handled.add(at);
      }
      // the note is the offset of the last message handled before the commit
      committed.push(Number(words[0]?.[2]) + 1);
      const [position] = await stream.positions('t', 'readers');
      committed.push(position?.committed ?? 0);
      const first = words.find(([what]) => what === 'begin')?.[2];
      expect(Number(first)).toBe(committed.at(-2));
    }
    expect(committed).toEqual(committed.toSorted((a, b) => a - b));
    for (let at = 0; at < (committed.at(-1) ?? 0); at += 1) expect(handled.has(at), `message ${at}`).toBe(true);
    expect(committed.at(-1)).toBeGreaterThan(KILLS);
    await stream.close();
  },
);

test(
  'consumers in several processes never handle one partition at once, also when they are killed and join again',
  { timeout: TIMEOUT_MS },
  async () => {
    const stream = await openEmbeddedStream({ folder, partitions: 2 });
    const producer = await stream.producer();
    const spans: Span[] = [];
    let sent = 0;
    const send = async (): Promise<void> => {
      await producer.send(
        't',
        Array.from({ length: 40 }, (_, index) => message(`key ${sent + index}`, 'x'.repeat(400))),
      );
      sent += 40;
    };
    const running = [0, 1, 2].map(() => start('consumer-child', [folder, '2', '4']));
    for (let run = 0; run < KILLS; run += 1) {
      await send();
      const victim = running.shift() ?? start('consumer-child', [folder, '2', '4']);
      running.push(start('consumer-child', [folder, '2', '4']));
      // some are killed as they join, some at rest, some at work
      const least = [0, 1, 3][run % 3] ?? 0;
      await vi.waitFor(() => expect(linesOf([victim, ...running])).toBeGreaterThanOrEqual(least), PATIENCE);
      spans.push(...spansOf(victim, await victim.kill()));
    }
    await send();
    await vi.waitFor(
      async () => {
        const positions = await stream.positions('t', 'readers');
        expect(positions.map(({ committed }) => committed)).toEqual(positions.map(({ end }) => end));
      },
      { timeout: 20_000, interval: 50 },
    );
    for (const child of running) {
      expect(await child.stop(), child.complaints()).toBe(0);
      spans.push(...spansOf(child));
    }
    for (const [partition, { end }] of (await stream.positions('t', 'readers')).entries()) {
      const own = spans.filter((span) => span.partition === partition).toSorted((a, b) => Number(a.beganAt - b.beganAt));
      for (const [index, span] of own.entries()) {
        const next = own[index + 1];
        expect(next === undefined || next.beganAt >= span.endedAt, `${own.length} spans, number ${index}`).toBe(true);
      }
      const offsets = new Set(own.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at)));
      expect(offsets.size).toBe(end);
    }
    await stream.close();
  },
);

/** A batch from the moment it was begun to the moment it was done, or its process was killed. */
interface Span {
  readonly partition: number;
  readonly first: number;
  readonly last: number;
  readonly beganAt: bigint;
  readonly endedAt: bigint;
}

function spansOf(child: Child, killedAt?: bigint): readonly Span[] {
  const steps = child.lines.map(stepOf);
  expect(steps.filter(({ what }) => what.startsWith('failed'))).toEqual([]);
  const begun = steps.filter(({ what }) => what === 'begin');
  return begun.map(({ partition, first, last, at }) => {
    const end = steps.find(
      (step) => step.what === 'end' && step.partition === partition && step.first === first && step.at >= at,
    );
    return { partition, first, last, beganAt: at, endedAt: end?.at ?? killedAt ?? at };
  });
}

function stepOf(line: string): {
  readonly what: string;
  readonly partition: number;
  readonly first: number;
  readonly last: number;
  readonly at: bigint;
} {
  const [what = '', partition, first, last, at = '0'] = line.split(' ');
  return { what, partition: Number(partition), first: Number(first), last: Number(last), at: BigInt(at) };
}

function linesOf(several: readonly Child[]): number {
  return several.reduce((sum, { lines }) => sum + lines.length, 0);
}
