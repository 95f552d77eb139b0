import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka, whatIsMissing } from '../scripts/kafka/kafka.ts';
import { PROCESSORS_GROUP } from '../src/pipeline/processor.ts';
import { RECORDS_TOPIC } from '../src/stream/stream.ts';
import { writeAgentLog } from './generate.ts';
import { createBareTopic, keysByPartition } from './kafka-bare.ts';
import { drained, quiet, ran, started, untilCommitted, writtenConfig, type Drain, type Drained } from './kafka-children.ts';
import { measureMemory, type Fleet, type FleetMemory } from './kafka-memory.ts';
import { PIECES_TOPIC, READERS_GROUP } from './kafka-role.ts';
import { median, type Cost } from './measure.ts';
import { startProgram, usageOf } from './program.ts';

/** One line of the table. */
export interface KafkaRow {
  readonly what: string;
  readonly value: string;
  readonly target: string;
  readonly met: boolean | null;
}

/** How much goes through. */
export interface KafkaBench {
  /** Of the generated agent.log. */
  readonly bytes: number;
  readonly rounds: number;
  readonly fleet: Fleet;
}

/** Partitions of topics, as by default. */
const PARTITIONS = 12;
/** CloudStack clusters that send, where several do. */
const CLUSTERS = 6;
/** Bytes that may still be on their way when collecting is taken for done: a last record is waited for a second. */
const LAST_BYTES = 1 << 18;

/** The ground of all measurements. */
interface Ground {
  readonly folder: string;
  readonly brokers: readonly string[];
  readonly agentLog: string;
  readonly lines: number;
  readonly bytes: number;
}

/** Measures the way from files over a real broker to the store, each process by itself. @throws Error where no broker can be started */
export async function* overKafka({ bytes, rounds, fleet }: KafkaBench): AsyncGenerator<KafkaRow> {
  const missing = whatIsMissing();
  if (missing !== null) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-'));
  const cluster = await startKafka();
  try {
    const agentLog = join(folder, 'agent.log');
    const { lines } = writeAgentLog(agentLog, bytes);
    const ground: Ground = { folder, brokers: cluster.brokers, agentLog, lines, bytes: statSync(agentLog).size };
    yield* halvesRows(await repeated(rounds, (round) => halves(ground, `halves-${round}.`)), ground);
    yield* ratioRows(await repeated(rounds, (round) => besideBare(ground, `beside-${round}.`, round % 2 === 1)), ground);
    yield* wholeRows(await repeated(rounds, (round) => whole(ground, `whole-${round}.`)), ground);
    yield* severalRows(await several(ground));
    yield* memoryRows(fleet, await measureMemory(fleet, ground));
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function repeated<T>(rounds: number, work: (round: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(await work(round));
  return results;
}

type Collected = Cost & { readonly beganAt: number };

interface Sender {
  readonly prefix: string;
  readonly cluster?: string;
  readonly bytes?: number;
}

/** `precopy collect` of an existing file, in a process of its own. */
function collected(ground: Ground, { prefix, cluster = 'c1', bytes = ground.bytes }: Sender): Promise<Collected> {
  const folder = join(ground.folder, prefix);
  mkdirSync(folder, { recursive: true });
  const config = writtenConfig({ ...ground, folder, name: `collect-${cluster}`, cluster, prefix });
  return ran({ role: 'collect', config, bytes: bytes - LAST_BYTES });
}

function recordsRead({ brokers }: Ground, prefix: string, group: string): Omit<Drain, 'readers'> {
  return { brokers, topic: `${prefix}${RECORDS_TOPIC}`, group: `${prefix}${group}` };
}

interface Halves {
  readonly collect: Collected;
  readonly parse: Drained;
}

/** Files → Kafka, and Kafka → parsed. */
async function halves(ground: Ground, prefix: string): Promise<Halves> {
  const reader = await started({ role: 'parse', brokers: ground.brokers, prefix });
  let collect: Collected | null = null;
  const parse = await drained({ ...recordsRead(ground, prefix, READERS_GROUP), readers: [reader] }, async () => {
    collect = await collected(ground, { prefix });
  });
  await reader.stop();
  if (collect === null) throw new Error('nothing was collected');
  return { collect, parse };
}

interface Pair<T> {
  readonly own: T;
  readonly bare: T;
}

interface BesideBare {
  readonly produced: Pair<Cost>;
  readonly consumed: Pair<Drained>;
}

/** The same chunks by the stream and by kafkajs alone. */
async function besideBare(ground: Ground, prefix: string, ownFirst: boolean): Promise<BesideBare> {
  const { brokers, agentLog: path } = ground;
  const [ownPrefix, barePrefix] = [`${prefix}own.`, `${prefix}bare.`];
  await createBareTopic({ brokers, topic: `${ownPrefix}${PIECES_TOPIC}` });
  await createBareTopic({ brokers, topic: `${barePrefix}${PIECES_TOPIC}` });
  const produced: { own?: Cost; bare?: Cost } = {};
  const consumed = async (own: string, kind: 'consume' | 'consume-bare'): Promise<Drained> => {
    const reader = await started({ role: kind, brokers, prefix: own });
    const drain = { brokers, topic: `${own}${PIECES_TOPIC}`, group: `${own}${READERS_GROUP}`, readers: [reader] };
    const cost = await drained(drain, async () => {
      if (kind === 'consume') produced.own = await ran<Cost>({ role: 'produce', brokers, prefix: own, path });
      else produced.bare = await ran<Cost>({ role: 'produce-bare', brokers, prefix: own, path });
    });
    await reader.stop();
    return cost;
  };
  // who comes first meets a broker that has rested
  const early = ownFirst ? null : await consumed(barePrefix, 'consume-bare');
  const own = await consumed(ownPrefix, 'consume');
  const bare = early ?? (await consumed(barePrefix, 'consume-bare'));
  if (produced.own === undefined || produced.bare === undefined) throw new Error('nothing was sent');
  return { produced: { own: produced.own, bare: produced.bare }, consumed: { own, bare } };
}

interface Whole {
  readonly collect: Collected;
  /** From the start of the collector on. */
  readonly storedSeconds: number;
  readonly process: Omit<Drained, 'wallSeconds'>;
  /** Of the processor until timelines showed all of it, too. */
  readonly shownCpuSeconds: number;
}

/** Files → Kafka → store, at once. */
async function whole(ground: Ground, prefix: string): Promise<Whole> {
  const processor = await processorOf(ground, prefix, 'process');
  await quiet(processor);
  const before = usageOf(processor.pid).cpuSeconds;
  const collect = await collected(ground, { prefix });
  const process = await untilCommitted({ ...recordsRead(ground, prefix, PROCESSORS_GROUP), readers: [processor] }, [before]);
  const storedSeconds = (Date.now() - collect.beganAt) / 1000;
  const shownCpuSeconds = (await quiet(processor)) - before;
  await processor.stop();
  return { collect, storedSeconds, process, shownCpuSeconds };
}

function processorOf(ground: Ground, prefix: string, name: string) {
  const folder = join(ground.folder, prefix);
  mkdirSync(folder, { recursive: true });
  return startProgram('process', writtenConfig({ ...ground, folder, name, cluster: 'none', prefix, agentLog: null }));
}

interface Several {
  readonly lines: number;
  readonly parsed: readonly Drained[];
  readonly stored: readonly Drained[];
}

/** Of several clusters, by one process and by two. */
async function several(ground: Ground): Promise<Several> {
  const agentLog = join(ground.folder, 'several/agent.log');
  const { lines, bytes } = writeAgentLog(agentLog, Math.ceil(ground.bytes / CLUSTERS));
  const small: Ground = { ...ground, agentLog, lines, bytes };
  const fill = async (prefix: string): Promise<void> => {
    for (const cluster of keysByPartition(CLUSTERS, PARTITIONS)) await collected(small, { prefix, cluster });
  };
  const parsed: Drained[] = [];
  const stored: Drained[] = [];
  for (const count of [1, 2]) {
    const parsing = `parsing-${count}.`;
    const numbers = Array.from({ length: count }, (_, index) => index);
    const readers = await Promise.all(numbers.map(() => started({ role: 'parse', brokers: ground.brokers, prefix: parsing })));
    parsed.push(await drained({ ...recordsRead(ground, parsing, READERS_GROUP), readers }, () => fill(parsing)));
    for (const reader of readers) await reader.stop();
    const storing = `storing-${count}.`;
    const processors = await Promise.all(numbers.map((index) => processorOf(ground, storing, `process-${index}`)));
    for (const processor of processors) await quiet(processor);
    stored.push(await drained({ ...recordsRead(ground, storing, PROCESSORS_GROUP), readers: processors }, () => fill(storing)));
    for (const processor of processors) await processor.stop();
  }
  return { lines: lines * CLUSTERS, parsed, stored };
}

function halvesRows(runs: readonly Halves[], { lines, bytes }: Ground): readonly KafkaRow[] {
  // what collecting was taken for done with
  const sent = lines * (1 - LAST_BYTES / bytes);
  const collectCpu = median(runs.map(({ collect }) => collect.cpuSeconds)) / (sent / 1e6);
  const parseCpu = median(runs.map(({ parse }) => total(parse))) / (lines / 1e6);
  return [
    untargeted('files to Kafka', `${thousands(sent / median(runs.map(({ collect }) => collect.wallSeconds)))} lines/s`),
    cpuRow('files to Kafka: CPU of the collecting process', collectCpu, 2.5),
    untargeted('Kafka to parsed', `${thousands(lines / median(runs.map(({ parse }) => parse.wallSeconds)))} lines/s`),
    cpuRow('Kafka to parsed: CPU of the process', parseCpu, 2.5),
  ];
}

function ratioRows(runs: readonly BesideBare[], { bytes }: Ground): readonly KafkaRow[] {
  const row = (what: string, pairs: readonly Pair<{ readonly wallSeconds: number; readonly cpu: number }>[]): KafkaRow => {
    const speed = median(pairs.map(({ own, bare }) => bare.wallSeconds / own.wallSeconds));
    const cpu = median(pairs.map(({ own, bare }) => own.cpu / bare.cpu));
    const rate = median(pairs.map(({ bare }) => bytes / 1e6 / bare.wallSeconds));
    const ms = median(pairs.map(({ bare }) => (1e9 * bare.cpu) / bytes));
    return untargeted(
      what,
      `${speed.toFixed(2)} of its ${rate.toFixed(0)} MB/s, ${cpu.toFixed(2)} of its ${ms.toFixed(1)} CPU ms/MB`,
    );
  };
  return [
    row(
      'produce, beside kafkajs alone',
      runs.map(({ produced: { own, bare } }) => ({
        own: { ...own, cpu: own.cpuSeconds },
        bare: { ...bare, cpu: bare.cpuSeconds },
      })),
    ),
    row(
      'consume, beside kafkajs alone',
      runs.map(({ consumed: { own, bare } }) => ({ own: { ...own, cpu: total(own) }, bare: { ...bare, cpu: total(bare) } })),
    ),
  ];
}

function wholeRows(runs: readonly Whole[], { lines }: Ground): readonly KafkaRow[] {
  const of = (value: (run: Whole) => number): number => median(runs.map(value));
  const rate = lines / of(({ storedSeconds }) => storedSeconds);
  const millions = lines / 1e6;
  return [
    {
      what: 'files to Kafka to store: stored',
      value: `${thousands(rate)} lines/s`,
      target: '>= 100,000',
      met: rate >= 100_000,
    },
    cpuRow('the same: CPU of the collecting process', of(({ collect }) => collect.cpuSeconds) / millions, null),
    cpuRow('the same: CPU of the processor until stored', of(({ process }) => total(process)) / millions, null),
    cpuRow('the same: until timelines show it', of(({ shownCpuSeconds }) => shownCpuSeconds) / millions, null),
    untargeted('the same: largest RSS of the collecting process', megabytes(of(({ collect }) => collect.maxRssMegabytes))),
    untargeted('the same: largest RSS of the processor', megabytes(of(({ process }) => process.maxRssMegabytes))),
  ];
}

function severalRows({ lines, parsed, stored }: Several): readonly KafkaRow[] {
  const row = (what: string, [one, two]: readonly Drained[]): KafkaRow => {
    if (one === undefined || two === undefined) throw new Error('one and two were measured');
    const rate = ({ wallSeconds }: Drained): string => thousands(lines / wallSeconds);
    const cpu = (of: Drained): string => (total(of) / (lines / 1e6)).toFixed(2);
    return untargeted(
      what,
      `${rate(one)} and ${rate(two)} lines/s (${(one.wallSeconds / two.wallSeconds).toFixed(2)}), CPU ${cpu(one)} and ${cpu(two)} s per million lines`,
    );
  };
  return [
    row(`Kafka to parsed, ${CLUSTERS} clusters, one process and two`, parsed),
    row(`Kafka to store, ${CLUSTERS} clusters, one processor and two`, stored),
  ];
}

function memoryRows(
  { clusters, hostsPerCluster, vmsPerHost }: Fleet,
  { empty, withHosts, withVms }: FleetMemory,
): readonly KafkaRow[] {
  const hosts = clusters * hostsPerCluster;
  const each = (before: number, after: number, count: number): string => `${((1000 * (after - before)) / count).toFixed(2)} kB`;
  return [
    untargeted('processor: empty', `${megabytes(empty.heap)} heap, ${megabytes(empty.rss)} RSS`),
    untargeted(
      `processor, ${thousands(clusters)} clusters: each of ${thousands(hosts)} idle hosts`,
      `${each(empty.heap, withHosts.heap, hosts)} heap, ${each(empty.rss, withHosts.rss, hosts)} RSS`,
    ),
    untargeted(
      `the same: each of ${thousands(hosts * vmsPerHost)} idle VMs`,
      `${each(withHosts.heap, withVms.heap, hosts * vmsPerHost)} heap, ${each(withHosts.rss, withVms.rss, hosts * vmsPerHost)} RSS`,
    ),
    untargeted('the same: with all of them', `${megabytes(withVms.heap)} heap, ${megabytes(withVms.rss)} RSS`),
  ];
}

function total({ cpuSeconds }: Pick<Drained, 'cpuSeconds'>): number {
  return cpuSeconds.reduce((sum, own) => sum + own, 0);
}

function cpuRow(what: string, secondsAMillion: number, most: number | null): KafkaRow {
  return {
    what,
    value: `${secondsAMillion.toFixed(2)} s per million lines`,
    target: most === null ? '' : `<= ${most}`,
    met: most === null ? null : secondsAMillion <= most,
  };
}

function untargeted(what: string, value: string): KafkaRow {
  return { what, value, target: '', met: null };
}

function megabytes(value: number): string {
  return `${value.toFixed(0)} MB`;
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      megabytes: { type: 'string', default: '420' },
      rounds: { type: 'string', default: '3' },
      clusters: { type: 'string', default: '1000' },
      hosts: { type: 'string', default: '20' },
      vms: { type: 'string', default: '10' },
    },
  });
  const fleet = { clusters: Number(values.clusters), hostsPerCluster: Number(values.hosts), vmsPerHost: Number(values.vms) };
  process.stdout.write(`node ${process.version}, load ${loadavg()[0]?.toFixed(1)}\n`);
  const bench: KafkaBench = { bytes: Number(values.megabytes) * 1e6, rounds: Number(values.rounds), fleet };
  for await (const { what, value, target, met } of overKafka(bench))
    process.stdout.write(`| ${what} | ${value} | ${target} | ${met === null ? '' : met ? 'yes' : 'no'} |\n`);
  process.stdout.write(`load afterwards ${loadavg()[0]?.toFixed(1)}\n`);
}

if (process.argv[1]?.endsWith('kafka-pipeline.js') === true) await main();
