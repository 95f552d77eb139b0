import type { CauseKind, Certainty, Outcome } from '../model/timeline.ts';
import type { Store } from '../store/store.ts';
import { whereOf, type Filter, type FilterColumns } from './filter.ts';

/** A migration as the store holds its newest version; instants in Unix ms, absent is `null`. */
export interface StoredMigration {
  readonly id: string;
  readonly cluster: string;
  readonly vm: string;
  readonly source: string | null;
  readonly destination: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly lastSeenAt: number;
  readonly outcome: Outcome;
  readonly certainty: Certainty;
  readonly cause: CauseKind | null;
  readonly causeText: string | null;
  readonly iterations: number | null;
  readonly downtimeMs: number | null;
  /** `at-least`: the downtime is a lower bound. */
  readonly downtimeFrom: 'statistics' | 'events' | 'at-least' | null;
  readonly downtimeLimitMs: number;
  readonly announced: 'yes' | 'no' | 'unobserved';
  readonly throttlePercent: number | null;
  readonly postcopyAt: number | null;
  readonly whereHost: string | null;
  readonly whereState: 'running' | 'paused' | 'unknown';
  readonly unobserved: readonly string[];
  /** The migration of `precopy/analysis@1`, as JSON. */
  readonly document: string;
}

const COLUMNS = `id, cluster, vm, nullIf(source, '') AS source, nullIf(destination, '') AS destination,
  toUnixTimestamp64Milli(started_at) AS startedAt, toUnixTimestamp64Milli(ended_at) AS endedAt,
  toUnixTimestamp64Milli(last_seen_at) AS lastSeenAt, outcome, certainty, nullIf(cause_kind, '') AS cause,
  nullIf(cause_text, '') AS causeText, iterations, downtime_ms AS downtimeMs, nullIf(downtime_from, '') AS downtimeFrom,
  downtime_limit_ms AS downtimeLimitMs, announced, throttle AS throttlePercent, toUnixTimestamp64Milli(postcopy_at) AS postcopyAt,
  nullIf(where_host, '') AS whereHost, where_state AS whereState, unobserved, document`;

/** What a filter means for migrations: they belong to the period in which they began, and to both their hosts. */
const FILTERED: FilterColumns = { at: 'started_at', hosts: ['stored.source', 'stored.destination'], vm: 'vm' };

/** Migrations that began in the period, the newest first. */
export async function migrations(store: Store, filter: Filter = {}): Promise<readonly StoredMigration[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<StoredMigration>(
    `SELECT ${COLUMNS} FROM migrations AS stored FINAL ${where} ORDER BY started_at DESC, id LIMIT {limit: UInt32}`,
    params,
  );
}

/** Which migration is meant: ids are hashes of names and times, which two clusters may share. */
export interface MigrationKey {
  readonly cluster: string;
  readonly id: string;
}

/** The migration of that id; `null` where there is none, or none any more. */
export async function migrationOf(store: Store, { cluster, id }: MigrationKey): Promise<StoredMigration | null> {
  const [found] = await store.query<StoredMigration>(
    `SELECT ${COLUMNS} FROM migrations AS stored FINAL WHERE cluster = {cluster: String} AND id = {id: String}`,
    { cluster, id },
  );
  return found ?? null;
}

/** A migration that took long. */
export interface SlowMigration {
  readonly id: string;
  readonly cluster: string;
  readonly vm: string;
  readonly source: string | null;
  readonly destination: string | null;
  readonly startedAt: number;
  readonly outcome: Outcome;
  /** From its beginning to its end; to the last thing seen of it where nobody saw the end. */
  readonly durationMs: number;
  readonly iterations: number | null;
  readonly downtimeMs: number | null;
}

/** The migrations that took longest, the longest first. */
export async function slowestMigrations(store: Store, filter: Filter = {}): Promise<readonly SlowMigration[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<SlowMigration>(
    `SELECT id, cluster, vm, nullIf(source, '') AS source, nullIf(destination, '') AS destination,
       toUnixTimestamp64Milli(started_at) AS startedAt, outcome,
       toUnixTimestamp64Milli(ifNull(ended_at, last_seen_at)) - toUnixTimestamp64Milli(started_at) AS durationMs,
       iterations, downtime_ms AS downtimeMs
     FROM migrations AS stored FINAL ${where} ORDER BY durationMs DESC, id LIMIT {limit: UInt32}`,
    params,
  );
}

/** How long guests stood still, per pair of hosts; only completed migrations with a known downtime count. */
export interface DowntimeRow {
  readonly cluster: string;
  readonly source: string | null;
  readonly destination: string | null;
  readonly migrations: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of `migrations`, those that stood still longer than the limit in force. */
  readonly beyondLimit: number;
  /** Completed ones of which the downtime is not known, or only a lower bound. */
  readonly unknown: number;
}

/** Percentiles of downtime per pair of hosts, the worst 95 % first; a pair without any known downtime is left out. */
export async function downtimePercentiles(store: Store, filter: Filter = {}): Promise<readonly DowntimeRow[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<DowntimeRow>(
    `WITH downtime_ms IS NOT NULL AND downtime_from != 'at-least' AS known
     SELECT cluster, nullIf(stored.source, '') AS source, nullIf(stored.destination, '') AS destination,
       countIf(known) AS migrations,
       quantileExactIf(0.5)(assumeNotNull(downtime_ms), known) AS p50Ms,
       quantileExactIf(0.95)(assumeNotNull(downtime_ms), known) AS p95Ms,
       quantileExactIf(0.99)(assumeNotNull(downtime_ms), known) AS p99Ms,
       maxIf(assumeNotNull(downtime_ms), known) AS maxMs,
       countIf(known AND downtime_ms > downtime_limit_ms) AS beyondLimit,
       countIf(NOT known) AS unknown
     FROM migrations AS stored FINAL ${where} AND outcome = 'completed'
     GROUP BY cluster, stored.source, stored.destination HAVING migrations > 0
     ORDER BY p95Ms DESC, cluster, source, destination LIMIT {limit: UInt32}`,
    params,
  );
}
