import type { Notification } from '../alerts/alert.ts';
import { pause } from '../lib/pause.ts';
import { duration } from '../lib/units.ts';
import { within } from './deadline.ts';
import { createGate, type Gate } from './gate.ts';
import { NotifyError, type Notifier } from './notifier.ts';

/** What became of one attempt. `failed`: it is tried again; `dead`: it is not. */
export interface Attempt {
  /** Name of the notifier in the configuration. */
  readonly notifier: string;
  readonly notification: string;
  /** From 1. */
  readonly attempt: number;
  readonly outcome: 'sent' | 'failed' | 'dead';
  /** What the receiver answered, or what was wrong. */
  readonly status: string;
  /** What to do about it, where that is known. */
  readonly hint: string | null;
  /** When it began, Unix ms. */
  readonly at: number;
  readonly tookMs: number;
}

/** How notifications are delivered. */
export interface DeliveryParts {
  /** Told of every attempt. */
  attempted(attempt: Attempt): void;
  /** Unix ms. */
  now(): number;
  /** Of 0 to 1: spreads the pauses, so that many processors do not try at once. */
  random(): number;
  /** Notifications are tried for so long, ms; an hour by default. */
  readonly budgetMs?: number;
  /** An attempt that has not ended after so long has failed, ms, whatever the notifier does; a minute by default. */
  readonly attemptMs?: number;
  /** Pause before the second attempt, ms; it doubles up to `mostPauseMs`. One second and five minutes by default. */
  readonly firstPauseMs?: number;
  readonly mostPauseMs?: number;
  /** Notifications that wait for one notifier; of more, the newest are dead at once. 1000 by default. */
  readonly mostWaiting?: number;
}

/** A notifier with its name in the configuration. */
export interface NamedNotifier {
  readonly name: string;
  readonly notifier: Notifier;
}

/** What became of a notification at one notifier. `stopped`: nobody knows whether it arrived, and it is not tried any more. */
export type Delivered = 'sent' | 'dead' | 'stopped';

/** Brings notifications to notifiers, again and again until one has it or the time is over. */
export interface Delivery {
  /** What is told of one group arrives at one notifier in the order of the calls; notifiers and groups do not wait for each other. */
  deliver(notification: Notification, to: NamedNotifier): Promise<Delivered>;
  /** Ends all attempts; resolves when none runs. */
  stop(): Promise<void>;
}

/** Attempts at one notifier at once. */
const AT_ONCE = 4;

/** A delivery with nothing to deliver. */
export function createDelivery(parts: DeliveryParts): Delivery {
  const { mostWaiting = 1000 } = parts;
  const ending = new AbortController();
  /** Notifiers that have something to deliver. */
  const ways = new Map<string, Way>();

  function wayTo(name: string): Way {
    const way = ways.get(name) ?? { waiting: 0, lanes: new Map(), gate: createGate(AT_ONCE) };
    ways.set(name, way);
    return way;
  }

  async function deliver(notification: Notification, to: NamedNotifier): Promise<Delivered> {
    if (ending.signal.aborted) return 'stopped';
    const way = wayTo(to.name);
    if (way.waiting >= mostWaiting) {
      const status = `${mostWaiting} notifications wait for it already`;
      const hint = 'See why it takes none: precopy query notifications.';
      const { name: notifier } = to;
      parts.attempted({
        notifier,
        notification: notification.id,
        attempt: 0,
        outcome: 'dead',
        status,
        hint,
        at: parts.now(),
        tookMs: 0,
      });
      return 'dead';
    }
    way.waiting += 1;
    const before = way.lanes.get(notification.group) ?? Promise.resolve();
    const own = before.then(() => untilTaken(notification, { to, parts, gate: way.gate, signal: ending.signal }));
    way.lanes.set(notification.group, own);
    try {
      return await own;
    } finally {
      way.waiting -= 1;
      if (way.lanes.get(notification.group) === own) way.lanes.delete(notification.group);
      if (way.waiting === 0) ways.delete(to.name);
    }
  }

  return {
    deliver,
    async stop() {
      ending.abort();
      await Promise.all([...ways.values()].flatMap(({ lanes }) => [...lanes.values()]));
    },
  };
}

/** What is on its way to one notifier. */
interface Way {
  waiting: number;
  /** The last delivery of each group; none of them rejects. */
  readonly lanes: Map<string, Promise<Delivered>>;
  readonly gate: Gate;
}

interface Tries {
  readonly to: NamedNotifier;
  readonly parts: DeliveryParts;
  readonly gate: Gate;
  readonly signal: AbortSignal;
}

async function untilTaken(notification: Notification, { to, parts, gate, signal }: Tries): Promise<Delivered> {
  const { attempted, now, budgetMs = 3_600_000 } = parts;
  const began = now();
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    const tried = await gate.through(() => one(notification, { to, parts, signal }));
    if (tried === null) return 'stopped';
    const { error, ...rest } = tried;
    const row = { notifier: to.name, notification: notification.id, attempt, ...rest };
    if (error === null) {
      attempted({ ...row, outcome: 'sent', hint: null });
      return 'sent';
    }
    const pauseMs = pauseBefore(attempt, error, parts);
    const again = error.retriable && now() - began + pauseMs <= budgetMs;
    attempted({ ...row, outcome: again ? 'failed' : 'dead', hint: error.hint });
    if (!again) return 'dead';
    await pause(pauseMs, signal);
  }
  return 'stopped';
}

/** What the receiver asks for, or between half of the full pause and all of it. */
function pauseBefore(attempt: number, { retryAfterMs }: NotifyError, parts: DeliveryParts): number {
  const { firstPauseMs = 1000, mostPauseMs = 300_000, random } = parts;
  const full = Math.min(mostPauseMs, firstPauseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.max(retryAfterMs ?? 0, Math.round(full / 2 + (full / 2) * random()));
}

interface Tried {
  readonly status: string;
  readonly at: number;
  readonly tookMs: number;
  readonly error: NotifyError | null;
}

/** One attempt, which ends in time even where the notifier does not; `null` where it was stopped. */
async function one(notification: Notification, { to, parts, signal }: Omit<Tries, 'gate'>): Promise<Tried | null> {
  const { now, attemptMs = 60_000 } = parts;
  if (signal.aborted) return null;
  const at = now();
  const late = (): Error => new NotifyError(`no end within ${duration(attemptMs)}`, { retriable: true });
  try {
    const { status } = await within({ ms: attemptMs, signal, late }, (own) => to.notifier.send(notification, own));
    return { status, at, tookMs: now() - at, error: null };
  } catch (reason) {
    if (signal.aborted) return null;
    const error = reason instanceof NotifyError ? reason : unforeseen(reason);
    return { status: error.message, at, tookMs: now() - at, error };
  }
}

/** A notifier's own mistake: its words may hold what is secret, so that only its kind is told. */
function unforeseen(cause: unknown): NotifyError {
  const kind = cause instanceof Error ? cause.name : 'error';
  return new NotifyError(`the notifier failed by itself (${kind})`, { retriable: false, cause });
}
