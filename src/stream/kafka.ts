import type { Log } from '../lib/log.ts';
import { createClient, type KafkaSasl, type KafkaTls } from './kafka/client.ts';
import type { Codec } from './kafka/codec.ts';
import { startConsumer } from './kafka/consumer.ts';
import { positionsOf } from './kafka/positions.ts';
import { createProducer } from './kafka/producer.ts';
import { scan } from './kafka/scan.ts';
import { createTopics } from './kafka/topics.ts';
import type { Consumer, Producer, Stream } from './stream.ts';

/** Which cluster, how to get in, and what topics are made like. */
export interface KafkaOptions {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  /** Name of this program in the brokers' logs and quotas. */
  readonly clientId: string;
  /** How batches of messages are compressed; every codec is read. */
  readonly codec: Codec;
  /** Stands before every topic and group, so that several installations share a cluster; may be empty. */
  readonly topicPrefix: string;
  /** `null`: without encryption. */
  readonly ssl: KafkaTls | null;
  /** `null`: without a user. */
  readonly sasl: KafkaSasl | null;
  /** Of topics that this stream makes; one that is there keeps what it has. */
  readonly partitions: number;
  /** Of topics that this stream makes. */
  readonly retention: { readonly maxBytes: number; readonly maxAgeMs: number };
  /** What kafkajs says, at debug level: everything that matters is thrown, or told by `failed`. */
  readonly log?: Log;
  /** After how long without a heartbeat a member counts as dead. Default 45,000, as in Kafka. */
  readonly sessionMs?: number;
  /** How long `send` tries before it is refused, about. Default 30,000. */
  readonly sendBudgetMs?: number;
}

/**
 * A stream in a Kafka cluster.
 *
 * **Why nothing is lost.** `send` resolves when all in-sync replicas have the messages. One request is on the way at a time, for
 * one key (one partition), by an idempotent producer: kafkajs gives the sequence number of a failed request to the next one, and
 * takes the answer of a broker for that of every partition the broker leads by then, so anything more at once can be
 * acknowledged and not be there. A send that failed for good is followed by a producer with a new id, for the same reason.
 *
 * **Why commits never go backwards.** Offset and note of a batch are committed by the member that handled it, in the generation
 * of the group in which it holds the partition: while a batch is in hand the group waits for this member to join again (5 min),
 * and a commit of a member that was put out is refused by the broker. Each time a generation begins, what is committed is
 * compared with what this member committed: where it is different, somebody else had the partition in between, and it is revoked
 * and assigned anew.
 *
 * **Backpressure.** Nothing more is fetched from a broker before what it sent is handled: at most `maxBytes` an eighth of which
 * comes from one partition, compressed.
 *
 * @throws AppError `stream` where no broker lets us in.
 */
export async function openKafkaStream(options: KafkaOptions): Promise<Stream> {
  const client = await createClient(options);
  const topics = createTopics(client, options);
  const consumers = new Set<Consumer>();
  const producers = new Set<Producer>();
  let closed: Promise<void> | null = null;
  return {
    async producer() {
      const producer = await createProducer({ client, topics, ...options });
      producers.add(producer);
      return producer;
    },
    async consume(consumption) {
      const consumer = await startConsumer(consumption, { client, topics, sessionMs: options.sessionMs ?? 45_000 });
      consumers.add(consumer);
      return consumer;
    },
    positions: (topic, group) => positionsOf(client, { topic, group }),
    scan: (topic, look) => scan(client, topic, look),
    async close() {
      closed ??= (async () => {
        await Promise.all([...consumers].map((consumer) => consumer.stop()));
        await Promise.all([...producers].map((producer) => producer.close()));
        await client.close();
      })();
      await closed;
    },
  };
}
