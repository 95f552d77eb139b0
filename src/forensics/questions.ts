import type { AlertAction } from '../alerts/alert.ts';
import { AppError } from '../lib/errors.ts';
import type { Answer, Column, ColumnKind } from '../model/answer.ts';
import type { Backtest, BacktestAsked } from '../model/backtest.ts';
import type { Diagnosis } from '../model/diagnosis.ts';
import { countersOf } from '../reports/incident/counters.ts';
import type { WeeklyReport } from '../reports/weekly/document.ts';
import type { KeptReport } from '../store/kept-reports.ts';
import type { Attempt } from '../store/alert-rows.ts';
import type { Store, UserResult } from '../store/store.ts';
import type { Filter } from './filter.ts';
import { alertLines, notificationLines, type AlertOverview } from './alerts.ts';
import { findings } from './findings.ts';
import { cpu, heartbeats, temperatures } from './hosts.ts';
import { downtimePercentiles, migrations, slowestMigrations } from './migrations.ts';
import { vmTimeline } from './timeline.ts';
import type { ReportQuery } from './weekly/make-report.ts';

/** A question with a name. */
export interface Question {
  readonly name: string;
  /** What it tells, for the help. */
  readonly help: string;
  /** It is about one VM, which has to be named. */
  readonly ofVm: boolean;
  readonly columns: readonly Column[];
  ask(store: Store, filter: Filter): Promise<readonly object[]>;
}

/** What can be asked of a store, here or of a running instance. */
export interface Questions {
  /** @throws AppError `not-found` where there is no question of this name, `usage` where it lacks its VM. */
  ask(name: string, filter: Filter): Promise<Answer>;
  /** SQL of the user, read-only. @throws AppError `bad-query`, `not-allowed` or `timed-out`. */
  sql(text: string, maxRows: number): Promise<UserResult>;
  doctor(filter: Filter): Promise<Diagnosis>;
  /** What other limits would have found. @throws AppError `usage`, `not-allowed` where one is being answered, `timed-out`. */
  backtest(asked: BacktestAsked): Promise<Backtest>;
  /** The weekly report, made now and kept. @throws AppError `usage` where there is no such week or zone. */
  report(query: ReportQuery): Promise<WeeklyReport>;
  /** Reports that are kept, the newest week first. */
  reports(): Promise<readonly KeptReport[]>;
  /** Alerts that are not over, with `since` all that began then or later, and silences. */
  alerts(asked: { readonly since: number | null }): Promise<AlertOverview>;
  /** Takes down what a person did to alerts; it counts within seconds. */
  act(action: AlertAction): Promise<void>;
  /** Takes down that somebody was told, or was not. */
  attempted(attempt: Attempt): Promise<void>;
}

function columns(kind: ColumnKind, ...names: readonly string[]): readonly Column[] {
  return names.map((name) => ({ name, kind }));
}

const WHO = columns('text', 'vm', 'source', 'destination');

/** Every question that has a name. */
export const questions: readonly Question[] = [
  {
    name: 'migrations',
    help: 'every migration, the newest first',
    ofVm: false,
    columns: [
      ...columns('time', 'startedAt'),
      ...WHO,
      ...columns('text', 'outcome', 'cause'),
      ...columns('duration', 'tookMs'),
      ...columns('duration', 'downtimeMs'),
      ...columns('number', 'iterations'),
      ...columns('text', 'announced', 'whereHost', 'whereState'),
    ],
    ask: async (store, filter) =>
      (await migrations(store, filter)).map((one) => ({ ...one, tookMs: (one.endedAt ?? one.lastSeenAt) - one.startedAt })),
  },
  {
    name: 'findings',
    help: 'what was wrong, the newest first',
    ofVm: false,
    columns: [...columns('time', 'fromAt'), ...columns('text', 'severity', 'detector', 'vm', 'host', 'summary')],
    ask: findings,
  },
  {
    name: 'alerts',
    help: 'what people had to know, the newest first',
    ofVm: false,
    columns: [
      ...columns('time', 'since'),
      ...columns('text', 'severity', 'state', 'detector', 'vm', 'host', 'summary'),
      ...columns('number', 'findings'),
      ...columns('time', 'firingAt', 'resolvedAt'),
      ...columns('text', 'mutedBecause', 'acknowledgedBy'),
    ],
    ask: alertLines,
  },
  {
    name: 'notifications',
    help: 'every attempt to tell somebody, the newest first',
    ofVm: false,
    columns: [
      ...columns('time', 'at'),
      ...columns('text', 'notifier', 'kind'),
      ...columns('number', 'attempt'),
      ...columns('text', 'outcome', 'status'),
      ...columns('duration', 'tookMs'),
      ...columns('text', 'summary'),
    ],
    ask: notificationLines,
  },
  {
    name: 'timeline',
    help: 'all that records say of one VM, on all hosts, in the order of time',
    ofVm: true,
    columns: [...columns('time', 'at'), ...columns('text', 'host', 'source', 'kind', 'text')],
    ask: async (store, filter) =>
      (await vmTimeline(store, { ...filter, vm: filter.vm ?? '' })).map(({ event }) => ({
        at: event.at,
        host: event.origin.file.host,
        source: event.origin.file.source,
        kind: event.body.kind,
        // counters are JSON of many lines
        text: countersOf(event) ?? event.origin.text.slice(event.origin.messageAt),
      })),
  },
  {
    name: 'slowest',
    help: 'the migrations that took longest',
    ofVm: false,
    columns: [
      ...columns('duration', 'durationMs'),
      ...columns('time', 'startedAt'),
      ...WHO,
      ...columns('text', 'outcome'),
      ...columns('number', 'iterations'),
      ...columns('duration', 'downtimeMs'),
    ],
    ask: slowestMigrations,
  },
  {
    name: 'downtime',
    help: 'how long guests stood still, per pair of hosts, the worst first',
    ofVm: false,
    columns: [
      ...columns('text', 'source', 'destination'),
      ...columns('number', 'migrations'),
      ...columns('duration', 'p50Ms', 'p95Ms', 'p99Ms', 'maxMs'),
      ...columns('number', 'beyondLimit', 'unknown'),
    ],
    ask: downtimePercentiles,
  },
  {
    name: 'heartbeats',
    help: 'latency of the storage heartbeat, per host and pool, the slowest first',
    ofVm: false,
    columns: [
      ...columns('text', 'host', 'pool'),
      ...columns('number', 'writes'),
      ...columns('duration', 'p50Ms', 'p95Ms', 'maxMs'),
      ...columns('time', 'slowestAt', 'lastAt'),
    ],
    ask: heartbeats,
  },
  {
    name: 'temperatures',
    help: 'temperatures per sensor, those nearest to their critical limit first',
    ofVm: false,
    columns: [
      ...columns('text', 'host', 'sensor'),
      ...columns('number', 'lastCelsius', 'maxCelsius', 'highCelsius', 'critCelsius'),
      ...columns('time', 'lastAt', 'maxAt'),
    ],
    ask: temperatures,
  },
  {
    name: 'cpu',
    help: 'migrations that failed because two hosts have different CPUs, the newest first',
    ofVm: false,
    columns: [...columns('time', 'startedAt'), ...WHO, ...columns('text', 'text')],
    ask: async (store, filter) => (await cpu(store, filter)).failures,
  },
];

/**
 * Asks one of them.
 * @throws AppError `not-found` where there is none of this name, `usage` where it lacks its VM.
 */
export async function answerOf(store: Store, name: string, filter: Filter): Promise<Answer> {
  const question = questions.find((one) => one.name === name);
  if (question === undefined) {
    throw new AppError('not-found', `no question is named ${name}`, {
      hint: `there are ${questions.map((one) => one.name).join(', ')}`,
    });
  }
  if (question.ofVm && filter.vm === undefined)
    throw new AppError('usage', `${name} is about one VM`, { hint: `precopy query ${name} i-2-10-VM` });
  const rows = await question.ask(store, filter);
  return {
    columns: question.columns,
    rows: rows.map((row) => question.columns.map((column) => (Reflect.get(row, column.name) as unknown) ?? null)),
    truncated: filter.limit !== undefined && rows.length >= filter.limit,
  };
}
