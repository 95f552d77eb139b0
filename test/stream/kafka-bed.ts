import { afterAll, beforeAll } from 'vitest';
import { openKafkaStream, type KafkaOptions } from '../../src/stream/kafka.ts';
import type { Stream } from '../../src/stream/stream.ts';
import { existingKafka, startKafka, whatIsMissing, type ClusterOptions, type KafkaCluster } from '../../scripts/kafka/kafka.ts';
import type { StreamBed } from './contract.ts';
import { kafkaOptions, uniquePrefix } from './kafka-options.ts';

/** Enough for three brokers on a busy machine. */
const START_MS = 120_000;

/** How a test opens streams on its brokers. */
export interface KafkaBed {
  cluster(): KafkaCluster;
  /** A stream of its own; `remove` of the bed, or the end of the suite, closes it. */
  open(options?: Partial<KafkaOptions>): Promise<Stream>;
}

/** `host:port` of brokers that somebody runs already, with commas between; tests that need nothing special use them. */
const EXISTING = process.env['KAFKA_BROKERS']?.split(',') ?? null;

/** What brokers a test needs; `existing`: those of `KAFKA_BROKERS` will do, where it is set. */
export interface BedOptions extends ClusterOptions {
  readonly existing?: boolean;
}

/**
 * Whether there are brokers; where there are none, and none can be started, it says why. With `PRECOPY_REQUIRE_KAFKA` set it is
 * always true, and tests fail where there are none.
 */
export function canRunKafka({ existing = false }: Pick<BedOptions, 'existing'> = {}): boolean {
  if (existing && EXISTING !== null) return true;
  const missing = whatIsMissing();
  if (missing !== null) process.stderr.write(`no tests with Kafka: ${missing}\n`);
  return missing === null || process.env['PRECOPY_REQUIRE_KAFKA'] !== undefined;
}

/** Brokers for the tests of one `describe`. */
export function kafkaBed({ existing = false, ...options }: BedOptions = {}): KafkaBed {
  let cluster: KafkaCluster | null = null;
  const streams: Stream[] = [];

  beforeAll(async () => {
    cluster = existing && EXISTING !== null ? existingKafka(EXISTING) : await startKafka(options);
  }, START_MS);

  afterAll(async () => {
    for (const stream of streams) await stream.close();
    await cluster?.stop();
  }, 60_000);

  function running(): KafkaCluster {
    if (cluster === null) throw new Error('the brokers did not start');
    return cluster;
  }

  return {
    cluster: running,
    async open(own = {}) {
      const stream = await openKafkaStream({ ...kafkaOptions(running().brokers), ...own });
      streams.push(stream);
      return stream;
    },
  };
}

/** Streams over topics that nobody used before. */
export async function streamBed(bed: KafkaBed, partitions: number): Promise<StreamBed> {
  const topicPrefix = uniquePrefix();
  const streams: Stream[] = [];
  return {
    async open() {
      const stream = await bed.open({ topicPrefix, partitions });
      streams.push(stream);
      return stream;
    },
    async remove() {
      for (const stream of streams) await stream.close();
    },
  };
}
