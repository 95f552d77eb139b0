import type { EventKind } from '../model/event.ts';
import type { HostAddress } from '../model/source.ts';
import type { Migration } from '../model/timeline.ts';
import type { DetectorSettings } from '../reports/analysis.ts';
import { hostOf } from '../timeline/of-kind.ts';
import type { DirtyCluster } from './dirty.ts';
import type { Interval } from './interval.ts';
import { createPace } from './pace.ts';
import type { Partition } from './partition.ts';
import { PART_MS, partsOf } from './parts.ts';
import { rebuild, type ClusterMemory } from './rebuild.ts';
import type { Changes, TimelineStore } from './timelines.ts';

/** What a follower needs. */
export interface FollowerParts {
  readonly timelines: TimelineStore;
  /** Limits of detectors that hold now. */
  limits(): DetectorSettings;
  /** Commits what is still to be done of a partition. */
  note(partition: number, note: string): Promise<void>;
  readonly watch: FollowerWatch;
  /** Unix ms. */
  now(): number;
}

/** Is told what a follower does. */
export interface FollowerWatch {
  /** Timelines are stored; `readAt`: when the oldest record that they show anew was read, `null` where none was waited for. */
  rebuilt(cluster: string, changes: Changes, took: { readonly ms: number; readonly readAt: number | null }): void;
  /** Something did not work and is tried again. */
  failed(error: unknown): void;
}

/** Brings timelines up to date with the events that are stored, soon and not all the time. */
export interface Follower {
  start(): void;
  /** Tells it that events come, which are about to be stored. */
  storing(): void;
  /** Tells it that they were stored. */
  stored(): void;
  /** Ends what is being done. */
  finish(): Promise<void>;
  isIdle(): boolean;
  /** Resolves after the next look at what there is to do. */
  settled(): Promise<void>;
  /** Does what is urgent and ends; idempotent. */
  stop(): Promise<void>;
}

/** Parts of one cluster that are told one after the other; what remains waits, so that what happens now is told meanwhile. */
const MAX_PARTS = 20;

/** A follower of these partitions. */
export function createFollower(partitions: ReadonlyMap<number, Partition>, parts: FollowerParts): Follower {
  const pace = createPace(parts);
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = true;
  const waiters: (() => void)[] = [];

  async function look(): Promise<void> {
    const began = parts.now();
    const chosen = pace.choose();
    if (pace.lookAtRunning()) for (const state of partitions.values()) state.addRunning();
    let failed = false;
    for (const [partition, state] of partitions) {
      const taken = state.dirty.take(chosen);
      for (const one of taken) failed = !(await bring(one, { state, ...parts })) || failed;
      if (taken.length > 0) await parts.note(partition, state.dirty.note());
    }
    pace.looked(parts.now() - began, failed);
  }

  async function run(): Promise<void> {
    try {
      await look();
    } catch (error) {
      parts.watch.failed(error);
    }
    running = null;
    for (const resolve of waiters.splice(0)) resolve();
    plan();
  }

  function plan(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      running = run();
    }, pace.waitMs());
  }

  return {
    start() {
      stopped = false;
      plan();
    },
    storing: () => pace.storing(),
    stored: () => pace.stored(),
    async finish() {
      await running;
    },
    isIdle: () => running === null && [...partitions.values()].every(({ dirty }) => dirty.isEmpty()),
    settled: () => new Promise((resolve) => void waiters.push(resolve)),
    async stop() {
      if (stopped) return;
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await running;
      await look();
      for (const resolve of waiters.splice(0)) resolve();
    },
  };
}

/** Tells again what happened in the times taken. Whether it could be done. */
async function bring(
  taken: DirtyCluster,
  { state, timelines: store, limits, watch, now }: FollowerParts & { readonly state: Partition },
): Promise<boolean> {
  const { cluster, intervals } = taken;
  const readAt = state.takeWaiting(cluster);
  try {
    const memory = await state.memory(cluster);
    const parts = await partsWithin(intervals, cluster, store);
    // the latest first: somebody may still act on it
    for (const interval of parts.slice(-MAX_PARTS)) {
      const began = now();
      const { changes, again } = await rebuild(interval, { memory, store, limits: limits(), now: began });
      follow(memory, changes);
      await state.reconsider(memory);
      for (const soon of again) state.dirty.add(cluster, soon, 'background');
      watch.rebuilt(cluster, changes, { ms: now() - began, readAt });
    }
    state.dirty.done(taken, parts.slice(0, -MAX_PARTS));
    return true;
  } catch (error) {
    state.dirty.failed(taken);
    watch.failed(error);
    return false;
  }
}

/** What is new is short, and told as it is. */
async function partsWithin(intervals: readonly Interval[], cluster: string, store: TimelineStore): Promise<readonly Interval[]> {
  const hull = {
    from: Math.min(...intervals.map(({ from }) => from)),
    to: Math.max(...intervals.map(({ to }) => to)),
  };
  if (intervals.length === 1 && hull.to - hull.from <= PART_MS) return intervals;
  return partsOf(intervals, await store.density(cluster, hull, PART_MS));
}

/** Remembers which migrations still run, and whose the addresses are that they went to. */
function follow({ running, hosts }: ClusterMemory, { migrations, goneMigrations }: Changes): void {
  for (const migration of migrations) {
    const { id, outcome, lastSeenAt } = migration;
    if (outcome === 'running') running.set(id, lastSeenAt);
    else running.delete(id);
    for (const address of addressesOfArrival(migration)) hosts.reachedBy(address);
  }
  for (const { id } of goneMigrations) running.delete(id);
}

/** By which address the destination was reached, where its own records say that it is the destination. */
function addressesOfArrival({ destination, destinationAddress, events }: Migration): readonly HostAddress[] {
  if (destination === null || destinationAddress === null) return [];
  const tells = events.some((event) => ARRIVING.has(event.body.kind) && hostOf(event) === destination);
  return tells ? [{ host: destination, address: destinationAddress }] : [];
}

const ARRIVING = new Set<EventKind>(['domain-started', 'destination-prepared']);
