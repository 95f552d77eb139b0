import { z } from 'zod';
import type { Notification } from '../alerts/alert.ts';
import { runbookOf, tellingOf, titleOf, worstOf, type Telling } from '../alerts/telling.ts';
import { tellingText } from '../alerts/telling-text.ts';
import { stableId } from '../lib/hash.ts';
import { isoTime, listed } from '../lib/units.ts';
import { cut, inert } from '../reports/terminal/text.ts';
import { httpOptions, httpUrl } from './http-options.ts';
import { createHttp } from './http.ts';
import type { NotifierKind } from './notifier.ts';

const options = z.strictObject({
  type: z.literal('pagerduty').describe('this kind of notifier'),
  routingKey: z
    .string()
    .regex(/^\w{32}$/, { error: 'the 32 characters of an integration key' })
    .meta({ secret: true })
    .describe('Integration key of the service (Events API v2).'),
  url: httpUrl
    .default('https://events.pagerduty.com/v2/enqueue')
    .describe('Address of the API; https://events.eu.pagerduty.com/v2/enqueue in Europe.'),
  ...httpOptions,
});

/** Limits of the Events API v2 (developer.pagerduty.com): characters of a summary and of a key; a message has at most 512 KiB. */
const MOST_SUMMARY = 1024;
const MOST_KEY = 255;
/** Characters of the text in the details. */
const MOST_TEXT = 20_000;
const NAMES = 5;

/** Pages whoever is on call: one incident a group. */
export const pagerduty: NotifierKind<typeof options> = {
  type: 'pagerduty',
  title: 'PagerDuty (Events API v2)',
  options,
  create({ routingKey, url, ...way }, { now, proxy, runbookUrl }) {
    const http = createHttp({ options: way, proxy, secrets: [routingKey], now });
    return {
      async send(notification, signal) {
        const telling = tellingOf(notification, { runbookUrl });
        const action = actionOf(notification);
        if (action === null) return { status: 'not told: others of the incident still fire' };
        const event = {
          routing_key: routingKey,
          event_action: action,
          dedup_key: keyOf(notification.group),
          ...(action === 'trigger' ? triggerOf(notification, telling, runbookUrl) : {}),
        };
        const headers = { 'Content-Type': 'application/json' };
        const { status } = await http.call(
          { method: 'POST', url, headers, body: JSON.stringify(event), explain: errorsOf },
          signal,
        );
        return { status };
      },
      repeat: null,
      report: null,
      close: () => Promise.resolve(),
    };
  },
};

/** An incident is a group: it is over with its last alert. Of one before, nobody may be paged again: `null`. */
function actionOf({ kind, others, alerts }: Notification): 'trigger' | 'acknowledge' | 'resolve' | null {
  if (kind === 'storm-over') return alerts.length === 0 ? 'resolve' : null;
  if (kind === 'resolved') return others.length === 0 ? 'resolve' : null;
  const taken = alerts.length > 0 && alerts.every(({ acknowledged }) => acknowledged !== null);
  return kind === 'firing' && taken ? 'acknowledge' : 'trigger';
}

function triggerOf(notification: Notification, telling: Telling, runbookUrl: string | null): object {
  const { at, cluster, alerts, group, kind } = notification;
  const detectors = [...new Set(alerts.map(({ detector }) => detector))];
  const hosts = [...new Set(alerts.flatMap((alert) => alert.hosts))];
  return {
    payload: {
      summary: cut(inert(telling.subject), MOST_SUMMARY),
      source: cut(inert(listed(hosts, NAMES)), MOST_KEY) || inert(cluster),
      severity: kind === 'test' ? 'info' : worstOf(alerts),
      timestamp: isoTime(at),
      component: inert(
        listed(
          alerts.map(({ subject }) => subject),
          NAMES,
        ),
      ),
      group: inert(group),
      class: detectors.join(', '),
      custom_details: {
        cluster: inert(cluster),
        text: cut(tellingText(telling, { width: 100, color: false }), MOST_TEXT, '…\n'),
      },
    },
    client: 'Precopy',
    links:
      runbookUrl === null
        ? []
        : detectors.slice(0, NAMES).map((id) => ({ href: runbookOf(id, { runbookUrl }), text: `Runbook: ${titleOf(id)}` })),
  };
}

/** A key of any length in the 255 characters that there are. */
function keyOf(group: string): string {
  const key = `precopy/${inert(group)}`;
  return key.length <= MOST_KEY ? key : `${cut(key, MOST_KEY - 20)}/${stableId(group)}`;
}

const refusal = z.object({ message: z.string(), errors: z.array(z.string()).default([]) });

function errorsOf(body: string): string | null {
  try {
    const { message, errors } = refusal.parse(JSON.parse(body));
    return [message, ...errors].join('; ');
  } catch {
    return body;
  }
}
