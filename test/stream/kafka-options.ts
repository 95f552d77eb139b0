import { randomBytes } from 'node:crypto';
import type { KafkaOptions } from '../../src/stream/kafka.ts';

/** Options that suit tests: a session of 6 s, so that a member that was killed is missed soon. */
export function kafkaOptions(brokers: readonly string[]): KafkaOptions {
  return {
    brokers,
    clientId: 'precopy-test',
    codec: 'zstd',
    topicPrefix: uniquePrefix(),
    ssl: null,
    sasl: null,
    partitions: 1,
    retention: { maxBytes: 1e9, maxAgeMs: 3_600_000 },
    sessionMs: 6_000,
  };
}

/** Topics and groups that no other test has. */
export function uniquePrefix(): string {
  return `t${randomBytes(6).toString('hex')}.`;
}
