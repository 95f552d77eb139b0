import type { Alert, AlertAction, AlertState } from '../alerts/alert.ts';
import type { Severity } from '../model/finding.ts';
import type { Store } from '../store/store.ts';
import { whereOf, type Filter } from './filter.ts';

/** An alert as a row of an answer; instants in Unix ms, absent is `null`. */
export interface AlertLine {
  readonly id: string;
  readonly cluster: string;
  readonly detector: string;
  readonly severity: Severity;
  readonly state: AlertState;
  readonly vm: string | null;
  readonly host: string | null;
  readonly summary: string;
  readonly since: number;
  readonly firingAt: number | null;
  readonly resolvedAt: number | null;
  readonly findings: number;
  readonly mutedBecause: string | null;
  readonly acknowledgedBy: string | null;
}

/** Alerts whose first finding came in the period, the newest first. */
export async function alertLines(store: Store, filter: Filter = {}): Promise<readonly AlertLine[]> {
  const { where, params } = whereOf(filter, { at: 'stored.since', hosts: ['stored.host'], vm: 'stored.vm' });
  return store.query<AlertLine>(
    `SELECT id, cluster, detector, severity, state, nullIf(stored.vm, '') AS vm, nullIf(stored.host, '') AS host, summary,
       toUnixTimestamp64Milli(stored.since) AS since, toUnixTimestamp64Milli(firing_at) AS firingAt,
       toUnixTimestamp64Milli(resolved_at) AS resolvedAt, findings, nullIf(muted_because, '') AS mutedBecause,
       nullIf(acknowledged_by, '') AS acknowledgedBy
     FROM alerts AS stored FINAL ${where} ORDER BY stored.since DESC, id LIMIT {limit: UInt32}`,
    params,
  );
}

/** What `precopy alerts` shows. */
export interface AlertOverview {
  /** The worst first, then the newest. */
  readonly alerts: readonly Alert[];
  /** Silences in force or to come. */
  readonly silences: readonly Extract<AlertAction, { kind: 'silence' }>[];
}

/** More alerts than this nobody reads; the question `alerts` has no such bound. */
const MOST_ALERTS = 10_000;

/** Alerts that are not over, or all that began to count since a time, and the silences in force at `now`. */
export async function alertOverview(
  store: Store,
  { since, now }: { readonly since: number | null; readonly now: number },
): Promise<AlertOverview> {
  const rows = await store.query<{ readonly document: string }>(
    `SELECT document FROM alerts AS stored FINAL
     WHERE state != 'resolved' OR stored.since >= fromUnixTimestamp64Milli({since: Int64})
     ORDER BY state = 'resolved', severity = 'critical' DESC, stored.since DESC, id LIMIT {limit: UInt32}`,
    { since: since ?? now, limit: MOST_ALERTS },
  );
  return { alerts: rows.map(({ document }) => JSON.parse(document) as Alert), silences: await silencesInForce(store, now) };
}

async function silencesInForce(store: Store, now: number): Promise<AlertOverview['silences']> {
  const actions = await alertActions(store, { countingAt: now, since: 0 });
  const expired = new Set(actions.flatMap((action) => (action.kind === 'expire' ? [action.silence] : [])));
  return actions.flatMap((action) =>
    action.kind === 'silence' && action.until > now && !expired.has(action.id) ? [action] : [],
  );
}

/** What people did: silences that count at a time or later, and all that was done since another, in its order. */
export async function alertActions(
  store: Store,
  { countingAt, since }: { readonly countingAt: number; readonly since: number },
): Promise<readonly AlertAction[]> {
  const rows = await store.query<{ readonly document: string }>(
    `SELECT document FROM alert_actions AS stored FINAL
     WHERE stored.until >= fromUnixTimestamp64Milli({countingAt: Int64}) OR stored.at >= fromUnixTimestamp64Milli({since: Int64})
     ORDER BY stored.at, id`,
    { countingAt, since },
  );
  return rows.map(({ document }) => JSON.parse(document) as AlertAction);
}

/** An attempt to tell somebody. */
export interface NotificationLine {
  readonly at: number;
  readonly cluster: string;
  readonly notifier: string;
  readonly kind: string;
  readonly attempt: number;
  readonly outcome: 'sent' | 'failed' | 'dead';
  readonly status: string;
  readonly tookMs: number;
  readonly summary: string;
}

/** Attempts that ended in the period, the newest first. */
export async function notificationLines(store: Store, filter: Filter = {}): Promise<readonly NotificationLine[]> {
  const { where, params } = whereOf(filter, { at: 'stored.at', hosts: [] });
  return store.query<NotificationLine>(
    `SELECT toUnixTimestamp64Milli(stored.at) AS at, cluster, notifier, kind, attempt, outcome, status, took_ms AS tookMs, summary
     FROM notifications AS stored FINAL ${where} ORDER BY stored.at DESC, id, notifier LIMIT {limit: UInt32}`,
    params,
  );
}
