import { groupBy } from '../lib/group.ts';
import { stableId } from '../lib/hash.ts';
import { SEVERITIES } from '../model/finding.ts';
import type { Alert, Notification, Told } from './alert.ts';
import { stormGroup } from './groups.ts';

/** Alerts that a storm's summary names; the rest are counted. */
const NAMED_IN_STORM = 5;

/**
 * The notifications of these ids as their alerts' rows tell them, in the order of the ids: what was stored and perhaps not sent. An
 * alert of which something newer was told since is no longer in the older one; where none is left, there is no such notification.
 */
export function notificationsOf(alerts: Iterable<Alert>, ids: ReadonlySet<string>): readonly Notification[] {
  const all = [...alerts];
  const told = all.filter((alert) => alert.told !== null && ids.has(alert.told.notification));
  const byId = groupBy(told, (alert) => alert.told?.notification ?? '');
  return [...ids].flatMap((id) => {
    const members = byId.get(id) ?? [];
    const [first] = members;
    return first?.told == null
      ? []
      : [notificationOf({ told: first.told, cluster: first.cluster, group: companyOf(first), members }, all)];
  });
}

/** Whom an alert is told with: its group, or, once it was told as one of many, those. */
export function companyOf({ told, cluster, group }: Alert): string {
  return told?.inStorm === true ? stormGroup(cluster) : group;
}

/** Whether a migration that it is about failed or was aborted. */
export function isBroken({ said }: Alert): boolean {
  return said.some(({ over, broken }) => over === null && broken);
}

/** The same for the same alerts in the same states, so that nothing is told twice. */
export function notificationId(kind: Told['kind'], company: string, members: readonly Alert[]): string {
  const states = members.map((alert) =>
    [alert.id, alert.since, alert.state, alert.finding.severity, isBroken(alert) ? 'broken' : ''].join(' '),
  );
  return stableId(kind, company, ...states.toSorted());
}

interface Telling {
  readonly told: Told;
  readonly cluster: string;
  readonly group: string;
  readonly members: readonly Alert[];
}

function notificationOf({ told, cluster, group, members }: Telling, all: readonly Alert[]): Notification {
  const { notification: id, kind, at } = told;
  const isStorm = kind === 'storm' || kind === 'storm-over';
  const sorted = members.toSorted(worstFirst);
  const still = kind === 'storm-over' ? sorted.filter(({ state, muted }) => state === 'firing' && muted === null) : sorted;
  const shown = new Set(sorted.map((alert) => alert.id));
  return {
    id,
    kind,
    cluster,
    group,
    at,
    alerts: isStorm ? still.slice(0, NAMED_IN_STORM) : sorted,
    others: isStorm ? [] : all.filter((alert) => !shown.has(alert.id) && isKnownIn(group, alert)).toSorted(worstFirst),
    explains: kind === 'firing' ? explained(shown, all).toSorted(worstFirst) : [],
    counts: isStorm ? countsOf(still) : [],
  };
}

function isKnownIn(group: string, alert: Alert): boolean {
  return alert.state === 'firing' && alert.muted === null && alert.told?.state === 'firing' && companyOf(alert) === group;
}

/** What these explain, and what that explains in turn. */
function explained(by: ReadonlySet<string>, all: readonly Alert[]): readonly Alert[] {
  const muted = all.filter(({ state, muted: mute }) => state === 'firing' && mute?.by === 'cause');
  const found = new Map<string, Alert>();
  for (let before = -1; before < found.size;) {
    before = found.size;
    for (const alert of muted) {
      const cause = alert.muted?.id ?? '';
      if (!by.has(alert.id) && (by.has(cause) || found.has(cause))) found.set(alert.id, alert);
    }
  }
  return [...found.values()];
}

function countsOf(members: readonly Alert[]): Notification['counts'] {
  const counts = [...groupBy(members, ({ detector }) => detector)].map(([detector, own]) => ({ detector, alerts: own.length }));
  return counts.toSorted((a, b) => b.alerts - a.alerts || (a.detector < b.detector ? -1 : 1));
}

/** What is critical, then what is older, first. */
function worstFirst(a: Alert, b: Alert): number {
  const severity = SEVERITIES.indexOf(b.finding.severity) - SEVERITIES.indexOf(a.finding.severity);
  return severity || a.since - b.since || (a.id < b.id ? -1 : 1);
}
