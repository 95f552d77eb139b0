import { setTimeout as sleep } from 'node:timers/promises';
import { createMasker } from '../ingest/mask.ts';
import type { Chunk } from '../model/chunk.ts';
import {
  DEAD_LETTERS_TOPIC,
  RECORDS_TOPIC,
  type Batch,
  type Consumer,
  type Consumption,
  type PlacedMessage,
  type Producer,
  type Stream,
  type StreamMessage,
} from '../stream/stream.ts';
import { encodeChunk } from './chunk-message.ts';
import { createLineJoiner, type LineJoiner } from './join-lines.ts';
import { createMessageReader, type MessageReader } from './shipped-lines.ts';
import type { ShippedTopic } from './shipped-topic.ts';

/** What an intake needs. */
export interface ShipperIntakeParts {
  /** Holds the topics of the shippers. */
  readonly shipped: Stream;
  /** Takes the chunks; the same one where topics need no prefix. */
  readonly stream: Stream;
  readonly topics: readonly ShippedTopic[];
  /** Stands before the names of groups. */
  readonly groupPrefix: string;
  readonly watch: ShipperWatch;
}

/** Is told what an intake does. */
export interface ShipperWatch {
  /** Chunks of a topic are in the stream for good. */
  taken(topic: string, chunks: readonly Chunk[]): void;
  /** Lines that no rule and no parser names, by path or program. */
  skipped(topic: string, names: readonly string[]): void;
  /** The message cannot be read, or not all of it; it is kept in the dead letters. */
  deadLetter(problem: string, message: PlacedMessage, topic: string): void;
  failed(error: unknown): void;
}

/** Turns what other programs ship into our chunks, for as long as it runs. */
export interface ShipperIntake {
  start(): Promise<void>;
  /** Sends what is in hand and ends; idempotent. */
  stop(): Promise<void>;
  /** All that the topics hold is in the stream. */
  idle(): Promise<void>;
}

const BATCH_BYTES = 4 << 20;
const LOOK_MS = 20;

const mask = createMasker();

/** The group of all intakes of an installation, for one topic. */
function shippersGroup(groupPrefix: string, topic: string): string {
  return `${groupPrefix}precopy.shippers.${topic}`;
}

/**
 * An intake; it does nothing before `start`. What it reads is committed after it was sent: it may be sent twice, and identities are
 * made of the messages alone, so it is stored once.
 */
export function createShipperIntake(parts: ShipperIntakeParts): ShipperIntake {
  const { shipped, stream, topics, groupPrefix } = parts;
  const consumers: Consumer[] = [];
  let producer: Producer | null = null;
  return {
    async start() {
      producer = await stream.producer();
      for (const topic of topics) consumers.push(await shipped.consume(consumptionOf(topic, producer, parts)));
    },
    async stop() {
      try {
        for (const consumer of consumers.splice(0)) await consumer.stop();
      } finally {
        await producer?.close();
        producer = null;
      }
    },
    async idle() {
      for (const { topic } of topics) {
        const group = shippersGroup(groupPrefix, topic);
        const behind = async (): Promise<boolean> =>
          (await shipped.positions(topic, group)).some(({ end, committed }) => (committed ?? 0) < end);
        while (await behind()) await sleep(LOOK_MS);
      }
    },
  };
}

function consumptionOf(topic: ShippedTopic, producer: Producer, { groupPrefix, watch }: ShipperIntakeParts): Consumption {
  const partitions = new Map<number, Partition>();
  return {
    topic: topic.topic,
    group: shippersGroup(groupPrefix, topic.topic),
    maxBytes: BATCH_BYTES,
    async assigned(partition, note) {
      partitions.set(partition, { read: createMessageReader(topic, partition), joiner: createLineJoiner(note) });
    },
    async revoked(partition) {
      partitions.delete(partition);
    },
    async handle(batch) {
      const state = partitions.get(batch.partition);
      if (state === undefined) throw new Error(`partition ${batch.partition} is not assigned`);
      const undo = state.joiner.mark();
      try {
        await take(batch, state, { producer, watch });
      } catch (error) {
        // the batch comes again: what was joined of it is forgotten
        undo();
        throw error;
      }
      return state.joiner.note();
    },
    failed: (error) => watch.failed(error),
  };
}

/** Sends what a batch holds; what nobody can read goes to the dead letters. */
async function take(
  { topic, messages }: Batch,
  { read, joiner }: Partition,
  { producer, watch }: { readonly producer: Producer; readonly watch: ShipperWatch },
): Promise<void> {
  const dead: StreamMessage[] = [];
  const skipped: string[] = [];
  for (const message of messages) {
    const found = read(message);
    for (const line of found.lines) joiner.add(line);
    for (const name of found.skipped) skipped.push(name);
    if (found.problem === null) continue;
    dead.push(deadLetter(message, topic, found.problem));
    watch.deadLetter(found.problem, message, topic);
  }
  const chunks = joiner.take();
  if (dead.length > 0) await producer.send(DEAD_LETTERS_TOPIC, dead);
  if (chunks.length > 0) await producer.send(RECORDS_TOPIC, chunks.map(encodeChunk));
  watch.taken(topic, chunks);
  if (skipped.length > 0) watch.skipped(topic, skipped);
}

interface Partition {
  readonly read: MessageReader;
  readonly joiner: LineJoiner;
}

/** The message, secrets masked, with where it came from and the reason. */
function deadLetter({ key, headers, value, offset }: PlacedMessage, topic: string, problem: string): StreamMessage {
  const own = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, encodeURIComponent(text)]));
  return {
    key,
    headers: { ...own, shippedTopic: topic, shippedOffset: String(offset), reason: encodeURIComponent(problem) },
    value: mask(value),
  };
}
