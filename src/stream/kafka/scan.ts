import { randomUUID } from 'node:crypto';
import type kafkajs from 'kafkajs';
import type { Batch } from '../stream.ts';
import type { Client } from './client.ts';
import { streamError } from './error.ts';
import { placedMessage } from './placed-message.ts';
import { topicExists } from './topics.ts';

/** Bytes that one partition sends at once, compressed. */
const PARTITION_BYTES = 1 << 20;

interface Scan {
  readonly topic: string;
  /** Offsets at which the partitions end that were not read to their end. */
  readonly ends: Map<number, number>;
  look(batch: Batch): Promise<void>;
}

/**
 * Gives all that a topic holds now; see `Stream.scan`. kafkajs reads as a group only: this one commits nothing, and is gone with
 * its only member.
 */
export async function scan(client: Client, name: string, look: Scan['look']): Promise<void> {
  const topic = client.named(name);
  if (!(await topicExists(client, topic))) return;
  const offsets = await client.ask({ what: 'look at', topic }, (admin) => admin.fetchTopicOffsets(topic));
  const held = offsets.filter(({ low, high }) => low !== high);
  if (held.length === 0) return;
  const consumer = client.kafka.consumer({
    groupId: client.named(`precopy.scan-${randomUUID()}`),
    allowAutoTopicCreation: false,
    maxBytesPerPartition: PARTITION_BYTES,
    maxWaitTimeInMs: 100,
    retry: { restartOnFailure: async () => false },
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await run(consumer, { topic: name, ends: new Map(held.map(({ partition, high }) => [partition, Number(high)])), look });
  } catch (error) {
    throw error instanceof LookError ? error.cause : streamError(error, { brokers: client.brokers, what: 'read', topic });
  } finally {
    await consumer.disconnect();
  }
}

/** What `look` threw, which is none of Kafka's. */
class LookError extends Error {}

function run(consumer: kafkajs.Consumer, scanned: Scan): Promise<void> {
  return new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    const running = consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      async eachBatch(payload) {
        try {
          await lookAt(scanned, payload);
        } catch (cause) {
          scanned.ends.clear();
          reject(new LookError('not looked at', { cause }));
        }
        if (scanned.ends.size === 0) resolve();
      },
    });
    running.catch(reject);
  });
}

async function lookAt({ topic, ends, look }: Scan, { batch, resolveOffset }: kafkajs.EachBatchPayload): Promise<void> {
  const { partition } = batch;
  const end = ends.get(partition);
  if (end === undefined) return;
  const messages = batch.messages.map(placedMessage).filter(({ offset }) => offset < end);
  if (messages.length > 0) await look({ topic, partition, messages });
  const last = batch.lastOffset();
  resolveOffset(last);
  if (Number(last) + 1 >= end) ends.delete(partition);
}
