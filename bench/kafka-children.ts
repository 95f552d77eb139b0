import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentFile, LONG_DAYS, writeConfig } from './config.ts';
import { watchLag, type TopicPlace } from './kafka-bare.ts';
import type { Memory, Role } from './kafka-role.ts';
import { environmentOf, usageOf } from './program.ts';

/** A process of the benchmark that runs until it is stopped. */
export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

const PROGRAM = 'dist-bench/bench/kafka-role.js';
const LOOK_MS = 50;
const TICK_MS = 1000;

/** Runs a role that ends by itself; resolves with what it told. */
export async function ran<T>(role: Role): Promise<T> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(role)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environmentFor(role),
  });
  let told = '';
  child.stdout.on('data', (piece: Buffer) => {
    told += piece.toString();
  });
  const status = await ended(child);
  if (status !== 0) throw new Error(`${role.role} ended with status ${status}`);
  return JSON.parse(told) as T;
}

/** Starts a role that goes on; resolves when it is ready. */
export async function started(role: Role): Promise<Running> {
  const env = environmentFor(role);
  return readied(spawn(process.execPath, [PROGRAM, JSON.stringify(role)], { stdio: ['ignore', 'pipe', 'inherit'], env }));
}

/** What is measured beside kafkajs alone runs as that does. */
function environmentFor({ role }: Role): NodeJS.ProcessEnv {
  if (role === 'collect') return environmentOf('collect');
  return role === 'parse' || role === 'remember' ? environmentOf('process') : process.env;
}

/** A processor that can be asked what it holds when it has nothing to do. */
export async function startedRemembering(config: string): Promise<Running & { memory(): Promise<Memory> }> {
  const role: Role = { role: 'remember', config };
  const child = spawn(process.execPath, ['--expose-gc', PROGRAM, JSON.stringify(role)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: environmentFor(role),
  });
  const running = await readied(child);
  return {
    ...running,
    memory: () =>
      new Promise((resolve) => {
        child.once('message', (told) => resolve(told as Memory));
        child.send('memory');
      }),
  };
}

async function readied(child: ChildProcess): Promise<Running> {
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error('a process did not start');
  const end = ended(child);
  await Promise.race([
    new Promise((resolve) => void createInterface({ input: stdout }).once('line', resolve)),
    end.then((status) => Promise.reject(new Error(`a process ended with status ${status} before it was ready`))),
  ]);
  return {
    pid,
    async stop() {
      child.kill('SIGKILL');
      await end;
    },
  };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
}

/** What processes used while they read all that a topic held. */
export interface Drained {
  readonly wallSeconds: number;
  /** Of each process. */
  readonly cpuSeconds: readonly number[];
  readonly maxRssMegabytes: number;
}

/** A topic and who reads it. */
export interface Drain extends TopicPlace {
  /** With its prefix. */
  readonly group: string;
  readonly readers: readonly Running[];
}

/** Lets readers that have joined sleep while the topic is filled, and measures how they read it, until all is committed. */
export async function drained(drain: Drain, fill: () => Promise<unknown>): Promise<Drained> {
  for (const { pid } of drain.readers) process.kill(pid, 'SIGSTOP');
  await fill();
  const before = drain.readers.map(({ pid }) => usageOf(pid).cpuSeconds);
  const began = Date.now();
  for (const { pid } of drain.readers) process.kill(pid, 'SIGCONT');
  return { ...(await untilCommitted(drain, before)), wallSeconds: (Date.now() - began) / 1000 };
}

/** What readers have used, since they had used so much, when all that the topic holds is committed. */
export async function untilCommitted(
  { brokers, topic, group, readers }: Drain,
  before: readonly number[],
): Promise<Omit<Drained, 'wallSeconds'>> {
  const watch = await watchLag({ brokers, topic }, group);
  for (;;) {
    const { messages, lag } = await watch.look();
    if (messages > 0 && lag === 0) break;
    await sleep(LOOK_MS);
  }
  await watch.close();
  const usages = readers.map(({ pid }) => usageOf(pid));
  return {
    cpuSeconds: usages.map(({ cpuSeconds }, index) => cpuSeconds - (before[index] ?? 0)),
    maxRssMegabytes: Math.max(...usages.map(({ maxRssMegabytes }) => maxRssMegabytes)),
  };
}

/** Resolves when a process has used less than a tenth of a core for two seconds; returns the CPU seconds it has used so far. */
export async function quiet({ pid }: Running): Promise<number> {
  for (let last = usageOf(pid).cpuSeconds, calm = 0; ;) {
    await sleep(TICK_MS);
    const now = usageOf(pid).cpuSeconds;
    calm = now - last < TICK_MS / 10_000 ? calm + 1 : 0;
    last = now;
    if (calm === 2) return now;
  }
}

/** What the configuration of one process names. */
export interface ConfigParts {
  readonly folder: string;
  readonly name: string;
  readonly cluster: string;
  readonly brokers: readonly string[];
  readonly prefix: string;
  /** The agent.log to collect; `null` for a processor. */
  readonly agentLog: string | null;
}

/** Writes the configuration of a collector or of a processor with tables of its own; returns its path. */
export function writtenConfig({ folder, name, cluster, brokers, prefix, agentLog }: ConfigParts): string {
  return writeConfig(join(folder, `${name}.yaml`), {
    cluster,
    data: join(folder, name),
    files: agentLog === null ? [] : [agentFile(agentLog)],
    stream: { kafka: { brokers, topicPrefix: prefix } },
    store: { ttlDays: LONG_DAYS },
  });
}
