import { z } from 'zod';
import { isoTime } from '../lib/units.ts';
import { SEVERITIES } from '../model/finding.ts';
import { analysisDocument } from '../reports/json.ts';
import type { Alert, Notification } from './alert.ts';
import { briefOf, resolvesWhenOf, runbookOf, tellingOf, type TellingOptions } from './telling.ts';
import { tellingText } from './telling-text.ts';

const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC');

const brief = z.strictObject({
  id: z.string().describe('the same in every run'),
  detector: z.string(),
  title: z.string().describe('what the detector finds'),
  severity: z.enum(SEVERITIES),
  state: z.enum(['pending', 'firing', 'resolved']),
  about: z.string().describe('the VM and its way, or the host'),
  summary: z.string().describe('one or two sentences with numbers and units'),
  since: time.describe('when it was found first, by the clock of the processor'),
});

const alert = brief.extend({
  subject: z.string().describe('the VM or the host'),
  hosts: z.array(z.string()),
  episode: z.int().describe('counts how often it began to fire'),
  count: z.int().describe('findings of this episode'),
  firingAt: time.nullable(),
  resolvedAt: time.nullable(),
  resolvedBecause: z.string().nullable(),
  resolvesWhen: z.string().nullable().describe('what would resolve it, to stand behind "when"'),
  acknowledged: z.strictObject({ by: z.string(), at: time, comment: z.string() }).nullable(),
  runbook: z.string().describe('address, or file of the project'),
  finding: analysisDocument.shape.findings.element,
  migration: analysisDocument.shape.migrations.element.nullable(),
  quotes: z.array(z.string()).describe('the words of each record of evidence, without time and logger, in its order'),
});

/** What a webhook is sent, and what a template takes its values from: `precopy/notification@1`. */
export const notificationDocument = z
  .strictObject({
    schema: z.literal('precopy/notification@1'),
    id: z.string().describe('the same whenever the same is told: what has been seen can be dropped'),
    kind: z
      .enum(['firing', 'resolved', 'storm', 'storm-over', 'test'])
      .describe('storm: too many to tell one by one, alerts are the worst of them; storm-over: they are told one by one again'),
    cluster: z.string(),
    group: z.string().describe('key of a thread or incident: all that is told of one group has the same'),
    at: time,
    severity: z.enum(SEVERITIES).describe('the worst of its alerts'),
    subject: z.string().describe('one line of at most 120 characters'),
    text: z.string().describe('all of it, for people'),
    alerts: z.array(alert).describe('what is new, the worst first, at most 50'),
    others: z.array(brief).describe('others of the group that still fire, at most 50'),
    explains: z.array(brief).describe('alerts that these explain, and that are therefore not told, at most 50'),
    totals: z
      .strictObject({ alerts: z.int(), others: z.int(), explains: z.int() })
      .describe('how many there are of each, listed or not'),
    counts: z.array(z.strictObject({ detector: z.string(), alerts: z.int() })).describe('of a storm: alerts by detector'),
  })
  .describe('what Precopy tells people; each may come more than once');

/** See `notificationDocument`. */
export type NotificationDocument = z.infer<typeof notificationDocument>;

/** A text for a window of a chat or a ticket. */
const TEXT_WIDTH = 100;

/** A receiver must take what it is sent: an evacuation of a rack has hundreds of alerts, each of several KiB. */
const LISTED = 50;

/** A notification for other programs. */
export function toNotificationDocument(notification: Notification, options: TellingOptions): NotificationDocument {
  const { id, kind, cluster, group, at, alerts, others, explains, counts } = notification;
  const telling = tellingOf(notification, options);
  return {
    schema: 'precopy/notification@1',
    id,
    kind,
    cluster,
    group,
    at: isoTime(at),
    severity: telling.severity,
    subject: telling.subject,
    text: tellingText(telling, { width: TEXT_WIDTH, color: false }),
    alerts: alerts.slice(0, LISTED).map((one) => alertDocument(one, options)),
    others: others.slice(0, LISTED).map(briefDocument),
    explains: explains.slice(0, LISTED).map(briefDocument),
    totals: { alerts: alerts.length, others: others.length, explains: explains.length },
    counts: counts.map((count) => ({ ...count })),
  };
}

function briefDocument(one: Alert): z.infer<typeof brief> {
  const { title, about, summary } = briefOf(one);
  const { id, detector, finding, state, since } = one;
  return { id, detector, title, severity: finding.severity, state, about, summary, since: isoTime(since) };
}

function alertDocument(one: Alert, options: TellingOptions): z.infer<typeof alert> {
  const { subject, hosts, episode, count, firingAt, resolvedAt, resolvedBecause, acknowledged, finding, migration, quotes } = one;
  return {
    ...briefDocument(one),
    subject,
    hosts: [...hosts],
    episode,
    count,
    firingAt: isoOrNull(firingAt),
    resolvedAt: isoOrNull(resolvedAt),
    resolvedBecause,
    resolvesWhen: resolvesWhenOf(one),
    acknowledged: acknowledged === null ? null : { ...acknowledged, at: isoTime(acknowledged.at) },
    runbook: runbookOf(one.detector, options),
    finding,
    migration,
    quotes: [...quotes],
  };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
