import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedStream } from '../src/stream/embedded.ts';
import { RECORDS_TOPIC } from '../src/stream/stream.ts';
import { cpuShareOf, startProgram, usageOf, type Usage } from './program.ts';

/** What following files costs `precopy collect`, and whether all of it arrived in the stream. */
export interface CollectorCost {
  readonly linesPerSecond: number;
  readonly written: number;
  readonly collected: number;
  /** Of one core. */
  readonly cpuShare: number;
  /** Of one core, while nothing is written. */
  readonly idleCpuShare: number;
  /** What it has resident after each part of the load. */
  readonly after: readonly (Usage & { readonly seconds: number })[];
}

/** How much is written, and for how long. */
export interface CollectorLoad {
  readonly files: number;
  readonly linesPerSecond: number;
  /** After so many seconds each it is looked at; the load ends with the last. */
  readonly looks: readonly number[];
  /** Further logs that nobody writes to, as of VMs that run quietly. */
  readonly quietFiles: number;
}

const TICK_MS = 50;
/** A start is over, and files that do not grow are looked at less often. */
const SETTLED_MS = 15_000;
const IDLE_MS = 10_000;
/** The last lines are in the stream. */
const READ_MS = 2500;
const LINE = `2026-11-23 05:42:38,409 DEBUG [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:0c77d3e2) Waiting for migration of i-2-31-VM to complete, waited 4016ms\n`;
const QUIET_LINES = 10;

/** Writes logs at a steady rate while `precopy collect`, a process of its own, follows them into the stream of a folder. */
export async function measureCollector({ files, linesPerSecond, looks, quietFiles }: CollectorLoad): Promise<CollectorCost> {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-collector-'));
  const data = join(folder, 'data');
  const logs = join(folder, 'log');
  mkdirSync(logs);
  const paths = Array.from({ length: files }, (_, i) => join(logs, `agent-${i}.log`));
  for (const path of paths) writeFileSync(path, '');
  for (let i = 0; i < quietFiles; i += 1) writeFileSync(join(logs, `quiet-${i}.log`), LINE.repeat(QUIET_LINES));
  const config = join(folder, 'precopy.yaml');
  writeFileSync(config, configText(data, join(logs, '*.log')));
  try {
    const program = await startProgram('collect', config, () => undefined);
    const load = createLoad(paths, linesPerSecond);
    const after: (Usage & { readonly seconds: number })[] = [];
    let [idleCpuShare, cpuShare] = [Number.NaN, Number.NaN];
    try {
      await sleep(SETTLED_MS);
      idleCpuShare = await cpuShareOf(program.pid, () => sleep(IDLE_MS));
      cpuShare = await cpuShareOf(program.pid, async () => {
        for (const seconds of looks) {
          await load.writeUntil(seconds);
          after.push({ seconds, ...usageOf(program.pid) });
        }
      });
      await sleep(READ_MS);
    } finally {
      await program.stop();
    }
    const collected = (await linesIn(join(data, 'stream'))) - QUIET_LINES * quietFiles;
    const written = load.lines();
    return { linesPerSecond: written / (looks.at(-1) ?? 0), written, collected, cpuShare, idleCpuShare, after };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Load {
  /** Writes on until so many seconds after its begin. */
  writeUntil(seconds: number): Promise<void>;
  lines(): number;
}

function createLoad(paths: readonly string[], linesPerSecond: number): Load {
  const perTick = Math.round((linesPerSecond * TICK_MS) / 1000 / paths.length);
  const text = LINE.repeat(perTick);
  let began: number | null = null;
  let ticks = 0;
  return {
    lines: () => ticks * perTick * paths.length,
    async writeUntil(seconds) {
      began ??= performance.now();
      for (; ticks * TICK_MS < seconds * 1000; ticks += 1) {
        for (const path of paths) appendFileSync(path, text);
        await sleep(Math.max(0, began + (ticks + 1) * TICK_MS - performance.now()));
      }
    },
  };
}

/** Lines of the logs that the stream holds. */
async function linesIn(folder: string): Promise<number> {
  const stream = await openEmbeddedStream({ folder });
  let lines = 0;
  await stream.scan(RECORDS_TOPIC, ({ messages }) => {
    for (const { value, headers } of messages) if (headers['source'] === 'cloudstack-agent') lines += countLines(value);
    return Promise.resolve();
  });
  await stream.close();
  return lines;
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}

function configText(data: string, pattern: string): string {
  const off = { virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, hostFacts: null };
  return JSON.stringify({
    data,
    timezone: 'UTC',
    collect: { files: [{ path: pattern, source: 'cloudstack-agent', host: 'bench' }], ...off },
  });
}
