import { once } from 'node:events';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeConfig } from './config.ts';
import { agentMigrations, agentNoise } from './lines/agent.ts';
import type { LogFile } from './log-file.ts';
import { planned, type Vm } from './plan.ts';
import { cpuShareOf, startProgram, usageOf, type LogLine } from './program.ts';
import { createRandom } from './random.ts';

/** How soon findings follow their lines, and what the instance costs meanwhile. */
export interface Latency {
  /** Migrations that failed, one after the other, and how many of them were found out. */
  readonly migrations: number;
  readonly found: number;
  /** From the writing of the line that tells of a failure to the log's word that its finding is stored. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** The same to the arrival of its alert at a webhook, and how many arrived. */
  readonly told: number;
  readonly toldMedianMs: number;
  readonly toldP99Ms: number;
  readonly linesPerSecond: number;
  /** Of one core, with all threads: while lines come, and while none do. */
  readonly busyCpuShare: number;
  readonly idleCpuShare: number;
  /** Resident after the load. */
  readonly rssMegabytes: number;
}

/** What is written. */
export interface LatencyLoad {
  readonly linesPerSecond: number;
  readonly seconds: number;
  /** Time without any line before that: until what a start does is over, and then measured. */
  readonly settleSeconds: number;
  readonly idleSeconds: number;
}

const HOSTS = ['kvm-1', 'kvm-2', 'kvm-3', 'kvm-4'] as const;
const TICK_MS = 20;
const MIGRATION_EVERY_MS = 2000;
const SEED = 7;

/** Writes agents' logs of four hosts while `precopy up` follows them; a migration of a VM of its own fails every other second. */
export async function measureLatency(folder: string, load: LatencyLoad): Promise<Latency> {
  const paths = HOSTS.map((host) => join(folder, host, 'agent.log'));
  for (const [i, host] of HOSTS.entries()) {
    mkdirSync(join(folder, host), { recursive: true });
    writeFileSync(paths[i] ?? '', '');
  }
  const listener = await openListener();
  const config = writeConfig(join(folder, 'precopy.yaml'), {
    data: join(folder, 'data'),
    files: paths.map((path, i) => ({ path, source: 'cloudstack-agent', host: HOSTS[i] })),
    // each failure is told by itself, as if each had a cause of its own
    alerts: {
      notifiers: [{ name: 'bench', type: 'webhook', url: listener.url }],
      groupEvery: '0s',
      storm: { alerts: 10_000 },
    },
  });
  const foundAt = new Map<string, number>();
  const note = ({ msg, at, detector, vm }: LogLine): void => {
    if (msg === 'finding' && detector === 'migration-failed' && vm !== null && !foundAt.has(vm)) foundAt.set(vm, at);
  };
  const program = await startProgram('up', config, note);
  try {
    await sleep(load.settleSeconds * 1000);
    const idle = await cpuShareOf(program.pid, () => sleep(load.idleSeconds * 1000));
    const wrote = createWrites(paths);
    const busy = await cpuShareOf(program.pid, () => wrote.run(load));
    await sleep(5000);
    const found = waitsOf(wrote.failedAt, foundAt);
    const told = waitsOf(wrote.failedAt, listener.toldAt);
    return {
      migrations: wrote.failedAt.size,
      found: found.length,
      medianMs: shareOfSorted(found, 0.5),
      p99Ms: shareOfSorted(found, 0.99),
      told: told.length,
      toldMedianMs: shareOfSorted(told, 0.5),
      toldP99Ms: shareOfSorted(told, 0.99),
      linesPerSecond: wrote.lines() / load.seconds,
      busyCpuShare: busy,
      idleCpuShare: idle,
      rssMegabytes: usageOf(program.pid).rssMegabytes,
    };
  } finally {
    await program.stop();
    listener.close();
  }
}

function waitsOf(from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): readonly number[] {
  return [...from].flatMap(([vm, at]) => (to.has(vm) ? [(to.get(vm) ?? 0) - at] : [])).toSorted((a, b) => a - b);
}

function shareOfSorted(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

interface Listener {
  readonly url: string;
  /** When somebody was first told of a VM, Unix ms. */
  readonly toldAt: ReadonlyMap<string, number>;
  close(): void;
}

/** Takes every notification. */
async function openListener(): Promise<Listener> {
  const toldAt = new Map<string, number>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      const at = Date.now();
      for (const [vm] of body.matchAll(/i-9-\d+-VM/g)) if (!toldAt.has(vm)) toldAt.set(vm, at);
      response.end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    toldAt,
    close: () => void server.close(),
  };
}

interface Told {
  readonly at: number;
  readonly path: string;
  readonly text: string;
  /** The VM whose failure it tells. */
  readonly fails: string | null;
}

interface Writes {
  run(load: LatencyLoad): Promise<void>;
  lines(): number;
  /** When the line that tells of a VM's failure was written, Unix ms. */
  readonly failedAt: ReadonlyMap<string, number>;
}

function createWrites(paths: readonly string[]): Writes {
  const random = createRandom(SEED);
  const now = Date.now();
  const plan = { ...planned(SEED, { days: 1, migrations: 1 }), from: now - 1e9, to: now + 1e9 };
  const noise = agentNoise(plan, random);
  const tell = agentMigrations(plan, random);
  const failedAt = new Map<string, number>();
  let waiting: Told[] = [];
  let lines = 0;

  function fail(at: number, n: number): void {
    const [model] = plan.vms;
    const vm: Vm = { ...model, name: `i-9-${1000 + n}-VM` };
    const logOf = (path: string): LogFile => ({
      add: (when, text) => void waiting.push({ at: when, path, text, fails: text.includes("Can't migrate") ? vm.name : null }),
      advance() {},
      close: () => ({ lines: 0, bytes: 0, added: 0 }),
    });
    const move = { vm, source: 'kvm-a', destination: 'kvm-b', at: at + 400, tookMs: 300, end: 'cpu-incompatible' } as const;
    tell(move, { source: logOf(paths[n % 4] ?? ''), destination: logOf(paths[(n + 1) % 4] ?? '') });
  }

  function write(at: number, count: number): void {
    const due = waiting.filter((record) => record.at <= at);
    waiting = waiting.filter((record) => record.at > at);
    for (const path of paths) {
      const own = due.filter((record) => record.path === path);
      const filled = Array.from({ length: Math.round(count / paths.length) }, () => noise(at)).join('');
      const text = own.map((record) => record.text).join('') + filled;
      appendFileSync(path, text);
      for (const { fails } of own) if (fails !== null) failedAt.set(fails, Date.now());
      lines += text.split('\n').length - 1;
    }
  }

  return {
    failedAt,
    lines: () => lines,
    async run({ linesPerSecond, seconds }) {
      const began = Date.now();
      let written = 0;
      for (let at = began, n = 0; at < began + seconds * 1000; at = Date.now()) {
        // the last ones get the time to be told
        for (; n * MIGRATION_EVERY_MS < Math.min(at - began, seconds * 1000 - 2000); n += 1) fail(at, n);
        const due = ((at - began) / 1000) * linesPerSecond;
        write(at, due - written);
        written = due;
        await sleep(TICK_MS);
      }
    },
  };
}
