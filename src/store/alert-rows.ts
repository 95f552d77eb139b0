import type { Alert, AlertAction, Notification } from '../alerts/alert.ts';
import { isSettled } from '../alerts/muting.ts';

/** A row of the table `alerts`; instants in Unix ms, absent names are empty. */
export interface AlertRow {
  readonly id: string;
  readonly cluster: string;
  readonly detector: string;
  readonly severity: string;
  readonly state: string;
  readonly vm: string;
  readonly host: string;
  readonly summary: string;
  readonly since: number;
  readonly firing_at: number | null;
  readonly resolved_at: number | null;
  readonly findings: number;
  readonly muted_because: string;
  readonly acknowledged_by: string;
  readonly notification: string;
  readonly document: string;
  readonly settled: 0 | 1;
  readonly partition: number;
  readonly version: number;
  readonly changed_at: number;
}

/** What rows of one step share. */
export interface AlertEdition {
  /** Grows with every writing of the same alert: the highest counts. */
  readonly version: number;
  /** Unix ms. */
  readonly changedAt: number;
  /** Of the findings topic, that the alerts' cluster is in. */
  readonly partition: number;
}

/** The row of an alert as it is now. */
export function toAlertRow(alert: Alert, { version, changedAt, partition }: AlertEdition): AlertRow {
  const { finding } = alert;
  return {
    id: alert.id,
    cluster: alert.cluster,
    detector: alert.detector,
    severity: finding.severity,
    state: alert.state,
    vm: finding.vm ?? '',
    host: finding.host ?? '',
    summary: finding.summary,
    since: alert.since,
    firing_at: alert.firingAt,
    resolved_at: alert.resolvedAt,
    findings: alert.count,
    muted_because: alert.muted?.because ?? '',
    acknowledged_by: alert.acknowledged?.by ?? '',
    notification: alert.told?.notification ?? '',
    document: JSON.stringify(alert),
    settled: isForgettable(alert) ? 1 : 0,
    partition,
    version,
    changed_at: changedAt,
  };
}

/** A silence may keep the end of an alert from being told, and a storm's last word is told of all that were in it. */
function isForgettable(alert: Alert): boolean {
  return isSettled(alert) && alert.told?.kind !== 'storm';
}

/** A row of the table `alert_actions`; instants in Unix ms. */
export interface AlertActionRow {
  readonly cluster: string;
  readonly id: string;
  readonly at: number;
  readonly kind: string;
  readonly by: string;
  readonly until: number;
  readonly document: string;
}

/** The row of what a person did; `cluster` empty: to alerts of any cluster. */
export function toAlertActionRow(action: AlertAction, cluster: string): AlertActionRow {
  const { id, at, kind, by } = action;
  return { cluster, id, at, kind, by, until: kind === 'silence' ? action.until : at, document: JSON.stringify(action) };
}

/** One attempt to tell somebody. */
export interface Attempt {
  readonly cluster: string;
  /** Of the notification. */
  readonly id: string;
  readonly notifier: string;
  /** From 1. */
  readonly attempt: number;
  /** When it ended, Unix ms. */
  readonly at: number;
  readonly kind: Notification['kind'] | 'repeat' | 'report';
  /** `failed`: it is tried again; `dead`: it is not. */
  readonly outcome: 'sent' | 'failed' | 'dead';
  /** What the receiver answered, or what went wrong. */
  readonly status: string;
  readonly tookMs: number;
  readonly alerts: readonly string[];
  /** What it says, in a sentence. */
  readonly summary: string;
}

/** A row of the table `notifications`. */
export type NotificationRow = Omit<Attempt, 'tookMs'> & { readonly took_ms: number };

/** The row of an attempt. */
export function toNotificationRow({ tookMs, ...attempt }: Attempt): NotificationRow {
  return { ...attempt, took_ms: tookMs };
}
