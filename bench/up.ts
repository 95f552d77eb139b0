import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Backfill } from './backfill.ts';
import { agentFile, LONG_DAYS, writeConfig } from './config.ts';
import { measureLatency } from './latency.ts';

/** One line of the table. */
export interface UpRow {
  readonly what: string;
  readonly value: string;
  readonly target: string;
  readonly met: boolean | null;
}

/** The agent.log that is read, and how long the instance is watched. */
export interface UpBench {
  readonly folder: string;
  readonly agentLog: string;
  readonly lines: number;
  readonly bytes: number;
  /** For how long lines are written, s. */
  readonly seconds: number;
  /** For how long the instance is watched without lines, s. */
  readonly idleSeconds: number;
}

/** What a start does, and the files being new, is over then. */
const SETTLE_SECONDS = 30;

/** Measures an instance that reads existing files, and one that follows files as they are written. */
export async function measureUp({ folder, agentLog, lines, bytes, ...watched }: UpBench): Promise<readonly UpRow[]> {
  const own = join(folder, 'up');
  mkdirSync(own, { recursive: true });
  const config = writeConfig(join(own, 'backfill.yaml'), {
    data: join(own, 'data'),
    files: [agentFile(agentLog)],
    store: { ttlDays: LONG_DAYS },
    log: { level: 'error' },
  });
  return [...readRows(backfillOf(config, lines), bytes), ...(await followRows(join(own, 'live'), watched))];
}

/** In a process of its own, whose memory is nobody else's. */
function backfillOf(config: string, lines: number): Backfill {
  const { stdout, status } = spawnSync(process.execPath, ['dist-bench/bench/backfill.js', config, String(lines)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`reading existing files ended with status ${status}`);
  return JSON.parse(stdout) as Backfill;
}

function readRows(read: Backfill, bytes: number): readonly UpRow[] {
  const { lines, storedSeconds, shownSeconds, cpuSeconds, maxRssMegabytes, storeBytes } = read;
  const rate = lines / storedSeconds;
  return [
    { what: 'up, existing agent.log: stored', value: `${whole(rate)} lines/s`, target: '>= 200,000', met: rate >= 200_000 },
    { what: 'up: until timelines show it', value: `${whole(lines / shownSeconds)} lines/s`, target: '', met: null },
    {
      what: 'up: CPU of all threads',
      value: `${(cpuSeconds / (lines / 1e6)).toFixed(1)} s per million lines`,
      target: '',
      met: null,
    },
    {
      what: `up: largest RSS, ${(bytes / 1e6).toFixed(0)} MB read`,
      value: `${maxRssMegabytes.toFixed(0)} MB`,
      target: '',
      met: null,
    },
    { what: 'up: folder of the store', value: `${(storeBytes / lines).toFixed(1)} bytes a line`, target: '', met: null },
  ];
}

async function followRows(folder: string, watched: Pick<UpBench, 'seconds' | 'idleSeconds'>): Promise<readonly UpRow[]> {
  const cost = await measureLatency(folder, { linesPerSecond: 10_000, settleSeconds: SETTLE_SECONDS, ...watched });
  return [
    {
      what: `up, ${whole(cost.linesPerSecond)} lines/s: line to finding`,
      value: `median ${whole(cost.medianMs)} ms, p99 ${whole(cost.p99Ms)} ms, ${cost.found} of ${cost.migrations}`,
      target: 'p99 <= 1,000 ms',
      met: cost.p99Ms <= 1000 && cost.found === cost.migrations,
    },
    {
      what: 'up: line to notification received',
      value: `median ${whole(cost.toldMedianMs)} ms, p99 ${whole(cost.toldP99Ms)} ms, ${cost.told} of ${cost.migrations}`,
      target: 'median <= 500 ms, p99 <= 1,500 ms',
      met: cost.toldMedianMs <= 500 && cost.toldP99Ms <= 1500 && cost.told === cost.migrations,
    },
    { what: 'up meanwhile: CPU', value: `${percent(cost.busyCpuShare)} of a core`, target: '', met: null },
    { what: 'up meanwhile: RSS', value: `${cost.rssMegabytes.toFixed(0)} MB`, target: '', met: null },
    {
      what: 'up without new lines: CPU',
      value: `${percent(cost.idleCpuShare)} of a core`,
      target: '< 2 %',
      met: cost.idleCpuShare < 0.02,
    },
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
