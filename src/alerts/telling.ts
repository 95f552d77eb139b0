import { detectors } from '../detectors/index.ts';
import { duration, listed, plural } from '../lib/units.ts';
import { SEVERITIES, type Severity } from '../model/finding.ts';
import { sayingOf, type Saying } from '../reports/saying.ts';
import { cut, inert } from '../reports/terminal/text.ts';
import { moment } from '../reports/incident/time.ts';
import type { Alert, Notification } from './alert.ts';
import { policies } from './policies.ts';

/** What an alert says, whoever shows it. */
export interface AlertTelling {
  readonly alert: string;
  /** `CRITICAL`, `WARNING`, `INFO` or `RESOLVED`. */
  readonly word: string;
  readonly title: string;
  /** What is wrong, where, how bad; where the VM is; what it rests on; what to do. */
  readonly saying: Saying;
  /** Why it is over, and how long it was; `null` of an alert that fires. */
  readonly over: string | null;
  /** How often it was found; `null` where once. */
  readonly often: string | null;
  /** What would resolve it, to stand behind "when"; `null` where it is over. */
  readonly resolves: string | null;
  readonly acknowledged: string | null;
  /** Page or file that says more. */
  readonly runbook: string;
  /** Commands that say more, and that tell others that somebody takes care of it. */
  readonly explain: string;
  readonly acknowledge: string;
}

/** An alert in one line, among others. */
export interface Brief {
  readonly word: string;
  readonly severity: Severity;
  readonly title: string;
  readonly about: string;
  readonly summary: string;
}

/** What a notification says, however it is shown: one document, of which terminal, mail and chat are renderings. */
export interface Telling {
  readonly kind: Notification['kind'];
  readonly severity: Severity;
  /** What it is about, in one line of at most 120 columns, without line ends or anything that a terminal obeys. */
  readonly subject: string;
  /** `Cluster pod-1, 2026-11-23 04:42:40 UTC`. */
  readonly where: string;
  /** What is to be said of all of it; `null` where the alert says it. */
  readonly lead: string | null;
  readonly alerts: readonly AlertTelling[];
  /** Alerts of the notification that are not told in full. */
  readonly briefs: readonly Brief[];
  /** Those that are not even told briefly, in words; `null` where there are none. */
  readonly more: string | null;
  /** What else of the group fires. */
  readonly others: readonly Brief[];
  readonly moreOthers: string | null;
  /** What it explains, and is therefore not told; `null` where nothing. */
  readonly explains: string | null;
  /** Of a storm: alerts by detector. */
  readonly counts: readonly string[];
}

/** Where more is to be read. */
export interface TellingOptions {
  /** Address of the runbooks: `{{detector}}` in it stands for the detector, or its id is appended; `null`: the project's own files are named. */
  readonly runbookUrl: string | null;
}

/** Alerts in full: more of them nobody reads in the night. */
const IN_FULL = 3;
const IN_SHORT = 10;
const OTHERS = 5;
const NAMED = 5;
const SUBJECT = 120;

const TITLES = new Map(detectors.map(({ id, title }) => [id, title]));
const RESOLVES_WHEN = new Map(policies.map(({ detector, resolvesWhen }) => [detector, resolvesWhen]));

/** What a notification says. */
export function tellingOf(notification: Notification, options: TellingOptions): Telling {
  const { kind, cluster, at, alerts, others, explains, counts } = notification;
  const full = kind === 'storm' || kind === 'storm-over' ? [] : firstOfEach(alerts).slice(0, IN_FULL);
  const rest = alerts.filter((alert) => !full.includes(alert));
  const briefs = rest.slice(0, IN_SHORT);
  return {
    kind,
    severity: worstOf(alerts),
    subject: cut(inert(subjectOf(notification)).replace(/ {2,}/g, ' '), SUBJECT),
    where: `Cluster ${cluster}, ${moment(at, true)} UTC`,
    lead: leadOf(notification),
    alerts: full.map((alert) => alertTelling(alert, options)),
    briefs: briefs.map(briefOf),
    more: andMore(rest.slice(briefs.length)),
    others: others.slice(0, OTHERS).map(briefOf),
    moreOthers: andMore(others.slice(OTHERS)),
    explains: explainsOf(explains),
    counts: counts.map(({ detector, alerts: count }) => `${titleOf(detector)}: ${plural(count, 'alert')} (${detector})`),
  };
}

/** The worst alert of each detector: what to do is the same for the others. */
function firstOfEach(alerts: readonly Alert[]): readonly Alert[] {
  const first = new Map(alerts.toReversed().map((alert) => [alert.detector, alert]));
  return alerts.filter((alert) => first.get(alert.detector) === alert);
}

/** What a detector finds, as its name says: `Migration failed`. */
export function titleOf(detector: string): string {
  return TITLES.get(detector) ?? detector;
}

/** Page or file on what a detector finds. */
export function runbookOf(detector: string, { runbookUrl }: TellingOptions): string {
  if (runbookUrl === null) return `docs/detectors/${detector}.md`;
  const id = encodeURIComponent(detector);
  return runbookUrl.includes('{{detector}}') ? runbookUrl.replaceAll('{{detector}}', id) : `${runbookUrl}${id}`;
}

/** The VM and its way, or the host. */
function aboutOf(alert: Alert): string {
  return sayingOf(alert).about.join(' ');
}

/** The worst severity of alerts; `info` of none. */
export function worstOf(alerts: readonly Alert[]): Severity {
  return SEVERITIES[Math.max(0, ...alerts.map(({ finding }) => SEVERITIES.indexOf(finding.severity)))] ?? 'info';
}

function alertTelling(alert: Alert, options: TellingOptions): AlertTelling {
  const { id, detector, finding, state, count, since, acknowledged } = alert;
  return {
    alert: id,
    word: state === 'resolved' ? 'RESOLVED' : finding.severity.toUpperCase(),
    title: titleOf(detector),
    saying: sayingOf(alert),
    over: overOf(alert),
    often: count > 1 ? `Found ${count} times since ${moment(since, true)}; this is the newest.` : null,
    resolves: resolvesWhenOf(alert),
    acknowledged:
      acknowledged === null
        ? null
        : `${acknowledged.by} takes care of it since ${moment(acknowledged.at, true)}${acknowledged.comment === '' ? '' : `: ${acknowledged.comment}`}`,
    runbook: runbookOf(detector, options),
    explain: `precopy explain ${detector}`,
    acknowledge: `precopy alerts ack ${id}`,
  };
}

/** What would resolve an alert, to stand behind "when"; `null` where it is over. */
export function resolvesWhenOf({ state, detector }: Alert): string | null {
  return state === 'resolved' ? null : (RESOLVES_WHEN.get(detector) ?? null);
}

function overOf({ state, resolvedAt, resolvedBecause, firingAt, since }: Alert): string | null {
  if (state !== 'resolved' || resolvedAt === null) return null;
  const lasted = `It fired for ${duration(Math.max(0, resolvedAt - (firingAt ?? since)))}, until ${moment(resolvedAt, true)}.`;
  return resolvedBecause === null ? lasted : `${sentence(resolvedBecause)} ${lasted}`;
}

/** An alert among others. */
export function briefOf(alert: Alert): Brief {
  const { summary, severity } = sayingOf(alert);
  return {
    word: alert.state === 'resolved' ? 'RESOLVED' : severity.toUpperCase(),
    severity,
    title: titleOf(alert.detector),
    about: aboutOf(alert),
    summary,
  };
}

function subjectOf({ kind, cluster, alerts, counts }: Notification): string {
  const [first, ...rest] = alerts;
  if (kind === 'storm') return `STORM: ${plural(totalOf(counts), 'alert')} in cluster ${cluster}${mostlyOf(counts)}`;
  if (kind === 'storm-over') return `STORM OVER: alerts of cluster ${cluster} are told one by one again`;
  if (kind === 'test') return `TEST: a test of notifications from cluster ${cluster}; nothing is wrong`;
  if (first === undefined) return `${kind === 'resolved' ? 'RESOLVED' : 'ALERT'}: cluster ${cluster}`;
  const word = kind === 'resolved' ? 'RESOLVED' : worstOf(alerts).toUpperCase();
  const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
  return `${word}: ${titleOf(first.detector)}: ${aboutOf(first)}${more} (${cluster})`;
}

function leadOf({ kind, cluster, alerts, counts }: Notification): string | null {
  if (kind === 'test')
    return `This is a test of notifications. Nothing is wrong, and nothing has to be done.${alerts.length === 0 ? '' : ' An alert looks like this:'}`;
  if (kind === 'storm') {
    const worst = alerts.length === 0 ? '' : ` The worst ${alerts.length === 1 ? 'is' : `${alerts.length} are`} below.`;
    return `${plural(totalOf(counts), 'alert')} in cluster ${cluster} at once: too many to tell one by one, so they are told together until it is over.${worst} All of them: precopy alerts.`;
  }
  if (kind === 'storm-over') {
    // of those that fire, only the worst come with it
    const still = Math.max(totalOf(counts), alerts.length);
    const rest = still === 0 ? 'None of them fires any more.' : `${still} still ${still === 1 ? 'fires' : 'fire'}.`;
    return `The storm of alerts in cluster ${cluster} is over; new ones are told one by one again. ${rest}`;
  }
  if (alerts.length < 2) return null;
  return kind === 'resolved' ? `${alerts.length} alerts are over.` : `${alerts.length} alerts, the worst first.`;
}

function explainsOf(muted: readonly Alert[]): string | null {
  if (muted.length === 0) return null;
  const shown = muted.slice(0, muted.length > NAMED ? NAMED - 1 : NAMED);
  const names = shown.map((alert) => `${titleOf(alert.detector)}: ${aboutOf(alert)}`);
  const more = muted.length > shown.length ? [`${muted.length - shown.length} more`] : [];
  return `It explains ${plural(muted.length, 'more alert')}, which ${muted.length === 1 ? 'is' : 'are'} not told: ${listed([...names, ...more])}.`;
}

function andMore(alerts: readonly Alert[]): string | null {
  return alerts.length === 0 ? null : `and ${alerts.length} more; all of them: precopy alerts`;
}

/** What most of a storm is. */
function mostlyOf([most, ...others]: Notification['counts']): string {
  if (most === undefined) return '';
  return others.length === 0 ? `: ${titleOf(most.detector)}` : `, ${most.alerts} of them: ${titleOf(most.detector)}`;
}

function totalOf(counts: Notification['counts']): number {
  return counts.reduce((sum, { alerts }) => sum + alerts, 0);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
