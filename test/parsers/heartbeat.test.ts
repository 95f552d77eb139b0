import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { heartbeat } from '../../src/parsers/heartbeat.ts';
import { readRecording, readText, recordedFiles } from './read-file.ts';

const GOOD =
  '{"at":"2026-11-23T04:51:21.997Z","path":"/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/KVMHA/hb-10.77.0.2","latency_ms":7,"error":null}\n';

describe.each(recordedFiles(heartbeat))('%s', (path) => {
  test('every line is a probe', () => {
    const { tally } = readRecording(heartbeat, path);
    expect(tally).toMatchObject({ rejected: {}, plain: 0, withEvents: tally.lines });
    expect(tally.lines).toBeGreaterThan(10);
  });
});

test('a hanging heartbeat is pending, with no error of its own', () => {
  const bodies = recordedFiles(heartbeat).flatMap((path) => readRecording(heartbeat, path).bodies);
  const pending = bodies.filter((body) => body.kind === 'heartbeat-probe' && body.pending);
  const written = recordedFiles(heartbeat).flatMap(
    (path) => readFileSync(`recordings/${path}`, 'utf8').match(/still waiting/g) ?? [],
  );
  expect(written.length).toBeGreaterThan(5);
  expect(pending).toHaveLength(written.length);
  for (const body of pending)
    expect(body).toMatchObject({
      errorText: null,
      pool: expect.any(String),
      address: expect.stringMatching(/^10\.77\.0\.[12]$/),
    });
});

test.each([
  ['a line cut in the middle', GOOD.slice(0, 90), { 'bad-json': 1 }],
  ['the end of a line', GOOD.slice(40), { 'bad-json': 1 }],
  ['zero bytes before a line, as a crash leaves them', `\0\0\0${GOOD}`, { 'bad-json': 1 }],
  ['another object', '{"at":"2026-11-23T04:51:21.997Z","latency":7}', { 'bad-shape': 1 }],
  ['an object without a time', '{"latency_ms":7}', { 'bad-shape': 1 }],
  ['a latency that is no number', GOOD.replace('7,"', '"7","'), { 'bad-shape': 1 }],
  ['a time that is none', GOOD.replace('2026-11-23', '2026-13-23'), { 'bad-time': 1 }],
])('%s is rejected with its reason, and harms no neighbour', (_what, text, rejected) => {
  const { tally, bodies } = readText(heartbeat, `${GOOD}${text.replace(/\n$/, '')}\n${GOOD}`);
  expect(tally.rejected).toEqual(rejected);
  expect(bodies).toHaveLength(2);
});

test('a heartbeat file elsewhere keeps its address, without a pool', () => {
  const { bodies } = readText(heartbeat, GOOD.replace(/"\/mnt[^"]*"/, '"/srv/nfs/hb-10.0.0.9"'));
  expect(bodies).toEqual([expect.objectContaining({ pool: null, address: '10.0.0.9' })]);
});
