import { CPU_DAYS, MATRIX_HOSTS } from '../../reports/weekly/limits.ts';
import type { CpuClusterRow, CpuFactsRow, CpuPairRow, ReportScope } from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { within } from './within.ts';

/** Pairs and clusters that a report names. */
const MOST_PAIRS = 20;
const MOST_CLUSTERS = 3;

/** Outcomes of the last months until the end of the week, by pair. */
function pairsOf(cluster: string): string {
  return `SELECT cluster, stored.source AS source, stored.destination AS destination, countIf(outcome = 'completed') AS completed,
      countIf(cause_kind = 'cpu-incompatible') AS cpuFailed,
      maxOrNullIf(toUnixTimestamp64Milli(started_at), outcome = 'completed') AS lastCompletedAt,
      maxOrNullIf(toUnixTimestamp64Milli(started_at), cause_kind = 'cpu-incompatible') AS lastFailedAt,
      nullIf(argMaxIf(cause_text, started_at, cause_kind = 'cpu-incompatible'), '') AS failureText
    FROM migrations AS stored FINAL
    WHERE started_at >= fromUnixTimestamp64Milli({to: Int64}) - INTERVAL ${CPU_DAYS} DAY AND started_at < fromUnixTimestamp64Milli({to: Int64})
      AND ${cluster} AND stored.source != '' AND stored.destination != ''
    GROUP BY cluster, stored.source, stored.destination HAVING completed + cpuFailed > 0`;
}

/** How many pairs of hosts work, or do not, by cluster; those with the most failing pairs first, then the largest. */
export async function cpuClusters(store: Store, scope: ReportScope): Promise<readonly CpuClusterRow[]> {
  const { cluster, params } = within(scope, 'started_at');
  return store.query<CpuClusterRow>(
    `WITH pairs AS (${pairsOf(cluster)})
     SELECT cluster, length(groupUniqArrayArray([source, destination])) AS hosts, countIf(cpuFailed = 0) AS works,
       countIf(completed = 0) AS fails, countIf(completed > 0 AND cpuFailed > 0) AS mixed
     FROM pairs GROUP BY cluster ORDER BY fails + mixed DESC, hosts DESC, cluster`,
    params,
  );
}

/** Pairs of hosts between which migrations failed for their CPUs, those with the most failures first. */
export async function failingCpuPairs(store: Store, scope: ReportScope): Promise<readonly CpuPairRow[]> {
  const { cluster, params } = within(scope, 'started_at');
  return store.query<CpuPairRow>(
    `SELECT * FROM (${pairsOf(cluster)}) WHERE cpuFailed > 0 ORDER BY cpuFailed DESC, cluster, source, destination LIMIT ${MOST_PAIRS}`,
    params,
  );
}

/**
 * Pairs that a matrix is made of: of the clusters with the most failing pairs, all where the hosts are few, else those between hosts of
 * failing pairs, those that fail most first.
 */
export async function matrixPairs(store: Store, scope: ReportScope): Promise<readonly CpuPairRow[]> {
  const { cluster, params } = within(scope, 'started_at');
  return store.query<CpuPairRow>(
    `WITH pairs AS (${pairsOf(cluster)}), ends AS (
       SELECT cluster, arrayJoin([source, destination]) AS host, sum(cpuFailed) AS failures FROM pairs GROUP BY cluster, host
     ), chosen AS (
       SELECT cluster FROM ends GROUP BY cluster HAVING count() <= ${MATRIX_HOSTS} OR sum(failures) > 0
       ORDER BY sum(failures) DESC, count() DESC, cluster LIMIT ${MOST_CLUSTERS}
     ), shown AS (
       SELECT cluster, host FROM (SELECT *, count() OVER (PARTITION BY cluster) AS of FROM ends)
       WHERE cluster IN (SELECT cluster FROM chosen) AND (of <= ${MATRIX_HOSTS} OR failures > 0)
       ORDER BY failures DESC, host LIMIT ${MATRIX_HOSTS} BY cluster
     )
     SELECT * FROM pairs WHERE (cluster, source) IN (SELECT cluster, host FROM shown) AND (cluster, destination) IN (SELECT cluster, host FROM shown)
     ORDER BY cluster, source, destination`,
    params,
  );
}

/** What hosts said of their CPUs last, by the end of the week. */
export async function cpuFacts(
  store: Store,
  scope: ReportScope,
  pairs: readonly Pick<CpuPairRow, 'cluster' | 'source' | 'destination'>[],
): Promise<readonly CpuFactsRow[]> {
  if (pairs.length === 0) return [];
  const clusters = [...new Set(pairs.map(({ cluster }) => cluster))];
  const hosts = [...new Set(pairs.flatMap(({ source, destination }) => [source, destination]))];
  return store.query<CpuFactsRow>(
    `SELECT cluster, host, nullIf(argMaxIf(value, at, name = 'cpu.model'), '') AS model,
       nullIf(argMaxIf(value, at, name = 'cpu.flags'), '') AS flags
     FROM host_facts FINAL
     WHERE cluster IN ({clusters: Array(String)}) AND host IN ({hosts: Array(String)}) AND name IN ('cpu.model', 'cpu.flags')
       AND at < fromUnixTimestamp64Milli({to: Int64})
     GROUP BY cluster, host ORDER BY cluster, host`,
    { clusters, hosts, to: scope.week.to },
  );
}
