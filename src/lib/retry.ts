import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from './errors.ts';

/** When to try again, and when to give up. */
export interface RetryOptions {
  /** Pause before the second try; it doubles with each further one. Default 100. */
  readonly firstMs?: number;
  /** No pause is longer. Default 10,000. */
  readonly mostMs?: number;
  /** No try begins later than this after the first failure; by default it goes on for ever. */
  readonly budgetMs?: number;
  /** Ends a pause at once, and throws its reason. */
  readonly signal?: AbortSignal;
  /** Whether to try again; by default after an AppError that says so. */
  isRetriable?(error: unknown): boolean;
  /** Told before each pause. */
  retrying?(error: unknown, pauseMs: number): void;
  /** Of 0 to 1: the pause is this share of its second half more than half. Random by default, so that many do not try at once. */
  random?(): number;
  /** Unix ms. */
  now?(): number;
  /** Resolves after a pause; rejects with the signal's reason where that is aborted. */
  wait?(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const DEFAULTS = { budgetMs: Number.POSITIVE_INFINITY, isRetriable: saysRetriable, now: Date.now, wait: pause };

/** Calls until it succeeds. @throws what the last try threw, where it is not to be tried again or the budget is spent; the signal's reason where it is aborted. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { budgetMs, isRetriable, now, wait, signal, retrying } = { ...DEFAULTS, ...options };
  let failedAt: number | null = null;
  for (let tries = 0; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      const ms = pauseMs(tries, options);
      failedAt ??= now();
      if (!isRetriable(error) || now() - failedAt + ms > budgetMs) throw error;
      retrying?.(error, ms);
      await wait(ms, signal);
    }
  }
}

/** Between half of the full pause and all of it. */
function pauseMs(tries: number, { firstMs = 100, mostMs = 10_000, random = Math.random }: RetryOptions): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(tries, 30));
  return Math.round(full / 2 + (full / 2) * random());
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

function saysRetriable(error: unknown): boolean {
  return error instanceof AppError && error.retriable;
}
