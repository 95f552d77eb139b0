import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notificationDocument } from '../../src/alerts/notification-document.ts';
import { createDelivery, type Attempt } from '../../src/notify/delivery.ts';
import type { Notifier } from '../../src/notify/notifier.ts';
import { webhook } from '../../src/notify/webhook.ts';
import { alertOf, notificationOf, resolved } from './alerts.ts';
import { direct, openReceiver, type Receiver } from './receiver.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const never = new AbortController().signal;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await openReceiver();
});
afterAll(() => receiver.close());

function made(options: Readonly<Record<string, unknown>> = {}): Notifier {
  const checked = webhook.options.parse({ type: 'webhook', url: `${receiver.url}/in`, ...options });
  return webhook.create(checked, {
    now: () => NOW,
    out: () => {},
    proxy: direct,
    runbookUrl: 'https://wiki.example.org/{{detector}}.html',
  });
}

const alert = alertOf('cpu-incompatible', { subject: 'i-2-"12"\\-VM' });
const notification = notificationOf([alert, alertOf('host-overheated')], {
  explains: [alertOf('migration-failed')],
  others: [resolved(alertOf('missing-garp'))],
});

test('what is sent without a template is the documented JSON, with a key that is the same for the same', async () => {
  await made().send(notification, never);
  await made().send(notification, never);
  const [first, second] = receiver.received.slice(-2);
  const document = notificationDocument.parse(JSON.parse(first?.body ?? ''));
  expect(document.alerts[0]).toMatchObject({
    detector: 'cpu-incompatible',
    runbook: 'https://wiki.example.org/cpu-incompatible.html',
    summary: expect.stringContaining('lacks 2 CPU features'),
  });
  expect(first?.headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': notification.id });
  expect(second?.body).toBe(first?.body);
});

test('of very many alerts 50 are listed, and all are counted', async () => {
  const many = Array.from({ length: 400 }, (_, i) => ({ ...alert, id: String(i) }));
  await made().send(notificationOf(many, { explains: many }), never);
  const body = receiver.received.at(-1)?.body ?? '';
  const { alerts, explains, totals } = notificationDocument.parse(JSON.parse(body));
  expect([alerts.length, explains.length]).toEqual([50, 50]);
  expect(totals).toEqual({ alerts: 400, others: 0, explains: 400 });
});

test('a template fills values of any kind, and none breaks out of its place', async () => {
  const body = {
    vm: '{{alerts.0.subject}}',
    hosts: '{{alerts.0.hosts}}',
    line: '{{severity}}: {{ alerts.0.subject }} of {{cluster}}{{alerts.7.subject}}',
    nothing: '{{alerts.7.subject}}',
    fixed: [1, true, null],
  };
  await made({ body }).send(notification, never);
  expect(JSON.parse(receiver.received.at(-1)?.body ?? '')).toEqual({
    vm: 'i-2-"12"\\-VM',
    hosts: alert.hosts,
    line: 'critical: i-2-"12"\\-VM of pod-1',
    nothing: null,
    fixed: [1, true, null],
  });
});

test('a template that is a text is sent as one', async () => {
  await made({ body: '{{kind}} {{subject}}', method: 'PUT', headers: { Title: 'x' } }).send(notification, never);
  const { body, headers, method } = receiver.received.at(-1) ?? {};
  expect({ body, method, title: headers?.['title'], type: headers?.['content-type'] }).toEqual({
    body: 'firing CRITICAL: CPU of the destination is incompatible: i-2-10-VM kvm-a → kvm-b and 1 more (pod-1)',
    method: 'PUT',
    title: 'x',
    type: 'text/plain; charset=utf-8',
  });
});

test('a field that does not exist is refused when the configuration is read', () => {
  const parsed = webhook.options.safeParse({ type: 'webhook', url: receiver.url, body: { a: ['{{alerts.0.sumary}}'] } });
  expect(parsed.error?.issues[0]).toMatchObject({ path: ['body'], message: expect.stringContaining('{{alerts.0.sumary}}') });
});

test('a receiver can check the signature over time and body', async () => {
  await made({ secret: 'key' }).send(notification, never);
  const { headers, body } = receiver.received.at(-1) ?? {};
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers?.['x-precopy-signature'])) ?? [];
  expect(Number(t)).toBe(NOW / 1000);
  expect(v1).toBe(createHmac('sha256', 'key').update(`${t}.${body}`).digest('hex'));
});

test('a receiver that is away for a moment gets the same again, and once it has it no more', async () => {
  const before = receiver.received.length;
  let left = 2;
  receiver.answer((response) => ((left -= 1) < 0 ? response.end('ok') : response.writeHead(503, { 'Retry-After': '0' }).end()));
  const attempts: Attempt[] = [];
  const delivery = createDelivery({ attempted: (one) => attempts.push(one), now: Date.now, random: () => 0, firstPauseMs: 4 });
  await expect(delivery.deliver(notification, { name: 'hook', notifier: made() })).resolves.toBe('sent');
  await delivery.stop();
  expect(attempts.map(({ attempt, outcome, status: said }) => `${attempt} ${outcome} ${said}`)).toEqual([
    '1 failed 503 Service Unavailable',
    '2 failed 503 Service Unavailable',
    '3 sent 200 OK',
  ]);
  const keys = receiver.received.slice(before).map(({ headers }) => headers['idempotency-key']);
  expect(keys).toEqual([notification.id, notification.id, notification.id]);
});

test.each([
  ['a password within the address', { url: 'https://a:b@example.org/' }],
  ['an address of another kind', { url: 'ftp://example.org/' }],
  ['a header that begins another', { headers: { a: 'x\r\nb: y' } }],
  ['a key that is not known', { user: 'x' }],
])('%s is refused', (_what, wrong) => {
  expect(webhook.options.safeParse({ type: 'webhook', url: receiver.url, ...wrong }).success).toBe(false);
});
