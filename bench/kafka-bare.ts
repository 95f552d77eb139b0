import kafkajs from 'kafkajs';
import { compressionType, registerCodecs } from '../src/stream/kafka/codecs.ts';
import type { StreamMessage } from '../src/stream/stream.ts';

/** Where something is in a cluster. */
export interface TopicPlace {
  readonly brokers: readonly string[];
  /** With its prefix. */
  readonly topic: string;
}

/** As `src/stream/kafka/producer.ts` fills a request. */
const MAX_REQUEST_BYTES = 900_000;
/** As `src/stream/kafka/consumer.ts` makes it of the 8 MiB that a processor asks for. */
const FETCH_BYTES = 8 << 20;

function kafkaAt(brokers: readonly string[]): kafkajs.Kafka {
  registerCodecs();
  return new kafkajs.Kafka({ brokers: [...brokers], clientId: 'bench', logLevel: kafkajs.logLevel.NOTHING });
}

/** Makes a topic of one partition as a stream makes it. */
export async function createBareTopic({ brokers, topic }: TopicPlace): Promise<void> {
  const admin = kafkaAt(brokers).admin();
  await admin.connect();
  await admin.createTopics({
    topics: [
      {
        topic,
        numPartitions: 1,
        configEntries: [
          { name: 'max.message.bytes', value: String(8 << 20) },
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
        ],
      },
    ],
  });
  await admin.disconnect();
}

/** Sends with kafkajs alone what a stream would send: the same requests, codec and guarantees. */
export async function produceBare({ brokers, topic }: TopicPlace, messages: readonly StreamMessage[]): Promise<void> {
  const producer = kafkaAt(brokers).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  let request: kafkajs.Message[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (request.length > 0) await producer.send({ topic, acks: -1, compression: compressionType('zstd'), messages: request });
    request = [];
    bytes = 0;
  };
  for (const { key, headers, value } of messages) {
    if (bytes + value.byteLength > MAX_REQUEST_BYTES) await flush();
    request.push({ key, headers: { ...headers }, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength) });
    bytes += value.byteLength;
  }
  await flush();
  await producer.disconnect();
}

/** Reads with kafkajs alone, with the settings of a processor, and commits; resolves when it has joined, and goes on. */
export async function consumeBare({ brokers, topic }: TopicPlace, groupId: string): Promise<void> {
  const consumer = kafkaAt(brokers).consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: 45_000,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: FETCH_BYTES / 8,
    maxBytes: FETCH_BYTES,
  });
  const joined = new Promise<void>((resolve) => void consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 16,
    async eachBatch({ batch, resolveOffset, commitOffsetsIfNecessary }) {
      const offset = String(Number(batch.lastOffset()) + 1);
      await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition: batch.partition, offset }] }] });
      resolveOffset(batch.lastOffset());
    },
  });
  await joined;
}

/** A look at how far a group is. */
export interface LagWatch {
  /** Messages in the topic, and those that the group has not committed. */
  look(): Promise<{ readonly messages: number; readonly lag: number }>;
  close(): Promise<void>;
}

/** Asks the broker two questions a look, which costs the measured processes nothing. */
export async function watchLag({ brokers, topic }: TopicPlace, groupId: string): Promise<LagWatch> {
  const admin = kafkaAt(brokers).admin();
  await admin.connect();
  return {
    async look() {
      const ends = await admin.fetchTopicOffsets(topic);
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      const committed = new Map(found?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]));
      const messages = ends.reduce((sum, { high }) => sum + Number(high), 0);
      const lag = ends.reduce((sum, { partition, high }) => sum + Number(high) - (committed.get(partition) ?? 0), 0);
      return { messages, lag };
    },
    close: () => admin.disconnect(),
  };
}

/** Names whose keys go to partitions 0, 1, 2 and so on of so many. */
export function keysByPartition(count: number, partitions: number): readonly string[] {
  const partitionOf = kafkajs.Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  const found = new Map<number, string>();
  for (let number = 0; found.size < partitions; number += 1) {
    const key = `cluster-${number}`;
    const partition = partitionOf({ topic: 'any', partitionMetadata, message: { key, value: null } });
    if (!found.has(partition)) found.set(partition, key);
  }
  return Array.from({ length: count }, (_, index) => found.get(index) ?? '');
}
