import { describe, expect, test } from 'vitest';
import { at, begins, booted, completes, sample, starts, stops, tell, VM, type StoryEvent } from '../../src/detectors/story.ts';

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

describe('a VM that is saved to a file', () => {
  const saved = [...booted(), stops(100, 'kvm-a', 'saved')];

  test('does not migrate when it is taken up again, nor fail when it is stopped soon after', () => {
    expect(told([...saved, starts(400, 'kvm-a', { incoming: true }), stops(700, 'kvm-a', 'destroyed')])).toEqual([]);
  });

  test('migrates back to where it was saved after it ran elsewhere', () => {
    const elsewhere = [...saved, starts(400, 'kvm-b')];
    const back = at(500.4, 'kvm-b', 'libvirt-qemu', { kind: 'migrate-initiated', vm: VM, resumed: false });
    const moved = [starts(500, 'kvm-a', { incoming: true }), back, stops(505, 'kvm-b', 'migrated')];
    expect(told([...elsewhere, ...moved])).toEqual([['kvm-b', 'kvm-a', 'completed']]);
  });
});

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

test('a job of which libvirt forgot when it began, as it ends, is no later migration', () => {
  const copied = [sample(5, { elapsedMs: 5000, remainingBytes: 3e8 }), sample(10, { elapsedMs: 10_000, remainingBytes: 1e8 })];
  const forgotten = sample(14, { elapsedMs: 0, status: 'active', pass: null, remainingBytes: null, transferredBytes: null });
  const way = ['kvm-a', 'kvm-b', 'completed'];
  expect(told([...booted(), ...begins(), ...copied, forgotten, ...completes(15, 40)])).toEqual([way]);
});
