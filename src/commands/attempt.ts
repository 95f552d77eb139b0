import { AppError } from '../lib/errors.ts';
import { NotifyError, type Sent } from '../notify/notifier.ts';
import type { Attempt } from '../store/alert-rows.ts';

/** What a command tells somebody. */
export interface Telling extends Pick<Attempt, 'id' | 'kind' | 'cluster' | 'notifier' | 'summary'> {
  /** A receiver that takes longer is as good as none, ms. */
  readonly patienceMs: number;
  send(signal: AbortSignal): Promise<Sent>;
}

/** What came of it, as a row of `notifications` has it, and what to do where it was not taken. */
export interface Attempted {
  readonly attempt: Attempt;
  readonly hint: string | null;
}

/** One attempt of a command, which does not try again: who typed it is there. @throws what is no answer of a receiver. */
export async function attempted({ send, patienceMs, ...telling }: Telling): Promise<Attempted> {
  const began = Date.now();
  const signal = AbortSignal.timeout(patienceMs);
  const ended = (outcome: Attempt['outcome'], status: string): Attempt => {
    return { ...telling, attempt: 1, at: Date.now(), outcome, status, tookMs: Date.now() - began, alerts: [] };
  };
  try {
    return { attempt: ended('sent', (await send(signal)).status), hint: null };
  } catch (error) {
    if (!(error instanceof NotifyError) && !signal.aborted) throw error;
    const hint = error instanceof AppError ? error.hint : null;
    const why = error instanceof NotifyError ? error.message : `no answer within ${patienceMs / 1000} s`;
    return { attempt: ended('dead', why), hint };
  }
}
