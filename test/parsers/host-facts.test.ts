import { expect, test } from 'vitest';
import { hostFacts } from '../../src/parsers/host-facts.ts';
import { readText } from './read-file.ts';

const GOOD = '{"at":"2026-11-23T04:51:21.997Z","name":"version.qemu","value":"7.2"}\n';

test.each([
  ['a line cut in the middle', GOOD.slice(0, 60), { 'bad-json': 1 }],
  ['a value that is no text', GOOD.replace('"7.2"', '7.2'), { 'bad-shape': 1 }],
  ['no name', GOOD.replace('version.qemu', ''), { 'bad-shape': 1 }],
  ['a time that is none', GOOD.replace('-23T', '-33T'), { 'bad-time': 1 }],
])('%s is rejected with its reason, and harms no neighbour', (_what, text, rejected) => {
  const { tally, bodies } = readText(hostFacts, `${GOOD}${text.replace(/\n$/, '')}\n${GOOD}`);
  expect(tally.rejected).toEqual(rejected);
  expect(bodies).toHaveLength(2);
});
