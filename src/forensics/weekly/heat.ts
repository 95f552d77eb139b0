import { HEAT_NEAR_MINUTES } from '../../reports/weekly/limits.ts';
import type { HeatDowntimeRow, HeatRow, ReportScope } from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { within } from './within.ts';

const HOT = "detector = 'host-overheated'";

/** Hosts that were too hot in the week. What a finding quotes first tells its kind: the kernel's line, or a temperature. */
export async function hotHosts(store: Store, scope: ReportScope): Promise<readonly HeatRow[]> {
  const { week, params } = within(scope, 'from_at');
  return store.query<HeatRow>(
    `WITH JSONExtractString(document, 'evidence', 1, 'source') = 'journal' AS by_kernel
     SELECT cluster, host, countIf(NOT by_kernel) > 0 AS overheated, countIf(by_kernel) > 0 AS throttled, count() AS findings,
       countIf(severity != 'info') > 0 AS nearMigrations
     FROM findings FINAL WHERE ${week} AND ${HOT}
     GROUP BY cluster, host ORDER BY nearMigrations DESC, throttled DESC, findings DESC, cluster, host`,
    params,
  );
}

/** Downtimes of completed migrations while one of their hosts was hot, while both were not, and where temperatures are not known. */
export async function downtimeByHeat(store: Store, scope: ReportScope): Promise<readonly HeatDowntimeRow[]> {
  const { week, cluster, params } = within(scope, 'started_at');
  const samples = within(scope, 'at');
  return store.query<HeatDowntimeRow>(
    `WITH hot AS (
       SELECT cluster, host, groupArray((from_at - INTERVAL ${HEAT_NEAR_MINUTES} MINUTE, ifNull(to_at, now64(3)) + INTERVAL ${HEAT_NEAR_MINUTES} MINUTE)) AS times
       FROM findings FINAL WHERE ${HOT} AND from_at >= fromUnixTimestamp64Milli({from: Int64}) - INTERVAL 7 DAY
         AND from_at < fromUnixTimestamp64Milli({to: Int64}) AND ${cluster} GROUP BY cluster, host
     ), measured AS (
       SELECT DISTINCT cluster, host FROM samples WHERE metric = 'temperature.celsius' AND ${samples.week}
     ), moves AS (
       SELECT cluster, source, destination, started_at, ifNull(ended_at, last_seen_at) AS over,
         if(downtime_from = 'at-least', NULL, downtime_ms) AS downtime
       FROM migrations FINAL WHERE ${week} AND outcome = 'completed'
     )
     SELECT multiIf(
         arrayExists(time -> time.1 <= moves.over AND time.2 >= moves.started_at, arrayConcat(leaving.times, arriving.times)), 'hot',
         (moves.cluster, moves.source) IN (SELECT cluster, host FROM measured)
           AND (moves.cluster, moves.destination) IN (SELECT cluster, host FROM measured), 'cool',
         'unobserved') AS heat,
       count() AS migrations, countIf(downtime IS NOT NULL) AS known,
       if(known = 0, NULL, quantileExactIf(0.5)(assumeNotNull(downtime), downtime IS NOT NULL)) AS medianMs
     FROM moves
     LEFT JOIN hot AS leaving ON leaving.cluster = moves.cluster AND leaving.host = moves.source
     LEFT JOIN hot AS arriving ON arriving.cluster = moves.cluster AND arriving.host = moves.destination
     GROUP BY heat ORDER BY heat`,
    params,
  );
}
