import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';

/**
 * Handles slowly, and prints what it does as `<what> <partition> <first offset> <last offset> <monotonic ns>`; the monotonic
 * clock is that of the machine. A note is the last offset handled. The line `stop` on standard input stops it.
 */
const [folder = '', partitions = '1', handleMs = '1'] = process.argv.slice(2);
const stream = await openEmbeddedStream({ folder, partitions: Number(partitions), pollMs: 5 });

function tell(what: string, ...numbers: readonly (number | string)[]): void {
  writeSync(1, `${[what, ...numbers, process.hrtime.bigint()].join(' ')}\n`);
}

await stream.consume({
  topic: 't',
  group: 'readers',
  maxBytes: 1_000,
  async assigned(partition, note) {
    tell('assigned', partition, note ?? -1, 0);
  },
  async revoked(partition) {
    tell('revoked', partition, 0, 0);
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
    tell(`failed:${String(error).replaceAll(/\s/g, '_')}`, -1, -1, -1);
  },
});

process.stdin.once('data', () => void stream.close().then(() => process.exit(0)));
