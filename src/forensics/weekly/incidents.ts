import type { IncidentRow, RemedyRow, ReportScope, TroubleRow } from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { weekIndex, within } from './within.ts';

const MOST_CAUSES = 50;
const HOSTS = 3;
/** Steps of one cause. */
const REMEDIES = 2;

/**
 * Findings of warning or above that began in the period, each with its incident: all about one migration are one, others are one each.
 * The cause is a VM that runs twice, else the migration's where it is known, else the detector of the worst finding, of several the
 * first; what is told of the incident is the words of the finding that says so.
 */
function foundIn(period: string, cluster: string): string {
  return `found AS (
      SELECT stored.cluster AS cluster, id, detector, severity, summary, host, migration_id, from_at, document,
        if(migration_id = '', id, migration_id) AS incident, if(severity = 'critical', 2, 1) AS gravity
      FROM findings AS stored FINAL WHERE ${period} AND severity IN ('warning', 'critical')
    ), causes AS (
      SELECT cluster, id, cause_kind FROM migrations FINAL
      WHERE cause_kind NOT IN ('', 'unknown') AND id IN (SELECT migration_id FROM found) AND ${cluster}
    ), told AS (
      SELECT found.*, causes.cause_kind AS cause_kind,
        (detector = 'split-brain-risk', detector = cause_kind, gravity, -toUnixTimestamp64Milli(from_at), detector) AS telling
      FROM found LEFT JOIN causes ON causes.cluster = found.cluster AND causes.id = found.migration_id
    ), grouped AS (
      SELECT cluster, incident, max(told.gravity) AS gravity, max(migration_id != '') AS moving, min(told.from_at) AS from_at,
        argMax(if(cause_kind = '' OR detector = 'split-brain-risk', detector, cause_kind), telling) AS cause,
        argMax(told.summary, telling) AS summary, groupUniqArrayIf(host, host != '') AS hosts
      FROM told GROUP BY cluster, incident
    )`;
}

/** Incidents of the week by cluster and cause, the gravest and most frequent first. */
export async function incidentsByCause(store: Store, scope: ReportScope): Promise<readonly IncidentRow[]> {
  const { week, cluster, params } = within(scope, 'from_at');
  return store.query<IncidentRow>(
    `WITH ${foundIn(week, cluster)}
     SELECT cluster, cause, if(max(gravity) = 2, 'critical', 'warning') AS severity, count() AS incidents,
       countIf(gravity = 2) AS critical, countIf(moving) AS migrations,
       arrayMap(one -> one.1, topKArray(${HOSTS}, 100, 'counts')(hosts)) AS hosts,
       toUnixTimestamp64Milli(min(from_at)) AS firstAt, toUnixTimestamp64Milli(max(from_at)) AS lastAt,
       argMax(grouped.summary, (gravity, from_at, incident)) AS summary
     FROM grouped GROUP BY cluster, cause ORDER BY critical DESC, incidents DESC, cluster, cause LIMIT ${MOST_CAUSES}`,
    params,
  );
}

/**
 * What the findings of the week advise, by cause. A step is known by its detector and its place in that detector's list; of each the words
 * are shown that hold for the most incidents, which of steps for one VM is an example. Those that help most come first.
 */
export async function remediesByCause(store: Store, scope: ReportScope): Promise<readonly RemedyRow[]> {
  const { week, cluster, params } = within(scope, 'from_at');
  return store.query<RemedyRow>(
    `WITH ${foundIn(week, cluster)}, advised AS (
       SELECT cluster, incident, detector, arrayJoin(arrayEnumerate(steps)) AS position, steps[position].1 AS what, steps[position].2 AS command
       FROM (
         SELECT cluster, incident, detector, JSONExtract(document, 'remedies', 'Array(Tuple(what String, command Nullable(String)))') AS steps
         FROM found
       )
     ), worded AS (
       SELECT grouped.cause AS cause, detector, position, what, command, uniqExact(advised.cluster, advised.incident) AS incidents
       FROM advised INNER JOIN grouped ON grouped.cluster = advised.cluster AND grouped.incident = advised.incident
       GROUP BY cause, detector, position, what, command
     )
     SELECT cause, what, command, incidents, position
     FROM (SELECT * FROM worded ORDER BY incidents DESC, what, command LIMIT 1 BY cause, detector, position)
     ORDER BY cause, incidents DESC, detector = cause DESC, detector, position LIMIT ${REMEDIES} BY cause`,
    params,
  );
}

/** Incidents and spikes of the storage heartbeat of the week and the four before; a week without any has no row. */
export async function troublesCompared(store: Store, scope: ReportScope): Promise<readonly TroubleRow[]> {
  const { allWeeks, params } = within(scope, 'from_at');
  return store.query<TroubleRow>(
    `SELECT ${weekIndex('first_at')} AS week, count() AS incidents, sum(spikes) AS spikes
     FROM (
       SELECT cluster, min(from_at) AS first_at, countIf(detector = 'storage-heartbeat-spike') AS spikes
       FROM findings FINAL WHERE ${allWeeks} AND severity IN ('warning', 'critical')
       GROUP BY cluster, if(migration_id = '', id, migration_id), ${weekIndex('from_at')}
     ) GROUP BY week ORDER BY week`,
    params,
  );
}
