import { sqlText } from '../../lib/sql.ts';
import { isoTime } from '../../lib/units.ts';
import type { WeeklyReport } from './document.ts';
import { DOWNTIME_TARGET_MS } from './limits.ts';
import type { ReportScope } from './rows.ts';

type Sum = WeeklyReport['reconciliation'][number];

const KNOWN = "downtime_ms IS NOT NULL AND downtime_from != 'at-least'";
const BOUND = "downtime_ms IS NOT NULL AND downtime_from = 'at-least'";
const COUNTERS = "arrayExists(part -> startsWith(part, 'job statistics'), unobserved)";

interface Part {
  readonly what: string;
  readonly count: number;
  /** The condition that makes a row one of them. */
  readonly is: string;
}

/** Every number that is a part of another: they add up, and a SELECT gives them again. */
export function reconciliationOf(report: Omit<WeeklyReport, 'reconciliation'>, scope: ReportScope): readonly Sum[] {
  const { migrations, downtime, announcements, convergence, incidents, records } = report;
  const began = `FROM migrations WHERE ${during('started_at', scope)}`;
  const completed = `${began} AND outcome = 'completed'`;
  return [
    sumOf(
      'migrations that began in the week',
      migrations.outcomes.map(({ outcome, migrations: count }) => ({ what: outcome, count, is: `outcome = '${outcome}'` })),
      began,
    ),
    sumOf(
      'migrations that failed or were aborted, by cause',
      migrations.causes.map(({ cause, failed, aborted }) => ({
        what: cause ?? 'nothing tells',
        count: failed + aborted,
        is: `cause_kind = '${cause ?? ''}'`,
      })),
      `${began} AND outcome IN ('failed', 'aborted')`,
    ),
    sumOf(
      'completed migrations, by what is known of their downtime',
      [
        {
          what: `known, up to ${DOWNTIME_TARGET_MS} ms`,
          count: downtime.known - downtime.overTarget,
          is: `${KNOWN} AND downtime_ms <= ${DOWNTIME_TARGET_MS}`,
        },
        {
          what: `known, above ${DOWNTIME_TARGET_MS} ms`,
          count: downtime.overTarget,
          is: `${KNOWN} AND downtime_ms > ${DOWNTIME_TARGET_MS}`,
        },
        { what: 'only a lower bound', count: downtime.lowerBounds, is: BOUND },
        { what: 'not observed', count: downtime.notObserved, is: 'downtime_ms IS NULL' },
      ],
      completed,
    ),
    sumOf(
      'completed migrations, by announcement',
      (['yes', 'no', 'unobserved'] as const).map((state) => ({
        what: state === 'unobserved' ? 'not observed' : state,
        count: announcements[state],
        is: `announced = '${state}'`,
      })),
      completed,
    ),
    sumOf(
      'migrations, by whether counters of the copying were seen',
      [
        { what: 'seen', count: convergence.observed, is: `NOT ${COUNTERS}` },
        { what: 'not observed', count: convergence.notObserved, is: COUNTERS },
      ],
      began,
    ),
    incidentSum(incidents, scope),
    recordSum(records, scope),
  ];
}

function incidentSum({ total, others, causes }: WeeklyReport['incidents'], scope: ReportScope): Sum {
  const about = causes.reduce((sum, cause) => sum + cause.migrations, 0);
  const found = `FROM findings WHERE ${during('from_at', scope)} AND severity IN ('warning', 'critical')`;
  const all = "uniqExact(cluster, if(migration_id = '', id, migration_id))";
  const what = 'incidents: findings of warning or above; all about one migration are one';
  if (others > 0) return { what, total, parts: [], sql: `SELECT ${all} ${found}` };
  return {
    what,
    total,
    parts: [
      { what: 'about a migration', count: about },
      { what: 'about a host', count: total - about },
    ],
    sql: `SELECT ${all}, uniqExactIf((cluster, migration_id), migration_id != ''), uniqExactIf((cluster, id), migration_id = '') ${found}`,
  };
}

function recordSum(records: WeeklyReport['records'], scope: ReportScope): Sum {
  return {
    what: 'records that were read and are of the week',
    total: records.records,
    parts: [
      { what: 'mean something for a migration', count: records.withEvents },
      { what: 'mean nothing for one', count: records.plain },
      { what: 'could not be read', count: records.rejected },
    ],
    sql: `SELECT sum(records), sum(with_events), sum(plain), sum(rejected) FROM ranges WHERE ${during('ifNull(last_at, observed_at)', scope)}`,
  };
}

function sumOf(what: string, parts: readonly Part[], from: string): Sum {
  return {
    what,
    total: parts.reduce((total, { count }) => total + count, 0),
    parts: parts.map(({ what: name, count }) => ({ what: name, count })),
    sql: `SELECT count()${parts.map(({ is }) => `, countIf(${is})`).join('')} ${from}`,
  };
}

/** The period and the cluster of a report, as SQL of a user. */
function during(at: string, { week, cluster }: ReportScope): string {
  const of = cluster === null ? '' : ` AND cluster = ${sqlText(cluster)}`;
  return `${at} >= ${moment(week.from)} AND ${at} < ${moment(week.to)}${of}`;
}

function moment(at: number): string {
  return `toDateTime64('${isoTime(at).slice(0, 23).replace('T', ' ')}', 3, 'UTC')`;
}
