import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDelivery, type Attempt, type Delivery, type DeliveryParts } from '../../src/notify/delivery.ts';
import { NotifyError, type Notifier } from '../../src/notify/notifier.ts';
import { alertOf, notificationOf } from './alerts.ts';

type Send = Notifier['send'];

const alert = alertOf('cpu-incompatible');
let attempts: Attempt[];
let delivery: Delivery;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  attempts = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function start(parts: Partial<DeliveryParts> = {}): void {
  delivery = createDelivery({ attempted: (attempt) => attempts.push(attempt), now: Date.now, random: () => 1, ...parts });
}

function to(send: Send, name = 'a'): { readonly name: string; readonly notifier: Notifier } {
  return { name, notifier: { send, repeat: null, report: null, close: () => Promise.resolve() } };
}

function telling(id: string, group = 'g'): ReturnType<typeof notificationOf> {
  return notificationOf([alert], { id, group });
}

function refuses(why: NotifyError): Send {
  return () => Promise.reject(why);
}

const busy = new NotifyError('503 Service Unavailable', { retriable: true });
const takes: Send = () => Promise.resolve({ status: '200 OK' });

describe('a receiver that', () => {
  test('takes it at once has it once', async () => {
    start();
    await expect(delivery.deliver(telling('1'), to(takes))).resolves.toBe('sent');
    expect(attempts).toEqual([
      { notifier: 'a', notification: '1', attempt: 1, outcome: 'sent', status: '200 OK', hint: null, at: 0, tookMs: 0 },
    ]);
  });

  test('is away for a while is asked again with doubling pauses', async () => {
    start();
    let left = 4;
    const done = delivery.deliver(
      telling('1'),
      to(() => ((left -= 1) < 0 ? takes(telling('1'), new AbortController().signal) : Promise.reject(busy))),
    );
    await vi.runAllTimersAsync();
    await expect(done).resolves.toBe('sent');
    expect(attempts.map(({ at, outcome }) => [at, outcome])).toEqual([
      [0, 'failed'],
      [1000, 'failed'],
      [3000, 'failed'],
      [7000, 'failed'],
      [15_000, 'sent'],
    ]);
  });

  test('is away for longer than the budget is given up within it, at pauses of at most five minutes', async () => {
    start();
    const done = delivery.deliver(telling('1'), to(refuses(busy)));
    await vi.runAllTimersAsync();
    await expect(done).resolves.toBe('dead');
    const last = attempts.at(-1);
    expect(last).toMatchObject({ outcome: 'dead', status: '503 Service Unavailable' });
    expect(last?.at).toBeLessThanOrEqual(3_600_000);
    expect(last?.at).toBeGreaterThan(3_000_000);
    expect(Math.max(...attempts.slice(1).map(({ at }, i) => at - (attempts[i]?.at ?? 0)))).toBe(300_000);
  });

  test('says when is not asked before', async () => {
    start();
    const done = delivery.deliver(telling('1'), to(refuses(new NotifyError('429', { retriable: true, retryAfterMs: 40_000 }))));
    await vi.advanceTimersByTimeAsync(39_999);
    expect(attempts).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempts.map(({ at }) => at)).toEqual([0, 40_000]);
    await delivery.stop();
    await expect(done).resolves.toBe('stopped');
  });

  test('refuses for good is not asked again', async () => {
    start();
    const wrong = new NotifyError('401 Unauthorized', { retriable: false, hint: 'See the token.' });
    await expect(delivery.deliver(telling('1'), to(refuses(wrong)))).resolves.toBe('dead');
    expect(attempts).toMatchObject([{ attempt: 1, outcome: 'dead', status: '401 Unauthorized', hint: 'See the token.' }]);
  });

  test('never answers and hears no signal delays neither others nor the end', async () => {
    start();
    const hanging = delivery.deliver(
      telling('1'),
      to(() => new Promise(() => {})),
    );
    await expect(delivery.deliver(telling('1'), to(takes, 'b'))).resolves.toBe('sent');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(attempts).toMatchObject([
      { notifier: 'b' },
      { notifier: 'a', outcome: 'failed', status: 'no end within 1 min', tookMs: 60_000 },
    ]);
    await delivery.stop();
    await expect(hanging).resolves.toBe('stopped');
  });

  test('fails by a mistake of its notifier is dead, and the words of the mistake stay inside', async () => {
    start();
    await expect(
      delivery.deliver(
        telling('1'),
        to(() => Promise.reject(new TypeError('https://secret'))),
      ),
    ).resolves.toBe('dead');
    expect(attempts[0]?.status).toBe('the notifier failed by itself (TypeError)');
  });
});

test('what is told of one group keeps its order, and another group does not wait for it', async () => {
  start();
  const order: string[] = [];
  let failures = 2;
  const send: Send = ({ id, group }) => {
    if (group === 'g' && (failures -= 1) >= 0) return Promise.reject(busy);
    order.push(id);
    return Promise.resolve({ status: 'ok' });
  };
  const all = [telling('1'), telling('2'), telling('3', 'other')].map((one) => delivery.deliver(one, to(send)));
  await vi.runAllTimersAsync();
  await Promise.all(all);
  expect(order).toEqual(['3', '1', '2']);
});

test('what waits for a dead receiver is bounded, and what is left out is seen', async () => {
  start({ mostWaiting: 3 });
  const waiting = ['1', '2', '3'].map((id) => delivery.deliver(telling(id), to(refuses(busy))));
  await expect(delivery.deliver(telling('4'), to(takes))).resolves.toBe('dead');
  expect(attempts.filter(({ notification }) => notification === '4')).toMatchObject([{ outcome: 'dead', attempt: 0 }]);
  await delivery.stop();
  await expect(Promise.all(waiting)).resolves.toEqual(['stopped', 'stopped', 'stopped']);
});

test('after the stop nothing is tried', async () => {
  start();
  await delivery.stop();
  await expect(delivery.deliver(telling('1'), to(takes))).resolves.toBe('stopped');
  expect(attempts).toEqual([]);
});

test('one notifier has at most four attempts at once', async () => {
  start();
  let running = 0;
  let most = 0;
  const send: Send = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((done) => setTimeout(done, 10));
    running -= 1;
    return { status: 'ok' };
  };
  const all = Array.from({ length: 20 }, (_, i) => delivery.deliver(telling(String(i), String(i)), to(send)));
  await vi.runAllTimersAsync();
  await Promise.all(all);
  expect(most).toBe(4);
});
