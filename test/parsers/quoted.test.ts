import { expect, it } from 'vitest';
import { quotedMessage, quotesAny } from '../../src/parsers/quoted.ts';

it.each([
  ['Successfully migrated.', 'completed'],
  ['Migration failed: Destination host is not compatible.', 'incompatible'],
  ['Timed out waiting for migration', 'timed-out'],
  ['Host Unreachable', 'unreachable'],
])('"%s" is found in a large text, and means %s', (sentence, meaning) => {
  const text = `${'an everyday line\n'.repeat(4000)}VM i-2-7-VM: ${sentence}\n${'another\n'.repeat(4000)}`;
  expect(quotesAny(text)).toBe(true);
  expect(quotedMessage(`VM i-2-7-VM: ${sentence}`)).toEqual([{ kind: 'quoted-message', vm: 'i-2-7-VM', meaning }]);
});

it.each([
  '',
  'Waiting for migration of i-2-7-VM to complete',
  'it was migrated.',
  'Network Unreachable',
  'From 10.0.0.9 icmp_seq=2 Destination Host Unreachable',
])('"%s" quotes none', (text) => {
  expect(quotesAny(text)).toBe(false);
  expect(quotedMessage(text)).toBeNull();
});
