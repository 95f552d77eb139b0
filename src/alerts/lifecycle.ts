import { clockTime, duration } from '../lib/units.ts';
import type { Alert, Said } from './alert.ts';
import { policyOf, type Policy } from './policies.ts';
import { shownStill } from './shown.ts';

/** What an alert is judged by. */
export interface Moment {
  /** Unix ms. */
  readonly now: number;
  /** When the latest completed migration of its VM ended; `undefined` where none is known. */
  readonly movedAt: number | undefined;
}

/** The end of a migration is told to some milliseconds, differently by different logs. */
const SAME_END_MS = 5000;

/** The alert at a moment: what of it is over, whether it fires, whether it is resolved. The very same where nothing changed. */
export function lived(alert: Alert, moment: Moment): Alert {
  if (alert.state === 'resolved') return alert;
  const policy = policyOf(alert.detector);
  const said = alert.said.map((one) => (one.over === null ? judged(one, alert, { policy, moment }) : one));
  const ended = said.some((one, i) => one !== alert.said[i]) ? { ...alert, said } : alert;
  if (said.every(({ over }) => over !== null)) return resolved(ended, policy, moment);
  const rest =
    ended === alert && said.some(({ id, over }) => id === alert.findingId && over === null)
      ? alert
      : shownStill(ended, moment.now);
  if (rest.state === 'pending' && holdsSince(rest, policy) <= moment.now)
    return { ...rest, state: 'firing', firingAt: moment.now };
  return rest;
}

/** The next time at which the alert may change by itself; `Infinity` where only news changes it. */
export function nextChange(alert: Alert): number {
  if (alert.state === 'resolved') return Number.POSITIVE_INFINITY;
  const policy = policyOf(alert.detector);
  let next = alert.state === 'pending' ? holdsSince(alert, policy) : Number.POSITIVE_INFINITY;
  for (const said of alert.said) {
    if (said.over !== null) continue;
    for (const ending of policy.ends) {
      if (ending.by === 'quiet') next = Math.min(next, alert.seenAt + ending.afterMs);
      else if (ending.by === 'condition-ends') next = Math.min(next, recoveredAt(said, ending.recoveryMs));
    }
  }
  return next;
}

interface Judging {
  readonly policy: Policy;
  readonly moment: Moment;
}

function judged(said: Said, { seenAt }: Alert, { policy, moment: { now, movedAt } }: Judging): Said {
  for (const ending of policy.ends) {
    switch (ending.by) {
      case 'condition-ends':
        if (recoveredAt(said, ending.recoveryMs) <= now) return { ...said, over: 'ended' };
        break;
      case 'moves':
        if (movedAt !== undefined && movedAt > movesFrom(said, ending.again)) return { ...said, over: 'moved' };
        break;
      case 'quiet':
        if (seenAt + ending.afterMs <= now) return { ...said, over: 'quiet' };
        break;
    }
  }
  return said;
}

/** What ended before anybody heard of it is told, too: it has recovered so long after it was known to be over. */
function recoveredAt({ to, at }: Said, recoveryMs: number): number {
  return to === null ? Number.POSITIVE_INFINITY : Math.max(to, at) + recoveryMs;
}

function movesFrom({ from, endedAt }: Said, again: boolean): number {
  return again ? (endedAt ?? from) + SAME_END_MS : from;
}

/** From when on it is to be told; `Infinity` where it was too short. */
function holdsSince(alert: Alert, policy: Policy): number {
  let since = Number.POSITIVE_INFINITY;
  for (const said of alert.said) if (said.over === null) since = Math.min(since, heldAt(said, alert, policy));
  return since;
}

function heldAt(said: Said, { since }: Alert, { holdMs, unexplainedHoldMs }: Policy): number {
  const isUnexplained = said.migration !== null && (said.cause === null || said.cause === 'unknown');
  const explainedAt = isUnexplained ? since + unexplainedHoldMs : since;
  // a migration that has failed meanwhile was rightly warned of
  if (holdMs === 0 || said.severity === 'critical' || said.broken) return explainedAt;
  const lasts = said.to === null || said.to - said.from >= holdMs;
  return lasts ? Math.max(explainedAt, said.from + holdMs) : Number.POSITIVE_INFINITY;
}

function resolved(alert: Alert, policy: Policy, moment: Moment): Alert {
  const last = alert.said.find(({ id }) => id === alert.findingId) ?? alert.said.at(-1);
  return {
    ...alert,
    state: 'resolved',
    spare: [],
    resolvedAt: moment.now,
    resolvedBecause: last === undefined ? null : because(last, alert, { policy, moment }),
  };
}

/** Words without a full stop. */
function because({ over, to }: Said, { subject }: Alert, { policy, moment }: Judging): string {
  if (over === 'moved') return `a migration of ${subject} completed at ${clockTime(moment.movedAt ?? moment.now)} UTC`;
  if (over === 'quiet') {
    const quiet = policy.ends.find((ending) => ending.by === 'quiet');
    return `nothing more was found${quiet === undefined ? '' : ` for ${duration(quiet.afterMs)}`}`;
  }
  if (over === 'ended') {
    const recovery = policy.ends.find((ending) => ending.by === 'condition-ends');
    const since = recovery === undefined ? '' : ` and did not come back for ${duration(recovery.recoveryMs)}`;
    return `it ended${to === null ? '' : ` at ${clockTime(to)} UTC`}${since}`;
  }
  return 'later lines do not bear it out';
}
