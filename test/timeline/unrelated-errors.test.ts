import { describe, expect, test } from 'vitest';
import { at, begins, booted, fails, stops, tell, VM, type StoryEvent } from '../../src/detectors/story.ts';

function daemonError(seconds: number, host: string, text: string): StoryEvent {
  return at(seconds, host, 'libvirtd', { kind: 'daemon-message', level: 'error', vm: null, text });
}

const refusedBy = (address: string): string => `unable to connect to server at '${address}:16509': Connection refused`;
const MISSING_IMAGE = "Cannot access storage file '/mnt/iso/old.iso': No such file or directory";
const TLS = 'authentication failed: TLS handshake failed: The TLS connection was non-properly terminated.';

/** An agent up to 4.17 without anything else: it prints the same whether it failed or not. */
function agentOnly(endedAt: number): readonly StoryEvent[] {
  return [...begins().slice(0, 1), at(endedAt, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-thread-ended', vm: VM })];
}

function told(events: readonly StoryEvent[]): unknown {
  const { migrations } = tell(events.toSorted((a, b) => a.seconds - b.seconds));
  return migrations.map(({ outcome, cause }) => [outcome, cause?.kind]);
}

describe('beside the end of a migration that only an old agent saw', () => {
  test.each([
    ['the destination refuses its source', refusedBy('10.0.0.2'), 'connection-refused'],
    ['its image is missing, as never before', MISSING_IMAGE, 'storage-unavailable'],
  ])('%s: that is why it failed', (_, text, cause) => {
    expect(told([...agentOnly(2), daemonError(1.9, 'kvm-a', text)])).toEqual([['failed', cause]]);
  });

  test.each([
    ['another host refuses its source', [daemonError(39, 'kvm-a', refusedBy('10.0.0.9'))]],
    ['another host, by its IPv6 address', [daemonError(39, 'kvm-a', refusedBy('[fd00::9]'))]],
    ['an image is missing as every five minutes', [-900, -600, -300, 39, 340].map((s) => daemonError(s, 'kvm-a', MISSING_IMAGE))],
  ])('%s: nobody knows how it ended', (_, errors) => {
    expect(told([...agentOnly(40), ...errors])).toEqual([['unknown', undefined]]);
  });
});

test('an everyday error that the client was told is why it failed', () => {
  const everyday = [-900, -600, -300, 5].map((s) => daemonError(s, 'kvm-a', MISSING_IMAGE));
  expect(told([...booted(), ...begins(), ...everyday, ...fails(5.1, MISSING_IMAGE)])).toEqual([
    ['failed', 'storage-unavailable'],
  ]);
});

test.each([
  ['another host refuses its host', 'kvm-a', refusedBy('10.0.0.9')],
  ["a daemon's own helper is not there", 'kvm-a', "Failed to connect socket to '/run/libvirt/virtlogd-sock': Connection refused"],
  ["somebody's TLS fails at the destination", 'kvm-b', TLS],
])('a source that dies while %s died by itself', (_, host, text) => {
  const died = [stops(5.2, 'kvm-a', 'crashed'), ...fails(5.4, 'operation failed: domain is not running')];
  expect(told([...booted(), ...begins(), daemonError(5, host, text), ...died])).toEqual([['failed', 'source-died']]);
});
