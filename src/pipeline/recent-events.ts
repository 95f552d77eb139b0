import { countWhile } from '../lib/overlap-index.ts';
import type { StoredEvent } from '../store/rows.ts';
import type { Interval } from './interval.ts';
import type { KnownEvents } from './timelines.ts';

/** Where events are that are no longer, or not yet, in memory. */
export type EventReader = (cluster: string, intervals: readonly Interval[]) => Promise<readonly StoredEvent[]>;

/** The latest events of one cluster, in memory; older ones are read from the store. */
export interface RecentEvents {
  /** Only what is stored may be added: after a restart memory is made of the store. */
  add(events: readonly StoredEvent[]): void;
  /** How many it holds. */
  size(): number;
  /** Events of any of these times, in no particular order; one of several of them, or one written twice, may come twice. */
  within(intervals: readonly Interval[]): Promise<readonly StoredEvent[]>;
  /** All events from then on are in memory. */
  knows(at: number): boolean;
}

/** What memory of events may hold. */
export interface RecentOptions {
  readonly cluster: string;
  readonly read: EventReader;
  /** Events kept at most. */
  readonly max: number;
  /** Events that the store has already. */
  readonly known: KnownEvents;
}

/** Memory of one cluster's latest events. */
export function createRecentEvents({ cluster, read, max, known }: RecentOptions): RecentEvents {
  const keys = new Map<string, StoredEvent>();
  /** Events that are not true any more: their records came again, longer. */
  const replaced = new Set<StoredEvent>();
  /** In the order of time, but for those that came since the last look. */
  let sorted: StoredEvent[] = [];
  let added: StoredEvent[] = [];
  /** All events at or after this are here. */
  let floor = known.from;

  function add(events: readonly StoredEvent[]): void {
    for (const one of events) {
      if (one.event.at < floor) continue;
      const key = keyOf(one);
      const before = keys.get(key);
      if (before !== undefined) {
        if (isSame(before, one)) continue;
        replaced.add(before);
      }
      keys.set(key, one);
      added.push(one);
    }
    if (keys.size > max) shrink();
  }

  /** Few are new, and they are the latest: sorting what is nearly sorted takes next to nothing. */
  function ordered(): readonly StoredEvent[] {
    if (added.length === 0) return sorted;
    const all = replaced.size === 0 ? [...sorted, ...added] : [...sorted, ...added].filter((one) => !replaced.has(one));
    sorted = all.toSorted((a, b) => a.event.at - b.event.at);
    added = [];
    replaced.clear();
    return sorted;
  }

  /** Drops the older half, so that this is seldom done. */
  function shrink(): void {
    const all = ordered();
    const half = Math.floor(all.length / 2);
    // of events at one moment either all stay or none: else the floor would not be true
    floor = (all[half - 1]?.event.at ?? floor) + 1;
    sorted = all.slice(firstAtOrAfter(all, floor));
    keys.clear();
    for (const one of sorted) keys.set(keyOf(one), one);
  }

  function inMemory({ from, to }: Interval): readonly StoredEvent[] {
    const all = ordered();
    return all.slice(firstAtOrAfter(all, from), firstAtOrAfter(all, to + 1));
  }

  add(known.events);
  return {
    add,
    size: () => keys.size,
    async within(intervals) {
      const older = intervals.filter(({ from }) => from < floor);
      const here = intervals.filter(({ from }) => from >= floor).map(inMemory);
      return [...(older.length > 0 ? await read(cluster, older) : []), ...here.flat()];
    },
    knows: (at) => at >= floor,
  };
}

/** Index of the first event at or after that moment. */
function firstAtOrAfter(events: readonly StoredEvent[], at: number): number {
  return countWhile(events, ({ event }) => event.at < at);
}

/** A record that came again as it was says the same; one that goes on, as another program shipped it, may say more. */
function isSame(a: StoredEvent, b: StoredEvent): boolean {
  return a.event.origin.text === b.event.origin.text && JSON.stringify(a.event.body) === JSON.stringify(b.event.body);
}

function keyOf({ fileId, n, event: { origin } }: StoredEvent): string {
  return `${origin.file.host} ${fileId} ${origin.offset} ${n}`;
}
