import type { Config } from '../config.ts';
import type { Part } from '../lib/lifecycle.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { ShippedTopic } from '../pipeline/shipped-topic.ts';
import { createShipperIntake, type ShipperIntake, type ShipperWatch } from '../pipeline/shipper-intake.ts';
import type { Stream } from '../stream/stream.ts';
import { openStream } from './open-stream.ts';

/** What the intake of an instance is made with. */
export interface ShipperPartParts {
  readonly config: Config;
  /** The stream of the instance, once it is open. */
  stream(): Stream | null;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'shippedRecords' | 'shippedSkipped' | 'chunksDead'>;
}

/** The topics of other programs, with what they leave to the rest of the configuration. */
export function shippedTopics({
  stream,
  cluster,
  timezone,
}: Pick<Config, 'stream' | 'cluster' | 'timezone'>): readonly ShippedTopic[] {
  return (stream.kafka?.shippers ?? []).map((each) => ({
    ...each,
    cluster: each.cluster ?? cluster,
    timezone: each.timezone ?? timezone,
  }));
}

/** What other programs ship is taken in, where the configuration names topics. */
export function shipperPart({ config, stream, log, metrics }: ShipperPartParts): Part {
  let intake: ShipperIntake | null = null;
  let own: Stream | null = null;
  return {
    name: 'shippers',
    async start() {
      const target = stream();
      const { kafka } = config.stream;
      if (target === null || kafka === null) throw new Error('shippers are read after the start of the stream, from Kafka');
      // their topics have the names that others gave them
      own = kafka.topicPrefix === '' ? null : await openStream(unprefixed(config), log);
      intake = createShipperIntake({
        shipped: own ?? target,
        stream: target,
        topics: shippedTopics(config),
        groupPrefix: kafka.topicPrefix,
        watch: createShipperWatch(log, metrics),
      });
      await intake.start();
    },
    async stop() {
      try {
        await intake?.stop();
      } finally {
        await own?.close();
      }
    },
  };
}

function unprefixed(config: Config): Config {
  const { kafka } = config.stream;
  return { ...config, stream: { ...config.stream, kafka: kafka === null ? null : { ...kafka, topicPrefix: '' } } };
}

/** Names that are told once each; a shipper may send of any number of files. */
const MOST_TOLD = 1000;

function createShipperWatch(log: Log, metrics: ShipperPartParts['metrics']): ShipperWatch {
  const told = new Set<string>();
  return {
    taken(topic, chunks) {
      if (chunks.length > 0) metrics.shippedRecords.add({ topic }, chunks.length);
    },
    skipped(topic, names) {
      metrics.shippedSkipped.add({ topic }, names.length);
      for (const name of new Set(names)) {
        const key = `${topic} ${name}`;
        if (told.has(key) || told.size >= MOST_TOLD) continue;
        told.add(key);
        log.info({ topic, name }, 'lines of this file or program are not read: no rule of the topic names it');
      }
    },
    deadLetter(problem, { offset }, topic) {
      metrics.chunksDead.add({ reason: 'shipped' });
      log.error({ problem, topic, offset }, 'a shipped message cannot be read, it is kept in the dead letters');
    },
    failed(error) {
      log.error({ error }, 'what is shipped cannot be taken in, it is tried again');
    },
  };
}
