import { expect, test } from 'vitest';
import { createLifecycle, type Part } from '../../src/lib/lifecycle.ts';

/** Parts that note what is done to them. */
function parts(notes: string[], broken: Readonly<Record<string, 'start' | 'stop'>> = {}): readonly Part[] {
  return ['stream', 'store', 'web'].map((name) => ({
    name,
    async start() {
      await Promise.resolve();
      if (broken[name] === 'start') throw new Error(`${name} cannot start`);
      notes.push(`+${name}`);
    },
    async stop() {
      await Promise.resolve();
      notes.push(`-${name}`);
      if (broken[name] === 'stop') throw new Error(`${name} cannot stop`);
    },
  }));
}

test('parts start in order and stop in reverse', async () => {
  const notes: string[] = [];
  const lifecycle = createLifecycle(parts(notes), {
    started: (part) => notes.push(`${part} runs`),
    stopped: (part) => notes.push(`${part} ended`),
  });
  await lifecycle.start();
  await lifecycle.stop();
  expect(notes.slice(0, 6)).toEqual(['+stream', 'stream runs', '+store', 'store runs', '+web', 'web runs']);
  expect(notes.slice(6)).toEqual(['-web', 'web ended', '-store', 'store ended', '-stream', 'stream ended']);
});

test('a part that cannot start is stopped, and so are those before it; the later ones are left alone', async () => {
  const notes: string[] = [];
  const lifecycle = createLifecycle(parts(notes, { store: 'start', stream: 'stop' }));
  await expect(lifecycle.start()).rejects.toThrow('store cannot start');
  expect(notes).toEqual(['+stream', '-store', '-stream']);
});

test('a part that cannot stop does not keep the others from it', async () => {
  const notes: string[] = [];
  const failed: string[] = [];
  const lifecycle = createLifecycle(parts(notes, { store: 'stop' }), { failedToStop: (part) => failed.push(part) });
  await lifecycle.start();
  await expect(lifecycle.stop()).rejects.toThrow('store cannot stop');
  expect(notes.slice(3)).toEqual(['-web', '-store', '-stream']);
  expect(failed).toEqual(['store']);
});

test('stopped twice, at once or later, a part stops once, and everybody waits for the end', async () => {
  const notes: string[] = [];
  const lifecycle = createLifecycle(parts(notes));
  await lifecycle.start();
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  await lifecycle.stop();
  expect(notes.slice(3)).toEqual(['-web', '-store', '-stream']);
});

test('stopped while it starts, nothing more is started, and all that runs is stopped', async () => {
  const notes: string[] = [];
  const lifecycle = createLifecycle(parts(notes));
  const started = lifecycle.start();
  await lifecycle.stop();
  await started;
  expect(notes).toEqual(['+stream', '-stream']);
});

test('stopped before it starts, it never starts', async () => {
  const notes: string[] = [];
  const lifecycle = createLifecycle(parts(notes));
  await lifecycle.stop();
  await lifecycle.start();
  expect(notes).toEqual([]);
});

test('a part is not stopped before its start has ended', async () => {
  const notes: string[] = [];
  let release = (): void => {};
  const slow: Part = {
    name: 'slow',
    async start() {
      await new Promise<void>((resolve) => (release = resolve));
      notes.push('started');
    },
    async stop() {
      await Promise.resolve();
      notes.push('stopped');
    },
  };
  const lifecycle = createLifecycle([slow]);
  const [starting, stopping] = [lifecycle.start(), lifecycle.stop()];
  await new Promise((resolve) => setImmediate(resolve));
  expect(notes).toEqual([]);
  release();
  await Promise.all([starting, stopping]);
  expect(notes).toEqual(['started', 'stopped']);
});
