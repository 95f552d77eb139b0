import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFileCollector } from '../src/ingest/files.ts';
import { fileOptions } from '../src/ingest/options.ts';

/** What following files cost, and whether all of it arrived. */
export interface CollectorCost {
  readonly seconds: number;
  readonly linesPerSecond: number;
  readonly written: number;
  readonly collected: number;
  /** Of one core, without what writing the logs took. */
  readonly cpuShare: number;
  /** Of one core, while nothing is written. */
  readonly idleCpuShare: number;
  readonly maxRssMegabytes: number;
}

/** How much is written, and for how long. */
export interface CollectorLoad {
  readonly files: number;
  readonly linesPerSecond: number;
  readonly seconds: number;
  /** Further logs that nobody writes to, as of VMs that run quietly. */
  readonly quietFiles: number;
}

const TICK_MS = 50;
const LINE = `2026-11-23 05:42:38,409 DEBUG [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:0c77d3e2) Waiting for migration of i-2-31-VM to complete, waited 4016ms\n`;

/** Follows logs that are written to at a steady rate; the sink only counts. To be called in a process that does nothing else. */
export async function measureCollector({ files, linesPerSecond, seconds, quietFiles }: CollectorLoad): Promise<CollectorCost> {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-collector-'));
  const logs = join(folder, 'log');
  mkdirSync(logs);
  const paths = Array.from({ length: files }, (_, i) => join(logs, `agent-${i}.log`));
  for (const path of paths) writeFileSync(path, '');
  for (let i = 0; i < quietFiles; i += 1) writeFileSync(join(logs, `quiet-${i}.log`), LINE.repeat(10));
  let collected = -10 * quietFiles;
  const collector = createFileCollector([fileOptions.parse({ path: join(logs, '*.log'), source: 'cloudstack-agent' })], {
    header: { cluster: 'bench', host: 'bench', zone: 'UTC' },
    sink: {
      async write(chunks) {
        for (const { bytes } of chunks) for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) collected += 1;
      },
    },
    report: () => undefined,
    now: Date.now,
    checkpoints: join(folder, 'checkpoints.json'),
    mask: (bytes) => bytes,
  });
  try {
    await collector.start();
    await sleep(3000);
    const idle = await cpuShareOf(() => sleep(5000));
    const { written, writingMs, share, wallMs } = await load(paths, { linesPerSecond, seconds });
    await sleep(2500);
    return {
      seconds,
      linesPerSecond: Math.round((written / wallMs) * 1000),
      written,
      collected,
      cpuShare: share - writingMs / wallMs,
      idleCpuShare: idle,
      maxRssMegabytes: process.resourceUsage().maxRSS / 1024,
    };
  } finally {
    await collector.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Loaded {
  readonly written: number;
  /** CPU time of writing. */
  readonly writingMs: number;
  readonly share: number;
  readonly wallMs: number;
}

async function load(
  paths: readonly string[],
  { linesPerSecond, seconds }: { readonly linesPerSecond: number; readonly seconds: number },
): Promise<Loaded> {
  const perTick = Math.round((linesPerSecond * TICK_MS) / 1000 / paths.length);
  const text = LINE.repeat(perTick);
  const ticks = Math.round((seconds * 1000) / TICK_MS);
  let written = 0;
  let writingMs = 0;
  const begun = performance.now();
  const share = await cpuShareOf(async () => {
    for (let tick = 1; tick <= ticks; tick += 1) {
      const before = process.cpuUsage();
      for (const path of paths) appendFileSync(path, text);
      const { user, system } = process.cpuUsage(before);
      writingMs += (user + system) / 1000;
      written += perTick * paths.length;
      await sleep(Math.max(0, begun + tick * TICK_MS - performance.now()));
    }
  });
  return { written, writingMs, share, wallMs: performance.now() - begun };
}

async function cpuShareOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - begun);
}
