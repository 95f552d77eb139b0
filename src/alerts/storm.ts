import type { Alert } from './alert.ts';
import type { AlertSettings } from './settings.ts';

/** What a storm, or none, makes of what is due. */
export interface Storm {
  /** To be told as one each. */
  readonly summaries: readonly { readonly kind: 'storm' | 'storm-over'; readonly alerts: readonly Alert[] }[];
  /** To be told one by one. */
  readonly single: readonly Alert[];
  /** When the next summary is due, or the storm is over; `Infinity` where none is. */
  readonly nextAt: number;
}

interface Load {
  /** Not told yet, or told in a summary and worse since. */
  readonly due: readonly Alert[];
  /** Told in a summary of the storm that goes on; none where none does. */
  readonly members: readonly Alert[];
  /** When alerts were first told, of those within the time. */
  readonly recent: readonly number[];
}

/**
 * Above so many new alerts in a time they are told as one summary, at once and then once each such time; below half as many they are
 * told one by one again. That a storm goes on is known from the alerts whose last word was a summary.
 */
export function stormAt({ due, members, recent }: Load, now: number, { alerts: limit, withinMs }: AlertSettings['storm']): Storm {
  const rate = recent.length + due.length;
  if (members.length === 0)
    return rate > limit && due.length > 0
      ? { summaries: [{ kind: 'storm', alerts: due }], single: [], nextAt: now + withinMs }
      : { summaries: [], single: due, nextAt: Number.POSITIVE_INFINITY };
  if (rate * 2 < limit)
    return { summaries: [{ kind: 'storm-over', alerts: members }], single: due, nextAt: Number.POSITIVE_INFINITY };
  const lastAt = members.reduce((latest, alert) => Math.max(latest, alert.told?.at ?? 0), 0);
  if (due.length > 0 && lastAt + withinMs <= now)
    return { summaries: [{ kind: 'storm', alerts: due }], single: [], nextAt: now + withinMs };
  // as many have to be that long ago before fewer than half are left
  const surplus = rate - Math.ceil(limit / 2) + 1;
  // sorts as numbers without being told how: there may be thousands
  const inOrder = new Float64Array(recent).toSorted();
  const calmAt = (inOrder[Math.min(surplus, inOrder.length) - 1] ?? now) + withinMs;
  return { summaries: [], single: [], nextAt: Math.min(calmAt, due.length > 0 ? lastAt + withinMs : Number.POSITIVE_INFINITY) };
}
