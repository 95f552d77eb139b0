import type { Alert, AlertAction } from '../../alerts/alert.ts';
import { alertActions } from '../../forensics/alerts.ts';
import { toAlertActionRow, toAlertRow, toNotificationRow, type AlertRow, type Attempt } from '../../store/alert-rows.ts';
import type { Store } from '../../store/store.ts';

/** For so long after an alert is over, ms, it is remembered: longer than the policy asks for (src/alerts/settings.ts). */
const REMEMBERED_MS = 48 * 3_600_000;

/** An alert that was acknowledged this long ago, ms, is in the tables with it. */
const ACTIONS_MS = 7 * 24 * 3_600_000;

/** What an alerter finds when it begins with a cluster. */
export interface RestoredAlerts {
  /** Those that are not over, and those that were over lately. */
  readonly alerts: readonly Alert[];
  /** The highest version among them, 0 where there is none. */
  readonly version: number;
}

/** Alerts, what people did to them, and what was told, in the tables. */
export interface AlertStore {
  /** Clusters of a partition of the findings topic that have alerts to go on with. */
  clusters(partition: number): Promise<readonly string[]>;
  restore(cluster: string): Promise<RestoredAlerts>;
  /** All in one insert, so that either all is stored that one notification tells of, or nothing. */
  write(alerts: readonly Alert[], edition: { readonly version: number; readonly partition: number }): Promise<void>;
  /** What people did that still counts; of all clusters. */
  actions(): Promise<readonly AlertAction[]>;
  act(action: AlertAction): Promise<void>;
  /** Of these notifications, to whom they were told or given up, as `notification notifier`. */
  ended(ids: readonly string[]): Promise<ReadonlySet<string>>;
  attempted(attempts: readonly Attempt[]): Promise<void>;
  /** When the latest completed migration of each of these VMs ended, Unix ms; those without any since then are left out. */
  moved(cluster: string, vms: readonly string[], since: number): Promise<ReadonlyMap<string, number>>;
}

/** Alerts in the tables of a store. */
export function createAlertStore(store: Store, now: () => number): AlertStore {
  const remembered = `(settled = 0 OR changed_at >= fromUnixTimestamp64Milli({since: Int64}))`;
  return {
    async clusters(partition) {
      const rows = await store.query<{ readonly cluster: string }>(
        `SELECT DISTINCT cluster FROM alerts FINAL WHERE partition = {partition: UInt32} AND ${remembered}`,
        { partition, since: now() - REMEMBERED_MS },
      );
      return rows.map(({ cluster }) => cluster);
    },
    async restore(cluster) {
      const rows = await store.query<Pick<AlertRow, 'document' | 'version'>>(
        `SELECT document, toFloat64(version) AS version FROM alerts FINAL WHERE cluster = {cluster: String} AND ${remembered}`,
        { cluster, since: now() - REMEMBERED_MS },
      );
      return {
        alerts: rows.map(({ document }) => JSON.parse(document) as Alert),
        version: rows.reduce((max, { version }) => Math.max(max, version), 0),
      };
    },
    async write(alerts, edition) {
      const changedAt = now();
      await store.insert({ table: 'alerts', rows: alerts.map((alert) => toAlertRow(alert, { ...edition, changedAt })) });
    },
    actions: () => alertActions(store, { countingAt: now(), since: now() - ACTIONS_MS }),
    act: (action) => store.insert({ table: 'alert_actions', rows: [toAlertActionRow(action, '')] }),
    async ended(ids) {
      const rows = await store.query<{ readonly id: string; readonly notifier: string }>(
        `SELECT DISTINCT id, notifier FROM notifications WHERE id IN {ids: Array(String)} AND outcome IN ('sent', 'dead')`,
        { ids },
      );
      return new Set(rows.map(({ id, notifier }) => `${id} ${notifier}`));
    },
    attempted: (attempts) => store.insert({ table: 'notifications', rows: attempts.map(toNotificationRow) }),
    async moved(cluster, vms, since) {
      const rows = await store.query<{ readonly vm: string; readonly endedAt: number }>(
        `SELECT vm, toUnixTimestamp64Milli(max(assumeNotNull(ended_at))) AS endedAt FROM migrations AS stored FINAL
         WHERE cluster = {cluster: String} AND vm IN {vms: Array(String)} AND outcome = 'completed'
           AND stored.ended_at >= fromUnixTimestamp64Milli({since: Int64})
         GROUP BY vm`,
        { cluster, vms, since },
      );
      return new Map(rows.map(({ vm, endedAt }) => [vm, endedAt]));
    },
  };
}
