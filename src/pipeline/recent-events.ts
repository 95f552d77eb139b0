import type { StoredEvent } from '../store/rows.ts';
import type { Interval } from './interval.ts';
import type { KnownEvents } from './timelines.ts';

/** Where events are that are no longer, or not yet, in memory. */
export type EventReader = (cluster: string, interval: Interval) => Promise<readonly StoredEvent[]>;

/** The latest events of one cluster, in memory; older ones are read from the store. */
export interface RecentEvents {
  /** Only what is stored may be added: after a restart memory is made of the store. */
  add(events: readonly StoredEvent[]): void;
  /** How many it holds. */
  size(): number;
  /** Each event once, in no particular order. */
  between(interval: Interval): Promise<readonly StoredEvent[]>;
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
  let events = new Map<string, StoredEvent>();
  /** All events at or after this are here. */
  let floor = known.from;

  function add(added: readonly StoredEvent[]): void {
    for (const one of added) if (one.event.at >= floor) events.set(keyOf(one), one);
    if (events.size > max) shrink();
  }

  /** Drops the older half, so that this is seldom done. */
  function shrink(): void {
    const sorted = [...events.values()].toSorted((a, b) => a.event.at - b.event.at);
    const kept = sorted.slice(Math.floor(sorted.length / 2));
    // of events at one moment either all stay or none: else the floor would not be true
    floor = (sorted[Math.floor(sorted.length / 2) - 1]?.event.at ?? floor) + 1;
    events = new Map(kept.filter(({ event }) => event.at >= floor).map((one) => [keyOf(one), one]));
  }

  add(known.events);
  return {
    add,
    size: () => events.size,
    async between({ from, to }) {
      if (from < floor) return read(cluster, { from, to });
      return [...events.values()].filter(({ event }) => event.at >= from && event.at <= to);
    },
  };
}

function keyOf({ fileId, n, event: { origin } }: StoredEvent): string {
  return `${origin.file.host} ${fileId} ${origin.offset} ${n}`;
}
