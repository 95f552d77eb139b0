import { retry } from '../../lib/retry.ts';
import { NotifyError, type MailedReport, type Sent } from '../../notify/notifier.ts';
import type { Attempt } from '../../store/alert-rows.ts';
import type { AlertStore } from './alert-store.ts';
import type { Receiver } from './dispatch.ts';

/** How a report is mailed. */
export interface Mailing {
  /** The same whenever the same report is mailed. */
  readonly id: string;
  readonly report: MailedReport;
  readonly store: Pick<AlertStore, 'ended' | 'attempted'>;
  readonly signal: AbortSignal;
  /** Unix ms. */
  now(): number;
}

/** A server that takes longer is tried again. */
const ATTEMPT_MS = 60_000;
/** Nobody reads a report of a week ago that comes days later. */
const BUDGET_MS = 24 * 3_600_000;

/**
 * Mails a report to a receiver, again and again for a day until it is taken, once. Each attempt is a row of `notifications`. What came
 * of it last, or `null` where it was mailed, or given up, before.
 *
 * @throws the signal's reason where it is aborted.
 */
export async function mailReport({ name, notifier }: Receiver, mailing: Mailing): Promise<Attempt | null> {
  const { id, report, store, signal, now } = mailing;
  const { report: send } = notifier;
  if (send === null || (await store.ended([id])).has(`${id} ${name}`)) return null;
  const began = now();
  let attempts = 0;
  let last: Attempt | null = null;

  async function tried(): Promise<Sent> {
    const at = now();
    attempts += 1;
    const write = async (outcome: Attempt['outcome'], status: string): Promise<void> => {
      last = {
        cluster: '',
        id,
        notifier: name,
        attempt: attempts,
        at: now(),
        kind: 'report',
        outcome,
        status,
        tookMs: now() - at,
        alerts: [],
        summary: report.subject,
      };
      await store.attempted([last]);
    };
    try {
      const sent = await send?.(report, AbortSignal.timeout(ATTEMPT_MS));
      await write('sent', sent?.status ?? '');
      return sent ?? { status: '' };
    } catch (error) {
      if (!(error instanceof NotifyError)) throw error;
      const isDead = !error.retriable || now() - began > BUDGET_MS;
      await write(isDead ? 'dead' : 'failed', error.message);
      throw error;
    }
  }

  try {
    await retry(tried, { firstMs: 5000, mostMs: 600_000, budgetMs: BUDGET_MS, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof NotifyError)) throw error;
  }
  return last;
}
