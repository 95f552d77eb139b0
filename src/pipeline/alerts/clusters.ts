import type { Alert, AlertAction, Maintenance, Notification } from '../../alerts/alert.ts';
import { createAlertBook, type AlertBook } from '../../alerts/book.ts';
import type { AlertSettings } from '../../alerts/settings.ts';
import { retry } from '../../lib/retry.ts';
import { isoMs } from '../../lib/units.ts';
import type { FindingMessage } from '../../reports/finding-message.ts';
import type { AlertStore } from './alert-store.ts';

/** For so long the store may be away before a batch is given back, to come again. */
const WRITE_BUDGET_MS = 60_000;

/** Tells people; `send` returns at once, and what does not arrive is tried again meanwhile. */
export interface Dispatch {
  send(notifications: readonly Notification[]): void;
  /** Tells what these alerts say was told, and did not arrive before a restart. */
  goOn(alerts: readonly Alert[]): Promise<void>;
  /** Leaves what is to be told of a cluster to who has it now. */
  leave(cluster: string): void;
}

/** What stepping needs. */
export interface ClusterParts {
  readonly store: AlertStore;
  readonly dispatch: Dispatch;
  readonly settings: AlertSettings;
  /** In force or to come. */
  maintenance(): readonly Maintenance[];
  /** A step is stored. */
  stepped(changed: readonly Alert[], notifications: readonly Notification[]): void;
  /** Something did not work and is tried again. */
  failed(error: unknown): void;
  /** Unix ms. */
  now(): number;
}

/** The clusters of one partition of the findings topic, while it is in hand. Two steps never overlap. */
export interface Clusters {
  /** Clusters that have alerts to go on with. */
  restore(): Promise<void>;
  /** Takes in changes of one cluster. @throws AppError where the step cannot be stored: the changes have to come again. */
  take(cluster: string, changes: readonly FindingMessage[]): Promise<void>;
  /** Steps what is due by its time, by what people did, or, where `asks`, by where VMs went. */
  due(actions: readonly AlertAction[], asks: boolean): Promise<void>;
  /** Resolves when the step in hand is done; the clusters are somebody else's then. */
  leave(): Promise<void>;
  isEmpty(): boolean;
  alerts(): readonly Alert[];
}

interface Cluster {
  readonly name: string;
  readonly book: AlertBook;
  version: number;
  /** When a step is due though nothing comes, Unix ms. */
  dueAt: number | null;
  /** Actions that the book has. */
  readonly taken: Set<string>;
  /** Where VMs went, as of the last time that was asked. */
  moved: ReadonlyMap<string, number>;
  /** Time of the last step, Unix ms: it never goes back, though clocks are set. */
  at: number;
}

/** Nothing in hand yet. */
export function createClusters(partition: number, parts: ClusterParts): Clusters {
  const { store, now } = parts;
  const clusters = new Map<string, Cluster>();
  let last: Promise<unknown> = Promise.resolve();

  /** A step begins with what the one before stored. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  }

  async function clusterOf(name: string): Promise<Cluster> {
    return clusters.get(name) ?? begin(name, await store.actions());
  }

  async function begin(name: string, actions: readonly AlertAction[]): Promise<Cluster> {
    const cluster = await restored(name, actions, parts);
    clusters.set(name, cluster);
    return cluster;
  }

  /** Where it cannot be stored, the cluster is made of the tables again. */
  async function step(cluster: Cluster, inputs: StepOf): Promise<void> {
    try {
      await stored(cluster, inputs, { ...parts, partition });
    } catch (error) {
      clusters.delete(cluster.name);
      throw error;
    }
  }

  return {
    restore: () =>
      inTurn(async () => {
        const names = await store.clusters(partition);
        const actions = names.length > 0 ? await store.actions() : [];
        for (const name of names) await begin(name, actions);
      }),
    take: (name, changes) => inTurn(async () => step(await clusterOf(name), { changes, actions: [] })),
    due: (actions, asks) =>
      inTurn(async () => {
        for (const cluster of clusters.values()) {
          const fresh = actions.filter(({ id }) => !cluster.taken.has(id));
          const isDue = cluster.dueAt !== null && cluster.dueAt <= now();
          if (asks) cluster.moved = await movedVms(cluster, store);
          if (isDue || asks || fresh.length > 0) await step(cluster, { changes: [], actions: fresh });
        }
      }),
    async leave() {
      await last;
      for (const name of clusters.keys()) parts.dispatch.leave(name);
    },
    isEmpty: () => clusters.size === 0,
    alerts: () => [...clusters.values()].flatMap(({ book }) => [...book.alerts]),
  };
}

async function restored(
  name: string,
  actions: readonly AlertAction[],
  { store, dispatch, settings, now }: ClusterParts,
): Promise<Cluster> {
  const { alerts, version } = await store.restore(name);
  await dispatch.goOn(alerts);
  return {
    name,
    book: createAlertBook(name, { alerts, actions }, settings),
    version,
    dueAt: now(),
    taken: new Set(actions.map(({ id }) => id)),
    moved: new Map(),
    at: now(),
  };
}

interface StepOf {
  readonly changes: readonly FindingMessage[];
  readonly actions: readonly AlertAction[];
}

/** One step of a cluster: stored in one insert, and then told. */
async function stored(
  cluster: Cluster,
  { changes, actions }: StepOf,
  { partition, store, dispatch, maintenance, stepped, failed, now }: ClusterParts & { readonly partition: number },
): Promise<void> {
  const { book, moved, taken } = cluster;
  cluster.at = Math.max(cluster.at, now());
  const { changed, notifications, nextAt } = book.step({ now: cluster.at, changes, actions, moved, maintenance: maintenance() });
  for (const { id } of actions) taken.add(id);
  cluster.dueAt = nextAt;
  if (changed.length === 0) return;
  cluster.version = Math.max(now(), cluster.version + 1);
  const edition = { version: cluster.version, partition };
  await retry(() => store.write(changed, edition), { budgetMs: WRITE_BUDGET_MS, retrying: failed });
  dispatch.send(notifications);
  stepped(changed, notifications);
}

/** Where the VMs of alerts that are not over went since. */
async function movedVms({ name, book }: Cluster, store: AlertStore): Promise<ReadonlyMap<string, number>> {
  const open = [...book.alerts].filter(({ state, migration }) => state !== 'resolved' && migration !== null);
  if (open.length === 0) return new Map();
  const since = Math.min(...open.map(({ finding }) => isoMs(finding.from)));
  return store.moved(name, [...new Set(open.map(({ subject }) => subject))], since);
}
