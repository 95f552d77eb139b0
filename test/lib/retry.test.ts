import { expect, test } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { retry } from '../../src/lib/retry.ts';

const away = new AppError('store', 'away', { retriable: true });

/** Fails so many times, then gives the number of calls. */
function failing(times: number, error: Error = away): () => Promise<number> {
  let calls = 0;
  return async () => {
    await Promise.resolve();
    calls += 1;
    if (calls <= times) throw error;
    return calls;
  };
}

test('it is tried until it succeeds, with pauses that double up to the longest', async () => {
  const pauses: number[] = [];
  const tries = await retry(failing(5), { firstMs: 1, mostMs: 6, random: () => 1, retrying: (_error, ms) => pauses.push(ms) });
  expect(tries).toBe(6);
  expect(pauses).toEqual([1, 2, 4, 6, 6]);
});

test('a pause is between half of it and all of it, so that many do not come at once', async () => {
  const pauses: number[] = [];
  await retry(failing(1), { firstMs: 10, random: () => 0, retrying: (_error, ms) => pauses.push(ms) });
  expect(pauses).toEqual([5]);
});

test('what cannot succeed is not tried again', async () => {
  const pauses: number[] = [];
  await expect(retry(failing(9, new Error('a bug')), { retrying: (_error, ms) => pauses.push(ms) })).rejects.toThrow('a bug');
  expect(pauses).toEqual([]);
});

test('when the budget is spent, the last error is thrown', async () => {
  let now = 0;
  const options = { firstMs: 1, random: () => 1, budgetMs: 10, now: () => (now += 3) };
  const pauses: number[] = [];
  await expect(retry(failing(99), { ...options, retrying: (_error, ms) => pauses.push(ms) })).rejects.toBe(away);
  // after 3, 6 and 9 ms: the pause of 4 would end after the budget
  expect(pauses).toEqual([1, 2]);
});

test('an abort ends the pause at once, with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('stopping');
  const waiting = retry(failing(1), {
    firstMs: 3_600_000,
    mostMs: 3_600_000,
    signal: controller.signal,
    retrying: () => controller.abort(reason),
  });
  await expect(waiting).rejects.toBe(reason);
});

test('what is aborted before is not tried', async () => {
  let calls = 0;
  const attempt = async (): Promise<void> => {
    await Promise.resolve();
    calls += 1;
  };
  await expect(retry(attempt, { signal: AbortSignal.abort(new Error('stopping')) })).rejects.toThrow('stopping');
  expect(calls).toBe(0);
});
