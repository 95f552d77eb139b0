import type { FindingMessage } from '../reports/finding-message.ts';
import type { Alert, AlertAction, Maintenance, Mute, Notification, Said } from './alert.ts';
import { createCauses, type Causes } from './causes.ts';
import { dueAt } from './due.ts';
import { alertIdOf, taken } from './intake.ts';
import { lived, nextChange } from './lifecycle.ts';
import { createSilences, maintenanceOf, nextWindow } from './mutes.ts';
import { notificationsOf } from './notifications.ts';
import type { AlertSettings } from './settings.ts';

/** What is new since the last step. */
export interface StepInputs {
  /** Unix ms; never goes back. */
  readonly now: number;
  /** In the order in which they came; each may come again. */
  readonly changes: readonly FindingMessage[];
  /** What people did; each may come again. */
  readonly actions: readonly AlertAction[];
  /** When the latest completed migration of a VM ended, Unix ms; all that is known, not only what is new. */
  readonly moved: ReadonlyMap<string, number>;
  /** In force or to come; all of them. */
  readonly maintenance: readonly Maintenance[];
}

/** What a step comes to. */
export interface Step {
  /** To be stored, in one insert, before anything is sent. */
  readonly changed: readonly Alert[];
  readonly notifications: readonly Notification[];
  /** When a step is due though nothing comes; `null` where only news is a reason for one. */
  readonly nextAt: number | null;
}

/** The alerts of one cluster. */
export interface AlertBook {
  /** Takes in what is new, and says what to store and whom to tell of what. */
  step(inputs: StepInputs): Step;
  /** All alerts that it holds, the resolved ones of `keepMs` too. */
  readonly alerts: Iterable<Alert>;
}

/** What was stored before. */
export interface Restored {
  /** The newest row of each alert that is not resolved, or was within `keepMs`, or whose last word was the summary of a storm. */
  readonly alerts: readonly Alert[];
  /** Of the time of those alerts, and silences that are not over. */
  readonly actions: readonly AlertAction[];
}

/**
 * A book that goes on where the stored alerts end. All that it decides by is in its alerts: what people were told of, groups, and storms
 * have no state of their own, so a restart between any two steps does not show.
 */
export function createAlertBook(cluster: string, restored: Restored, settings: AlertSettings): AlertBook {
  const alerts = new Map<string, Alert>();
  for (const alert of restored.alerts) if (alert.cluster === cluster) alerts.set(alert.id, alert);
  const silences = createSilences();
  for (const action of restored.actions) act(action);

  function act(action: AlertAction): void {
    silences.add(action);
    if (action.kind !== 'acknowledge') return;
    const alert = alerts.get(action.alert);
    if (alert !== undefined) alerts.set(alert.id, acknowledged(alert, action));
  }

  return {
    get alerts() {
      return alerts.values();
    },
    step({ now, changes, actions, moved, maintenance }) {
      const before = new Map(alerts);
      for (const change of changes) take(alerts, change, { now, maxAgeMs: settings.maxAgeMs, cluster });
      for (const [id, alert] of alerts) {
        const next = unacknowledged(lived(alert, { now, movedAt: moved.get(alert.subject) }));
        if (next !== alert) alerts.set(id, next);
      }
      for (const action of actions) act(action);
      muteAll(alerts, now, (alert) => silences.of(alert, now) ?? maintenanceOf(alert, maintenance, now));
      const due = dueAt(alerts.values(), now, settings);
      for (const alert of due.told) alerts.set(alert.id, alert);
      const changed = [...alerts.values()].filter((alert) => before.get(alert.id) !== alert);
      const notifications = due.notifications.size === 0 ? [] : notificationsOf(alerts.values(), due.notifications);
      forget(alerts, now - Math.max(settings.keepMs, settings.maxAgeMs));
      let nextAt = Math.min(due.nextAt, silences.next(now), nextWindow(maintenance, now));
      for (const alert of alerts.values()) nextAt = Math.min(nextAt, nextChange(alert));
      return { changed, notifications, nextAt: nextAt === Number.POSITIVE_INFINITY ? null : nextAt };
    },
  };
}

interface Taking {
  readonly now: number;
  readonly maxAgeMs: number;
  readonly cluster: string;
}

function take(alerts: Map<string, Alert>, change: FindingMessage, { cluster, ...intake }: Taking): void {
  const id = change.cluster === cluster ? alertIdOf(change) : null;
  if (id === null) return;
  const alert = taken(alerts.get(id) ?? null, change, intake);
  if (alert !== null) alerts.set(id, alert);
}

/** With an acknowledgement of this episode as it is: one that was given before it began, or became worse, is of something else. */
function acknowledged(alert: Alert, action: Extract<AlertAction, { kind: 'acknowledge' }>): Alert {
  const { by, at, comment } = action;
  const isOld = at < alert.since || at < (alert.worsenedAt ?? at) || at <= (alert.acknowledged?.at ?? Number.NEGATIVE_INFINITY);
  return isOld || alert.state === 'resolved' ? alert : { ...alert, acknowledged: { by, at, comment } };
}

/** Without the acknowledgement of what was not as bad. */
function unacknowledged(alert: Alert): Alert {
  const isBroken = alert.acknowledged !== null && alert.worsenedAt !== null && alert.worsenedAt > alert.acknowledged.at;
  return isBroken ? { ...alert, acknowledged: null } : alert;
}

/** Says of each alert why it is not told: what people said first, then what explains all of its findings. */
function muteAll(alerts: Map<string, Alert>, now: number, outsideOf: (alert: Alert) => Mute | null): void {
  const outside = new Map<string, Mute>();
  for (const alert of alerts.values()) {
    const mute = isSettled(alert) ? null : outsideOf(alert);
    if (mute !== null) outside.set(alert.id, mute);
  }
  const isTold = ({ id, state, toldAt }: Alert): boolean => toldAt !== null || (state === 'firing' && !outside.has(id));
  const causes = createCauses(alerts, now, isTold);
  for (const [id, alert] of alerts) {
    if (isSettled(alert)) continue;
    const said = alert.state === 'resolved' ? alert.said : explainedBy(causes, alert);
    const next = outside.get(id) ?? byCause(alert, said);
    if (said !== alert.said || !isSame(next, alert.muted)) alerts.set(id, { ...alert, said, muted: next });
  }
}

/** Over, and told to be so, or never told. */
function isSettled({ state, told }: Alert): boolean {
  return state === 'resolved' && told?.state !== 'firing';
}

function explainedBy(causes: Causes, alert: Alert): readonly Said[] {
  let isNew = false;
  const said = alert.said.map((one) => {
    if (one.over !== null) return one;
    const cause = causes.of(alert, one);
    if (cause?.id === one.explainedBy?.id && cause?.because === one.explainedBy?.because) return one;
    isNew = true;
    return { ...one, explainedBy: cause };
  });
  return isNew ? said : alert.said;
}

function byCause({ state, muted, findingId }: Alert, said: readonly Said[]): Mute | null {
  if (state === 'resolved') return muted?.by === 'cause' ? muted : null;
  const counting = said.filter(({ over }) => over === null);
  if (counting.some((one) => one.explainedBy === null)) return null;
  const shown = counting.find(({ id }) => id === findingId) ?? counting.at(-1);
  return shown?.explainedBy == null ? null : { by: 'cause', ...shown.explainedBy };
}

function isSame(a: Mute | null, b: Mute | null): boolean {
  return a === b || (a !== null && b !== null && a.by === b.by && a.id === b.id && a.because === b.because);
}

function forget(alerts: Map<string, Alert>, before: number): void {
  for (const { id, resolvedAt, told } of alerts.values()) {
    const isWaiting = told?.kind === 'storm' || told?.state === 'firing';
    if (resolvedAt !== null && resolvedAt < before && !isWaiting) alerts.delete(id);
  }
}
