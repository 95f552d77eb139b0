import type { Event, JobSample } from '../model/event.ts';

/** A stream that stands still for this is interrupted: a link that comes back sooner does no harm. */
export const STANDSTILL_MS = 30_000;

/** Counters that do not move any more. */
export interface Standstill {
  /** The last that had grown. */
  readonly grown: Event<JobSample>;
  /** The last that were read of the running job. */
  readonly last: Event<JobSample>;
  /** Between the two, ms. */
  readonly stoodMs: number;
}

/** When what was transferred had last grown; `null` where the counters do not tell. */
export function progressOf(samples: readonly Event<JobSample>[]): Standstill | null {
  const counted = samples.filter(({ body }) => (body.transferredBytes ?? 0) > 0);
  const last = counted.at(-1);
  const grown = counted.findLast(
    ({ body }, i) => i > 0 && (body.transferredBytes ?? 0) > (counted[i - 1]?.body.transferredBytes ?? 0),
  );
  return last === undefined || grown === undefined ? null : { grown, last, stoodMs: last.at - grown.at };
}

/** Statuses in which memory is sent; in post-copy, too, what is left is sent without being asked for. */
const SENDING = new Set<string | null>(['active', 'postcopy-active']);

/** How the stream of a migration stands still at the end of its counters; `null` where it moves, or where they do not tell. */
export function standstillOf(samples: readonly Event<JobSample>[]): Standstill | null {
  const progress = progressOf(samples.filter(({ body }) => SENDING.has(body.status) && body.direction !== 'incoming'));
  return progress === null || progress.last.body.remainingBytes !== progress.grown.body.remainingBytes ? null : progress;
}
