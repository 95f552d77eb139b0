import { createCoverage } from './coverage.ts';
import type { PartitionParts } from './partition.ts';
import { createRecentEvents } from './recent-events.ts';
import type { ClusterMemory } from './rebuild.ts';

/** Events of a cluster in memory: hours of a busy one. */
const MAX_RECENT = 100_000;
/** Events of all clusters in memory; those of the clusters that were quiet for longest are read from the store when needed again. */
const MAX_RECENT_OF_ALL = 300_000;
/** Clusters in memory. */
const MAX_CLUSTERS = 1000;
/** How long a migration is followed of which nothing more is heard, ms. */
export const LONGEST_MS = 48 * 3_600_000;

/** What is in memory of the clusters of one partition. */
export interface Memories {
  /** Made of the store where it is not there. */
  of(cluster: string): Promise<ClusterMemory>;
  /** Migrations that ran when they were last looked at, by cluster; also of clusters that are no longer in memory. */
  running(): Iterable<readonly [cluster: string, ClusterMemory['running']]>;
}

/** Memory for some clusters, those that were used last. */
export function createMemories(parts: PartitionParts): Memories {
  const memories = new Map<string, Promise<ClusterMemory>>();
  /** In the order in which they were last used. */
  const loaded = new Map<string, ClusterMemory>();
  const running = new Map<string, ClusterMemory['running']>();

  async function of(cluster: string): Promise<ClusterMemory> {
    const known = memories.get(cluster) ?? loading(cluster);
    memories.set(cluster, known);
    try {
      const found = await known;
      if (memories.get(cluster) !== known) return found;
      loaded.delete(cluster);
      loaded.set(cluster, found);
      running.set(cluster, found.running);
      forgetOldest();
      return found;
    } catch (error) {
      // a store that did not answer is asked again
      if (memories.get(cluster) === known) memories.delete(cluster);
      throw error;
    }
  }

  async function loading(cluster: string): Promise<ClusterMemory> {
    const found = await load(cluster, parts);
    // what a rebuild that goes on meanwhile finds out is not to be lost
    return { ...found, running: running.get(cluster) ?? found.running };
  }

  function forgetOldest(): void {
    let events = 0;
    for (const { recent } of loaded.values()) events += recent.size();
    for (const [cluster, { recent }] of loaded) {
      if (loaded.size <= 1 || (events <= MAX_RECENT_OF_ALL && loaded.size <= MAX_CLUSTERS)) return;
      events -= recent.size();
      loaded.delete(cluster);
      memories.delete(cluster);
      if (running.get(cluster)?.size === 0) running.delete(cluster);
    }
  }

  return { of, running: () => running };
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
