import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedStream } from '../src/stream/embedded.ts';
import type { Stream, StreamMessage } from '../src/stream/stream.ts';
import { writeAgentLog } from './generate.ts';

/** What the embedded stream costs, over chunks of an agent.log. */
export interface StreamCost {
  readonly chunks: number;
  /** Each send awaited before the next: what one collector gets. */
  readonly oneByOneMegabytesPerSecond: number;
  /** Eight sends in flight: what several collectors get together. */
  readonly togetherMegabytesPerSecond: number;
  readonly consumedMegabytesPerSecond: number;
  /** User and system time of all threads for a megabyte produced, and for one consumed. */
  readonly producedCpuMsPerMegabyte: number;
  readonly consumedCpuMsPerMegabyte: number;
  /** Longest time that a timer was late meanwhile. */
  readonly longestBlockMs: number;
  /** Size of the file by bytes of values. */
  readonly diskBytesPerByte: number;
}

const CHUNK_BYTES = 256 * 1024;
const TOPIC = 'bench';

/** Writes an agent.log of so many bytes into the folder and puts it through a stream beside it. */
export async function measureStream(folder: string, bytes: number): Promise<StreamCost> {
  const messages = await chunksOfAgentLog(folder, bytes);
  const megabytes = messages.reduce((sum, { value }) => sum + value.byteLength, 0) / 1e6;
  const lateness = watchLateness();
  const alone = await openEmbeddedStream({ folder: join(folder, 'stream-alone') });
  const oneByOne = await timed(() => produce(alone, messages, 1));
  await alone.close();
  const stream = await openEmbeddedStream({ folder: join(folder, 'stream') });
  const together = await timed(() => produce(stream, messages, 8));
  const consumed = await timed(() => consume(stream, messages.length));
  await stream.close();
  return {
    chunks: messages.length,
    oneByOneMegabytesPerSecond: megabytes / oneByOne.wallSeconds,
    togetherMegabytesPerSecond: megabytes / together.wallSeconds,
    consumedMegabytesPerSecond: megabytes / consumed.wallSeconds,
    producedCpuMsPerMegabyte: together.cpuMs / megabytes,
    consumedCpuMsPerMegabyte: consumed.cpuMs / megabytes,
    longestBlockMs: lateness.stop(),
    diskBytesPerByte: statSync(join(folder, 'stream/data.mdb')).size / (megabytes * 1e6),
  };
}

/** An agent.log of so many bytes, in chunks as a collector makes them. */
export async function chunksOfAgentLog(folder: string, bytes: number): Promise<readonly StreamMessage[]> {
  const log = join(folder, 'stream-input/agent.log');
  writeAgentLog(log, bytes);
  return chunksOf(log);
}

/** A file in pieces of the size of a collector's chunks. */
export async function chunksOf(log: string): Promise<readonly StreamMessage[]> {
  const messages: StreamMessage[] = [];
  for await (const value of createReadStream(log, { highWaterMark: CHUNK_BYTES }))
    messages.push({ key: 'cluster', headers: { host: 'kvm-a', source: 'cloudstack-agent', path: '/var/log/agent.log' }, value });
  return messages;
}

/** Sends all, so many at a time. */
export async function produce(stream: Stream, messages: readonly StreamMessage[], inFlight: number): Promise<void> {
  const producer = await stream.producer();
  const rest = messages.values();
  const sendAll = async (): Promise<void> => {
    for (const message of rest) await producer.send(TOPIC, [message]);
  };
  await Promise.all(Array.from({ length: inFlight }, sendAll));
  await producer.close();
}

/** Reads so many messages. */
export async function consume(stream: Stream, count: number): Promise<void> {
  let seen = 0;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const consumer = await stream.consume({
    topic: TOPIC,
    group: 'bench',
    maxBytes: 4 * 2 ** 20,
    assigned: async () => undefined,
    revoked: async () => undefined,
    async handle({ messages }) {
      seen += messages.length;
      if (seen >= count) finish();
      return '';
    },
    failed(error) {
      throw error;
    },
  });
  await finished;
  await consumer.stop();
}

/** Wall time, and CPU time of all threads. */
export async function timed(work: () => Promise<void>): Promise<{ readonly wallSeconds: number; readonly cpuMs: number }> {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wallSeconds: (performance.now() - start) / 1000, cpuMs: (user + system) / 1000 };
}

function watchLateness(): { stop(): number } {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const at = performance.now();
    longest = Math.max(longest, at - last - 1);
    last = at;
  }, 1);
  return {
    stop() {
      clearInterval(timer);
      return longest;
    },
  };
}
