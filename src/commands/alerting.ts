import type { Alert, Maintenance } from '../alerts/alert.ts';
import { alertSettings, type AlertSettings } from '../alerts/settings.ts';
import type { Config } from '../config.ts';
import { durationMs } from '../lib/duration.ts';
import { groupBy } from '../lib/group.ts';
import { stableId } from '../lib/hash.ts';
import type { Lifecycle } from '../lib/lifecycle.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { createAlerter, type AlerterParts } from '../pipeline/alerts/alerter.ts';
import { createAlertStore } from '../pipeline/alerts/alert-store.ts';
import { createDispatch, type Receiver } from '../pipeline/alerts/dispatch.ts';
import type { Attempt } from '../store/alert-rows.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import { momentNamed } from '../timeline/zone.ts';
import { configuredNotifiers } from './configured-notifiers.ts';
import { createMaintenanceWatch } from './maintenance-watch.ts';

/** What alerting needs of an instance. */
export interface AlertingParts {
  readonly stream: Stream;
  readonly store: Store;
  readonly log: Log;
  readonly metrics: Metrics;
  /** See src/pipeline/alerts/alerter.ts. */
  readonly origin: string | null;
  /** Writes to the standard output of the process. */
  out(text: string): void;
}

/** Findings → alerts → people. */
export interface Alerting extends Lifecycle {
  /** Somebody did something to alerts. */
  acted(): Promise<void>;
  /** One of all processes leads. */
  leads(): boolean;
  readonly receivers: readonly Receiver[];
  /** All that the findings topic holds is taken in, told and written down. */
  idle(): Promise<void>;
}

/** Alerting as a configuration asks for it. */
export function createAlerting(config: Config, { stream, store, log, metrics, origin, out }: AlertingParts): Alerting {
  const { alerts: options } = config;
  const alertStore = createAlertStore(store, Date.now);
  const receivers = configuredNotifiers(config, { now: Date.now, out });
  const failed = (error: unknown): void => log.warn({ error }, 'alerting failed, it is tried again');
  const inCloudStack = createMaintenanceWatch(options, { log });
  const planned = plannedMaintenance(config);
  const dispatch = createDispatch({
    receivers,
    store: alertStore,
    alerts: () => alerter.alerts(),
    attempted: (attempt, toldAt) => tell(attempt, toldAt, { log, metrics }),
    failed,
    now: Date.now,
    random: Math.random,
  });
  const alerter = createAlerter({
    stream,
    origin,
    store: alertStore,
    dispatch,
    stepped: createStepWatch(() => alerter.alerts(), { log, metrics }),
    unreadable: (problem, offset) =>
      log.error({ problem, offset }, 'a message of the findings topic cannot be read, it is left out'),
    failed,
    settings: settingsOf(config),
    maintenance: () => [...planned, ...inCloudStack.maintenance()],
    now: Date.now,
  });
  return {
    async start() {
      inCloudStack.start();
      await alerter.start();
    },
    async stop() {
      await alerter.stop();
      await dispatch.stop();
      await inCloudStack.stop();
    },
    acted: () => alerter.acted(),
    leads: () => alerter.leads(),
    receivers,
    async idle() {
      await alerter.idle();
      await dispatch.idle();
    },
  };
}

/** What the policy is told of a configuration. */
function settingsOf({ alerts: { maxAge, groupEvery, storm } }: Pick<Config, 'alerts'>): AlertSettings {
  return alertSettings.parse({
    maxAgeMs: durationMs(maxAge),
    groupEveryMs: durationMs(groupEvery),
    storm: { alerts: storm.alerts, withinMs: durationMs(storm.within) },
  });
}

function plannedMaintenance({ alerts }: Config): readonly Maintenance[] {
  return alerts.maintenance.map(({ cluster, host, from, until, comment }) => ({
    id: stableId('maintenance', cluster ?? '', host ?? '', from, until),
    cluster,
    host,
    from: momentNamed(from) ?? 0,
    until: momentNamed(until) ?? 0,
    comment,
  }));
}

type Telling = Pick<AlertingParts, 'log' | 'metrics'>;

function tell(
  { notifier, outcome, kind, status, tookMs, at, summary }: Attempt,
  toldAt: number,
  { log, metrics }: Telling,
): void {
  metrics.notifications.add({ notifier, outcome });
  if (outcome === 'sent') {
    metrics.notificationLatencySeconds.observe({ notifier }, Math.max(0, at - toldAt) / 1000);
    log.debug({ notifier, kind, status, tookMs, summary }, 'notification sent');
  } else if (outcome === 'dead') log.error({ notifier, kind, status, summary }, 'notification given up');
  else log.warn({ notifier, kind, status, summary }, 'notification not taken, it is tried again');
}

function createStepWatch(alerts: () => readonly Alert[], { log, metrics }: Telling): AlerterParts['stepped'] {
  const shown = new Map<string, { readonly state: string; readonly severity: string }>();
  return (changed, notifications) => {
    for (const { state, detector, subject, finding, muted } of changed)
      log.debug({ state, detector, subject, severity: finding.severity, muted: muted?.because ?? null }, 'alert changed');
    for (const { kind, alerts: told, cluster } of notifications)
      log.info({ kind, cluster, alerts: told.length }, 'people are told');
    for (const labels of shown.values()) metrics.alerts.set(labels, 0);
    for (const own of groupBy(alerts(), keyOf).values()) {
      const [first] = own;
      if (first === undefined || first.state === 'resolved') continue;
      const labels = { state: shownState(first), severity: first.finding.severity };
      shown.set(keyOf(first), labels);
      metrics.alerts.set(labels, own.length);
    }
  };
}

function keyOf(alert: Alert): string {
  return `${shownState(alert)} ${alert.finding.severity}`;
}

function shownState({ state, muted, acknowledged }: Alert): string {
  if (state !== 'firing') return state;
  if (muted !== null) return 'muted';
  return acknowledged === null ? 'firing' : 'acknowledged';
}
