import type { Alert, Notification } from '../../alerts/alert.ts';
import { notificationsOf } from '../../alerts/notifications.ts';
import { isRouted, routed, type Route } from '../../alerts/route.ts';
import { tellingOf } from '../../alerts/telling.ts';
import { stableId } from '../../lib/hash.ts';
import { pause } from '../../lib/pause.ts';
import { retry } from '../../lib/retry.ts';
import { createDelivery, type Attempt as Tried, type Delivery } from '../../notify/delivery.ts';
import { NotifyError, type Notifier } from '../../notify/notifier.ts';
import type { Attempt } from '../../store/alert-rows.ts';
import type { Dispatch } from './clusters.ts';
import type { AlertStore } from './alert-store.ts';

/** What was told longer ago than this and did not arrive is given up. */
const BUDGET_MS = 3_600_000;
/** For so long the store may be away before an attempt is not written down. */
const WRITE_BUDGET_MS = 600_000;
/** A repetition that takes longer has failed; the next one comes anyway. */
const REPEAT_MS = 30_000;

/** A receiver: what it is told, and how. */
export interface Receiver extends Route {
  /** In the configuration. */
  readonly name: string;
  readonly notifier: Notifier;
}

/** What a dispatch is made with. */
export interface DispatchParts {
  readonly receivers: readonly Receiver[];
  readonly store: Pick<AlertStore, 'ended' | 'attempted'>;
  /** Alerts in hand. */
  alerts(): readonly Alert[];
  /** An attempt ended; `toldAt`: when it was to be told, Unix ms. */
  attempted(attempt: Attempt, toldAt: number): void;
  failed(error: unknown): void;
  /** Unix ms. */
  now(): number;
  /** Of 0 to 1. */
  random(): number;
}

/** A dispatch that runs. */
export interface RunningDispatch extends Dispatch {
  /** Resolves when everything was told or given up, and written down. */
  idle(): Promise<void>;
  /** Ends every attempt; what did not arrive is told after the next start. */
  stop(): Promise<void>;
}

/**
 * Tells receivers what an alerter says. Each attempt is a row of `notifications`; a notification that has none that ended well or for
 * good is told again after a restart, with the same id.
 */
export function createDispatch(parts: DispatchParts): RunningDispatch {
  const { receivers, store, now } = parts;
  const works = createWorks(parts.failed);
  const stopping = new AbortController();
  const ways = createWays(parts, works);
  for (const receiver of receivers) works.begin(repeatFor(receiver, { ...parts, works, signal: stopping.signal }), false);

  function tell(notifications: readonly Notification[], wants: (id: string, receiver: Receiver) => boolean): void {
    for (const notification of notifications) {
      for (const receiver of receivers) {
        const own = wants(notification.id, receiver) ? routed(receiver, notification) : null;
        if (own !== null) ways.deliver(own, receiver);
      }
    }
  }

  return {
    send: (notifications) => tell(notifications, () => true),
    async goOn(alerts) {
      const recent = alerts.flatMap(({ told }) => (told === null || now() - told.at > BUDGET_MS ? [] : [told.notification]));
      if (recent.length === 0 || receivers.length === 0) return;
      const ended = await store.ended([...new Set(recent)]);
      tell(notificationsOf(alerts, new Set(recent)), (id, { name }) => !ended.has(`${id} ${name}`));
    },
    leave: (cluster) => works.begin(ways.leave(cluster), true),
    idle: () => works.done(false),
    async stop() {
      stopping.abort();
      await ways.stop();
      await works.done(true);
      for (const { notifier } of receivers) await notifier.close();
    },
  };
}

/** Keeps what is begun in sight, so that a stop can wait for it. */
interface Works {
  /** `ends`: it ends by itself. */
  begin(work: Promise<unknown>, ends: boolean): void;
  /** Resolves when none is left; where not `all`, of those that end by themselves. */
  done(all: boolean): Promise<void>;
}

function createWorks(failed: (error: unknown) => void): Works {
  const ending = new Set<Promise<unknown>>();
  const lasting = new Set<Promise<unknown>>();
  return {
    begin(work, ends) {
      const among = ends ? ending : lasting;
      const own = work.catch(failed).finally(() => among.delete(own));
      among.add(own);
    },
    async done(all) {
      while (ending.size > 0) await Promise.race(ending);
      if (!all || lasting.size === 0) return;
      await Promise.all(lasting);
      await this.done(true);
    },
  };
}

/** Deliveries on their way, cluster by cluster. */
interface Ways {
  deliver(notification: Notification, receiver: Receiver): void;
  leave(cluster: string): Promise<void>;
  stop(): Promise<void>;
}

function createWays(parts: DispatchParts, works: Works): Ways {
  const { now, random } = parts;
  const deliveries = new Map<string, Delivery>();
  /** By notification and receiver. */
  const underway = new Map<string, Notification>();

  function attempted(tried: Tried): void {
    const notification = underway.get(`${tried.notification} ${tried.notifier}`);
    if (notification !== undefined) write(attemptOf(notification, tried), { ...parts, works, toldAt: notification.at });
  }

  return {
    deliver(notification, { name, notifier }) {
      const { cluster } = notification;
      const own = deliveries.get(cluster) ?? createDelivery({ attempted, now, random, budgetMs: BUDGET_MS });
      deliveries.set(cluster, own);
      const key = `${notification.id} ${name}`;
      underway.set(key, notification);
      works.begin(
        own.deliver(notification, { name, notifier }).finally(() => underway.delete(key)),
        true,
      );
    },
    async leave(cluster) {
      const own = deliveries.get(cluster);
      deliveries.delete(cluster);
      await own?.stop();
    },
    async stop() {
      await Promise.all([...deliveries.values()].map((own) => own.stop()));
    },
  };
}

type Writing = Pick<DispatchParts, 'attempted' | 'store' | 'failed'> & { readonly works: Works; readonly toldAt: number };

function write(attempt: Attempt, { attempted, store, failed, works, toldAt }: Writing): void {
  attempted(attempt, toldAt);
  const stored = retry(() => store.attempted([attempt]), { budgetMs: WRITE_BUDGET_MS, retrying: failed });
  works.begin(stored, true);
}

/** Tells a receiver that forgets what fires, again and again. */
async function repeatFor(
  receiver: Receiver,
  { signal, ...parts }: DispatchParts & Omit<Writing, 'toldAt'> & { readonly signal: AbortSignal },
): Promise<void> {
  const { repeat } = receiver.notifier;
  if (repeat === null) return;
  while (!signal.aborted) {
    await pause(repeat.everyMs, signal);
    const firing = parts.alerts().filter((alert) => isTold(alert) && isRouted(receiver, alert));
    if (firing.length === 0 || signal.aborted) continue;
    const toldAt = parts.now();
    write(await repeated(receiver, firing, parts.now), { ...parts, toldAt });
  }
}

function attemptOf(notification: Notification, { notifier, attempt, outcome, status, hint, at, tookMs }: Tried): Attempt {
  const { cluster, id, kind, alerts } = notification;
  return {
    cluster,
    id,
    notifier,
    attempt,
    at: at + tookMs,
    kind,
    outcome,
    status: hint === null ? status : `${status} (${hint})`,
    tookMs,
    alerts: alerts.map((alert) => alert.id),
    summary: tellingOf(notification, { runbookUrl: null }).subject,
  };
}

/** Somebody knows of it, and has to. */
function isTold({ state, told, muted }: Alert): boolean {
  return state === 'firing' && told !== null && muted === null;
}

async function repeated({ name, notifier }: Receiver, firing: readonly Alert[], now: () => number): Promise<Attempt> {
  const began = now();
  const end = async (): Promise<Pick<Attempt, 'outcome' | 'status'>> => {
    try {
      const sent = await notifier.repeat?.send(firing, AbortSignal.timeout(REPEAT_MS));
      return { outcome: 'sent', status: sent?.status ?? '' };
    } catch (error) {
      // the next repetition says the same, and more
      const status = error instanceof NotifyError ? error.message : `no answer within ${REPEAT_MS / 1000} s`;
      return { outcome: 'failed', status };
    }
  };
  const ended = await end();
  return {
    cluster: '',
    id: stableId('repeat', name, String(began)),
    notifier: name,
    attempt: 1,
    at: now(),
    kind: 'repeat',
    ...ended,
    tookMs: now() - began,
    alerts: firing.map(({ id }) => id),
    summary: `${firing.length} alerts that fire`,
  };
}
