import { inParts } from '../lib/in-parts.ts';
import { createCoverage } from './coverage.ts';
import { createKnownHosts } from './known-hosts.ts';
import type { PartitionParts } from './partition.ts';
import { createRecentEvents } from './recent-events.ts';
import type { ClusterMemory } from './rebuild.ts';
import type { EventCounts } from './timelines.ts';

/** Events of a cluster in memory: hours of a busy one. */
const MAX_RECENT = 100_000;
/** Events of all clusters in memory; those of the clusters that were quiet for longest are read from the store when needed again. */
const MAX_RECENT_OF_ALL = 300_000;
/** Events that are read from the store at once: all of one cluster, or of several that have few. */
const MAX_READ = MAX_RECENT / 2;
/** Clusters that the store is asked for at once: a question has a condition for each, and what is told of their hosts is in memory twice meanwhile. */
const MAX_ASKED = 50;
/** Clusters in memory. */
const MAX_CLUSTERS = 1000;
/** How long a migration is followed of which nothing more is heard, ms. */
export const LONGEST_MS = 48 * 3_600_000;

/** What is in memory of the clusters of one partition. */
export interface Memories {
  /** Made of the store where it is not there. */
  of(cluster: string): Promise<ClusterMemory>;
  /** Each of these is used once, in any order, as soon as it is there: the store is asked for many at once. */
  each(clusters: readonly string[], use: (memory: ClusterMemory) => void): Promise<void>;
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
    const known = memories.get(cluster) ?? begin(cluster, alone(cluster));
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

  function begin(cluster: string, loading: Promise<Loaded>): Promise<ClusterMemory> {
    const memory = loading.then((all) => {
      const found = all.get(cluster);
      if (found === undefined) throw new Error(`nothing was loaded of ${cluster}`);
      // what a rebuild that goes on meanwhile finds out is not to be lost
      return { ...found, running: running.get(cluster) ?? found.running };
    });
    memories.set(cluster, memory);
    return memory;
  }

  async function alone(cluster: string): Promise<Loaded> {
    return load(await parts.timelines.eventCounts([cluster]), parts);
  }

  async function each(clusters: readonly string[], use: (memory: ClusterMemory) => void): Promise<void> {
    const useAll = async (some: readonly string[]): Promise<void> => (await Promise.all(some.map(of))).forEach(use);
    const [known, unknown] = [true, false].map((is) => clusters.filter((cluster) => memories.has(cluster) === is));
    await useAll(known ?? []);
    for (const asked of inParts(unknown ?? [], MAX_ASKED, () => 1)) {
      const counts = await parts.timelines.eventCounts(asked);
      for (const some of inParts(counts, MAX_READ, ({ latest }) => Math.min(latest, MAX_READ))) {
        // others may have needed some of them meanwhile
        const missing = some.filter(({ cluster }) => !memories.has(cluster));
        const loading = load(missing, parts);
        for (const { cluster } of missing) void begin(cluster, loading);
        await useAll(some.map(({ cluster }) => cluster));
      }
    }
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

  return { of, each, running: () => running };
}

type Loaded = ReadonlyMap<string, ClusterMemory>;

/** What the store knows of clusters. */
async function load(counts: readonly EventCounts[], { timelines, now }: PartitionParts): Promise<Loaded> {
  const clusters = counts.map(({ cluster }) => cluster);
  if (clusters.length === 0) return new Map();
  const [known, covered, addresses, running] = await Promise.all([
    timelines.latestEvents(counts, MAX_READ),
    timelines.covered(clusters),
    timelines.addresses(clusters),
    timelines.running(clusters, { from: now() - LONGEST_MS, to: now() }),
  ]);
  return new Map(
    clusters.map((cluster) => [
      cluster,
      {
        cluster,
        recent: createRecentEvents({
          cluster,
          max: MAX_RECENT,
          known: known.get(cluster) ?? { events: [], from: Number.NEGATIVE_INFINITY },
          read: (of, interval) => timelines.events(of, interval),
        }),
        coverage: createCoverage(covered.get(cluster) ?? []),
        hosts: createKnownHosts(
          (covered.get(cluster) ?? []).map(({ host }) => host),
          addresses.get(cluster) ?? [],
        ),
        running: new Map((running.get(cluster) ?? []).map(({ id, lastSeenAt }) => [id, lastSeenAt])),
        heardAt: new Map(),
      },
    ]),
  );
}
