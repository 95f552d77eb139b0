import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A line of the program's log. */
export interface LogLine {
  readonly msg: string;
  /** When it was written, Unix ms. */
  readonly at: number;
  readonly detector: string | null;
  readonly vm: string | null;
}

/** A command of Precopy that runs, as a process of its own. */
export interface Program {
  readonly pid: number;
  /** Sends SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
}

/** User and system time of a process so far, s, and what it has resident, MB, as Linux tells. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly rssMegabytes: number;
  /** The largest so far. */
  readonly maxRssMegabytes: number;
}

/** Clock ticks of `/proc/PID/stat` in a second: USER_HZ is 100 on every architecture that Node runs on. */
const TICKS = 100;
const CLI = 'dist/cli.js';
const UNITS = {
  collect: 'deploy/systemd/precopy-collect.service',
  process: 'deploy/systemd/precopy-process@.service',
  up: 'deploy/systemd/precopy.service',
} as const;
/** Ending is not what is measured. */
const MOST_STOP_MS = 10_000;

/** Starts it, and resolves when it runs. */
export async function startProgram(
  command: keyof typeof UNITS,
  config: string,
  onLine: (line: LogLine) => void = () => undefined,
): Promise<Program> {
  const child = spawn(process.execPath, [CLI, command, '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environmentOf(command),
  });
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (text) => {
      const line = lineOf(text);
      if (line === null) return;
      if (line.msg === `${command} runs`) resolve();
      onLine(line);
    });
    void ended.then(() => reject(new Error(`precopy ${command} ended`)));
  });
  return { pid: pidOf(child), stop: () => stopped(child, ended) };
}

/** As its unit of systemd starts it. */
export function environmentOf(command: keyof typeof UNITS): NodeJS.ProcessEnv {
  const unit = readFileSync(UNITS[command], 'utf8');
  const settings = /^Environment=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
  const set = settings.map((setting) => /^(\w+)=(.*)$/.exec(setting)?.slice(1) ?? []);
  return { ...process.env, ...Object.fromEntries(set) };
}

async function stopped(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), MOST_STOP_MS);
  await ended;
  clearTimeout(late);
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('a program has no process');
  return pid;
}

function lineOf(text: string): LogLine | null {
  if (!text.startsWith('{')) return null;
  const { msg, time, detector, vm } = JSON.parse(text) as Readonly<Record<string, string | undefined>>;
  return { msg: msg ?? '', at: Date.parse(time ?? ''), detector: detector ?? null, vm: vm ?? null };
}

/** What a process has used. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [, user = '0', system = '0'] = /\) \S(?: \S+){10} (\d+) (\d+) /.exec(stat) ?? [];
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(user) + Number(system)) / TICKS,
    rssMegabytes: megabytesIn(status, 'VmRSS'),
    maxRssMegabytes: megabytesIn(status, 'VmHWM'),
  };
}

/**
 * What `/proc/PID/status` says of memory. Not `getrusage`, as `process.resourceUsage()` gives it: Linux counts there what the process
 * was before it became this program, a copy of the one that started it.
 */
export function megabytesIn(status: string, name: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** What a process takes of one core while something is done, with all its threads. */
export async function cpuShareOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = usageOf(pid).cpuSeconds;
  const began = performance.now();
  await work();
  return (usageOf(pid).cpuSeconds - before) / ((performance.now() - began) / 1000);
}
