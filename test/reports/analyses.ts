import { detectors } from '../../src/detectors/index.ts';
import { tell, type StoryEvent } from '../../src/detectors/story.ts';
import { discover } from '../../src/ingest/discover.ts';
import { readAll } from '../../src/ingest/read-all.ts';
import type { Finding } from '../../src/model/finding.ts';
import { parsers } from '../../src/parsers/index.ts';
import { findingsOf, type Analysis } from '../../src/reports/analysis.ts';
import { buildTimelines } from '../../src/timeline/build.ts';
import { placeInTime } from '../../src/timeline/clock.ts';

/** Reads a recording through the whole pipeline. */
export async function analysisOf(paths: readonly string[]): Promise<Analysis> {
  const options = { parsers, hints: { hosts: [], sources: [] }, progress: () => {}, stdin: null as never };
  const { events: parsed, inputs, spans } = await readAll(await discover(paths), options);
  const { events, clocks, ends } = placeInTime(parsed, spans, { all: null, hosts: new Map() });
  const files = inputs.flatMap(({ host, source }) => (host === null || source === null ? [] : [{ host, source }]));
  const timelines = buildTimelines(events, { files, clocks, ends });
  const findings = findingsOf(timelines, detectors);
  return { ...timelines, findings, clocks, inputs, outside: 0, from: events[0]?.at ?? null, to: events.at(-1)?.at ?? null };
}

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
