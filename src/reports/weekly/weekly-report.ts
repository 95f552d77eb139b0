import { groupBy } from '../../lib/group.ts';
import { shell } from '../../lib/shell.ts';
import { isoTime } from '../../lib/units.ts';
import type { Outcome } from '../../model/timeline.ts';
import { changesOf, shareOf } from './changes.ts';
import { cpuOf } from './cpu-pairs.ts';
import type { WeeklyReport } from './document.ts';
import { DOWNTIME_TARGET_MS, HEAT_NEAR_MINUTES, MIN_MEASURED, RETRY_MINUTES } from './limits.ts';
import { percentileOf, percentilesNote } from './percentiles.ts';
import { reconciliationOf } from './reconciliation.ts';
import type { BandwidthRow, CoverageRow, ReportScope, WeekRows } from './rows.ts';
import { verdictOf } from './verdict.ts';

/** What a report needs besides its rows. */
export interface ReportMoment {
  readonly scope: ReportScope;
  /** As the user named it. */
  readonly zone: string;
  /** Unix ms. */
  readonly madeAt: number;
}

const HOUR_MS = 3_600_000;
const OUTCOMES: readonly Outcome[] = ['completed', 'failed', 'aborted', 'running', 'unknown'];

/** The weekly report of what the store holds of a week. */
export function weeklyReport(rows: WeekRows, { scope, zone, madeAt }: ReportMoment): WeeklyReport {
  const { week } = scope;
  const migrations = migrationsOf(rows);
  const judged = {
    schema: 'precopy/report@1' as const,
    week: week.week,
    zone,
    cluster: scope.cluster,
    from: isoTime(week.from),
    to: isoTime(week.to),
    hours: (week.to - week.from) / HOUR_MS,
    madeAt: isoTime(madeAt),
    complete: madeAt >= week.to,
    changes: [...changesOf(rows)],
    migrations,
    downtime: downtimeOf(rows),
    convergence: convergenceOf(rows, migrations),
    bandwidth: bandwidthOf(rows, migrations.total),
    cpu: cpuOf(rows),
    storage: storageOf(rows),
    announcements: announcementsOf(rows),
    heat: heatOf(rows),
    incidents: incidentsOf(rows),
    recommendations: [...recommendationsOf(rows)],
    hosts: hostsOf(rows),
    records: rows.records,
  };
  const report = { ...judged, verdict: verdictOf(judged) };
  return { ...report, reconciliation: [...reconciliationOf(report, scope)] };
}

function migrationsOf({ outcomes }: WeekRows): WeeklyReport['migrations'] {
  const count = (keep: (row: (typeof outcomes)[number]) => boolean): number =>
    outcomes.filter(keep).reduce((sum, { migrations }) => sum + migrations, 0);
  const of = (outcome: Outcome): number => count((row) => row.outcome === outcome);
  const judged = of('completed') + of('failed') + of('aborted');
  const troubled = outcomes.filter(({ outcome }) => outcome === 'failed' || outcome === 'aborted');
  const causes = [...groupBy(troubled, ({ cause }) => cause).keys()].map((cause) => ({
    cause,
    failed: count((row) => row.outcome === 'failed' && row.cause === cause),
    aborted: count((row) => row.outcome === 'aborted' && row.cause === cause),
  }));
  return {
    total: count(() => true),
    outcomes: OUTCOMES.map((outcome) => ({
      outcome,
      migrations: of(outcome),
      seen: count((row) => row.outcome === outcome && row.certainty === 'seen'),
      follows: count((row) => row.outcome === outcome && row.certainty === 'follows'),
      unobserved: count((row) => row.outcome === outcome && row.certainty === 'unobserved'),
    })),
    causes: causes.toSorted((a, b) => b.failed + b.aborted - a.failed - a.aborted),
    success: {
      completed: of('completed'),
      judged,
      notJudged: of('running') + of('unknown'),
      rate: shareOf(of('completed'), judged),
      definition:
        'completed / (completed + failed + aborted), of migrations that began in the week; running and unknown ones are not judged',
    },
  };
}

function downtimeOf({ downtime: row, worst }: WeekRows): WeeklyReport['downtime'] {
  return {
    completed: row.completed,
    known: row.known,
    lowerBounds: row.lowerBounds,
    notObserved: row.completed - row.known - row.lowerBounds,
    targetMs: DOWNTIME_TARGET_MS,
    p50Ms: percentileOf(row, 'p50'),
    p95Ms: percentileOf(row, 'p95'),
    p99Ms: percentileOf(row, 'p99'),
    maxMs: row.maxMs,
    percentilesNote: percentilesNote(row.known),
    overTarget: row.overTarget,
    overTargetShare: shareOf(row.overTarget, row.known),
    lowerBoundsOverTarget: row.lowerBoundsOverTarget,
    overLimit: row.overLimit,
    worst: worst.map(({ startedAt, ...one }) => ({ ...one, startedAt: isoTime(startedAt) })),
  };
}

function convergenceOf(
  { convergence: row, retries }: WeekRows,
  { outcomes }: WeeklyReport['migrations'],
): WeeklyReport['convergence'] {
  return {
    observed: row.observed,
    notObserved: row.notObserved,
    predicted: row.predicted,
    ratioP50: row.ratioP50,
    ratioP95: row.ratioP95,
    ratios: { calm: row.calm, close: row.close, beyond: row.beyond },
    throttled: row.throttled,
    maxThrottlePercent: row.maxThrottlePercent,
    postcopy: row.postcopy,
    aborted: outcomes.find(({ outcome }) => outcome === 'aborted')?.migrations ?? 0,
    retries: {
      withinMinutes: RETRY_MINUTES,
      ...retries,
      definition: `the same VM again within ${RETRY_MINUTES} min after its last migration failed or was aborted`,
    },
  };
}

function bandwidthOf({ bandwidth: rows }: WeekRows, total: number): WeeklyReport['bandwidth'] {
  const all = rows.find(({ of }) => of === 'all') ?? null;
  const links = (of: BandwidthRow['of']): WeeklyReport['bandwidth']['pairs'] =>
    rows
      .filter((row) => row.of === of)
      .map(({ of: _, ...row }) => {
        const ofMedian = row.medianBytesPerSecond / (all?.medianBytesPerSecond ?? row.medianBytesPerSecond);
        return { ...row, ofMedian, slow: ofMedian < 0.5 };
      });
  return {
    measured: all?.migrations ?? 0,
    notObserved: total - (all?.migrations ?? 0),
    medianBytesPerSecond: all?.medianBytesPerSecond ?? null,
    minMigrations: MIN_MEASURED,
    pairs: links('pair'),
    sources: links('source'),
    destinations: links('destination'),
    definition:
      'bytes sent between the first and the last counters of a migration on its source, by the time between them; of several migrations the median',
  };
}

function storageOf({ pools, writes, resets, troubles }: WeekRows): WeeklyReport['storage'] {
  const observed = writes.length + pools.length > 0;
  const measured = (cluster: string, pool: string | null) => writes.find((row) => row.cluster === cluster && row.pool === pool);
  const quiet = writes
    .filter(({ cluster, pool }) => !pools.some((row) => row.cluster === cluster && row.pool === pool))
    .map(({ cluster, pool }) => ({ cluster, pool, spikes: 0, critical: 0, hosts: 0 }));
  return {
    observed,
    spikes: observed ? (troubles.find(({ week }) => week === 0)?.spikes ?? 0) : null,
    pools: [...pools, ...quiet].slice(0, 10).map((row) => {
      const own = measured(row.cluster, row.pool);
      return {
        ...row,
        writes: own?.writes ?? null,
        longestMs: own?.longestMs ?? null,
        longestAt: own === undefined ? null : isoTime(own.longestAt),
        longestHost: own?.longestHost ?? null,
      };
    }),
    resets: resets.map(({ at, ...row }) => ({ ...row, reset: Boolean(row.reset), at: isoTime(at) })),
    definition:
      'a spike is one finding of storage-heartbeat-spike: an episode of slow or failed writes of one host to one pool. Near a reset: critical, that is three failed tries of five or a write that hung for 30 s',
  };
}

function announcementsOf({ announced }: WeekRows): WeeklyReport['announcements'] {
  const of = (state: string): number => announced.find((row) => row.announced === state)?.migrations ?? 0;
  const [yes, no, unobserved] = [of('yes'), of('no'), of('unobserved')];
  return { completed: yes + no + unobserved, yes, no, unobserved };
}

function heatOf({ heat, heatDowntime }: WeekRows): WeeklyReport['heat'] {
  return {
    hosts: heat.map((row) => ({
      ...row,
      overheated: Boolean(row.overheated),
      throttled: Boolean(row.throttled),
      nearMigrations: Boolean(row.nearMigrations),
    })),
    downtimes: (['hot', 'cool', 'unobserved'] as const).map(
      (state) => heatDowntime.find((row) => row.heat === state) ?? { heat: state, migrations: 0, known: 0, medianMs: null },
    ),
    definition: `hot: a finding of host-overheated about one of the two hosts within ${HEAT_NEAR_MINUTES} min of the migration; cool: none, and both hosts told temperatures in the week; else not observed`,
  };
}

function incidentsOf({ incidents, troubles }: WeekRows): WeeklyReport['incidents'] {
  const total = troubles.find(({ week }) => week === 0)?.incidents ?? 0;
  return {
    total,
    others: total - incidents.reduce((sum, row) => sum + row.incidents, 0),
    causes: incidents.map(({ firstAt, lastAt, hosts, ...row }) => ({
      ...row,
      hosts: [...hosts],
      firstAt: isoTime(firstAt),
      lastAt: isoTime(lastAt),
    })),
  };
}

/** Causes that are worth a step. */
const MOST_ADVICE = 5;
/** A critical incident counts as much as so many warnings. */
const CRITICAL_WEIGHT = 3;

/** What would have kept off the most: by cause, over all clusters; then what to do so that more is seen. */
function recommendationsOf({ incidents, remedies, silent, coverage }: WeekRows): WeeklyReport['recommendations'] {
  const byCause = [...groupBy(incidents, ({ cause }) => cause)].map(([cause, rows]) => {
    const sum = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((total, row) => total + of(row), 0);
    return {
      cause,
      incidents: sum((row) => row.incidents),
      critical: sum((row) => row.critical),
      hosts: [...new Set(rows.flatMap((row) => row.hosts))].slice(0, 3),
      steps: remedies
        .filter((row) => row.cause === cause)
        .map(({ what, command, incidents: n }) => ({ what, command, incidents: n })),
    };
  });
  const weight = (one: (typeof byCause)[number]): number => one.incidents + (CRITICAL_WEIGHT - 1) * one.critical;
  const first = byCause.filter(({ steps }) => steps.length > 0).toSorted((a, b) => weight(b) - weight(a));
  const [dark] = silent;
  const seeMore: WeeklyReport['recommendations'] =
    dark === undefined
      ? []
      : [
          {
            cause: 'no-data',
            incidents: coverage.silent,
            critical: 0,
            hosts: silent.slice(0, 3).map(({ host }) => host),
            steps: [
              {
                what: `on ${dark.host}: see whether its collector runs`,
                command: 'systemctl status precopy-collect',
                incidents: coverage.silent,
              },
              {
                what: 'see what arrived of it, and what is missing',
                command: shell`precopy doctor --host ${dark.host}`,
                incidents: coverage.silent,
              },
            ],
          },
        ];
  return [...first.slice(0, MOST_ADVICE), ...seeMore];
}

/** Kinds of output, and what cannot be judged without them. */
const KINDS: readonly (readonly [
  key: 'Agent' | 'Libvirt' | 'Jobs' | 'Heartbeat' | 'Sensors' | 'Facts',
  what: string,
  notJudged: string,
])[] = [
  ['Agent', 'agent.log of CloudStack', 'who asked for a migration, its errors, failed tries of the storage heartbeat, resets'],
  ['Libvirt', 'logs of libvirt and QEMU', 'how migrations ended'],
  [
    'Jobs',
    'job statistics (virsh domjobinfo)',
    'convergence, effective bandwidth, most downtimes; unless libvirtd logs the monitor',
  ],
  ['Heartbeat', 'latency of the storage heartbeat', 'spikes shorter than the 60 s after which the agent tells of one'],
  ['Sensors', 'temperatures (sensors)', 'heat'],
  ['Facts', 'host facts', 'CPU flags and versions'],
];

function hostsOf({ coverage, silent }: WeekRows): WeeklyReport['hosts'] {
  const read = coverage.hypervisors - coverage.silent;
  return {
    known: coverage.hypervisors,
    read,
    silent: coverage.silent,
    silentHosts: silent.map(({ lastAt, ...row }) => ({ ...row, lastAt: lastAt === null ? null : isoTime(lastAt) })),
    missing: KINDS.flatMap(([key, what, notJudged]) => {
      const lacking = coverage[`no${key}` satisfies keyof CoverageRow];
      return lacking === 0 ? [] : [{ what, hosts: lacking, named: [...coverage[`no${key}Hosts`]], notJudged }];
    }),
  };
}
