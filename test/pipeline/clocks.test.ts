import { expect, test } from 'vitest';
import { writtenLater } from '../merged.ts';
import { arrivalsOf, followed, type Arrival } from './in-time.ts';

/** The same records, as the host would have dated them whose clock is ahead. */
function ahead(arrivals: readonly Arrival[], host: string, seconds: number): readonly Arrival[] {
  return arrivals.map((one): Arrival => {
    if (one.host !== host) return one;
    const text = writtenLater(Buffer.from(one.chunk.bytes).toString('latin1'), seconds * 1000);
    return { ...one, chunk: { ...one.chunk, bytes: Buffer.from(text, 'latin1') } };
  });
}

test.each([
  ['kvm-a', 25],
  ['kvm-a', -60],
  ['kvm-b', 25],
  ['kvm-b', -60],
])('the clock of %s is %d s ahead: people are told of that host, once, and of nothing else', async (host, seconds) => {
  const arrivals = await arrivalsOf('recordings/libvirt-9.0/monitored-healthy');
  const { notifications } = await followed(ahead(arrivals, host, seconds));
  const told = notifications.filter(({ kind }) => kind === 'firing').flatMap(({ alerts }) => alerts);
  expect(told.map(({ detector, subject }) => `${detector} ${subject}`)).toEqual([`clock-skew ${host}`]);
});
