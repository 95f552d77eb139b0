import { openKafkaStream } from '../src/stream/kafka.ts';
import type { Stream } from '../src/stream/stream.ts';

/** A stream as precopy has it by default, its topics under a prefix of their own. */
export function openBenchStream({
  brokers,
  prefix,
}: {
  readonly brokers: readonly string[];
  readonly prefix: string;
}): Promise<Stream> {
  return openKafkaStream({
    brokers,
    clientId: 'bench',
    codec: 'zstd',
    topicPrefix: prefix,
    ssl: null,
    sasl: null,
    partitions: 12,
    retention: { maxBytes: 100e9, maxAgeMs: 3_600_000 },
  });
}
