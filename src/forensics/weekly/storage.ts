import type { HeartbeatWritesRow, PoolRow, ReportScope, ResetRow } from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { within } from './within.ts';

const SPIKE = "detector = 'storage-heartbeat-spike'";
const MOST_POOLS = 50;
const MOST_RESETS = 20;

/** Episodes in which the storage heartbeat was slow or failed, by pool, as the finding's sentence names it. */
export async function spikesByPool(store: Store, scope: ReportScope): Promise<readonly PoolRow[]> {
  const { week, params } = within(scope, 'from_at');
  return store.query<PoolRow>(
    `SELECT cluster, nullIf(if(position(summary, 'a primary storage pool') > 0, '', extract(summary, '\\\\bpool ([^\\\\s:,.(]+)')), '') AS pool,
       count() AS spikes, countIf(severity = 'critical') AS critical, uniqExact(host) AS hosts
     FROM findings FINAL WHERE ${week} AND ${SPIKE}
     GROUP BY cluster, pool ORDER BY spikes DESC, critical DESC, cluster, pool LIMIT ${MOST_POOLS}`,
    params,
  );
}

/** Measured writes of the storage heartbeat by pool, the pool with the longest first. One that hung counts as long as it was seen. */
export async function heartbeatWrites(store: Store, scope: ReportScope): Promise<readonly HeartbeatWritesRow[]> {
  const { week, params } = within(scope, 'stored.at');
  return store.query<HeartbeatWritesRow>(
    `SELECT cluster, subject AS pool, uniqExact(host) AS hosts, uniqExact(host, stored.at) AS writes, max(value) AS longestMs,
       toUnixTimestamp64Milli(argMax(stored.at, value)) AS longestAt, argMax(host, value) AS longestHost
     FROM samples AS stored WHERE metric = 'heartbeat.latencyMs' AND ${week}
     GROUP BY cluster, subject ORDER BY longestMs DESC, cluster, pool LIMIT ${MOST_POOLS}`,
    params,
  );
}

/**
 * Hosts that reset themselves for their storage, as their agents say, and those that came near: an episode is critical from the third
 * failed try on, or when a write hung for half of the time after which it is given up.
 */
export async function resetsAndNear(store: Store, scope: ReportScope): Promise<readonly ResetRow[]> {
  const { week, params } = within(scope, 'from_at');
  const events = within(scope, 'at');
  return store.query<ResetRow>(
    `WITH resets AS (
       SELECT cluster, host, groupUniqArray(toUnixTimestamp64Milli(at)) AS moments FROM events
       WHERE kind = 'host-resetting' AND at >= fromUnixTimestamp64Milli({from: Int64}) AND at < fromUnixTimestamp64Milli({to: Int64}) + INTERVAL 1 DAY
         AND ${events.cluster} GROUP BY cluster, host
     )
     SELECT near.cluster AS cluster, near.host AS host, toUnixTimestamp64Milli(from_at) AS at,
       arrayExists(one -> one >= toUnixTimestamp64Milli(from_at) AND one <= toUnixTimestamp64Milli(ifNull(to_at, now64(3))) + 1000, resets.moments) AS reset,
       summary
     FROM (SELECT * FROM findings FINAL WHERE ${week} AND ${SPIKE} AND severity = 'critical') AS near
     LEFT JOIN resets ON resets.cluster = near.cluster AND resets.host = near.host
     ORDER BY reset DESC, from_at DESC, host LIMIT ${MOST_RESETS}`,
    params,
  );
}
