import { writeSync } from 'node:fs';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';

/** Sends `<run> 0`, `<run> 1` … of many sizes until it is killed, four at a time, and prints each number once it is acknowledged. */
const [folder = '', run = ''] = process.argv.slice(2);
const stream = await openEmbeddedStream({ folder, retention: { maxBytes: 4e9 } });
const producer = await stream.producer();
let next = 0;

async function sendOn(): Promise<void> {
  for (;;) {
    const number = next;
    next += 1;
    const text = `${run} ${number} ${'x'.repeat((number * 7_919) % 50_000)}`;
    await producer.send('t', [{ key: 'k', headers: {}, value: Buffer.from(text) }]);
    writeSync(1, `${number}\n`);
  }
}

await Promise.all([sendOn(), sendOn(), sendOn(), sendOn()]);
