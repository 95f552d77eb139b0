import { groupBy } from '../lib/group.ts';
import { addressesIn } from '../timeline/addresses.ts';
import { dirtyFrom, type Dirty } from './dirty.ts';
import { createMemories, LONGEST_MS } from './memories.ts';
import type { ParsedChunk } from './parse-chunk.ts';
import type { ClusterMemory } from './rebuild.ts';
import { hear } from './settle.ts';
import type { TimelineStore } from './timelines.ts';
import { urgencyOf } from './urgency.ts';

/** Clusters that are made of the store before the first chunk; the others when they are needed. */
const MOST_RESTORED = 100;

/** What is known of one partition while it is this processor's. All of it can be made again of the store and the note. */
export interface Partition {
  readonly dirty: Dirty;
  /** Makes it of the store what is needed of the clusters in the note. */
  restore(): Promise<void>;
  /** Takes note of chunks that are stored. */
  remember(chunks: readonly ParsedChunk[]): Promise<void>;
  memory(cluster: string): Promise<ClusterMemory>;
  /** What was told of hosts of which more is known by now is to be told again. */
  reconsider(memory: ClusterMemory): Promise<void>;
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
  const memories = createMemories({ timelines, now });
  const waiting = new Map<string, number>();

  function take(
    { header: { cluster, host, source, path, observedAt }, events, firstAt, lastAt }: ParsedChunk,
    { recent, coverage, hosts, heardAt }: ClusterMemory,
  ): void {
    hosts.heardOf(host);
    if (firstAt !== null && lastAt !== null)
      coverage.add({ host, source, path, firstAt: Math.min(firstAt, lastAt), lastAt: Math.max(firstAt, lastAt) });
    recent.add(events);
    for (const { event } of events) {
      for (const address of addressesIn(event)) hosts.reachedBy(address);
      if ('vm' in event.body && event.body.vm !== null) hear(heardAt, event.body.vm, now());
      const urgency = urgencyOf(event.body);
      if (urgency === null) continue;
      dirty.add(cluster, { from: event.at, to: event.at }, urgency);
      if (urgency === 'urgent') waiting.set(cluster, Math.min(observedAt, waiting.get(cluster) ?? observedAt));
    }
  }

  async function reconsider({ cluster, hosts }: ClusterMemory): Promise<void> {
    const news = hosts.takeNews();
    if (news === null) return;
    for (const interval of await timelines.toldOtherwise(cluster, news)) dirty.add(cluster, interval, 'background');
  }

  return {
    dirty,
    memory: (cluster) => memories.of(cluster),
    async restore() {
      for (const interval of dirty.takeUnnamed())
        for (const cluster of await timelines.clusters(interval)) dirty.add(cluster, interval, 'urgent');
      await memories.each(dirty.clusters().slice(0, MOST_RESTORED), () => {});
    },
    async remember(chunks) {
      const byCluster = groupBy(chunks, ({ header }) => header.cluster);
      const touched: ClusterMemory[] = [];
      await memories.each([...byCluster.keys()], (memory) => {
        for (const chunk of byCluster.get(memory.cluster) ?? []) take(chunk, memory);
        touched.push(memory);
      });
      for (const memory of touched) await reconsider(memory);
    },
    reconsider,
    addRunning() {
      for (const [cluster, own] of memories.running()) {
        for (const [id, lastSeenAt] of own) {
          // its hosts said nothing for days: nobody looks at it for ever
          if (lastSeenAt < now() - LONGEST_MS) own.delete(id);
          else dirty.add(cluster, { from: lastSeenAt, to: lastSeenAt }, 'background');
        }
      }
    },
    takeWaiting(cluster) {
      const since = waiting.get(cluster) ?? null;
      waiting.delete(cluster);
      return since;
    },
  };
}
