import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka, whatIsMissing } from '../scripts/kafka/kafka.ts';
import { CODECS, type Codec } from '../src/stream/kafka/codec.ts';
import { openKafkaStream } from '../src/stream/kafka.ts';
import type { StreamMessage } from '../src/stream/stream.ts';
import { chunksOfAgentLog, consume, produce, timed } from './stream.ts';

/** What one codec costs, over chunks of an agent.log. */
interface KafkaCost {
  readonly codec: Codec;
  readonly producedMegabytesPerSecond: number;
  readonly consumedMegabytesPerSecond: number;
  /** User and system time of all threads of this process, not of the broker. */
  readonly producedCpuMsPerMegabyte: number;
  readonly consumedCpuMsPerMegabyte: number;
  /** Bytes on the wire, and on the broker's disk, by bytes of values. */
  readonly share: number;
}

/** A codec that is slow the first time only must not look slow. */
const WARM_UP = 8;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { megabytes: { type: 'string', default: '200' }, rounds: { type: 'string', default: '3' } },
  });
  const missing = whatIsMissing();
  if (missing !== null) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-'));
  const cluster = await startKafka();
  try {
    const messages = await chunksOfAgentLog(folder, Number(values.megabytes) * 1e6);
    const costs: KafkaCost[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const codec of CODECS) {
        const topicPrefix = `${codec}-${round}.`;
        const cost = await measure(messages, { codec, topicPrefix, brokers: cluster.brokers });
        const stored = storedBytes(join(cluster.folder ?? '', 'node-1/data'), `${topicPrefix}bench-`);
        costs.push({ ...cost, share: stored / (totalBytes(messages) * (1 + WARM_UP / messages.length)) });
      }
    }
    print(costs);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Subject {
  readonly codec: Codec;
  readonly topicPrefix: string;
  readonly brokers: readonly string[];
}

async function measure(messages: readonly StreamMessage[], subject: Subject): Promise<Omit<KafkaCost, 'share'>> {
  const stream = await openKafkaStream({
    ...subject,
    clientId: 'bench',
    ssl: null,
    sasl: null,
    partitions: 1,
    retention: { maxBytes: 100e9, maxAgeMs: 3_600_000 },
  });
  await produce(stream, messages.slice(0, WARM_UP), 1);
  const produced = await timed(() => produce(stream, messages, 8));
  const consumed = await timed(() => consume(stream, messages.length + WARM_UP));
  await stream.close();
  const megabytes = totalBytes(messages) / 1e6;
  return {
    codec: subject.codec,
    producedMegabytesPerSecond: megabytes / produced.wallSeconds,
    consumedMegabytesPerSecond: megabytes / consumed.wallSeconds,
    producedCpuMsPerMegabyte: produced.cpuMs / megabytes,
    consumedCpuMsPerMegabyte: consumed.cpuMs / megabytes,
  };
}

function totalBytes(messages: readonly StreamMessage[]): number {
  return messages.reduce((sum, { value }) => sum + value.byteLength, 0);
}

function storedBytes(data: string, topic: string): number {
  const folders = readdirSync(data).filter((name) => name.startsWith(topic));
  const files = folders.flatMap((name) => readdirSync(join(data, name)).map((file) => join(data, name, file)));
  return files.filter((file) => file.endsWith('.log')).reduce((sum, file) => sum + statSync(file).size, 0);
}

function print(costs: readonly KafkaCost[]): void {
  say(`node ${process.version}, median of ${costs.length / CODECS.length} rounds`);
  say('| codec  | produced MB/s | CPU ms/MB | consumed MB/s | CPU ms/MB | share of bytes |');
  say('| ------ | ------------- | --------- | ------------- | --------- | -------------- |');
  for (const codec of CODECS) {
    const own = costs.filter((cost) => cost.codec === codec);
    const cells = [
      codec.padEnd(6),
      median(own.map((cost) => cost.producedMegabytesPerSecond))
        .toFixed(0)
        .padStart(13),
      median(own.map((cost) => cost.producedCpuMsPerMegabyte))
        .toFixed(2)
        .padStart(9),
      median(own.map((cost) => cost.consumedMegabytesPerSecond))
        .toFixed(0)
        .padStart(13),
      median(own.map((cost) => cost.consumedCpuMsPerMegabyte))
        .toFixed(2)
        .padStart(9),
      median(own.map(({ share }) => share))
        .toFixed(3)
        .padStart(14),
    ];
    say(`| ${cells.join(' | ')} |`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
