import { SEVERITIES } from '../model/finding.ts';
import { isWorse } from '../reports/live.ts';
import type { Alert, Told } from './alert.ts';
import { stormGroup } from './groups.ts';
import { companyOf, isBroken, notificationId } from './notifications.ts';
import type { AlertSettings } from './settings.ts';
import { stormAt } from './storm.ts';

/** What to tell now: the alerts as they are once told, by the ids of their notifications, and when more is due. */
export interface Due {
  readonly told: readonly Alert[];
  readonly notifications: ReadonlySet<string>;
  /** `Infinity` where only news makes more due. */
  readonly nextAt: number;
}

/** Told one by one, whatever happens around it. */
const NEVER_SUMMARISED = 'split-brain-risk';

/** What is due to be told at a moment, by what was told before. */
export function dueAt(alerts: Iterable<Alert>, now: number, settings: AlertSettings): Due {
  const { fresh, again, ended, inStorm, recent, clocks } = sorted(alerts, now - settings.storm.withinMs);
  const due = [...fresh.filter(isSummarised), ...again.filter(isInSummary)];
  const storm = stormAt({ due, members: inStorm, recent }, now, settings.storm);
  const out = createOutbox(now);
  for (const summary of storm.summaries) out.tell(summary.kind, summary.alerts);
  const single = [
    ...fresh.filter((alert) => !isSummarised(alert)),
    ...storm.single,
    ...again.filter((alert) => !isInSummary(alert)),
  ];
  // while a storm goes on, the end of what was told in it is told with the storm's
  const over = ended.filter((alert) => !isInSummary(alert));
  const waits = [...grouped('firing', single), ...grouped('resolved', over)].map(({ kind, company, members }) => {
    const from = Math.min(...members.map((alert) => clocks.freeFrom(company, alert, settings.groupEveryMs)));
    if (from > now) return from;
    out.tell(kind, members);
    return Number.POSITIVE_INFINITY;
  });
  return { told: out.told(), notifications: out.notifications, nextAt: Math.min(storm.nextAt, ...waits) };
}

interface Sorted {
  /** Not told yet. */
  readonly fresh: readonly Alert[];
  /** Told, and worse since. */
  readonly again: readonly Alert[];
  readonly ended: readonly Alert[];
  /** Told in the summary of a storm that goes on. */
  readonly inStorm: readonly Alert[];
  /** When alerts were first told that count for a storm. */
  readonly recent: readonly number[];
  readonly clocks: Clocks;
}

function sorted(alerts: Iterable<Alert>, recentFrom: number): Sorted {
  const [fresh, again, ended, inStorm]: [Alert[], Alert[], Alert[], Alert[]] = [[], [], [], []];
  const recent: number[] = [];
  const clocks = createClocks();
  for (const alert of alerts) {
    const { told, toldAt } = alert;
    if (told === null) {
      if (isToTell(alert)) fresh.push(alert);
      continue;
    }
    clocks.note(alert, told);
    if (toldAt !== null && toldAt > recentFrom && isSummarised(alert)) recent.push(toldAt);
    if (isInSummary(alert)) inStorm.push(alert);
    if (isToTell(alert) && isNews(alert, told)) again.push(alert);
    if (hasEnded(alert, told)) ended.push(alert);
  }
  return { fresh, again, ended, inStorm, recent, clocks };
}

function isSummarised({ detector }: Alert): boolean {
  return detector !== NEVER_SUMMARISED;
}

function hasEnded(alert: Alert, told: Told): boolean {
  return alert.state === 'resolved' && told.state === 'firing' && !isHushed(alert);
}

/** Its last word was the summary of a storm that goes on. */
function isInSummary({ told }: Alert): boolean {
  return told?.kind === 'storm';
}

/** A silence or a maintenance window keeps it back; that another alert explains it does not keep back its end. */
function isHushed({ muted }: Alert): boolean {
  return muted !== null && muted.by !== 'cause';
}

function isToTell({ state, muted, acknowledged }: Alert): boolean {
  return state === 'firing' && muted === null && acknowledged === null;
}

/** Worse than what was told, or what was about to fail has failed. */
function isNews(alert: Alert, told: Told): boolean {
  return isWorse(alert.finding.severity, told.severity) || (!told.broken && isBroken(alert));
}

interface Group {
  readonly kind: 'firing' | 'resolved';
  readonly company: string;
  readonly members: readonly Alert[];
}

function grouped(kind: Group['kind'], alerts: readonly Alert[]): readonly Group[] {
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const company = kind === 'firing' ? alert.group : companyOf(alert);
    const members = groups.get(company);
    if (members === undefined) groups.set(company, [alert]);
    else members.push(alert);
  }
  return [...groups].map(([company, members]) => ({ kind, company, members }));
}

interface Clocks {
  note(alert: Alert, told: Told): void;
  /** When more of a group may be told; what is worse than all that was told of it may at once. */
  freeFrom(company: string, alert: Alert, everyMs: number): number;
}

/** When each group was last told of, by severity. */
function createClocks(): Clocks {
  const last = new Map<string, number[]>();
  return {
    note(alert, told) {
      const company = companyOf(alert);
      const times = last.get(company) ?? [];
      for (let rank = 0; rank <= SEVERITIES.indexOf(told.severity); rank += 1) times[rank] = Math.max(times[rank] ?? 0, told.at);
      last.set(company, times);
    },
    freeFrom(company, { finding }, everyMs) {
      const at = last.get(company)?.[SEVERITIES.indexOf(finding.severity)];
      return at === undefined ? Number.NEGATIVE_INFINITY : at + everyMs;
    },
  };
}

interface Outbox {
  tell(kind: Told['kind'], alerts: readonly Alert[]): void;
  told(): readonly Alert[];
  readonly notifications: ReadonlySet<string>;
}

function createOutbox(now: number): Outbox {
  const told = new Map<string, Alert>();
  const notifications = new Set<string>();
  return {
    tell(kind, alerts) {
      const [first] = alerts;
      if (first === undefined) return;
      const notification = notificationId(kind, toldWith(kind, first), alerts);
      notifications.add(notification);
      for (const alert of alerts)
        told.set(alert.id, {
          ...alert,
          toldAt: alert.toldAt ?? now,
          told: { notification, at: now, kind, ...wordOf(kind, alert) },
        });
    },
    told: () => [...told.values()],
    notifications,
  };
}

function toldWith(kind: Told['kind'], alert: Alert): string {
  if (kind === 'storm' || kind === 'storm-over') return stormGroup(alert.cluster);
  return kind === 'firing' ? alert.group : companyOf(alert);
}

function wordOf(kind: Told['kind'], alert: Alert): Pick<Told, 'state' | 'severity' | 'inStorm' | 'broken'> {
  return {
    state: alert.state === 'resolved' ? 'resolved' : 'firing',
    severity: alert.finding.severity,
    inStorm: kind === 'storm' || kind === 'storm-over' || (kind === 'resolved' && alert.told?.inStorm === true),
    broken: isBroken(alert) || alert.told?.broken === true,
  };
}
