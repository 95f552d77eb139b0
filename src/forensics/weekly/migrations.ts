import { DOWNTIME_TARGET_MS, RETRY_MINUTES } from '../../reports/weekly/limits.ts';
import type {
  AnnouncedRow,
  DowntimeRow,
  OutcomeRow,
  ReportScope,
  RetryRow,
  TrendRow,
  WorstDowntimeRow,
} from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { onlyRow, weekIndex, within } from './within.ts';

/** A downtime that is known, not only its lower bound. */
const KNOWN = "downtime_ms IS NOT NULL AND downtime_from != 'at-least'";

/** `quantileExact`: the value that stands at `level` of the number of values, rounded down, in their order. */
function percentile(level: number, condition: string): string {
  return `if(countIf(${condition}) = 0, NULL, quantileExactIf(${level})(assumeNotNull(downtime_ms), ${condition}))`;
}

/** Migrations that began in the week, by how they ended and why. */
export async function migrationsByOutcome(store: Store, scope: ReportScope): Promise<readonly OutcomeRow[]> {
  const { week, params } = within(scope, 'started_at');
  return store.query<OutcomeRow>(
    `SELECT outcome, certainty, nullIf(cause_kind, '') AS cause, count() AS migrations
     FROM migrations FINAL WHERE ${week} GROUP BY outcome, certainty, cause ORDER BY migrations DESC, outcome, certainty, cause`,
    params,
  );
}

/** For how long guests of completed migrations stood still. */
export async function weekDowntime(store: Store, scope: ReportScope): Promise<DowntimeRow> {
  const { week, params } = within(scope, 'started_at');
  const bound = "downtime_ms IS NOT NULL AND downtime_from = 'at-least'";
  return onlyRow(
    await store.query<DowntimeRow>(
      `SELECT count() AS completed, countIf(${KNOWN}) AS known, countIf(${bound}) AS lowerBounds,
         ${percentile(0.5, KNOWN)} AS p50Ms, ${percentile(0.95, KNOWN)} AS p95Ms, ${percentile(0.99, KNOWN)} AS p99Ms,
         maxIf(downtime_ms, ${KNOWN}) AS maxMs,
         countIf(${KNOWN} AND downtime_ms > {target: Float64}) AS overTarget,
         countIf(${bound} AND downtime_ms > {target: Float64}) AS lowerBoundsOverTarget,
         countIf(${KNOWN} AND downtime_ms > downtime_limit_ms) AS overLimit
       FROM migrations FINAL WHERE ${week} AND outcome = 'completed'`,
      { ...params, target: DOWNTIME_TARGET_MS },
    ),
  );
}

/** The completed migrations whose guests stood still longest, by a downtime that is known. */
export async function worstDowntimes(store: Store, scope: ReportScope, most: number): Promise<readonly WorstDowntimeRow[]> {
  const { week, params } = within(scope, 'started_at');
  return store.query<WorstDowntimeRow>(
    `SELECT id, cluster, vm, nullIf(stored.source, '') AS source, nullIf(stored.destination, '') AS destination,
       toUnixTimestamp64Milli(started_at) AS startedAt, downtime_ms AS downtimeMs, downtime_limit_ms AS limitMs
     FROM migrations AS stored FINAL WHERE ${week} AND outcome = 'completed' AND ${KNOWN}
     ORDER BY downtime_ms DESC, id LIMIT {most: UInt32}`,
    { ...params, most },
  );
}

/** Attempts at a VM soon after its last attempt had failed or been aborted. That one may have begun in the week before. */
export async function retries(store: Store, scope: ReportScope): Promise<RetryRow> {
  const { week, cluster, params } = within(scope, 'started_at');
  return onlyRow(
    await store.query<RetryRow>(
      `WITH attempts AS (
         SELECT cluster, vm, outcome, started_at, lagInFrame(outcome) OVER earlier AS outcome_before,
           lagInFrame(ifNull(ended_at, last_seen_at)) OVER earlier AS ended_before
         FROM migrations FINAL
         WHERE started_at >= fromUnixTimestamp64Milli({from: Int64}) - INTERVAL 1 DAY AND started_at < fromUnixTimestamp64Milli({to: Int64}) AND ${cluster}
         WINDOW earlier AS (PARTITION BY cluster, vm ORDER BY started_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
       )
       SELECT count() AS retries, uniqExact(cluster, vm) AS vms, countIf(outcome = 'completed') AS completed
       FROM attempts
       WHERE ${week} AND outcome_before IN ('failed', 'aborted') AND started_at <= ended_before + INTERVAL ${RETRY_MINUTES} MINUTE`,
      params,
    ),
  );
}

/** Completed migrations, by whether the network learned where the VM is. */
export async function announcements(store: Store, scope: ReportScope): Promise<readonly AnnouncedRow[]> {
  const { week, params } = within(scope, 'started_at');
  return store.query<AnnouncedRow>(
    `SELECT announced, count() AS migrations FROM migrations FINAL WHERE ${week} AND outcome = 'completed'
     GROUP BY announced ORDER BY announced`,
    params,
  );
}

/** The week and the four before in numbers; a week without migrations has no row. */
export async function weeksCompared(store: Store, scope: ReportScope): Promise<readonly TrendRow[]> {
  const { allWeeks, params } = within(scope, 'started_at');
  const known = `outcome = 'completed' AND ${KNOWN}`;
  return store.query<TrendRow>(
    `SELECT ${weekIndex('started_at')} AS week, count() AS migrations, countIf(outcome = 'completed') AS completed,
       countIf(outcome = 'failed') AS failed, countIf(outcome = 'aborted') AS aborted, countIf(${known}) AS downtimeKnown,
       ${percentile(0.5, known)} AS downtimeP50Ms, ${percentile(0.95, known)} AS downtimeP95Ms,
       countIf(${known} AND downtime_ms > {target: Float64}) AS overTarget
     FROM migrations FINAL WHERE ${allWeeks} GROUP BY week ORDER BY week`,
    { ...params, target: DOWNTIME_TARGET_MS },
  );
}
