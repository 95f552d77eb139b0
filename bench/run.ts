import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createCollector } from '../src/ingest/collect.ts';
import { readInput } from '../src/ingest/read.ts';
import { parsers } from '../src/parsers/index.ts';
import { writeAgentLog, writeFolder, type Generated } from './generate.ts';
import { whatIsMissing } from '../scripts/kafka/kafka.ts';
import { overKafka } from './kafka-pipeline.ts';
import { measureAlerts } from './alerts.ts';
import { measureCollector } from './collector.ts';
import { measureStore, type StoreRow } from './store.ts';
import { measureUp } from './up.ts';
import type { ReportCost } from './report.ts';
import { asProcess, inProcess, interleaved, typical, type Cost } from './measure.ts';

const AGENT_LOG_BYTES = 420e6;
const FOLDER_BYTES = 1e9;
const CLI = 'dist/cli.js';

interface Row {
  readonly what: string;
  readonly value: string;
  readonly target: string;
  readonly met: boolean | null;
}

interface Settings {
  readonly rounds: number;
  readonly scale: number;
  /** Also questions about one VM among up to 100 million lines. */
  readonly large: boolean;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      keep: { type: 'boolean' },
      large: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-'));
  try {
    await measure(folder, { rounds: Number(values.rounds), scale: Number(values.scale), large: values.large });
  } finally {
    if (values.keep === true) say(`kept ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** `scale` below 1 makes smaller inputs, for a quick look; the targets are then those of the full size still. */
async function measure(folder: string, { rounds, scale, large }: Settings): Promise<void> {
  const agentLog = join(folder, 'agent/agent.log');
  const mixed = join(folder, 'mixed');
  say(`writing to ${folder}`);
  const one = writeAgentLog(agentLog, AGENT_LOG_BYTES * scale);
  const many = writeFolder(mixed, FOLDER_BYTES * scale);
  describe('agent.log', one);
  describe('folder', many);
  say(
    `node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), load ${loadavg()[0]?.toFixed(1)}, median of ${rounds} rounds\n`,
  );
  const runs = await interleaved(
    {
      parse: () => inProcess(() => parse(agentLog)),
      readline: () => inProcess(() => countLines(agentLog, null)),
      regex: () => inProcess(() => countLines(agentLog, /Waiting for migration of (\S+) to complete, waited (\d+)ms/)),
      analyze: () => asProcess([CLI, 'analyze', '--json', mixed]),
      help: () => asProcess([CLI, '--help']),
    },
    rounds,
  );
  const cost = (name: string): Cost => typical(runs, name);
  const up = await measureUp({
    folder,
    agentLog,
    lines: one.lines,
    bytes: one.bytes,
    seconds: Math.max(30, 120 * Math.min(1, scale)),
    idleSeconds: Math.max(10, 60 * Math.min(1, scale)),
  });
  const store = await measureStore({ scale, sizes: large ? [1e6, 1e7, 1e8] : [] });
  print([
    ...parsing(one, cost),
    ...whole(many, cost),
    ...up,
    ...(await collecting(scale)),
    ...alerting(),
    ...reporting(scale),
    ...store.map(untargeted),
    ...(await kafka({ rounds, scale })),
  ]);
  say(`load afterwards ${loadavg()[0]?.toFixed(1)}`);
}

/** With a real broker, where one can be started. */
async function kafka({ rounds, scale }: Pick<Settings, 'rounds' | 'scale'>): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const missing = whatIsMissing();
  if (missing !== null) say(`no Kafka: ${missing}`);
  else {
    const fleet = { clusters: Math.max(10, Math.round(1000 * scale)), hostsPerCluster: 20, vmsPerHost: 10 };
    for await (const row of overKafka({ bytes: AGENT_LOG_BYTES * scale, rounds, fleet })) rows.push(row);
  }
  return rows;
}

/** Scanner and collector, as `precopy analyze` reads one file. */
async function parse(path: string): Promise<void> {
  const collector = createCollector();
  const input = { path, absolute: path, bytes: statSync(path).size, modifiedAt: 0 };
  const { problem } = await readInput(input, {
    parsers,
    hints: { hosts: [], sources: [] },
    stdin: process.stdin,
    progress() {},
    emit: (event) => collector.add(event),
  });
  if (problem !== null || collector.events().length === 0) throw new Error(`nothing read of ${path}: ${problem}`);
}

/** What any tool that reads lines in Node has to spend at least. */
async function countLines(path: string, pattern: RegExp | null): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({
    input: createReadStream(path, { highWaterMark: 1 << 20 }),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    lines += pattern === null || pattern.test(line) ? 1 : 0;
  }
  return lines;
}

function parsing({ lines }: Generated, cost: (name: string) => Cost): readonly Row[] {
  const { wallSeconds, cpuSeconds } = cost('parse');
  const rate = lines / wallSeconds;
  const ratio = (name: string): string =>
    `${(cost(name).wallSeconds / wallSeconds).toFixed(2)} of its ${thousands(lines / cost(name).wallSeconds)} lines/s`;
  return [
    { what: 'agent.log: parse and collect', value: `${thousands(rate)} lines/s`, target: '>= 600,000', met: rate >= 600_000 },
    { what: 'agent.log: CPU', value: `${(cpuSeconds / (lines / 1e6)).toFixed(2)} s per million lines`, target: '', met: null },
    { what: 'speed against a bare readline count', value: ratio('readline'), target: '', met: null },
    { what: 'speed against readline and one regex', value: ratio('regex'), target: '', met: null },
  ];
}

function whole({ bytes }: Generated, cost: (name: string) => Cost): readonly Row[] {
  const { wallSeconds, cpuSeconds, maxRssMegabytes } = cost('analyze');
  const help = cost('help').wallSeconds * 1000;
  return [
    {
      what: `precopy analyze, ${(bytes / 1e9).toFixed(2)} GB: wall`,
      value: `${wallSeconds.toFixed(1)} s`,
      target: '<= 8 s',
      met: wallSeconds <= 8,
    },
    { what: 'precopy analyze: CPU', value: `${cpuSeconds.toFixed(1)} s`, target: '', met: null },
    {
      what: 'precopy analyze: largest RSS',
      value: `${maxRssMegabytes.toFixed(0)} MB`,
      target: '<= 600 MB',
      met: maxRssMegabytes <= 600,
    },
    { what: 'precopy --help', value: `${help.toFixed(0)} ms`, target: '<= 150 ms', met: help <= 150 },
  ];
}

/** It must not grow with what it has read: it is looked at twice. */
async function collecting(scale: number): Promise<readonly Row[]> {
  const looks = [20, Math.max(30, Math.round(180 * Math.min(1, scale)))];
  const cost = await measureCollector({ files: 10, linesPerSecond: 10_000, looks, quietFiles: 100 });
  const { cpuShare, idleCpuShare, after, written, collected, linesPerSecond } = cost;
  if (written !== collected) throw new Error(`${written} lines written, ${collected} collected`);
  const most = after.at(-1)?.maxRssMegabytes ?? Number.NaN;
  return [
    {
      what: `collect, ${thousands(linesPerSecond)} lines/s: CPU`,
      value: `${(cpuShare * 100).toFixed(1)} % of a core`,
      target: '<= 10 %',
      met: cpuShare <= 0.1,
    },
    {
      what: `collect: largest RSS within ${looks.join(' and ')} s`,
      value: after.map(({ maxRssMegabytes }) => `${maxRssMegabytes.toFixed(0)} MB`).join(', '),
      target: '<= 100 MB',
      met: most <= 100,
    },
    { what: 'collect without new lines: CPU', value: `${(idleCpuShare * 100).toFixed(1)} % of a core`, target: '', met: null },
  ];
}

function alerting(): readonly Row[] {
  const { open, oneMs, hundredMs, tickMs } = measureAlerts(10_000);
  const row = (what: string, ms: number): Row => ({
    what: `${thousands(open)} open alerts, ${what}: CPU, p99`,
    value: `${ms.toFixed(1)} ms`,
    target: '<= 50 ms',
    met: ms <= 50,
  });
  return [row('a step with 1 change', oneMs), row('with 100 changes', hundredMs), row('with none', tickMs)];
}

/** In a process that does nothing else. */
function reporting(scale: number): readonly Row[] {
  const args = [
    'dist-bench/bench/report.js',
    '--migrations',
    String(Math.round(100_000 * scale)),
    '--lines',
    String(Math.round(50e6 * scale)),
  ];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`the report ended with status ${status}`);
  const { migrations, lines, firstSeconds, againSeconds, maxRssMegabytes } = JSON.parse(stdout) as ReportCost;
  return [
    {
      what: `report, ${thousands(migrations)} migrations, ${thousands(lines)} lines`,
      value: `${firstSeconds.toFixed(1)} s, again ${againSeconds.toFixed(1)} s`,
      target: '<= 10 s',
      met: firstSeconds <= 10,
    },
    { what: 'report: largest RSS', value: `${maxRssMegabytes.toFixed(0)} MB`, target: '', met: null },
  ];
}

function untargeted({ what, value }: StoreRow): Row {
  return { what, value, target: '', met: null };
}

function describe(name: string, { files, lines, added, bytes, migrations }: Generated): void {
  const share = Math.round((100 * added) / lines);
  say(
    `${name}: ${(bytes / 1e6).toFixed(0)} MB, ${thousands(lines)} lines (${share} % about migrations), ${files} files, ${thousands(migrations)} migrations`,
  );
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function print(rows: readonly Row[]): void {
  const lines = [
    ['measured', 'value', 'target', 'met'],
    ...rows.map(({ what, value, target, met }) => [what, value, target, met === null ? '' : met ? 'yes' : 'no']),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) say(`| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
