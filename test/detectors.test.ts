import { describe, expect, test } from 'vitest';
import type { Conclusion } from '../src/model/finding.ts';
import type { Detector } from '../src/detectors/detector.ts';
import { detectors } from '../src/detectors/index.ts';
import { tell, type StoryEvent } from '../src/detectors/story.ts';

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
