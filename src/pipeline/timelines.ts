import type { EventKind } from '../model/event.ts';
import type { HostAddress } from '../model/source.ts';
import type { Severity } from '../model/finding.ts';
import type { Migration, Outcome } from '../model/timeline.ts';
import type { StoredEvent } from '../store/rows.ts';
import type { FoundFinding } from '../store/timeline-rows.ts';
import type { Covered } from './coverage.ts';
import type { Interval } from './interval.ts';
import type { HostNews } from './known-hosts.ts';

/** A migration as it was last stored. */
export interface StoredMigration {
  readonly id: string;
  readonly vm: string;
  readonly startedAt: number;
  readonly lastSeenAt: number;
  readonly outcome: Outcome;
  /** What is known of it, as JSON. */
  readonly document: string;
}

/** Of a migration that runs, as much as it takes to look at it again. */
export type RunningMigration = Pick<StoredMigration, 'id' | 'lastSeenAt'>;

/** A finding as it was last stored. */
export interface StoredFinding {
  /** Of the row. */
  readonly id: string;
  readonly detector: string;
  readonly severity: Severity;
  readonly migration: string | null;
  readonly from: number;
  readonly to: number | null;
  readonly foundAt: number;
  /** What it says, as JSON. */
  readonly document: string;
}

/** What a rebuild makes different from what is stored. */
export interface Changes {
  readonly migrations: readonly Migration[];
  readonly findings: readonly FoundFinding[];
  /** Ids of those migrations that ran, or were not known, when they were last stored, and are over. */
  readonly ended: ReadonlySet<string>;
  /** Ids of those findings that were not stored before. */
  readonly fresh: ReadonlySet<string>;
  /** Rows that nothing bears out any more. */
  readonly goneMigrations: readonly StoredMigration[];
  readonly goneFindings: readonly StoredFinding[];
}

/** Events up to the newest one. */
export interface KnownEvents {
  readonly events: readonly StoredEvent[];
  /** All events at or after this are among them; `-Infinity`: all there are. */
  readonly from: number;
}

/** How many events of a cluster are stored, and how many of them are the latest: hours up to the newest one. */
export interface EventCounts {
  readonly cluster: string;
  readonly all: number;
  readonly latest: number;
  /** From when on they are the latest, Unix ms; `-Infinity` where there are none. */
  readonly from: number;
}

/** How much happened in a stretch of time. */
export interface Stretch {
  /** Unix ms. */
  readonly from: number;
  readonly events: number;
}

/** Which events are looked for, and before when. */
export interface LastBefore {
  readonly kinds: ReadonlySet<EventKind>;
  /** Unix ms. */
  readonly at: number;
}

/** What is stored of a cluster, as telling it again needs it. */
export interface TimelineReader {
  /** Clusters that have events in the interval. */
  clusters(interval: Interval): Promise<readonly string[]>;
  /** Events of any of these times, in no particular order; one that was written twice may come twice. */
  events(cluster: string, intervals: readonly Interval[]): Promise<readonly StoredEvent[]>;
  /** Of the events, those that name one of these VMs, and those that end every VM of their host. */
  eventsOfVms(cluster: string, vms: readonly string[], interval: Interval): Promise<readonly StoredEvent[]>;
  /** Of each of these VMs, the last event of one of these kinds before a time (Unix ms). */
  lastOfVms(cluster: string, vms: readonly string[], before: LastBefore): Promise<readonly StoredEvent[]>;
  /** How many events begin in each stretch of so many ms, in the order of time; those without any are left out. */
  density(cluster: string, interval: Interval, stretchMs: number): Promise<readonly Stretch[]>;
  /** Of each of these clusters, in their order. */
  eventCounts(clusters: readonly string[]): Promise<readonly EventCounts[]>;
  /** The latest events of each of these clusters, at most so many of each. */
  latestEvents(counts: readonly EventCounts[], max: number): Promise<ReadonlyMap<string, KnownEvents>>;
  /** Migrations that were seen at any moment of the interval, and those that ran shortly before it. */
  migrations(cluster: string, interval: Interval): Promise<readonly StoredMigration[]>;
  /** Migrations that ran when they were last seen, at a moment of the interval or shortly before it, by cluster. */
  running(clusters: readonly string[], interval: Interval): Promise<ReadonlyMap<string, readonly RunningMigration[]>>;
  /** Findings of any moment of the interval, and those of these migrations. */
  findings(cluster: string, interval: Interval, migrations: readonly string[]): Promise<readonly StoredFinding[]>;
  /** By which addresses and names hosts are reached, as far as it was told of late, by cluster. */
  addresses(clusters: readonly string[]): Promise<ReadonlyMap<string, readonly HostAddress[]>>;
  /** Times of which something is told that may be told otherwise, as this became known of hosts. */
  toldOtherwise(cluster: string, news: HostNews): Promise<readonly Interval[]>;
  /** What arrived of late, by cluster. */
  covered(clusters: readonly string[]): Promise<ReadonlyMap<string, readonly Covered[]>>;
}

/** The same, and what a rebuild makes different is written there. */
export interface TimelineStore extends TimelineReader {
  write(cluster: string, changes: Changes): Promise<void>;
}
