import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chunk } from '../../src/model/chunk.ts';
import { encodeChunk } from '../../src/pipeline/chunk-message.ts';
import { createProcessor, type Processor, type ProcessorWatch } from '../../src/pipeline/processor.ts';
import { createStoredTimelines } from '../../src/pipeline/stored-timelines.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { applySchema, DEFAULT_TTL_DAYS } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { createWriter } from '../../src/store/writer.ts';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';
import { RECORDS_TOPIC, type Producer, type Stream } from '../../src/stream/stream.ts';

/** A stream, a store and processors in folders of their own. */
export interface Instance {
  readonly stream: Stream;
  readonly store: Store;
  readonly producer: Producer;
  send(chunks: readonly Chunk[]): Promise<void>;
  /** A processor on them, one at a time; `storing` is around each storing of chunks. */
  processor(watch?: Partial<ProcessorWatch>, storing?: (insert: () => Promise<void>) => Promise<void>): Processor;
  remove(): Promise<void>;
}

/** Rows of recordings are old by the time a test runs. */
const FOR_EVER = Object.fromEntries(Object.keys(DEFAULT_TTL_DAYS).map((table) => [table, 20_000]));

/** Opens one; the engine opens one folder a process, so a test file shares it. */
export async function openInstance(
  openStore = (folder: string): Promise<Store> => openEmbeddedStore({ folder: join(folder, 'store') }),
): Promise<Instance> {
  const folder = await mkdtemp(join(tmpdir(), 'precopy-instance-'));
  const store = await openStore(folder);
  await applySchema(store, { ttlDays: FOR_EVER });
  const stream = await openEmbeddedStream({ folder: join(folder, 'stream') });
  const producer = await stream.producer();
  const writer = createWriter(store);
  return {
    stream,
    store,
    producer,
    send: (chunks) => producer.send(RECORDS_TOPIC, chunks.map(encodeChunk)),
    processor: (watch = {}, storing = (insert) => insert()) =>
      createProcessor({
        stream,
        timelines: createStoredTimelines(store, writer, Date.now),
        storeChunks: (chunks) =>
          storing(async () => void (await writer.writeBatch({ chunks, events: chunks.flatMap(({ events }) => events) }))),
        limits: () => ({}),
        now: Date.now,
        watch: {
          stored() {},
          rebuilt() {},
          deadLetter() {},
          failed(error) {
            throw error;
          },
          ...watch,
        },
      }),
    async remove() {
      await producer.close();
      await stream.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
