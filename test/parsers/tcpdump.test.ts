import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../src/model/event.ts';
import { tcpdump } from '../../src/parsers/tcpdump.ts';
import { readRecording, readTestFile, readText, recordedFiles, timesOf } from './read-file.ts';

const VM = '52:54:00:4a:b1:c2';
const OTHER = '00:16:3e:11:22:33';

/** One capture, printed in seven ways: the command, and its output. */
const variants = readFileSync(join(import.meta.dirname, '../data/arp/tcpdump-variants.txt'), 'latin1')
  .split(/^### /m)
  .slice(1)
  .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const);

function short(body: EventBody): string {
  if (body.kind === 'announced') return `${body.how} ${body.mac}`;
  return body.kind === 'frame-seen' ? `frame ${body.mac}` : body.kind;
}

/** The synthetic capture's 16 frames. */
const FRAMES = [
  ...Array.from({ length: 5 }, () => `rarp ${VM}`),
  ...Array.from({ length: 4 }, () => `gratuitous-arp ${VM}`),
  `frame ${OTHER}`,
  `frame ${VM}`,
  `frame ${VM}`,
  `frame ${VM}`,
  `gratuitous-arp ${VM}`,
  `rarp ${VM}`,
  `gratuitous-arp ${OTHER}`,
];

const outputOf = (options: string): string =>
  variants.find(([command]) => command.startsWith(`tcpdump ${options} -r`))?.[1] ?? '';

describe.each(recordedFiles(tcpdump))('%s', (path) => {
  test('every packet is an event', () => {
    const { tally } = readRecording(tcpdump, path);
    expect(tally).toMatchObject({ rejected: {}, plain: 0 });
    expect(tally.withEvents).toBeGreaterThan(0);
  });
});

test.each(['-n -e -tttt', '-n -e', '-n -e -tt', '-n -e -vv -tttt'])('tcpdump %s: the same sixteen frames', (options) => {
  const { tally, bodies } = readText(tcpdump, outputOf(options));
  expect(bodies.map(short)).toEqual(FRAMES);
  expect(tally).toMatchObject({ rejected: {}, plain: 1 });
});

test('without -e only announces and replies say whose they are', () => {
  const { bodies, tally } = readText(tcpdump, outputOf('-n'));
  expect(tally.rejected).toEqual({});
  expect(bodies.map(short)).toEqual([
    ...Array.from({ length: 5 }, () => `rarp ${VM}`),
    ...Array.from({ length: 3 }, () => `frame ${VM}`),
    `rarp ${VM}`,
    `frame ${OTHER}`,
  ]);
});

test('times: date, time of day, or epoch', () => {
  expect(timesOf(readText(tcpdump, outputOf('-n -e -tttt'))).at(0)).toBe('2024-03-10T10:00:00.100Z');
  const clock = readText(tcpdump, outputOf('-n -e')).events[0]?.stamp;
  expect(clock).toMatchObject({ clock: 'local', missing: 'date' });
  const epoch = readText(tcpdump, outputOf('-n -e -tt')).events[0]?.stamp;
  expect(epoch).toEqual({ ms: Date.parse('2024-03-10T10:00:00.100Z'), clock: 'utc', missing: 'nothing' });
});

test('packets whose time is a difference, or none, are rejected', () => {
  expect(readText(tcpdump, outputOf('-n -e -ttt')).tally.rejected).toEqual({ 'bad-time': 16 });
  const untimed = outputOf('-n').replaceAll(/^[\d:.]+ /gm, '');
  expect(readText(tcpdump, untimed).tally.rejected).toEqual({ 'bad-time': 16 });
});

test('a hex dump belongs to its packet', () => {
  const [, text = ''] = variants.find(([command]) => command.includes(' -x ')) ?? [];
  const { tally } = readText(tcpdump, text);
  expect(tally).toMatchObject({ records: 2, plain: 1, withEvents: 1 });
});

test('-i any: every interface repeats the frame, and the five announces are there on each', () => {
  const { tally, bodies } = readTestFile(tcpdump, 'arp/tcpdump-any.txt');
  expect(tally).toMatchObject({ rejected: {}, plain: 0 });
  expect(bodies.map(short).filter((text) => text === `rarp ${VM}`)).toHaveLength(25);
  expect(bodies.map(short).filter((text) => text === `gratuitous-arp ${VM}`)).toHaveLength(10);
});

test('-i any prints no destination: a reply that came in as a broadcast is gratuitous', () => {
  const line = (direction: string): string =>
    `2026-11-23 02:45:30.797598 br0   ${direction}   ifindex 2 ${VM} ethertype ARP (0x0806), length 48: Reply 10.0.0.5 is-at ${VM}, length 28\n`;
  expect(readText(tcpdump, line('B') + line('P')).bodies.map(short)).toEqual([`gratuitous-arp ${VM}`, `frame ${VM}`]);
});

test('a bridge: five RARPs and two gratuitous ARPs among ordinary frames', () => {
  const { tally, bodies } = readTestFile(tcpdump, 'arp/tcpdump-br0.txt');
  expect(tally).toMatchObject({ rejected: {}, plain: 0, records: 20 });
  expect(bodies.map(short).filter((text) => !text.startsWith('frame'))).toEqual([
    `gratuitous-arp ${VM}`,
    ...Array.from({ length: 5 }, () => `rarp ${VM}`),
    `gratuitous-arp ${VM}`,
  ]);
});

test('what tcpdump says around its packets is plain', () => {
  const { tally } = readText(
    tcpdump,
    `tcpdump: verbose output suppressed, use -v[v]... for full protocol decode
listening on br0, link-type EN10MB (Ethernet), snapshot length 262144 bytes
10:00:00.100000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype Reverse ARP (0x8035), length 60: Reverse Request who-is ${VM} tell ${VM}, length 46
1 packet captured
1 packet received by filter
0 packets dropped by kernel
`,
  );
  expect(tally).toMatchObject({ plain: 5, withEvents: 1, rejected: {} });
});

test('a machine that asks by RARP for another, or through another, announces nobody', () => {
  const { bodies } = readText(
    tcpdump,
    `10:00:00.100000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype Reverse ARP (0x8035), length 60: Reverse Request who-is ${OTHER} tell ${VM}, length 46
10:00:00.200000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype Reverse ARP (0x8035), length 60: Reverse Request who-is ${OTHER} tell ${OTHER}, length 46
`,
  );
  expect(bodies.map(short)).toEqual([`frame ${VM}`, `frame ${VM}`]);
});
