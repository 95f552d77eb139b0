import { groupBy } from '../lib/group.ts';
import { createEventReader, EVENT_COLUMNS, type EventRow, type StoredEvent } from '../store/rows.ts';
import type { QueryParams, Store } from '../store/store.ts';
import type { HostAddress } from '../model/source.ts';
import { ADDRESS_FACT } from '../timeline/addresses.ts';
import { HOST_ENDS } from '../timeline/of-kind.ts';
import type { Writer } from '../store/writer.ts';
import type { Covered } from './coverage.ts';
import type { Interval } from './interval.ts';
import type {
  Changes,
  EventCounts,
  KnownEvents,
  RunningMigration,
  StoredFinding,
  StoredMigration,
  Stretch,
  TimelineReader,
  TimelineStore,
} from './timelines.ts';

/** How far back the latest events go at most, ms: longer than a migration lasts. */
const LATEST_MS = 6 * 3_600_000;
/** A migration that ran this long before a time, ms, may still run in it, though nothing was heard of it since. */
const SILENT_MS = 10 * 60_000;
/** What was heard of a host longer ago than this, ms, says nothing of what is observed of it today. */
const COVERED_MS = 30 * 86_400_000;
/** Rows of a table that are written at once: each is a document of kilobytes. */
const MAX_ROWS = 2000;
/** Clusters whose version is remembered; that of others is asked for. */
const MAX_VERSIONS = 10_000;

/** Timelines in the tables of a store. */
export function createStoredTimelines(store: Store, writer: Writer, now: () => number): TimelineStore {
  const versions = createVersions(store, now);
  return {
    ...createTimelineReader(store, now),
    write: (cluster, changes) => writeChanges({ cluster, changes }, { writer, versions, now }),
  };
}

/** Timelines in the tables of a store, to be read only. */
export function createTimelineReader(store: Store, now: () => number): TimelineReader {
  return { ...eventQuestions(store, now), ...timelineQuestions(store, now) };
}

type EventQuestions = Pick<
  TimelineStore,
  'clusters' | 'events' | 'eventsOfVms' | 'lastOfVms' | 'density' | 'eventCounts' | 'latestEvents'
>;

function eventQuestions(store: Store, now: () => number): EventQuestions {
  return {
    clusters: async (interval) => {
      const rows = await store.query<{ readonly cluster: string }>(
        `SELECT DISTINCT cluster FROM events AS stored WHERE stored.at >= ${instant('from')} AND stored.at <= ${instant('to')}`,
        { ...whole(interval) },
      );
      return rows.map(({ cluster }) => cluster);
    },
    events: (cluster, intervals) => eventsIn(store, cluster, intervals),
    // without FINAL, which would keep the engine from the order by VM
    eventsOfVms: async (cluster, vms, interval) => {
      const rows = await store.query<EventRow>(
        `SELECT ${EVENT_COLUMNS} FROM events AS stored
         WHERE cluster = {cluster: String} AND (vm IN {vms: Array(String)} OR (vm = '' AND kind IN {ends: Array(String)}))
           AND stored.at >= ${instant('from')} AND stored.at <= ${instant('to')}`,
        { cluster, vms, ends: [...HOST_ENDS], ...whole(interval) },
      );
      return rows.map(createEventReader());
    },
    lastOfVms: async (cluster, vms, { kinds, at }) => {
      const rows = await store.query<EventRow>(
        `SELECT ${EVENT_COLUMNS} FROM events AS stored
         WHERE cluster = {cluster: String} AND vm IN {vms: Array(String)} AND kind IN {kinds: Array(String)}
           AND stored.at < ${instant('before')}
         ORDER BY stored.at DESC LIMIT 1 BY stored.vm`,
        { cluster, vms, kinds: [...kinds], before: Math.floor(at) },
      );
      return rows.map(createEventReader());
    },
    density: (cluster, interval, stretchMs) =>
      store.query<Stretch>(
        `SELECT intDiv(toUnixTimestamp64Milli(at), {stretchMs: Int64}) * {stretchMs: Int64} AS from, count() AS events
         FROM events
         WHERE cluster = {cluster: String} AND at >= ${instant('from')} AND at <= ${instant('to')}
         GROUP BY from ORDER BY from`,
        { cluster, stretchMs, ...whole(interval) },
      ),
    eventCounts: (clusters) => eventCounts(store, clusters, now()),
    latestEvents: (counts, max) => latestEvents(store, counts, max),
  };
}

function timelineQuestions(
  store: Store,
  now: () => number,
): Pick<TimelineStore, 'migrations' | 'running' | 'findings' | 'covered' | 'addresses' | 'toldOtherwise'> {
  return {
    ...hostQuestions(store, now),
    migrations: (cluster, interval) =>
      store.query<StoredMigration>(
        `SELECT id, vm, toUnixTimestamp64Milli(started_at) AS startedAt, toUnixTimestamp64Milli(last_seen_at) AS lastSeenAt,
           outcome, document
         FROM migrations FINAL
         WHERE cluster = {cluster: String} AND started_at <= ${instant('to')}
           AND (last_seen_at >= ${instant('from')} OR (outcome = 'running' AND last_seen_at >= ${instant('silent')}))`,
        { cluster, ...whole(interval), silent: Math.floor(interval.from) - SILENT_MS },
      ),
    running: async (clusters, interval) => {
      const rows = await store.query<RunningMigration & { readonly cluster: string }>(
        `SELECT cluster, id, toUnixTimestamp64Milli(last_seen_at) AS lastSeenAt
         FROM migrations FINAL
         WHERE cluster IN {clusters: Array(String)} AND started_at <= ${instant('to')}
           AND outcome = 'running' AND last_seen_at >= ${instant('silent')}`,
        { clusters, to: whole(interval).to, silent: Math.floor(interval.from) - SILENT_MS },
      );
      return groupBy(rows, ({ cluster }) => cluster);
    },
    findings: (cluster, interval, migrations) =>
      store.query<StoredFinding>(
        `SELECT id, detector, severity, nullIf(migration_id, '') AS migration,
           toUnixTimestamp64Milli(from_at) AS from, if(isNull(to_at), NULL, toUnixTimestamp64Milli(assumeNotNull(to_at))) AS to,
           toUnixTimestamp64Milli(found_at) AS foundAt, document
         FROM findings FINAL
         WHERE cluster = {cluster: String}
           AND ((from_at <= ${instant('to')} AND ifNull(to_at, greatest(from_at, ${instant('now')})) >= ${instant('from')})
             OR has({migrations: Array(String)}, migration_id))`,
        { cluster, ...whole(interval), now: now(), migrations },
      ),
    covered: async (clusters) => {
      const rows = await store.query<Covered & { readonly cluster: string }>(
        `SELECT cluster, host, source, any(path) AS path,
           toUnixTimestamp64Milli(assumeNotNull(min(first_at))) AS firstAt, toUnixTimestamp64Milli(assumeNotNull(max(last_at))) AS lastAt
         FROM ranges
         WHERE cluster IN {clusters: Array(String)} AND observed_at >= ${instant('since')}
           AND first_at IS NOT NULL AND last_at IS NOT NULL
         GROUP BY cluster, host, source`,
        { clusters, since: now() - COVERED_MS },
      );
      return groupBy(rows, ({ cluster }) => cluster);
    },
  };
}

/** How soon a destination starts its QEMU after the source was asked to migrate, ms: minutes at worst. */
const PREPARED_MS = 600_000;
/** A probe of the heartbeat tells the address of its host all the time. */
const PROBED_MS = 600_000;

function hostQuestions(store: Store, now: () => number): Pick<TimelineReader, 'addresses' | 'toldOtherwise'> {
  return {
    addresses: async (clusters) => {
      const rows = await store.query<HostAddress & { readonly cluster: string }>(
        `SELECT DISTINCT cluster, host, arrayJoin(splitByChar(' ', value)) AS address FROM (
           SELECT cluster, host, value FROM host_facts
           WHERE cluster IN {clusters: Array(String)} AND startsWith(name, {fact: String}) AND value != ''
             AND at >= ${instant('since')}
           UNION ALL
           SELECT cluster, host, JSONExtractString(body, if(kind = 'domain-started', 'hostname', 'address')) AS value FROM events
           WHERE cluster IN {clusters: Array(String)}
             AND (kind = 'domain-started' AND at >= ${instant('since')} OR kind = 'heartbeat-probe' AND at >= ${instant('probed')})
           UNION ALL
           SELECT cluster, arrived.host AS host, requested.address AS value
           FROM (
             SELECT cluster, vm, at, host FROM events
             WHERE cluster IN {clusters: Array(String)} AND kind = 'domain-started' AND at >= ${instant('since')}
               AND JSONExtractBool(body, 'incoming')
           ) AS arrived ASOF JOIN (
             SELECT cluster, vm, at, host, JSONExtractString(body, 'address') AS address FROM events
             WHERE cluster IN {clusters: Array(String)} AND kind = 'migrate-requested' AND at >= ${instant('since')}
           ) AS requested
           ON arrived.cluster = requested.cluster AND arrived.vm = requested.vm AND arrived.at >= requested.at
           WHERE arrived.host != requested.host
             AND toUnixTimestamp64Milli(arrived.at) - toUnixTimestamp64Milli(requested.at) <= {prepared: Int64}
         ) WHERE address != ''`,
        { clusters, fact: ADDRESS_FACT, since: now() - COVERED_MS, probed: now() - PROBED_MS, prepared: PREPARED_MS },
      );
      return groupBy(rows, ({ cluster }) => cluster);
    },
    // what the events of are gone stays as it was told
    toldOtherwise: (cluster, { names, addresses, disputed }) =>
      store.query<Interval>(
        `SELECT toUnixTimestamp64Milli(from_at) AS from, toUnixTimestamp64Milli(to_at) AS to FROM (
           SELECT started_at AS from_at, last_seen_at AS to_at FROM migrations FINAL
           WHERE cluster = {cluster: String} AND (source IN {names: Array(String)} OR destination IN {names: Array(String)}
             OR (notEmpty({names: Array(String)}) AND (source = '' OR destination = ''))
             OR (destination = '' AND JSONExtractString(document, 'destinationAddress') IN {addresses: Array(String)})
             OR JSONExtractString(document, 'destinationAddress') IN {disputed: Array(String)})
           UNION ALL
           SELECT from_at, ifNull(to_at, from_at) AS to_at FROM findings FINAL
           WHERE cluster = {cluster: String} AND host IN {names: Array(String)}
         ) WHERE from_at >= ${instant('since')} AND from_at >= (SELECT min(at) FROM events WHERE cluster = {cluster: String})`,
        { cluster, names, addresses, disputed, since: now() - COVERED_MS },
      ),
  };
}

interface Writing {
  readonly writer: Writer;
  readonly versions: Versions;
  now(): number;
}

async function writeChanges(
  { cluster, changes }: { readonly cluster: string; readonly changes: Changes },
  { writer, versions, now }: Writing,
): Promise<void> {
  const version = await versions.next(cluster);
  for (let from = 0; from < longestOf(changes); from += MAX_ROWS) {
    const part = <T>(rows: readonly T[]): readonly T[] => rows.slice(from, from + MAX_ROWS);
    const vanished = {
      migrations: part(changes.goneMigrations).map(({ id }) => id),
      findings: part(changes.goneFindings).map(({ id }) => id),
    };
    const [migrations, findings] = [part(changes.migrations), part(changes.findings)];
    await writer.writeTimelines({ cluster, version, writtenAt: now(), migrations, findings, vanished });
  }
}

function longestOf({ migrations, findings, goneMigrations, goneFindings }: Changes): number {
  return Math.max(migrations.length, findings.length, goneMigrations.length, goneFindings.length);
}

/** Versions of rows: times, but each higher than all that are stored, for the highest counts and clocks are set back. */
interface Versions {
  next(cluster: string): Promise<number>;
}

function createVersions(store: Store, now: () => number): Versions {
  const known = new Map<string, number>();
  return {
    async next(cluster) {
      const last = known.get(cluster) ?? (await highestVersion(store, cluster));
      const version = Math.max(now(), last + 1);
      if (known.size >= MAX_VERSIONS) known.clear();
      known.set(cluster, version);
      return version;
    },
  };
}

async function highestVersion(store: Store, cluster: string): Promise<number> {
  const rows = await store.query<{ readonly version: number }>(
    `SELECT toFloat64(max(version)) AS version FROM migrations WHERE cluster = {cluster: String}
     UNION ALL SELECT toFloat64(max(version)) AS version FROM findings WHERE cluster = {cluster: String}`,
    { cluster },
  );
  return rows.reduce((max, { version }) => Math.max(max, version), 0);
}

/** A bound value in Unix ms, as the tables hold instants. */
function instant(name: string): string {
  return `fromUnixTimestamp64Milli({${name}: Int64})`;
}

/** Corrections for skew may leave fractions. */
function whole({ from, to }: Interval): Interval {
  return { from: Math.floor(from), to: Math.ceil(to) };
}

/** All in one question, and without FINAL: whoever builds timelines leaves out what comes twice. */
async function eventsIn(store: Store, cluster: string, intervals: readonly Interval[]): Promise<readonly StoredEvent[]> {
  if (intervals.length === 0) return [];
  const times = intervals.map((_, i) => `(stored.at >= ${instant(`from${i}`)} AND stored.at <= ${instant(`to${i}`)})`);
  const bounds = intervals.map(whole).flatMap(({ from, to }, i): [string, number][] => [
    [`from${i}`, from],
    [`to${i}`, to],
  ]);
  const rows = await store.query<EventRow>(
    `SELECT ${EVENT_COLUMNS} FROM events AS stored WHERE cluster = {cluster: String} AND (${times.join(' OR ')})`,
    { cluster, ...Object.fromEntries(bounds) },
  );
  return rows.map(createEventReader());
}

async function eventCounts(store: Store, clusters: readonly string[], now: number): Promise<readonly EventCounts[]> {
  const rows = await store.query<{ readonly cluster: string; readonly all: number; readonly newest: number }>(
    `SELECT cluster, count() AS all, toUnixTimestamp64Milli(max(at)) AS newest
     FROM events WHERE cluster IN {clusters: Array(String)} GROUP BY cluster`,
    { clusters },
  );
  // what a clock that is ahead wrote must not keep the present out of memory
  const counted = rows.map(({ cluster, all, newest }) => ({ cluster, all, from: Math.min(newest, now) - LATEST_MS }));
  const latest = new Map<string, number>();
  if (counted.length > 0) {
    const { condition, params } = eachFrom(counted);
    const counts = await store.query<{ readonly cluster: string; readonly latest: number }>(
      `SELECT cluster, count() AS latest FROM events AS stored WHERE ${condition} GROUP BY cluster`,
      params,
    );
    for (const one of counts) latest.set(one.cluster, one.latest);
  }
  const byCluster = new Map(counted.map((one) => [one.cluster, one]));
  return clusters.map((cluster) => {
    const { all, from } = byCluster.get(cluster) ?? { all: 0, from: Number.NEGATIVE_INFINITY };
    return { cluster, all, latest: latest.get(cluster) ?? 0, from };
  });
}

async function latestEvents(
  store: Store,
  counts: readonly EventCounts[],
  max: number,
): Promise<ReadonlyMap<string, KnownEvents>> {
  const some = counts.filter(({ latest }) => latest > 0);
  const rows = some.length === 0 ? [] : await latestRows(store, some, max);
  const byCluster = groupBy(rows, ({ cluster }) => cluster);
  return new Map(counts.map((one) => [one.cluster, knownOf(byCluster.get(one.cluster) ?? [], one, max)]));
}

/** Those of one cluster together, the latest first. */
function latestRows(store: Store, counts: readonly EventCounts[], max: number): Promise<readonly EventRow[]> {
  const { condition, params } = eachFrom(counts);
  return store.query<EventRow>(
    `SELECT ${EVENT_COLUMNS} FROM events AS stored FINAL
     WHERE ${condition}
     ORDER BY stored.cluster, stored.at DESC LIMIT {max: UInt32} BY stored.cluster`,
    { ...params, max },
  );
}

function knownOf(rows: readonly EventRow[], { all, from }: EventCounts, max: number): KnownEvents {
  const events = rows.map(createEventReader());
  if (rows.length >= all) return { events, from: Number.NEGATIVE_INFINITY };
  // of the oldest moment there may be more
  return { events, from: rows.length < max ? from : (rows.at(-1)?.at ?? from) + 1 };
}

/** Events of each cluster from its own moment on. */
function eachFrom(counts: readonly Pick<EventCounts, 'cluster' | 'from'>[]): {
  readonly condition: string;
  readonly params: QueryParams;
} {
  const each = counts.map((_, i) => `(stored.cluster = {cluster${i}: String} AND stored.at >= ${instant(`from${i}`)})`);
  const params = counts.flatMap(({ cluster, from }, i): [string, string | number][] => [
    [`cluster${i}`, cluster],
    [`from${i}`, from],
  ]);
  return { condition: `(${each.join(' OR ')})`, params: Object.fromEntries(params) };
}
