import { describe, expect, test } from 'vitest';
import type { Conclusion } from '../src/model/finding.ts';
import type { Detector } from '../src/detectors/detector.ts';
import { detectors } from '../src/detectors/index.ts';
import { at, begins, booted, breaksInPostcopy, fails, sample, tell, VM, type StoryEvent } from '../src/detectors/story.ts';

/** What a detector makes of a story, subject by subject. */
function concluded(detector: Detector, events: readonly StoryEvent[]): readonly (readonly Conclusion[])[] {
  const { migrations, hosts } = tell(events);
  return (detector.subject === 'migration' ? migrations : hosts).map((subject) => detector.run(subject));
}

describe.each(detectors.map((detector) => [detector.id, detector] as const))('%s', (_id, detector) => {
  test('has stories that fire and near misses that do not', () => {
    expect(detector.fires.length).toBeGreaterThan(0);
    expect(detector.silent.length).toBeGreaterThan(0);
  });

  test.each(detector.fires.map((story) => [story.name, story] as const))('reports: %s', (_name, story) => {
    const all = concluded(detector, story.events);
    const [first] = all.flat();
    expect(Math.max(...all.map(({ length }) => length)), 'one failure is one finding').toBe(1);
    expect(first, 'the detector reports nothing of this story').toBeDefined();
    expect(first?.summary).toMatch(story.finds);
    expect(first?.severity).toBe(story.severity);
    expect(first?.evidence.length).toBeGreaterThan(0);
    expect(first?.summary.endsWith('.')).toBe(true);
  });

  test.each(detector.silent.map((story) => [story.name, story] as const))('is silent: %s', (_name, story) => {
    expect(
      concluded(detector, story.events)
        .flat()
        .map(({ summary }) => summary),
    ).toEqual([]);
  });
});

describe('what to do', () => {
  const steps = (id: string, events: readonly StoryEvent[]): string =>
    detectors
      .filter((detector) => detector.id === id)
      .flatMap((detector) => concluded(detector, events).flat())
      .flatMap(({ remedies }) => remedies.map(({ what, command }) => `${what} ${command ?? ''}`))
      .join('\n');

  test('a guest that is lost in post-copy is not to be migrated again', () => {
    const dies = fails(8.2, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe", 'crashed');
    const closed: StoryEvent = at(8, 'kvm-b', 'libvirtd', {
      kind: 'daemon-message',
      level: 'error',
      vm: VM,
      text: 'internal error: qemu unexpectedly closed the monitor',
    });
    const precopy = [...booted(), ...begins(), closed, ...dies];
    expect(steps('destination-died', precopy)).toContain('then migrate again');
    const postcopy = [...precopy, sample(6, { status: 'postcopy-active' }), breaksInPostcopy(8.1)];
    expect(steps('destination-died', postcopy)).toMatch(/is lost: destroy it on both hosts/);
    expect(steps('destination-died', postcopy)).not.toContain('then migrate again');
  });
});
