import type { Unjudged } from '../model/backtest.ts';
import type { Store } from '../store/store.ts';

/** A time, of one cluster or of all. */
export interface KeptPeriod {
  /** Unix ms. */
  readonly since: number;
  readonly until: number;
  readonly cluster?: string;
}

/**
 * The beginning of a period of which no events are stored, cluster by cluster: they are kept for fewer days than migrations, or nothing
 * was collected yet.
 */
export async function withoutEvents(store: Store, { since, until, cluster }: KeptPeriod): Promise<readonly Unjudged[]> {
  const firsts = await firstEvents(store, cluster);
  const bound = { since, until, clusters: [...firsts.keys()], firsts: [...firsts.values()] };
  const rows = await store.query<{ readonly cluster: string; readonly migrations: number }>(
    `SELECT cluster, count() AS migrations FROM migrations FINAL
     WHERE started_at >= fromUnixTimestamp64Milli({since: Int64})
       AND started_at < fromUnixTimestamp64Milli(transform(cluster, {clusters: Array(String)}, {firsts: Array(Int64)}, {until: Int64}))
       AND started_at <= fromUnixTimestamp64Milli({until: Int64})${cluster === undefined ? '' : ' AND cluster = {cluster: String}'}
     GROUP BY cluster`,
    { ...bound, ...(cluster === undefined ? {} : { cluster }) },
  );
  const migrations = new Map(rows.map((row) => [row.cluster, row.migrations]));
  const named = new Set([...firsts.keys(), ...migrations.keys(), ...(cluster === undefined ? [] : [cluster])]);
  return [...named].toSorted().flatMap((name) => {
    const first = firsts.get(name) ?? until;
    return first <= since
      ? []
      : [{ cluster: name, from: since, to: Math.min(first, until), migrations: migrations.get(name) ?? 0 }];
  });
}

/** When the first event that is stored of each cluster happened, Unix ms. */
async function firstEvents(store: Store, cluster: string | undefined): Promise<ReadonlyMap<string, number>> {
  const rows = await store.query<{ readonly cluster: string; readonly first: number }>(
    `SELECT cluster, toUnixTimestamp64Milli(min(at)) AS first FROM events
     ${cluster === undefined ? '' : 'WHERE cluster = {cluster: String}'} GROUP BY cluster`,
    cluster === undefined ? {} : { cluster },
  );
  return new Map(rows.map((row) => [row.cluster, row.first]));
}
