import { spawn } from 'node:child_process';
import { megabytesIn, usageOf } from './program.ts';

/** What one run cost. */
export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  readonly maxRssMegabytes: number;
}

export type Runs = ReadonlyMap<string, readonly Cost[]>;

/** Runs every subject in turn, and all of them again, so that noise of the machine falls on all alike. */
export async function interleaved(subjects: Readonly<Record<string, () => Promise<Cost>>>, rounds: number): Promise<Runs> {
  const runs = new Map<string, Cost[]>(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(subjects)) runs.get(name)?.push(await run());
  }
  return runs;
}

/** A piece of work in this process. */
export async function inProcess(work: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const { user, system } = process.cpuUsage(before);
  return {
    wallSeconds: (performance.now() - start) / 1000,
    cpuSeconds: (user + system) / 1e6,
    maxRssMegabytes: usageOf(process.pid).maxRssMegabytes,
  };
}

/** Makes the child say, on its third descriptor, what it used: a parent cannot ask. */
const TELL_USAGE = `data:text/javascript,${encodeURIComponent("import { readFileSync, writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, JSON.stringify({ ...process.cpuUsage(), status: readFileSync('/proc/self/status', 'utf8') })))")}`;

interface Usage {
  /** Microseconds. */
  readonly user: number;
  readonly system: number;
  /** `/proc/self/status`. */
  readonly status: string;
}

/** A whole Node process, its output thrown away. Exit status 1 is a finding, not a failure. */
export async function asProcess(args: readonly string[]): Promise<Cost> {
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', TELL_USAGE, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  let told = '';
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const wallSeconds = (performance.now() - start) / 1000;
  if (status !== 0 && status !== 1) throw new Error(`node ${args.join(' ')} ended with status ${status}`);
  const { user, system, status: memory } = JSON.parse(told) as Usage;
  return { wallSeconds, cpuSeconds: (user + system) / 1e6, maxRssMegabytes: megabytesIn(memory, 'VmHWM') };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The median over the runs of one subject. */
export function typical(runs: Runs, name: string): Cost {
  const own = runs.get(name) ?? [];
  return {
    wallSeconds: median(own.map(({ wallSeconds }) => wallSeconds)),
    cpuSeconds: median(own.map(({ cpuSeconds }) => cpuSeconds)),
    maxRssMegabytes: median(own.map(({ maxRssMegabytes }) => maxRssMegabytes)),
  };
}
