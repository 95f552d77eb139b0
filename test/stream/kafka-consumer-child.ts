import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { openKafkaStream } from '../../src/stream/kafka.ts';
import { kafkaOptions } from './kafka-options.ts';

/** As `consumer-child`, of a stream in Kafka. */
const [brokers = '', topicPrefix = '', handleMs = '1'] = process.argv.slice(2);
const stream = await openKafkaStream({ ...kafkaOptions(brokers.split(',')), topicPrefix });

function tell(what: string, ...numbers: readonly (number | string)[]): void {
  writeSync(1, `${[what, ...numbers].join(' ')}\n`);
}

await stream.consume({
  topic: 't',
  group: 'readers',
  maxBytes: 1_000,
  async assigned(partition, note) {
    tell('assigned', partition, note ?? -1);
  },
  async revoked(partition) {
    tell('revoked', partition);
  },
  async handle({ partition, messages }) {
    const first = messages[0]?.offset ?? -1;
    const last = messages.at(-1)?.offset ?? -1;
    tell('begin', partition, first, last);
    await wait(Number(handleMs));
    tell('end', partition, first, last);
    return String(last);
  },
  failed(error) {
    tell(`failed:${String(error).replaceAll(/\s/g, '_')}`);
  },
});

process.stdin.once('data', () => void stream.close().then(() => process.exit(0)));
