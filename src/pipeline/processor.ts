import { setImmediate } from 'node:timers/promises';
import { inParts } from '../lib/in-parts.ts';
import { oneAhead } from '../lib/one-ahead.ts';
import type { Source } from '../model/source.ts';
import { parsers } from '../parsers/index.ts';
import type { Parser } from '../parsers/parser.ts';
import { INSERT_BYTES } from '../store/writer.ts';
import {
  DEAD_LETTERS_TOPIC,
  RECORDS_TOPIC,
  type Batch,
  type Consumer,
  type PlacedMessage,
  type Producer,
  type Stream,
  type StreamMessage,
} from '../stream/stream.ts';
import { decodeChunk } from './chunk-message.ts';
import { createFollower, type FollowerParts, type FollowerWatch } from './follower.ts';
import { createZoneCache, type ZoneCache } from './instant.ts';
import { parseChunk, type ParsedChunk } from './parse-chunk.ts';
import { createPartition, type Partition } from './partition.ts';

/** What a processor needs. */
export interface ProcessorParts extends Omit<FollowerParts, 'note' | 'watch'> {
  readonly stream: Stream;
  /** Resolves when all that the chunks say is stored; may be called again with the same. */
  storeChunks(chunks: readonly ParsedChunk[]): Promise<void>;
  readonly watch: ProcessorWatch;
}

/** Is told what a processor does: metrics, the log and `precopy tail` live of it. */
export interface ProcessorWatch extends FollowerWatch {
  /** Chunks are stored. */
  stored(chunks: readonly ParsedChunk[]): void;
  /** Nobody can read the message; it is kept in the dead letters. */
  deadLetter(problem: string, message: PlacedMessage): void;
}

/** Turns what collectors wrote into rows, timelines and findings, for as long as it runs. */
export interface Processor {
  start(): Promise<void>;
  /** Stores what is in hand, brings timelines up to date, and ends; idempotent. */
  stop(): Promise<void>;
  /** All that the stream holds is stored, and timelines show it. */
  idle(): Promise<void>;
}

/** Group that all processors of an installation are members of. */
export const PROCESSORS_GROUP = 'precopy.processors';

/** Bytes of chunks in hand, where a processor is behind: while a part of them is stored, the next is read. */
const BATCH_BYTES = 4 * INSERT_BYTES;

/** Bytes of chunks that are read in one turn of the event loop: some ms. */
const TURN_BYTES = 256 << 10;

const parserOf = new Map<Source, Parser>(parsers.map((parser) => [parser.source, parser]));

/** A processor; it does nothing before `start`. */
export function createProcessor(parts: ProcessorParts): Processor {
  const { stream, watch } = parts;
  const partitions = new Map<number, Partition>();
  const zones = createZoneCache();
  const follower = createFollower(partitions, { ...parts, note: async (partition, note) => consumer?.note(partition, note) });
  let consumer: Consumer | null = null;
  let letters: Producer | null = null;

  async function handle({ partition, messages }: Batch): Promise<string> {
    const state = partitions.get(partition);
    if (state === undefined) throw new Error(`partition ${partition} is not assigned`);
    follower.storing();
    try {
      await storeAll(messages, { ...parts, state, zones, letters });
    } finally {
      follower.stored();
    }
    return state.dirty.note();
  }

  return {
    async start() {
      letters = await stream.producer();
      follower.start();
      consumer = await stream.consume({
        topic: RECORDS_TOPIC,
        group: PROCESSORS_GROUP,
        maxBytes: BATCH_BYTES,
        async assigned(partition, note) {
          const state = createPartition(note, parts);
          await state.restore();
          partitions.set(partition, state);
        },
        async revoked(partition) {
          partitions.delete(partition);
          await follower.finish();
        },
        handle,
        failed: (error) => watch.failed(error),
      });
    },
    async stop() {
      // the follower first, for it commits what it leaves undone
      try {
        await follower.stop();
      } finally {
        await consumer?.stop();
        await letters?.close();
        consumer = null;
        letters = null;
      }
    },
    async idle() {
      const behind = async (): Promise<boolean> =>
        (await stream.positions(RECORDS_TOPIC, PROCESSORS_GROUP)).some(({ end, committed }) => (committed ?? 0) < end);
      while ((await behind()) || !follower.isIdle()) await follower.settled();
    },
  };
}

/** Where the messages of a batch go. */
interface Target extends Pick<ProcessorParts, 'storeChunks' | 'watch'> {
  readonly state: Partition;
  readonly zones: ZoneCache;
  readonly letters: Producer | null;
}

/** Stores what messages say, some of them at a time, and reads those that come next meanwhile. */
async function storeAll(messages: readonly PlacedMessage[], target: Target): Promise<void> {
  const some = inParts(messages, INSERT_BYTES, ({ value }) => value.byteLength);
  await oneAhead(some, { prepare: (part) => readAll(part, target), keep: (held) => keep(held, target) });
}

async function keep({ chunks, dead }: ReadMessages, { state, letters, storeChunks, watch }: Target): Promise<void> {
  if (dead.length > 0) await letters?.send(DEAD_LETTERS_TOPIC, dead);
  await storeChunks(chunks);
  watch.stored(chunks);
  await state.remember(chunks);
}

/** Messages as chunks; those that are none as they go to the dead letters. */
interface ReadMessages {
  readonly chunks: readonly ParsedChunk[];
  readonly dead: readonly StreamMessage[];
}

/** Takes turns with whatever else the process does: reading is what takes the time of the thread. */
async function readAll(messages: readonly PlacedMessage[], { zones, watch }: Target): Promise<ReadMessages> {
  const chunks: ParsedChunk[] = [];
  const dead: StreamMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    bytes += message.value.byteLength;
    if (bytes >= TURN_BYTES) {
      bytes = 0;
      await setImmediate();
    }
    const parsed = read(message, zones);
    if ('counts' in parsed) chunks.push(parsed);
    else {
      dead.push(deadLetter(message, parsed.problem));
      watch.deadLetter(parsed.problem, message);
    }
  }
  return { chunks, dead };
}

/** A chunk read, or why it cannot be. */
function read(message: PlacedMessage, zones: ZoneCache): ParsedChunk | { readonly problem: string } {
  const chunk = decodeChunk(message);
  if ('problem' in chunk) return chunk;
  const parser = parserOf.get(chunk.header.source);
  return parser === undefined ? { problem: `no parser for ${chunk.header.source}` } : parseChunk(chunk, parser, zones);
}

/** The message as it was, with the reason. */
function deadLetter({ key, headers, value }: PlacedMessage, problem: string): StreamMessage {
  return { key, headers: { ...headers, reason: encodeURIComponent(problem) }, value };
}
