import { tell, type StoryEvent } from '../../src/detectors/story.ts';
import type { Finding } from '../../src/model/finding.ts';
import type { Analysis } from '../../src/reports/analysis.ts';

/** An analysis of a told story, without findings and files. */
export function analysisOfStory(story: readonly StoryEvent[]): Analysis {
  const { migrations, hosts } = tell(story);
  const clocks = hosts.map(({ host }) => ({ host, zone: 'UTC', zoneFrom: 'utc-only' as const, skewMs: null, skewAgainst: null }));
  const times = migrations.flatMap(({ startedAt, lastSeenAt }) => [startedAt, lastSeenAt]);
  return { migrations, hosts, findings: [], clocks, inputs: [], outside: 0, from: Math.min(...times), to: Math.max(...times) };
}

/** A finding about the first migration of an analysis. */
export function findingIn({ migrations: [migration] }: Analysis, given: Partial<Finding> = {}): Finding {
  if (migration === undefined) throw new Error('the story has no migration');
  return {
    id: given.detector ?? 'x',
    detector: 'destination-died',
    title: 'QEMU of the destination died',
    summary: 'It died.',
    severity: 'critical',
    confidence: 'seen',
    from: migration.startedAt,
    to: migration.endedAt,
    evidence: [],
    remedies: [],
    discriminator: '',
    migration: migration.id,
    vm: migration.vm,
    host: migration.destination,
    ...given,
  };
}
