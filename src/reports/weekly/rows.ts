import type { Severity } from '../../model/finding.ts';
import type { CauseKind, Certainty, Outcome } from '../../model/timeline.ts';
import type { WeekBounds } from '../../timeline/zone.ts';

/** What a report is about: a week, what it is compared with, and of which cluster. */
export interface ReportScope {
  readonly week: WeekBounds;
  /** The four weeks before, the latest first. */
  readonly before: readonly WeekBounds[];
  /** `null`: all clusters. */
  readonly cluster: string | null;
}

/** Migrations that began in the week, by how they ended, how sure that is, and why. */
export interface OutcomeRow {
  readonly outcome: Outcome;
  readonly certainty: Certainty;
  /** `null` where none is known or needed. */
  readonly cause: CauseKind | null;
  readonly migrations: number;
}

/** Downtimes of completed migrations. Percentiles are nearest values, `null` of nothing. */
export interface DowntimeRow {
  readonly completed: number;
  /** Measured, or between the guest's stop and its resume. */
  readonly known: number;
  /** Only a lower bound is known. */
  readonly lowerBounds: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  /** Of `known`, those above the target. */
  readonly overTarget: number;
  /** Of `lowerBounds`, those of which the bound is above the target already. */
  readonly lowerBoundsOverTarget: number;
  /** Of `known`, those longer than the limit in force. */
  readonly overLimit: number;
}

/** A completed migration of which the guest stood still long. */
export interface WorstDowntimeRow {
  readonly id: string;
  readonly cluster: string;
  readonly vm: string;
  readonly source: string | null;
  readonly destination: string | null;
  readonly startedAt: number;
  readonly downtimeMs: number;
  readonly limitMs: number;
}

/** How the copying of memory went. */
export interface ConvergenceRow {
  /** Migrations of which counters were seen; the next four are of these. */
  readonly observed: number;
  readonly notObserved: number;
  /** QEMU throttled the guest. */
  readonly throttled: number;
  readonly maxThrottlePercent: number | null;
  /** Migrations with a prediction: at least two passes were seen. The next five are of these. */
  readonly predicted: number;
  /** Dirty rate by bandwidth, as last predicted. */
  readonly ratioP50: number | null;
  readonly ratioP95: number | null;
  /** The guest wrote half as fast as the stream carries, or slower. */
  readonly calm: number;
  /** Between half as fast and as fast. */
  readonly close: number;
  /** As fast, or faster. */
  readonly beyond: number;
  /** The guest ran on the destination before all memory was there. */
  readonly postcopy: number;
}

/** Attempts at a VM whose attempt before had failed or been aborted a short time ago. */
export interface RetryRow {
  readonly retries: number;
  readonly vms: number;
  readonly completed: number;
}

/** How fast memory was copied: between hosts, from or to one host, or all in all. */
export interface BandwidthRow {
  readonly of: 'pair' | 'source' | 'destination' | 'all';
  /** Empty where it is about all. */
  readonly cluster: string;
  readonly source: string | null;
  readonly destination: string | null;
  readonly migrations: number;
  readonly medianBytesPerSecond: number;
  readonly minBytesPerSecond: number;
  readonly maxBytesPerSecond: number;
}

/** How many pairs of hosts of a cluster were seen to work, or not. */
export interface CpuClusterRow {
  readonly cluster: string;
  /** Hosts that took part in a migration. */
  readonly hosts: number;
  readonly works: number;
  readonly fails: number;
  readonly mixed: number;
}

/** What migrations from one host to another say of their CPUs. */
export interface CpuPairRow {
  readonly cluster: string;
  readonly source: string;
  readonly destination: string;
  readonly completed: number;
  readonly cpuFailed: number;
  readonly lastCompletedAt: number | null;
  readonly lastFailedAt: number | null;
  /** Of the last failure. */
  readonly failureText: string | null;
}

/** What a host says of its CPU. */
export interface CpuFactsRow {
  readonly cluster: string;
  readonly host: string;
  readonly model: string | null;
  /** Of `/proc/cpuinfo`, with blanks between. */
  readonly flags: string | null;
}

/** Slow or failed heartbeat writes of one pool. */
export interface PoolRow {
  readonly cluster: string;
  /** `null` where no record names it. */
  readonly pool: string | null;
  /** Episodes. */
  readonly spikes: number;
  /** Of them critical. */
  readonly critical: number;
  readonly hosts: number;
}

/** Measured writes of the storage heartbeat. */
export interface HeartbeatWritesRow {
  readonly cluster: string;
  readonly pool: string;
  readonly hosts: number;
  readonly writes: number;
  readonly longestMs: number;
  readonly longestAt: number;
  readonly longestHost: string;
}

/** A host that came near to resetting itself for its storage, or did. */
export interface ResetRow {
  readonly cluster: string;
  readonly host: string;
  readonly at: number;
  readonly reset: 0 | 1;
  readonly summary: string;
}

/** Completed migrations, by whether the network learned where the VM is. */
export interface AnnouncedRow {
  readonly announced: 'yes' | 'no' | 'unobserved';
  readonly migrations: number;
}

/** A host that was too hot. */
export interface HeatRow {
  readonly cluster: string;
  readonly host: string;
  /** Over a limit of its own chips, or their alarm. */
  readonly overheated: 0 | 1;
  /** Its kernel throttled CPUs. */
  readonly throttled: 0 | 1;
  readonly findings: number;
  readonly nearMigrations: 0 | 1;
}

/** Downtimes of completed migrations, by whether one of their hosts was hot meanwhile. */
export interface HeatDowntimeRow {
  /** `unobserved`: a host of the two told no temperature in the week. */
  readonly heat: 'hot' | 'cool' | 'unobserved';
  readonly migrations: number;
  /** Of them with a known downtime. */
  readonly known: number;
  readonly medianMs: number | null;
}

/** Incidents of one cause in one cluster. An incident is all findings of warning or above about one migration, or one about a host. */
export interface IncidentRow {
  readonly cluster: string;
  readonly cause: string;
  readonly severity: Severity;
  readonly incidents: number;
  readonly critical: number;
  readonly migrations: number;
  /** Those that it is about most, at most three. */
  readonly hosts: readonly string[];
  readonly firstAt: number;
  readonly lastAt: number;
  /** Of the worst, the latest. */
  readonly summary: string;
}

/** A step that findings advise, in the words that hold for the most incidents. */
export interface RemedyRow {
  readonly cause: string;
  readonly what: string;
  readonly command: string | null;
  /** Incidents that it is advised for. */
  readonly incidents: number;
  /** Where in the list of its detector it stands, from 1. */
  readonly position: number;
}

/** A host that is known, and of which nothing was read that is of the week. */
export interface SilentHostRow {
  readonly cluster: string;
  readonly host: string;
  /** The last record that was read; `null` where none ever was in the time looked at: only other hosts tell of it. */
  readonly lastAt: number | null;
}

/** Hypervisors by what was read of them. */
export interface CoverageRow {
  readonly hypervisors: number;
  readonly silent: number;
  /** Hypervisors that were read, without output of each kind; a few of their names. */
  readonly noAgent: number;
  readonly noAgentHosts: readonly string[];
  readonly noLibvirt: number;
  readonly noLibvirtHosts: readonly string[];
  readonly noJobs: number;
  readonly noJobsHosts: readonly string[];
  readonly noHeartbeat: number;
  readonly noHeartbeatHosts: readonly string[];
  readonly noSensors: number;
  readonly noSensorsHosts: readonly string[];
  readonly noFacts: number;
  readonly noFactsHosts: readonly string[];
}

/** What was read of a week. */
export interface RecordsRow {
  readonly chunks: number;
  readonly records: number;
  readonly withEvents: number;
  readonly plain: number;
  readonly rejected: number;
}

/** A week in numbers, to compare. */
export interface TrendRow {
  /** Index into the week itself (0) and those before it. */
  readonly week: number;
  readonly migrations: number;
  readonly completed: number;
  readonly failed: number;
  readonly aborted: number;
  readonly downtimeKnown: number;
  readonly downtimeP50Ms: number | null;
  readonly downtimeP95Ms: number | null;
  readonly overTarget: number;
}

/** A week's troubles, to compare. */
export interface TroubleRow {
  readonly week: number;
  readonly incidents: number;
  readonly spikes: number;
}

/** All that a report is made of. */
export interface WeekRows {
  readonly outcomes: readonly OutcomeRow[];
  readonly downtime: DowntimeRow;
  readonly worst: readonly WorstDowntimeRow[];
  readonly convergence: ConvergenceRow;
  readonly retries: RetryRow;
  readonly bandwidth: readonly BandwidthRow[];
  readonly cpuClusters: readonly CpuClusterRow[];
  readonly cpuFailing: readonly CpuPairRow[];
  /** Of the hosts that a matrix shows. */
  readonly cpuPairs: readonly CpuPairRow[];
  readonly cpuFacts: readonly CpuFactsRow[];
  readonly pools: readonly PoolRow[];
  readonly writes: readonly HeartbeatWritesRow[];
  readonly resets: readonly ResetRow[];
  readonly announced: readonly AnnouncedRow[];
  readonly heat: readonly HeatRow[];
  readonly heatDowntime: readonly HeatDowntimeRow[];
  readonly incidents: readonly IncidentRow[];
  readonly remedies: readonly RemedyRow[];
  readonly silent: readonly SilentHostRow[];
  readonly coverage: CoverageRow;
  readonly records: RecordsRow;
  readonly trend: readonly TrendRow[];
  readonly troubles: readonly TroubleRow[];
  /** Weeks of which anything was read, by index as in `trend`. */
  readonly readWeeks: readonly number[];
}
