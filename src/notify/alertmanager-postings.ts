import type { Alert } from '../alerts/alert.ts';
import { runbookOf, titleOf, type TellingOptions } from '../alerts/telling.ts';
import { isoTime } from '../lib/units.ts';
import { SEVERITIES } from '../model/finding.ts';
import { sayingOf } from '../reports/saying.ts';
import { inert } from '../reports/terminal/text.ts';

/** An alert as `POST /api/v2/alerts` takes it (github.com/prometheus/alertmanager, api/v2/openapi.yaml). */
export interface Posting {
  /** What it is known by: another label is another alert. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  /** It is over then, unless it is sent again before. */
  readonly endsAt: string;
}

/** What is the same for all alerts. */
export interface PostingParts extends TellingOptions {
  readonly labels: Readonly<Record<string, string>>;
  /** How long an alert that fires lasts without being sent again, ms. */
  readonly lastsMs: number;
  /** Unix ms. */
  now(): number;
}

/** Alerts in Alertmanager's form. */
export interface Postings {
  /** An alert as it is now. */
  firing(alert: Alert): Posting;
  /** The same, and the end of what it was told as before. */
  told(alert: Alert): readonly Posting[];
  /** An alert that says that it is a test. */
  test(cluster: string): Posting;
}

/** The forms of one notifier. */
export function createPostings({ labels, lastsMs, now, runbookUrl }: PostingParts): Postings {
  function posting(alert: Alert, severity = alert.finding.severity): Posting {
    const startsAt = alert.firingAt ?? alert.since;
    const endsAt = alert.state === 'resolved' ? (alert.resolvedAt ?? now()) : now() + lastsMs;
    return {
      labels: { ...labels, ...labelsOf(alert, severity) },
      annotations: annotationsOf(alert, { runbookUrl }),
      startsAt: isoTime(startsAt),
      // an end before the beginning is refused
      endsAt: isoTime(Math.max(startsAt, endsAt)),
    };
  }

  return {
    firing: (alert) => posting(alert),
    told(alert) {
      // people route by severity, so it is a label: one that became worse is another alert there, and the one that it was has to end
      const former = alert.worsenedAt === null ? [] : SEVERITIES.filter((severity) => severity !== alert.finding.severity);
      const endsAt = isoTime(Math.max(alert.firingAt ?? alert.since, now()));
      return [posting(alert), ...former.map((severity) => ({ ...posting(alert, severity), endsAt }))];
    },
    test(cluster) {
      const summary = 'A test of notifications; nothing is wrong.';
      return {
        labels: { ...labels, alertname: 'PrecopyTest', cluster: inert(cluster), severity: 'info' },
        annotations: { summary, description: summary },
        startsAt: isoTime(now()),
        endsAt: isoTime(now() + lastsMs),
      };
    },
  };
}

function labelsOf(
  { detector, cluster, finding, migration }: Alert,
  severity: Alert['finding']['severity'],
): Readonly<Record<string, string>> {
  const host = finding.host ?? migration?.source ?? '';
  const all = { alertname: `Precopy${camel(detector)}`, detector, cluster, vm: finding.vm ?? '', host, severity };
  // there, an empty label is none
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [[name, inert(value)]])));
}

function annotationsOf(alert: Alert, options: TellingOptions): Readonly<Record<string, string>> {
  return {
    summary: inert(`${titleOf(alert.detector)}: ${sayingOf(alert).about.join(' ')}`),
    description: inert(alert.finding.summary),
    runbook_url: runbookOf(alert.detector, options),
    ...(alert.acknowledged === null ? {} : { acknowledged_by: inert(alert.acknowledged.by) }),
  };
}

function camel(kebab: string): string {
  return kebab.replaceAll(/(?:^|-)([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}
