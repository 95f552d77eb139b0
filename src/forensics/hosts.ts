import type { Store } from '../store/store.ts';
import { whereOf, type Filter } from './filter.ts';

/** Writes to a heartbeat file on primary storage, as measured from one host. */
export interface HeartbeatRow {
  readonly cluster: string;
  readonly host: string;
  /** The pool, or the address in the file's name where the pool is not known. */
  readonly pool: string;
  readonly writes: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  /** When the slowest was, Unix ms. */
  readonly slowestAt: number;
  readonly lastAt: number;
}

/** Latencies of the storage heartbeat per host and pool, the slowest first. One that never ended counts as long as it was seen. */
export async function heartbeats(store: Store, filter: Filter = {}): Promise<readonly HeartbeatRow[]> {
  const { where, params } = whereOf(filter, { at: 'at', hosts: ['host'] });
  return store.query<HeartbeatRow>(
    `SELECT cluster, host, subject AS pool, count() AS writes,
       quantile(0.5)(value) AS p50Ms, quantile(0.95)(value) AS p95Ms, max(value) AS maxMs,
       toUnixTimestamp64Milli(argMax(at, value)) AS slowestAt, toUnixTimestamp64Milli(max(at)) AS lastAt
     FROM samples FINAL ${where} AND metric = 'heartbeat.latencyMs'
     GROUP BY cluster, host, subject ORDER BY maxMs DESC, cluster, host, pool LIMIT {limit: UInt32}`,
    params,
  );
}

/** A temperature sensor of a host. */
export interface TemperatureRow {
  readonly cluster: string;
  readonly host: string;
  /** Chip and sensor, as `sensors` names them: `coretemp-isa-0000/Package id 0`. */
  readonly sensor: string;
  readonly lastCelsius: number;
  readonly lastAt: number;
  readonly maxCelsius: number;
  readonly maxAt: number;
  /** The chip's own limits; `null` where it has none. */
  readonly highCelsius: number | null;
  readonly critCelsius: number | null;
}

/** Temperatures per sensor, those nearest to (or farthest above) their critical limit first. */
export async function temperatures(store: Store, filter: Filter = {}): Promise<readonly TemperatureRow[]> {
  const { where, params } = whereOf(filter, { at: 'at', hosts: ['host'] });
  return store.query<TemperatureRow>(
    `SELECT cluster, host, subject AS sensor,
       argMaxIf(value, at, metric = 'temperature.celsius') AS lastCelsius,
       toUnixTimestamp64Milli(maxIf(at, metric = 'temperature.celsius')) AS lastAt,
       maxIf(value, metric = 'temperature.celsius') AS maxCelsius,
       toUnixTimestamp64Milli(argMaxIf(at, value, metric = 'temperature.celsius')) AS maxAt,
       argMaxIf(toNullable(value), at, metric = 'temperature.highCelsius') AS highCelsius,
       argMaxIf(toNullable(value), at, metric = 'temperature.critCelsius') AS critCelsius
     FROM samples FINAL ${where} AND metric LIKE 'temperature.%'
     GROUP BY cluster, host, subject
     ORDER BY maxCelsius - critCelsius DESC NULLS LAST, maxCelsius DESC, cluster, host, sensor LIMIT {limit: UInt32}`,
    params,
  );
}

/** Something that holds for a host. */
export interface StoredHostFact {
  readonly cluster: string;
  readonly host: string;
  readonly name: string;
  /** `null` where what the fact is about is gone. */
  readonly value: string | null;
  /** Since when this value was observed without another between, Unix ms. */
  readonly since: number;
  /** When it was observed last. */
  readonly seenAt: number;
}

/** Which facts. */
export interface FactFilter extends Filter {
  /** Facts whose name begins so: `cpu.`. */
  readonly prefix?: string;
}

/**
 * The values that facts had, one row for as long as one held: a row of the table begins a new one where its value is not that of the
 * row before.
 */
function changesOf(where: string): string {
  return `WITH observed AS (
      SELECT cluster, host, name, value, at,
        value != lagInFrame(value, 1, '') OVER one OR row_number() OVER one = 1 AS changed
      FROM host_facts FINAL ${where} AND startsWith(name, {prefix: String})
      WINDOW one AS (PARTITION BY cluster, host, name ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ), numbered AS (
      SELECT *, sum(changed) OVER (PARTITION BY cluster, host, name ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS change
      FROM observed
    ), changes AS (
      SELECT cluster, host, name, nullIf(any(value), '') AS value,
        toUnixTimestamp64Milli(min(at)) AS since, toUnixTimestamp64Milli(max(at)) AS seenAt
      FROM numbered GROUP BY cluster, host, name, change
    )`;
}

/** The newest of every fact, by host and name. */
export async function hostFacts(store: Store, filter: FactFilter = {}): Promise<readonly StoredHostFact[]> {
  const { where, params } = whereOf(filter, { at: 'at', hosts: ['host'] });
  return store.query<StoredHostFact>(
    `${changesOf(where)}
     SELECT * FROM (SELECT * FROM changes ORDER BY seenAt DESC LIMIT 1 BY cluster, host, name)
     ORDER BY cluster, host, name LIMIT {limit: UInt32}`,
    { ...params, prefix: filter.prefix ?? '' },
  );
}

/** Every value that a fact had, the newest changes first. */
export async function hostFactChanges(store: Store, filter: FactFilter = {}): Promise<readonly StoredHostFact[]> {
  const { where, params } = whereOf(filter, { at: 'at', hosts: ['host'] });
  return store.query<StoredHostFact>(
    `${changesOf(where)} SELECT * FROM changes ORDER BY since DESC, cluster, host, name LIMIT {limit: UInt32}`,
    { ...params, prefix: filter.prefix ?? '' },
  );
}

/** A migration that failed because the CPUs of two hosts differ. */
export interface CpuFailure {
  readonly id: string;
  readonly cluster: string;
  readonly vm: string;
  readonly source: string | null;
  readonly destination: string | null;
  readonly startedAt: number;
  /** The text that says so. */
  readonly text: string;
}

/** What is known of CPUs: failures that they caused, and what hosts say of theirs. */
export interface CpuReport {
  readonly failures: readonly CpuFailure[];
  /** Newest facts whose name begins with `cpu.`. */
  readonly facts: readonly StoredHostFact[];
}

/** Why VMs cannot move between hosts, and how the CPUs of the hosts differ. The period is that of the failures. */
export async function cpu(store: Store, filter: Filter = {}): Promise<CpuReport> {
  const { where, params } = whereOf(filter, { at: 'started_at', hosts: ['stored.source', 'stored.destination'], vm: 'vm' });
  const { since: _, until: __, vm: ___, ...place } = filter;
  const [failures, facts] = await Promise.all([
    store.query<CpuFailure>(
      `SELECT id, cluster, vm, nullIf(stored.source, '') AS source, nullIf(stored.destination, '') AS destination,
         toUnixTimestamp64Milli(started_at) AS startedAt, cause_text AS text
       FROM migrations AS stored FINAL ${where} AND cause_kind = 'cpu-incompatible'
       ORDER BY started_at DESC, id LIMIT {limit: UInt32}`,
      params,
    ),
    hostFacts(store, { ...place, prefix: 'cpu.' }),
  ]);
  return { failures, facts };
}
