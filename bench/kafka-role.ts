import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../src/config.ts';
import { decodeChunk } from '../src/pipeline/chunk-message.ts';
import { createZoneCache } from '../src/pipeline/instant.ts';
import { parseChunk } from '../src/pipeline/parse-chunk.ts';
import { parsers } from '../src/parsers/index.ts';
import { RECORDS_TOPIC, type PlacedMessage, type Stream } from '../src/stream/stream.ts';
import { benchInstance, countingInstance } from './counting.ts';
import { consumeBare, produceBare } from './kafka-bare.ts';
import { openBenchStream } from './kafka-stream.ts';
import { inProcess, type Cost } from './measure.ts';
import { chunksOf, produce } from './stream.ts';

/** What one process of the benchmark does. */
export type Role =
  /** Collects with this configuration until so many bytes are in the stream, tells what it cost, and ends. */
  | { readonly role: 'collect'; readonly config: string; readonly bytes: number }
  /** Sends the chunks of a file, by the stream or by kafkajs alone, tells what it cost, and ends. */
  | {
      readonly role: 'produce' | 'produce-bare';
      readonly brokers: readonly string[];
      readonly prefix: string;
      readonly path: string;
    }
  /** Reads until it is killed: and does nothing, the same by kafkajs alone, or decodes and parses. */
  | { readonly role: 'consume' | 'consume-bare' | 'parse'; readonly brokers: readonly string[]; readonly prefix: string }
  /** A processor; measures its memory whenever it is asked. */
  | { readonly role: 'remember'; readonly config: string };

/** What a process holds, MB: after a collection of garbage, where Node runs with `--expose-gc`. */
export interface Memory {
  readonly rss: number;
  /** Objects of JavaScript, and buffers. */
  readonly heap: number;
}

/** Group of readers that store nothing. */
export const READERS_GROUP = 'readers';
/** Topic of chunks that no collector made. */
export const PIECES_TOPIC = 'bench';

const BATCH_BYTES = 8 << 20;
const parserOf = new Map(parsers.map((parser) => [parser.source, parser]));

async function play(asked: Role): Promise<void> {
  switch (asked.role) {
    case 'collect':
      return tell(await collect(asked));
    case 'produce':
    case 'produce-bare':
      return tell(await send(asked));
    case 'consume-bare':
      await consumeBare({ brokers: asked.brokers, topic: `${asked.prefix}${PIECES_TOPIC}` }, `${asked.prefix}${READERS_GROUP}`);
      return tell('ready');
    case 'consume':
      await read(await openBenchStream(asked), PIECES_TOPIC, () => undefined);
      return tell('ready');
    case 'parse':
      await read(await openBenchStream(asked), RECORDS_TOPIC, parse);
      return tell('ready');
    case 'remember':
      await remember(asked.config);
      return tell('ready');
  }
}

function tell(said: unknown): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

async function collect({ config, bytes }: Extract<Role, { role: 'collect' }>): Promise<Cost & { readonly beganAt: number }> {
  const { instance, enough } = countingInstance(loadConfig(config, process.env), {
    roles: { collect: true, process: false },
    metric: 'collectedBytes',
    most: bytes,
  });
  const beganAt = Date.now();
  const cost = await inProcess(async () => {
    await instance.start();
    await enough;
  });
  await instance.stop();
  return { ...cost, beganAt };
}

async function send({ role, path, ...place }: Extract<Role, { role: 'produce' | 'produce-bare' }>): Promise<Cost> {
  const messages = await chunksOf(path);
  if (role === 'produce-bare') {
    const topic = `${place.prefix}${PIECES_TOPIC}`;
    return inProcess(() => produceBare({ brokers: place.brokers, topic }, messages));
  }
  const stream = await openBenchStream(place);
  // as many at once as a request holds, and the next ones waiting
  const cost = await inProcess(() => produce(stream, messages, 8));
  await stream.close();
  return cost;
}

/** Resolves when it has joined. */
async function read(stream: Stream, topic: string, look: (message: PlacedMessage) => void): Promise<void> {
  await stream.consume({
    topic,
    group: READERS_GROUP,
    maxBytes: BATCH_BYTES,
    assigned: async () => undefined,
    revoked: async () => undefined,
    async handle({ messages }) {
      for (const message of messages) look(message);
      return '';
    },
    failed(error) {
      throw error;
    },
  });
}

const zones = createZoneCache();

/** As a processor reads a message. */
function parse(message: PlacedMessage): void {
  const chunk = decodeChunk(message);
  if ('problem' in chunk) throw new Error(chunk.problem);
  const parser = parserOf.get(chunk.header.source);
  if (parser === undefined) throw new Error(`no parser for ${chunk.header.source}`);
  parseChunk(chunk, parser, zones);
}

async function remember(config: string): Promise<void> {
  const instance = benchInstance(loadConfig(config, process.env), { collect: false, process: true });
  await instance.start();
  process.on('message', () => {
    void (async () => {
      await instance.idle();
      await collected();
      const { rss, heapUsed, external } = process.memoryUsage();
      process.send?.({ rss: rss / 1e6, heap: (heapUsed + external) / 1e6 } satisfies Memory);
    })();
  });
}

/** Collects what is dead, and what only its finalizers kept. */
async function collected(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await sleep(200);
  }
}

if (process.argv[1]?.endsWith('kafka-role.js') === true) await play(JSON.parse(process.argv[2] ?? '') as Role);
