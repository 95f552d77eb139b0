import { createCoverage } from './coverage.ts';
import { dirtyFrom, type Dirty } from './dirty.ts';
import type { ParsedChunk } from './parse-chunk.ts';
import { createRecentEvents } from './recent-events.ts';
import type { ClusterMemory } from './rebuild.ts';
import { hear } from './settle.ts';
import type { TimelineStore } from './timelines.ts';
import { urgencyOf } from './urgency.ts';

/** Events of a cluster in memory: hours of a busy one. */
const MAX_RECENT = 100_000;
/** How long a migration can have been running when a processor starts. */
const LONGEST_MS = 48 * 3_600_000;

/** What is known of one partition while it is this processor's. All of it can be made again of the store and the note. */
export interface Partition {
  readonly dirty: Dirty;
  /** Makes it of the store what is needed of the clusters in the note. */
  restore(): Promise<void>;
  /** Takes note of a chunk that is stored. */
  remember(chunk: ParsedChunk): Promise<void>;
  memory(cluster: string): Promise<ClusterMemory>;
  /** Migrations that ran when they were last looked at are to be looked at again: time has passed. */
  addRunning(): void;
  /** When the oldest event that timelines do not show was read by its collector; forgets it. */
  takeWaiting(cluster: string): number | null;
}

/** What a partition is restored from. */
export interface PartitionParts {
  readonly timelines: TimelineStore;
  now(): number;
}

/** A partition as its note tells. */
export function createPartition(note: string | null, { timelines, now }: PartitionParts): Partition {
  const dirty = dirtyFrom(note);
  const memories = new Map<string, Promise<ClusterMemory>>();
  const waiting = new Map<string, number>();
  const running = new Map<string, ClusterMemory['running']>();

  function memory(cluster: string): Promise<ClusterMemory> {
    const known = memories.get(cluster);
    if (known !== undefined) return known;
    const loading = load(cluster, { timelines, now });
    loading.then(
      (loaded) => running.set(cluster, loaded.running),
      // a store that did not answer is asked again
      () => memories.delete(cluster),
    );
    memories.set(cluster, loading);
    return loading;
  }

  return {
    dirty,
    memory,
    async restore() {
      for (const cluster of Object.keys(JSON.parse(dirty.note()) as Record<string, unknown>)) await memory(cluster);
    },
    async remember({ header: { cluster, host, source, path, observedAt }, events, firstAt, lastAt }) {
      const { recent, coverage, heardAt } = await memory(cluster);
      if (firstAt !== null && lastAt !== null)
        coverage.add({ host, source, path, firstAt: Math.min(firstAt, lastAt), lastAt: Math.max(firstAt, lastAt) });
      recent.add(events);
      for (const { event } of events) {
        if ('vm' in event.body && event.body.vm !== null) hear(heardAt, event.body.vm, now());
        const urgency = urgencyOf(event.body);
        if (urgency === null) continue;
        dirty.add(cluster, { from: event.at, to: event.at }, urgency);
        if (urgency === 'urgent') waiting.set(cluster, Math.min(observedAt, waiting.get(cluster) ?? observedAt));
      }
    },
    addRunning() {
      for (const [cluster, own] of running) {
        for (const lastSeenAt of own.values()) dirty.add(cluster, { from: lastSeenAt, to: lastSeenAt }, 'background');
      }
    },
    takeWaiting(cluster) {
      const since = waiting.get(cluster) ?? null;
      waiting.delete(cluster);
      return since;
    },
  };
}

/** What the store knows of a cluster. */
async function load(cluster: string, { timelines, now }: PartitionParts): Promise<ClusterMemory> {
  const recent = createRecentEvents({
    cluster,
    max: MAX_RECENT,
    known: await timelines.latestEvents(cluster, Math.floor(MAX_RECENT / 2)),
    read: (of, interval) => timelines.events(of, interval),
  });
  const coverage = createCoverage(await timelines.covered(cluster));
  const before = await timelines.migrations(cluster, { from: now() - LONGEST_MS, to: now() });
  const running = before.filter(({ outcome }) => outcome === 'running');
  return {
    cluster,
    recent,
    coverage,
    running: new Map(running.map(({ id, lastSeenAt }) => [id, lastSeenAt])),
    heardAt: new Map(),
  };
}
