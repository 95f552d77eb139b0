import { MIN_MEASURED } from '../../reports/weekly/limits.ts';
import type { BandwidthRow, ConvergenceRow, ReportScope } from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { onlyRow, within } from './within.ts';

/**
 * How the copying of memory went. The ratio is that of the last prediction (docs/convergence.md): QEMU's own dirty rate counts unique
 * pages a pass, and understates after a long one. Documents are read of the week's migrations only, which are found by their ids first.
 */
export async function weekConvergence(store: Store, scope: ReportScope): Promise<ConvergenceRow> {
  const { week, params } = within(scope, 'started_at');
  return onlyRow(
    await store.query<ConvergenceRow>(
      `WITH copied AS (
         SELECT throttle, postcopy_at, NOT arrayExists(part -> startsWith(part, 'job statistics'), unobserved) AS seen,
           JSONExtract(document, 'predictions', -1, 'dirtyRateBytesPerSecond', 'Nullable(Float64)') AS dirty,
           JSONExtract(document, 'predictions', -1, 'bandwidthBytesPerSecond', 'Nullable(Float64)') AS bandwidth,
           if(bandwidth > 0, dirty / bandwidth, NULL) AS ratio
         FROM migrations FINAL PREWHERE id IN (SELECT id FROM migrations FINAL WHERE ${week}) WHERE ${week}
       )
       SELECT countIf(seen) AS observed, countIf(NOT seen) AS notObserved, countIf(seen AND throttle > 0) AS throttled,
         maxIf(throttle, seen) AS maxThrottlePercent, countIf(ratio IS NOT NULL) AS predicted,
         if(predicted = 0, NULL, quantileExactIf(0.5)(assumeNotNull(ratio), ratio IS NOT NULL)) AS ratioP50,
         if(predicted = 0, NULL, quantileExactIf(0.95)(assumeNotNull(ratio), ratio IS NOT NULL)) AS ratioP95,
         countIf(ratio <= 0.5) AS calm, countIf(ratio > 0.5 AND ratio < 1) AS close, countIf(ratio >= 1) AS beyond,
         countIf(postcopy_at IS NOT NULL) AS postcopy
       FROM copied`,
      params,
    ),
  );
}

/** Rows of each kind at most. */
const SLOWEST = 5;
/** Clocks of a host and of the timeline may differ this much, ms: the timeline is corrected, samples are not. */
const SKEW_MS = 5000;
/** A shorter stretch of counters is no measure of a link, ms: QEMU looks at its own every 100 ms. */
const MIN_STRETCH_MS = 1000;

/**
 * How fast memory was copied: bytes sent between the first and the last counters of a migration's source, by the time between them.
 * All in all, and the slowest pairs, sources and destinations that have enough migrations to say so, the slowest first.
 */
export async function effectiveBandwidth(store: Store, scope: ReportScope): Promise<readonly BandwidthRow[]> {
  const { week, cluster, params } = within(scope, 'started_at');
  return store.query<BandwidthRow>(
    `WITH moves AS (
       SELECT id, cluster, vm, source, destination, started_at - toIntervalMillisecond(${SKEW_MS}) AS begins,
         ifNull(ended_at, last_seen_at) + toIntervalMillisecond(${SKEW_MS}) AS ends
       FROM migrations FINAL WHERE ${week} AND source != ''
     ), counters AS (
       SELECT cluster, host, vm, at, value FROM samples
       WHERE metric = 'job.transferredBytes' AND subject IN ('', 'outgoing') AND ${cluster}
         AND at >= fromUnixTimestamp64Milli({from: Int64}) - INTERVAL 1 DAY AND at < fromUnixTimestamp64Milli({to: Int64}) + INTERVAL 2 DAY
     ), measured AS (
       SELECT moves.id AS id, any(moves.cluster) AS place, any(moves.source) AS leaving, any(moves.destination) AS arriving,
         max(counters.value) - min(counters.value) AS bytes,
         toUnixTimestamp64Milli(max(counters.at)) - toUnixTimestamp64Milli(min(counters.at)) AS took
       FROM counters ASOF INNER JOIN moves
         ON counters.cluster = moves.cluster AND counters.host = moves.source AND counters.vm = moves.vm AND counters.at >= moves.begins
       WHERE counters.at <= moves.ends
       GROUP BY moves.id HAVING took >= ${MIN_STRETCH_MS} AND bytes > 0
     )
     SELECT multiIf(grouping(place) = 1, 'all', grouping(arriving) = 1, 'source', grouping(leaving) = 1, 'destination', 'pair') AS of,
       place AS cluster, nullIf(leaving, '') AS source, nullIf(arriving, '') AS destination, count() AS migrations,
       quantileExact(0.5)(bytes * 1000 / took) AS medianBytesPerSecond,
       min(bytes * 1000 / took) AS minBytesPerSecond, max(bytes * 1000 / took) AS maxBytesPerSecond
     FROM measured
     GROUP BY GROUPING SETS ((place, leaving, arriving), (place, leaving), (place, arriving), ())
     HAVING migrations > 0 AND (of = 'all' OR migrations >= ${MIN_MEASURED})
     ORDER BY of, medianBytesPerSecond, cluster, source, destination LIMIT ${SLOWEST} BY of`,
    params,
  );
}
