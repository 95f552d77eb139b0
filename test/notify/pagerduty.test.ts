import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Notifier } from '../../src/notify/notifier.ts';
import { pagerduty } from '../../src/notify/pagerduty.ts';
import { alertOf, notificationOf, resolved } from './alerts.ts';
import { direct, openReceiver, status, type Receiver } from './receiver.ts';

const never = new AbortController().signal;
const KEY = '0123456789abcdef0123456789abcdef';
const alert = alertOf('cpu-incompatible');
let receiver: Receiver;

beforeAll(async () => {
  receiver = await openReceiver();
});
beforeEach(() => {
  receiver.answer(status(202, {}, '{"status":"success","message":"Event processed"}'));
});
afterAll(() => receiver.close());

function made(runbookUrl: string | null = 'https://wiki.example.org/{{detector}}'): Notifier {
  const checked = pagerduty.options.parse({ type: 'pagerduty', routingKey: KEY, url: receiver.url, timeout: '1s' });
  return pagerduty.create(checked, { now: Date.now, out: () => {}, proxy: direct, runbookUrl });
}

function last(): Readonly<Record<string, unknown>> {
  return JSON.parse(receiver.received.at(-1)?.body ?? '');
}

test('what fires triggers the incident of its group, with all that is known', async () => {
  expect(await made().send(notificationOf([alert]), never)).toEqual({ status: '202 Accepted' });
  expect(last()).toMatchObject({
    routing_key: KEY,
    event_action: 'trigger',
    dedup_key: 'precopy/pod-1/cpu-incompatible',
    payload: {
      summary: 'CRITICAL: CPU of the destination is incompatible: i-2-10-VM kvm-a → kvm-b (pod-1)',
      source: 'kvm-b and kvm-a',
      severity: 'critical',
      component: 'i-2-10-VM',
      class: 'cpu-incompatible',
      custom_details: { cluster: 'pod-1', text: expect.stringContaining('vaes, la57') },
    },
    links: [{ href: 'https://wiki.example.org/cpu-incompatible', text: 'Runbook: CPU of the destination is incompatible' }],
  });
});

test('without an address of runbooks there are no links, for a file is none', async () => {
  await made(null).send(notificationOf([alert]), never);
  expect(last()).toMatchObject({ links: [] });
});

test('the incident is over with the last alert of its group, and not before', async () => {
  const over = { kind: 'resolved' } as const;
  const before = receiver.received.length;
  await made().send(notificationOf([resolved(alert)], { ...over, others: [alertOf('host-overheated')] }), never);
  expect(receiver.received.length).toBe(before);
  await made().send(notificationOf([resolved(alert)], over), never);
  expect(last()).toEqual({ routing_key: KEY, event_action: 'resolve', dedup_key: 'precopy/pod-1/cpu-incompatible' });
});

test('the incident of a storm is over when nothing of it fires any more', async () => {
  const before = receiver.received.length;
  await made().send(notificationOf([alert], { kind: 'storm-over', group: 'pod-1 storm' }), never);
  expect(receiver.received.length).toBe(before);
  await made().send(notificationOf([], { kind: 'storm-over', group: 'pod-1 storm' }), never);
  expect(last()).toMatchObject({ event_action: 'resolve', dedup_key: 'precopy/pod-1 storm' });
});

test('what somebody takes care of is acknowledged there too', async () => {
  const taken = { ...alert, acknowledged: { by: 'anna', at: 0, comment: '' } };
  await made().send(notificationOf([taken]), never);
  expect(last()).toMatchObject({ event_action: 'acknowledge' });
});

test('groups of any length have keys of their own within the limit', async () => {
  const keys: unknown[] = [];
  for (const end of ['a', 'b']) {
    await made().send(notificationOf([alert], { group: `${'x'.repeat(400)}${end}` }), never);
    keys.push(last()['dedup_key']);
  }
  expect(new Set(keys).size).toBe(2);
  expect(keys.filter((key) => String(key).length > 255)).toEqual([]);
});

test('an event that is refused says why, and not with which key', async () => {
  receiver.answer(
    status(400, {}, JSON.stringify({ status: 'invalid event', message: 'Event object is invalid', errors: [`bad key ${KEY}`] })),
  );
  await expect(made().send(notificationOf([alert]), never)).rejects.toMatchObject({
    message: '400 Bad Request: Event object is invalid; bad key ***',
    retriable: false,
  });
});

test('too many events are sent later', async () => {
  receiver.answer(status(429));
  await expect(made().send(notificationOf([alert]), never)).rejects.toMatchObject({ retriable: true });
});
