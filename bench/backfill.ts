import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../src/config.ts';
import { countingInstance } from './counting.ts';
import { usageOf } from './program.ts';

/** What reading existing files took, from the start of the instance on. */
export interface Backfill {
  readonly lines: number;
  /** Until every line was stored. */
  readonly storedSeconds: number;
  /** Until timelines and findings showed all of it. */
  readonly shownSeconds: number;
  /** User and system time of all threads, the engine's too, until then. */
  readonly cpuSeconds: number;
  readonly maxRssMegabytes: number;
  /** Bytes of the folders of store and stream at the end. */
  readonly storeBytes: number;
  readonly streamBytes: number;
}

/**
 * Runs an instance of this configuration until it has stored so many lines and told what they mean, in this process, which should
 * do nothing else.
 */
export async function backfill(config: string, lines: number): Promise<Backfill> {
  const loaded = loadConfig(config, process.env);
  const { instance, enough, counted } = countingInstance(loaded, {
    roles: { collect: true, process: true },
    metric: 'collectedLines',
    most: lines,
  });
  const began = performance.now();
  const before = process.cpuUsage();
  await instance.start();
  await enough;
  const storedSeconds = (performance.now() - began) / 1000;
  await instance.idle();
  const shownSeconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  await instance.stop();
  return {
    lines: counted(),
    storedSeconds,
    shownSeconds,
    cpuSeconds: (user + system) / 1e6,
    maxRssMegabytes: usageOf(process.pid).maxRssMegabytes,
    storeBytes: bytesIn(join(loaded.data, 'store')),
    streamBytes: bytesIn(join(loaded.data, 'stream')),
  };
}

/** Bytes that a folder takes; a link counts as what it leads to once only. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

if (process.argv[1]?.endsWith('backfill.js') === true) {
  const [, , config = '', lines = ''] = process.argv;
  process.stdout.write(`${JSON.stringify(await backfill(config, Number(lines)))}\n`);
}
