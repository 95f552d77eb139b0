import { describe, expect, test } from 'vitest';
import { at, begins, booted, completes, stops, tell, VM, type StoryEvent } from '../../src/detectors/story.ts';

function told(events: readonly StoryEvent[]): readonly (readonly [string | null, string | null, string])[] {
  return tell(events.toSorted((a, b) => a.seconds - b.seconds)).migrations.map(({ source, destination, outcome }) => [
    source,
    destination,
    outcome,
  ]);
}

const asked = begins().slice(0, 2);
const started = begins().slice(1, 2);
const initiated = (seconds: number): StoryEvent =>
  at(seconds, 'kvm-a', 'libvirt-qemu', { kind: 'migrate-initiated', vm: VM, resumed: false });
const waited = (seconds: number): StoryEvent =>
  at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-progress', vm: VM, waitedMs: seconds * 1000 });

describe('a migration that copies disks for hours before its memory', () => {
  test('is one, though the agent is heard of at its beginning and its end only', () => {
    const events = [...booted(), ...asked, waited(1), initiated(7200), waited(7210)];
    expect(told([...events, ...completes(7211, 40)])).toEqual([['kvm-a', 'kvm-b', 'completed']]);
  });

  test('is one by the logs of QEMU alone', () => {
    const events = [...booted(), ...started, initiated(7500), stops(7510, 'kvm-a', 'migrated')];
    expect(told(events)).toEqual([['kvm-a', 'kvm-b', 'completed']]);
  });

  test('is another one where the QEMU that waited for it had ended', () => {
    const refused = [...started, stops(1, 'kvm-b', 'failed')];
    expect(told([...booted(), ...refused, initiated(7500), stops(7510, 'kvm-a', 'migrated')])).toHaveLength(2);
  });
});
