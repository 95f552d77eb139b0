import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bridgeFdb } from '../../src/parsers/bridge-fdb.ts';
import { readRecording, readTestFile, readText, recordedFiles, timesOf } from './read-file.ts';

const MOVES = [
  { kind: 'forwarding-changed', mac: '52:54:00:4a:b1:c2', port: 'p1', deleted: false },
  { kind: 'forwarding-changed', mac: '52:54:00:4a:b1:c2', port: 'p2', deleted: false },
  { kind: 'forwarding-changed', mac: '00:16:3e:0a:0b:0c', port: 'p1', deleted: false },
];

describe.each(recordedFiles(bridgeFdb))('%s', (path) => {
  test('nothing is rejected', () => {
    expect(readRecording(bridgeFdb, path).tally.rejected).toEqual({});
  });

  test('every entry that was printed is there', () => {
    const printed = readFileSync(join('recordings', path), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('Timestamp:'));
    const moves = readRecording(bridgeFdb, path).bodies.filter((body) => body.kind === 'forwarding-changed');
    expect(moves.map(({ mac, deleted }) => `${deleted ? 'Deleted ' : ''}${mac}`)).toEqual(
      printed.map((line) => /^(?:Deleted )?\S+/.exec(line)?.[0]),
    );
  });
});

test.each(['arp/bridge-monitor-fdb.txt', 'arp/ip-monitor-neigh-t.txt', 'arp/ip-monitor-neigh-ts.txt'])(
  '%s: the same three moves, neighbours left out',
  (name) => {
    const reading = readTestFile(bridgeFdb, name);
    expect(reading.tally.rejected).toEqual({});
    expect(reading.bodies).toEqual(MOVES);
    expect(timesOf(reading).map((time) => time?.slice(0, 21))).toEqual([
      '2026-11-23T02:45:30.7',
      '2026-11-23T02:45:32.7',
      '2026-11-23T02:45:34.9',
    ]);
  },
);

test.each([
  ['arp/bridge-monitor-fdb-nots.txt', 3],
  ['arp/ip-monitor-neigh.txt', 11],
  ['arp/bridge-fdb-show.txt', 17],
])('%s: entries without a time are rejected, each one', (name, lines) => {
  const { tally, bodies } = readTestFile(bridgeFdb, name);
  expect(tally.rejected).toEqual({ 'no-header': lines });
  expect(bodies).toEqual([]);
});

test('addresses of the host itself are not learned ones, and a time without an entry is plain', () => {
  const { tally, bodies } = readText(
    bridgeFdb,
    `Timestamp: Mon Nov 23 02:45:30 2026 797987 usec
Timestamp: Mon Nov 23 02:45:31 2026 797987 usec
96:3e:cd:e8:05:6e dev p1 master br0 permanent
33:33:00:00:00:01 dev p1 self permanent
01:00:5e:00:00:01 dev p1 self
52:54:00:4a:b1:c2 dev p1 vlan 10 master br0 
`,
  );
  expect(tally).toMatchObject({ records: 2, plain: 1, withEvents: 1, rejected: {} });
  expect(bodies).toEqual(MOVES.slice(0, 1));
});

test('a broken time is rejected', () => {
  expect(
    readText(bridgeFdb, 'Timestamp: Mon Nov 31 02:45:30 2026 797987 usec\n52:54:00:4a:b1:c2 dev p1 master br0 \n').tally.rejected,
  ).toEqual({
    'bad-time': 1,
  });
});
