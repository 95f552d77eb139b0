import type { Downtime, Migration } from '../model/timeline.ts';

/** Counters this near to the guest's stop may be of the moment before it. */
const NEAR_MS = 1000;

/** A guest that stood still while its memory was copied as if it ran. */
export interface Suspended {
  /** When it was stopped, Unix ms: libvirt counts the downtime from there. */
  readonly at: number;
  /** For how long memory was copied then, as far as the counters show, ms. */
  readonly copyingMs: number;
}

/**
 * QEMU copies under the status "active" only before it stops the guest. Counters of that status that grow within the downtime say
 * that somebody else had stopped it. `null` where they do not show that.
 */
export function suspendedBefore({ samples, phases }: Migration, { ms, from }: Downtime): Suspended | null {
  const arrivedAt = phases.find(({ name }) => name === 'pre-copy')?.to;
  if (arrivedAt === undefined || from !== 'statistics') return null;
  const stoppedAt = arrivedAt - ms;
  const within = samples.filter(
    ({ at, body }) =>
      body.status === 'active' && (body.transferredBytes ?? 0) > 0 && at >= stoppedAt + NEAR_MS && at <= arrivedAt,
  );
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined) return null;
  return (last.body.transferredBytes ?? 0) > (first.body.transferredBytes ?? 0)
    ? { at: stoppedAt, copyingMs: last.at - stoppedAt }
    : null;
}
