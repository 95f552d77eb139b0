import type { Event } from '../model/event.ts';
import type { TakenUp } from '../model/timeline.ts';
import type { Attempt } from './attempts.ts';
import { hostOf, isProcess, ofKind } from './of-kind.ts';
import type { Ending } from './outcome.ts';

/** An attempt that is over, and where it was seen in post-copy. */
export interface Broken {
  readonly attempt: Attempt;
  readonly ending: Ending;
  readonly postcopy: readonly Event[];
}

/** What became of an attempt that had broken in post-copy: taken up by hand, or ended by QEMU alone once the link was back. */
export function takenUpOf({ attempt: { source, vmEvents }, ending: { outcome, endedAt }, postcopy }: Broken): TakenUp | null {
  if (outcome !== 'failed' || postcopy.length === 0 || endedAt === null) return null;
  const later = vmEvents.filter(({ at }) => at > endedAt);
  const anew = later.findIndex(({ body }) => body.kind === 'domain-started');
  const own = (anew < 0 ? later : later.slice(0, anew)).filter((event) => hostOf(event) === source);
  const resumed = ofKind(own, 'migrate-initiated').find(({ body }) => body.resumed);
  const left = ofKind(own, 'domain-stopped').find(({ body }) => body.reason === 'migrated');
  const evidence = [resumed, left].filter((event) => event !== undefined);
  return evidence.length === 0 ? null : { at: resumed?.at ?? null, completedAt: left?.at ?? null, evidence };
}

/** Whether an attempt takes up the one before it, or tries to: that broke in post-copy, and no QEMU was started for this one. */
export function takesUp({ attempt, ending, postcopy }: Broken, before: Broken | undefined): boolean {
  if (before === undefined || before.ending.outcome !== 'failed' || before.postcopy.length === 0) return false;
  if (before.attempt.source !== attempt.source || ofKind(attempt.events, 'domain-started').length > 0) return false;
  if ((takenUpOf(before)?.at ?? null) !== null || postcopy.length > 0) return true;
  // whatever failed here left the two QEMUs as they were
  return ending.outcome === 'failed' && !isAnew(before, attempt);
}

/** A QEMU of the VM began or ended since the one before was over. */
function isAnew({ ending: { endedAt } }: Broken, { vmEvents, openedAt }: Attempt): boolean {
  const between = vmEvents.filter(({ at }) => at > (endedAt ?? Number.NEGATIVE_INFINITY) && at <= openedAt);
  return between.some(isProcess);
}
