import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

/** Prints what it is told, and ends when it is asked to drain, but for `stay`. */
const PROGRAM = `import { onSignals } from './signals.js';
const stay = setInterval(() => {}, 1000);
const off = onSignals({
  stop: (signal) => {
    console.log('stop ' + signal);
    if (process.argv[2] === 'stay') return;
    clearInterval(stay);
    off();
  },
  ...(process.argv[2] === 'reload' ? { reload: () => console.log('reload') } : {}),
});
console.log('ready');
`;

let folder = '';
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-signals-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  copyFileSync('dist/lib/signals.js', join(folder, 'signals.js'));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A running program, and a way to wait for its next line. */
async function started(mode: string) {
  const child = spawn(process.execPath, [join(folder, 'program.js'), mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, 'exit');
  const nextLine = async (): Promise<string | null> => {
    const { value, done } = await lines.next();
    return done === true ? null : value;
  };
  expect(await nextLine()).toBe('ready');
  return { child, nextLine, exit };
}

test.each([['SIGINT'], ['SIGTERM']] as const)('the first %s asks to drain, and the program ends by itself', async (signal) => {
  const { child, nextLine, exit } = await started('drain');
  child.kill(signal);
  expect(await nextLine()).toBe(`stop ${signal}`);
  expect(await exit).toEqual([0, null]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second signal, %s, ends it at once with status %i', async (signal, status) => {
  const { child, nextLine, exit } = await started('stay');
  child.kill('SIGINT');
  expect(await nextLine()).toBe('stop SIGINT');
  child.kill(signal);
  expect(await exit).toEqual([status, null]);
});

test('SIGHUP reloads, and does not count as a first signal', async () => {
  const { child, nextLine, exit } = await started('reload');
  child.kill('SIGHUP');
  expect(await nextLine()).toBe('reload');
  child.kill('SIGTERM');
  expect(await nextLine()).toBe('stop SIGTERM');
  expect(await exit).toEqual([0, null]);
});

test('SIGHUP stops a program that has nothing to reload', async () => {
  const { child, nextLine, exit } = await started('drain');
  child.kill('SIGHUP');
  expect(await nextLine()).toBe('stop SIGTERM');
  expect(await exit).toEqual([0, null]);
});
