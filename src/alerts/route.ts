import { SEVERITIES } from '../model/finding.ts';
import type { Alert, Notification } from './alert.ts';

/** What a receiver wants to be told. */
export interface Route {
  readonly minSeverity: 'warning' | 'critical';
  /** None named: all. */
  readonly clusters: readonly string[];
  readonly detectors: readonly string[];
}

/** Whether a receiver wants to be told of an alert. */
export function isRouted({ minSeverity, clusters, detectors }: Route, { cluster, detector, finding }: Alert): boolean {
  return (
    SEVERITIES.indexOf(finding.severity) >= SEVERITIES.indexOf(minSeverity) &&
    (clusters.length === 0 || clusters.includes(cluster)) &&
    (detectors.length === 0 || detectors.includes(detector))
  );
}

/** What of a notification a receiver is told; `null` where nothing is for it. */
export function routed(route: Route, notification: Notification): Notification | null {
  const own = (alerts: readonly Alert[]): readonly Alert[] => alerts.filter((alert) => isRouted(route, alert));
  const alerts = own(notification.alerts);
  const isEmpty = notification.alerts.length > 0 && alerts.length === 0;
  const isElsewhere = route.clusters.length > 0 && !route.clusters.includes(notification.cluster);
  if (isEmpty || isElsewhere) return null;
  const isWanted = (detector: string): boolean => route.detectors.length === 0 || route.detectors.includes(detector);
  return {
    ...notification,
    alerts,
    others: own(notification.others),
    explains: own(notification.explains),
    counts: notification.counts.filter(({ detector }) => isWanted(detector)),
  };
}
