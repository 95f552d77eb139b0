import { z } from 'zod';
import type { Notification } from '../alerts/alert.ts';
import { tellingOf, type Telling } from '../alerts/telling.ts';
import { stableId } from '../lib/hash.ts';
import { cut, inert } from '../reports/terminal/text.ts';
import { cloudstackOptions, createCloudstackApi } from './cloudstack-api.ts';
import type { NotifierKind } from './notifier.ts';

const id = z.uuid().nullable().default(null);

const options = z.strictObject({
  type: z.literal('cloudstack').describe('this kind of notifier'),
  ...cloudstackOptions,
  zoneId: id.describe('Id of the zone that the alerts belong to; null: none.'),
  podId: id.describe('Id of the pod; null: none.'),
});

/** Writes alerts to the alerts of CloudStack, where its administrators look. */
export const cloudstack: NotifierKind<typeof options> = {
  type: 'cloudstack',
  title: 'CloudStack (generateAlert)',
  options,
  create({ zoneId, podId, ...way }, { now, proxy, runbookUrl }) {
    const api = createCloudstackApi(way, { proxy, now });
    return {
      async send(notification, signal) {
        const telling = tellingOf(notification, { runbookUrl });
        await api.call(
          'generateAlert',
          {
            type: String(typeOf(notification)),
            name: nameOf(notification),
            description: descriptionOf(telling),
            ...(zoneId === null ? {} : { zoneid: zoneId }),
            ...(podId === null ? {} : { podid: podId }),
          },
          signal,
        );
        return { status: 'taken' };
      },
      repeat: null,
      report: null,
      close: () => Promise.resolve(),
    };
  },
};

/** Types below are CloudStack's own, and bound to its names (AlertService.AlertType). A type is a `short` of Java. */
const FIRST_TYPE = 1000;
const MOST_TYPE = 32_767;

/**
 * A number for each notification. CloudStack keeps silent about an alert of a type that its zone ever had
 * (AlertManagerImpl.sendAlert, AlertDaoImpl.getLastAlert: also in 4.22): with one number for all, the first alert would be the only
 * one. As the number comes from the notification, one that is sent again is dropped, as it should be.
 */
function typeOf({ id: notification }: Notification): number {
  return FIRST_TYPE + Number(BigInt(`0x${stableId(notification)}`) % BigInt(MOST_TYPE - FIRST_TYPE + 1));
}

/** `PRECOPY.CPU-INCOMPATIBLE`: `listAlerts name=…` finds it. */
function nameOf({ kind, alerts }: Notification): string {
  const detector = alerts[0]?.detector;
  return `PRECOPY.${kind === 'firing' || kind === 'resolved' ? (detector ?? kind) : kind}`.toUpperCase();
}

/** It takes 999 characters at most, and not every character (GenerateAlertCmd). */
const MOST_DESCRIPTION = 999;

function descriptionOf({ subject, lead, alerts, briefs }: Telling): string {
  const summaries = [...alerts.map(({ saying, over }) => over ?? saying.summary), ...briefs.map(({ summary }) => summary)];
  const more = alerts.flatMap(({ runbook, explain, over }) => (over === null ? [`More: ${explain}; ${runbook}.`] : []));
  const text = [`${subject}.`, ...(lead === null ? [] : [lead]), ...summaries, ...more].map(inert).join(' ');
  // a table of its database takes no characters of four bytes
  return cut(text.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?'), MOST_DESCRIPTION);
}
