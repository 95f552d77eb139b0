import { afterEach, describe, expect, test } from 'vitest';
import { runOnce, superviseChild, type SupervisedChild, type Supervision } from '../../src/ingest/child.ts';
import { createMasker } from '../../src/ingest/mask.ts';
import { createProgramChunks } from '../../src/ingest/program-chunks.ts';
import { collecting, unmasked, until } from './collecting.ts';

const children: SupervisedChild[] = [];
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
});

interface Seen {
  readonly child: SupervisedChild;
  readonly pids: readonly number[];
  readonly reports: readonly string[];
  output(): string;
}

function supervised(script: string, changes: Partial<Supervision> = {}): Seen {
  const pids: number[] = [];
  const reports: string[] = [];
  let output = '';
  const child = superviseChild({
    command: 'sh',
    args: ['-c', script],
    debianPackage: 'dash',
    onStart: (pid) => void pids.push(pid),
    onOutput: (bytes) => {
      output += Buffer.from(bytes).toString('utf8');
      return Promise.resolve();
    },
    report: (state, problem) => void reports.push(problem === null ? state : `${state}: ${problem}`),
    pauses: { restartMs: 20, longestRestartMs: 80, missingMs: 50, settledMs: 30, killMs: 200 },
    ...changes,
  });
  children.push(child);
  return { child, pids, reports, output: () => output };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a program that is kept running', () => {
  test('is started again when it was killed, and that is said', async () => {
    const { child, pids, reports } = supervised('echo up; exec sleep 100');
    await until('it runs', () => reports.includes('running'));
    process.kill(pids[0] ?? 0, 'SIGKILL');
    await until('it runs again', () => pids.length === 2);
    expect(reports[1]).toMatch(/^failing: `sh -c .*` was ended by SIGKILL$/);
    expect(child.pid()).toBe(pids[1]);
    await until('that is said', () => reports.at(-1) === 'running');
  });

  test('that dies again and again is started with growing pauses, and its last words are told', async () => {
    const startedAt: number[] = [];
    const { reports } = supervised('echo one >&2; echo "no such device" >&2; exit 3', {
      onStart: () => void startedAt.push(performance.now()),
    });
    await until('five runs', () => startedAt.length >= 5);
    expect(reports[0]).toMatch(/^failing: .* ended with exit code 3: no such device$/);
    const waits = startedAt.slice(1).map((at, i) => at - (startedAt[i] ?? 0));
    expect(waits[1]).toBeGreaterThan(40);
    expect(waits[2]).toBeGreaterThan(80);
    expect(waits[3]).toBeLessThan(1000);
  });

  test('that is missing is named with its package, and looked for again', async () => {
    const { reports, child } = supervised('', { command: '/nowhere/tcpdump', debianPackage: 'tcpdump' });
    await child.started;
    await until('looked for twice', () => reports.length >= 2);
    expect(reports[0]).toBe('missing: /nowhere/tcpdump is not installed: apt-get install tcpdump');
    expect(new Set(reports).size).toBe(1);
  });

  test('that ignores SIGTERM is gone after stop, with its children', async () => {
    const { child, pids, output } = supervised('trap "" TERM; sleep 1000 & echo $!; while :; do wait; done');
    await until('it prints', () => output().endsWith('\n'));
    await child.stop();
    await until('none is left', () => ![...pids, Number(output())].some(isAlive));
    expect(child.pid()).toBeNull();
  });

  test('ends on SIGTERM with what it prints last, and is not started again', async () => {
    const { child, pids, output, reports } = supervised('trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.01; done');
    await until('it prints', () => output() === 'up\n');
    await Promise.all([child.stop(), child.stop()]);
    expect(output()).toBe('up\nbye\n');
    expect(pids).toHaveLength(1);
    expect(reports.filter((report) => report.startsWith('failing'))).toEqual([]);
  });

  test('prints in UTC and in English', async () => {
    const { output } = supervised('date +%Z; echo $LC_ALL; sleep 100');
    await until('it prints', () => output().split('\n').length === 3);
    expect(output()).toBe('UTC\nC.UTF-8\n');
  });

  test('that prints 100 MB into a slow stream is held back, and nothing is lost', async () => {
    const total = 100_000_000;
    const slow = collecting(() => new Promise((resolve) => setTimeout(resolve, 1)));
    let heldBytes = 0;
    const chunks = createProgramChunks({ context: slow.context, source: 'tcpdump', path: 'yes', mask: unmasked });
    let most = 0;
    const ended = new Promise<void>((resolve) => {
      supervised(`yes 0123456789012345678 | head -c ${total}; sleep 100`, {
        onOutput: async (bytes) => {
          heldBytes += bytes.length;
          await chunks.push(bytes);
          const sent = slow.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
          most = Math.max(most, heldBytes - sent);
          if (heldBytes === total) resolve();
        },
      });
    });
    await ended;
    await chunks.close();
    const last = slow.chunks.at(-1);
    expect((last?.header.offset ?? 0) + (last?.bytes.length ?? 0)).toBe(total);
    expect(last?.header.line).toBe((last?.header.offset ?? 0) / 20);
    expect(most).toBeLessThanOrEqual(2 * 256 * 1024 + 64 * 1024);
    expect(slow.chunks.every(({ bytes }) => bytes.length <= 256 * 1024 && bytes.at(-1) === 10)).toBe(true);
  }, 30_000);

  test('whose output nobody takes any more is ended, and the reason is told', async () => {
    const { reports, pids } = supervised('echo a; exec sleep 100', { onOutput: () => Promise.reject(new Error('disk full')) });
    await until('a second run', () => pids.length >= 2);
    expect(reports.find((report) => report.startsWith('failing'))).toMatch(/could not be passed on: disk full$/);
  });
});

describe('a program that runs once', () => {
  const bounds = { debianPackage: 'x', timeoutMs: 5000, maxBytes: 1000 };

  test('gives what it printed and how it ended', async () => {
    const run = await runOnce({ command: 'sh', args: ['-c', 'echo out; echo bad >&2; exit 2'], ...bounds });
    expect(run).toEqual({ kind: 'done', code: 2, output: Buffer.from('out\n'), errorText: 'bad' });
  });

  test('that hangs is killed with its children, and is not a failure', async () => {
    const begunAt = performance.now();
    const run = await runOnce({ command: 'sh', args: ['-c', 'sleep 1000 & sleep 1000'], ...bounds, timeoutMs: 100 });
    expect(run.kind).toBe('timed-out');
    expect(performance.now() - begunAt).toBeLessThan(2000);
  });

  test('that is missing, is killed, or prints too much is told apart', async () => {
    expect((await runOnce({ command: '/nowhere/x', args: [], ...bounds })).kind).toBe('missing');
    expect((await runOnce({ command: 'sh', args: ['-c', 'kill -9 $$'], ...bounds })).kind).toBe('failed');
    const much = await runOnce({ command: 'sh', args: ['-c', 'yes'], ...bounds });
    expect(much).toMatchObject({ kind: 'failed', problem: expect.stringMatching(/more than 1000 bytes$/) });
  });
});

test('a secret that lies where a long line of a program is cut is masked as a whole', async () => {
  const collected = collecting();
  const mask = createMasker();
  const chunks = createProgramChunks({ context: collected.context, source: 'journal', path: 'journal', mask });
  const before = 'x'.repeat(256 * 1024 - '"token":"abc'.length);
  const text = `${before}"token":"abcdefgh"${'y'.repeat(300 * 1024)}\nnext\n`;
  for (let at = 0; at < text.length; at += 50_000) await chunks.push(Buffer.from(text.slice(at, at + 50_000)));
  await chunks.end();
  expect(collected.chunks.length).toBeGreaterThan(2);
  expect(collected.text('journal')).toBe(text.replace('abcdefgh', '*'.repeat(8)));
});
