import type { Alert, AlertAction } from '../../alerts/alert.ts';
import { groupBy } from '../../lib/group.ts';
import { pause } from '../../lib/pause.ts';
import { findingMessage, type FindingMessage } from '../../reports/finding-message.ts';
import { FINDINGS_TOPIC, type Consumer, type Consumption, type Stream } from '../../stream/stream.ts';
import { createClusters, type ClusterParts, type Clusters } from './clusters.ts';

/** Group that all alerters which share their tables are members of. */
const ALERTERS_GROUP = 'precopy.alerters';

/** Bytes of messages that are taken in at once. */
const BATCH_BYTES = 8 << 20;
/** How often it looks whether a step is due: what is new is told at once, only what has waited for a time waits for this. */
const LOOK_MS = 500;
/** How often it asks the tables what people did through another process, and where VMs went. */
const ASK_MS = 5000;
/** How often `idle` looks. */
const IDLE_LOOK_MS = 20;

/** What an alerter needs. */
export interface AlerterParts extends ClusterParts {
  readonly stream: Stream;
  /**
   * Names the tables, where processors do not share them: then this alerter takes in only findings that are in its own, for it has to
   * ask them where VMs went. `null` where all share them.
   */
  readonly origin: string | null;
  /** Told of a message of the findings topic that nobody can read. */
  unreadable(problem: string, offset: number): void;
}

/** Turns findings into alerts, for as long as it runs. */
export interface Alerter {
  start(): Promise<void>;
  /** Stores what is in hand and ends; idempotent. */
  stop(): Promise<void>;
  /** Somebody did something: it counts from now on. */
  acted(): Promise<void>;
  /** All that the findings topic holds is taken in. */
  idle(): Promise<void>;
  /** Of all alerters that share their tables, one leads: what is to be done once is done by it. */
  leads(): boolean;
  /** Alerts of the clusters that this one has. */
  alerts(): readonly Alert[];
}

/**
 * An alerter; it does nothing before `start`. Each partition of the findings topic has one alerter of all, so that a state is told
 * once however many processes there are; the alerts themselves, with what was told of them, are in the tables before anybody is told.
 */
export function createAlerter(parts: AlerterParts): Alerter {
  const { stream, store, failed, now } = parts;
  const owned = new Map<number, Clusters>();
  const stopping = new AbortController();
  let actions: readonly AlertAction[] = [];
  let askedAt = Number.NEGATIVE_INFINITY;
  let consumer: Consumer | null = null;
  let looking: Promise<void> = Promise.resolve();

  async function look(isAsked: boolean): Promise<void> {
    const hasAny = [...owned.values()].some((clusters) => !clusters.isEmpty());
    const asks = hasAny && (isAsked || now() - askedAt >= ASK_MS);
    if (asks) {
      askedAt = now();
      actions = await store.actions();
    }
    for (const clusters of owned.values()) await clusters.due(actions, asks);
  }

  async function keepLooking(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(LOOK_MS, stopping.signal);
      await look(false).catch(failed);
    }
  }

  return {
    async start() {
      consumer = await stream.consume(consumption(owned, parts));
      looking = keepLooking();
    },
    async stop() {
      stopping.abort();
      await looking;
      await consumer?.stop();
      consumer = null;
    },
    acted: () => look(true),
    async idle() {
      const behind = async (): Promise<boolean> =>
        (await stream.positions(FINDINGS_TOPIC, groupOf(parts))).some(({ end, committed }) => (committed ?? 0) < end);
      while (!stopping.signal.aborted && (await behind())) await pause(IDLE_LOOK_MS, stopping.signal);
    },
    leads: () => owned.has(0),
    alerts: () => [...owned.values()].flatMap((clusters) => clusters.alerts()),
  };
}

/** Clusters come into hand and go with the partitions of the findings topic. */
function consumption(owned: Map<number, Clusters>, parts: AlerterParts): Consumption {
  return {
    topic: FINDINGS_TOPIC,
    group: groupOf(parts),
    maxBytes: BATCH_BYTES,
    async assigned(partition) {
      const clusters = createClusters(partition, parts);
      await clusters.restore();
      owned.set(partition, clusters);
    },
    async revoked(partition) {
      const clusters = owned.get(partition);
      owned.delete(partition);
      await clusters?.leave();
    },
    async handle({ partition, messages }) {
      const clusters = owned.get(partition);
      if (clusters === undefined) throw new Error(`partition ${partition} is not assigned`);
      const own = messages.filter(({ headers }) => parts.origin === null || headers['origin'] === parts.origin);
      const changes = own.flatMap(({ value, offset }) => readMessage(value, (problem) => parts.unreadable(problem, offset)));
      for (const [name, ofCluster] of groupBy(changes, ({ cluster }) => cluster)) await clusters.take(name, ofCluster);
      return '';
    },
    failed: parts.failed,
  };
}

function groupOf({ origin }: AlerterParts): string {
  return origin === null ? ALERTERS_GROUP : `${ALERTERS_GROUP}.${origin}`;
}

function readMessage(value: Uint8Array, unreadable: (problem: string) => void): readonly FindingMessage[] {
  try {
    const parsed = findingMessage.safeParse(JSON.parse(Buffer.from(value).toString()));
    if (parsed.success) return [parsed.data];
    unreadable(parsed.error.issues[0]?.message ?? 'not of precopy/finding@1');
  } catch {
    unreadable('not JSON');
  }
  return [];
}
