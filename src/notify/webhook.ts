import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { notificationDocument, toNotificationDocument } from '../alerts/notification-document.ts';
import { httpOptions, httpUrl, secretText } from './http-options.ts';
import { createHttp } from './http.ts';
import type { NotifierKind } from './notifier.ts';
import { filled, template, unknownFields } from './template.ts';

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** No controls: a line end would begin another header. */
const HEADER_VALUE = /^[\x20-\x7e\u{80}-\u{ff}]*$/u;

const options = z.strictObject({
  type: z.literal('webhook').describe('this kind of notifier'),
  url: httpUrl.describe('Where notifications are sent.'),
  method: z.enum(['POST', 'PUT']).default('POST').describe('The HTTP method.'),
  headers: z
    .record(z.string().regex(HEADER_NAME), z.string().regex(HEADER_VALUE))
    .default({})
    .meta({ secret: true })
    .describe('Headers to send, as `Authorization: "Bearer ${TOKEN}"`; never shown.'),
  body: template
    .default(null)
    .superRefine((value, context) => {
      for (const field of unknownFields(value, notificationDocument)) {
        context.addIssue({ code: 'custom', message: `no field {{${field}}}: docs/notification.schema.json lists them` });
      }
    })
    .describe('A text or JSON with `{{fields}}` of docs/notification.schema.json in it; null: all of that document.'),
  secret: secretText
    .nullable()
    .default(null)
    .describe('Key of the signature in X-Precopy-Signature (HMAC-SHA256); null: not signed.'),
  ...httpOptions,
});

/** Sends alerts to an address as JSON, or in whatever form a template gives them. */
export const webhook: NotifierKind<typeof options> = {
  type: 'webhook',
  title: 'Webhook',
  options,
  create({ url, method, headers, body: pattern, secret, ...way }, { now, proxy, runbookUrl }) {
    const http = createHttp({ options: way, proxy, secrets: [...Object.values(headers), secret ?? ''], now });
    return {
      async send(notification, signal) {
        const document = toNotificationDocument(notification, { runbookUrl });
        const content = pattern === null ? document : filled(pattern, document);
        const body = typeof content === 'string' ? content : JSON.stringify(content);
        const sent = {
          'Content-Type': typeof content === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
          'Idempotency-Key': notification.id,
          ...(secret === null ? {} : { 'X-Precopy-Signature': signatureOf(body, { secret, at: now() }) }),
          ...headers,
        };
        const { status } = await http.call({ method, url, headers: sent, body }, signal);
        return { status };
      },
      repeat: null,
      report: null,
      close: () => Promise.resolve(),
    };
  },
};

/** `t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 of the seconds, a point, and the body; the time lets a receiver refuse what is replayed. */
function signatureOf(body: string, { secret, at }: { readonly secret: string; readonly at: number }): string {
  const seconds = Math.floor(at / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}
