import type { FindingMessage } from '../reports/finding-message.ts';
import type { Alert, AlertAction, Maintenance, Notification } from './alert.ts';
import { dueAt } from './due.ts';
import { alertIdOf, taken } from './intake.ts';
import { lived, nextChange } from './lifecycle.ts';
import { createSilences, nextWindow } from './mutes.ts';
import { createMuting } from './muting.ts';
import { notificationsOf } from './notifications.ts';
import type { AlertSettings } from './settings.ts';
import { createShelf, type Shelf } from './shelf.ts';

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
  const shelf = createShelf(restored.alerts.filter((alert) => alert.cluster === cluster));
  const silences = createSilences();
  for (const action of restored.actions) act(action);
  const muting = createMuting(shelf, silences);
  const watched = new Map<string, Watched>();

  function act(action: AlertAction): void {
    silences.add(action);
    if (action.kind !== 'acknowledge') return;
    const alert = shelf.get(action.alert);
    if (alert !== undefined) shelf.put(acknowledged(alert, action));
  }

  /** Lets an alert live on, unless nothing happened that could change it. Returns when it may change by itself. */
  function live(alert: Alert, now: number, movedAt: number | undefined): number {
    const last = watched.get(alert.id);
    if (last?.alert === alert && last.movedAt === movedAt && now < last.wakeAt) return last.wakeAt;
    const next = unacknowledged(lived(alert, { now, movedAt }));
    shelf.put(next);
    const wakeAt = nextChange(next);
    watched.set(alert.id, { alert: next, movedAt, wakeAt });
    return wakeAt;
  }

  return {
    get alerts() {
      return shelf.all();
    },
    step({ now, changes, actions, moved, maintenance }) {
      for (const change of changes) take(shelf, change, { now, maxAgeMs: settings.maxAgeMs, cluster });
      let nextAt = Number.POSITIVE_INFINITY;
      for (const alert of shelf.all()) nextAt = Math.min(nextAt, live(alert, now, moved.get(alert.subject)));
      for (const action of actions) act(action);
      muting.mute(now, maintenance, actions.length > 0);
      const due = dueAt(shelf.all(), now, settings);
      for (const alert of due.told) shelf.put(alert);
      const notifications = due.notifications.size === 0 ? [] : notificationsOf(shelf.all(), due.notifications);
      const changed = shelf.changed();
      for (const id of shelf.forget(now - Math.max(settings.keepMs, settings.maxAgeMs))) watched.delete(id);
      nextAt = Math.min(nextAt, due.nextAt, silences.next(now), nextWindow(maintenance, now));
      return { changed, notifications, nextAt: nextAt === Number.POSITIVE_INFINITY ? null : nextAt };
    },
  };
}

/** An alert as it was last let live on; one that is another since is let live on anew. */
interface Watched {
  readonly alert: Alert;
  readonly movedAt: number | undefined;
  readonly wakeAt: number;
}

interface Taking {
  readonly now: number;
  readonly maxAgeMs: number;
  readonly cluster: string;
}

function take(shelf: Shelf, change: FindingMessage, { cluster, ...intake }: Taking): void {
  const id = change.cluster === cluster ? alertIdOf(change) : null;
  const alert = id === null ? null : taken(shelf.get(id) ?? null, change, intake);
  if (alert !== null) shelf.put(alert);
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
