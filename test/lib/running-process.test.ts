import { spawn } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { hasEnded, thisProcess } from '../../src/lib/running-process.ts';

test('this process runs', () => {
  expect(hasEnded(thisProcess())).toBe(false);
});

test('a process has ended once it is killed, and not before', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const identity = { ...thisProcess(), pid: child.pid ?? 0, startedAt: '' };
  expect(hasEnded(identity)).toBe(false);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(hasEnded(identity)).toBe(true), { timeout: 5_000, interval: 5 });
});

test.skipIf(thisProcess().startedAt === '')('a number that another process has by now stands for one that has ended', () => {
  expect(hasEnded({ ...thisProcess(), startedAt: '1' })).toBe(true);
});

test('a process of an earlier boot has ended', () => {
  expect(hasEnded({ ...thisProcess(), boot: 'another' })).toBe(true);
});

test('of a process in another container nothing is known', () => {
  expect(hasEnded({ ...thisProcess(), pid: 2 ** 22 + 1, numbering: 'another' })).toBe(false);
});
