import { groupBy } from '../lib/group.ts';
import type { Event, EventKind, ParsedEvent } from '../model/event.ts';
import { detectors } from '../detectors/index.ts';
import { createThinner } from '../ingest/collect.ts';
import { HOST_ENDS, hostOf } from '../timeline/of-kind.ts';
import { isKept, LIFE } from '../timeline/restored.ts';
import { analyse, DEFAULT_VIEW, type DetectorSettings } from '../reports/analysis.ts';
import type { AnalysisDocument } from '../reports/json.ts';
import type { StoredEvent } from '../store/rows.ts';
import { changesOf, documentId, EPISODE_GAP_MS } from './changes.ts';
import { utc, type Coverage } from './coverage.ts';
import { contains, merged, widened, type Interval } from './interval.ts';
import type { KnownHosts } from './known-hosts.ts';
import type { RecentEvents } from './recent-events.ts';
import { settled, withoutUnsettled } from './settle.ts';
import type { Changes, StoredFinding, StoredMigration, TimelineReader, TimelineStore } from './timelines.ts';

/** What is looked at before and after the time in question: what comes this long after a migration's last word is not of it. */
const MARGIN_MS = 10 * 60_000;
/** What hosts print of a migration after its last word. */
const TRAIL_MS = 60_000;
/** Around an earlier migration of a VM, whose end alone is in question. */
const EARLIER_MARGIN_MS = 2 * 60_000;
/** A VM that shows up this long after its last migration may tell how that ended. */
const FOLLOWED_MS = 24 * 3_600_000;
/** Of a VM that moves to and fro all day, its latest migrations. */
const MAX_EARLIER = 10;
/** How far back a migration that still runs is followed. */
const LONGEST_MS = 48 * 3_600_000;
/** Clocks of hosts are put right by about so much, so that a migration may begin just outside the time in question. */
const EDGE_MS = 10_000;

const ABOUT_HOSTS = new Set(detectors.filter(({ subject }) => subject === 'host').map(({ id }) => id));

/** Kinds of events that tell where a VM is. */
const WHEREABOUTS = new Set<EventKind>([
  'domain-started',
  'domain-stopped',
  'domain-missing',
  'guest-run-state',
  'guest-resume-requested',
  'guest-resume-failed',
  'migrate-requested',
  'migrate-initiated',
  'qemu-terminated',
]);

/** What is known of a cluster while it is processed. */
export interface ClusterMemory {
  readonly cluster: string;
  readonly recent: RecentEvents;
  readonly coverage: Coverage;
  readonly hosts: KnownHosts;
  /** Migrations that ran when they were last looked at, by id: when they were last seen, Unix ms. */
  readonly running: Map<string, number>;
  /** When an event of a VM was stored last, by its name, Unix ms; of those heard of lately. */
  readonly heardAt: Map<string, number>;
}

/** What a rebuild needs. */
export interface Rebuild {
  readonly memory: ClusterMemory;
  readonly store: TimelineStore;
  readonly limits: DetectorSettings;
  /** Unix ms. */
  readonly now: number;
}

/** What a rebuild made different. */
export interface Rebuilt {
  readonly changes: Changes;
  /** Times that have to be told once more, soon: what happened in them was too fresh. */
  readonly again: readonly Interval[];
}

/**
 * Tells again what happened in an interval, from all events that are stored, and writes what is different. What it ends up with
 * depends on the events alone, not on the order in which they came or how often this was done.
 */
export async function rebuild(interval: Interval, { memory, store, limits, now }: Rebuild): Promise<Rebuilt> {
  const { cluster, coverage, hosts } = memory;
  const { events, stored, seen, earlier } = await lookAround(interval, { memory, store });
  const owned = merged([stored.owned, ...earlier.map(spanOf)], 0);
  const migrations = unique([...stored.migrations, ...earlier]);
  const told = analyse(
    { events, spans: coverage.spans(), inputs: [], addresses: hosts.addresses() },
    { ...DEFAULT_VIEW, limits },
  );
  const ids = [...new Set([...migrations, ...told.migrations].map(({ id }) => id))];
  const findings = await store.findings(cluster, widened(stored.owned, EPISODE_GAP_MS), ids);
  const { analysis, unsettled, waiting } = settled(told, {
    heardAt: memory.heardAt,
    now,
    aboutHosts: ABOUT_HOSTS,
    told: new Set(findings.map(({ document }) => documentId(document))),
  });
  const scope = { owned, hosts: stored.owned, seen, aboutHosts: ABOUT_HOSTS, now };
  const changes = changesOf(analysis, withoutUnsettled({ migrations, findings }, unsettled), scope);
  if (!isEmpty(changes)) await store.write(cluster, changes);
  // what was taken back by what is not yet all that will be known of it is told again when the rest has come
  const again = [...unsettled, ...waiting, ...changes.goneMigrations];
  return { changes, again: again.map(({ startedAt, lastSeenAt }) => ({ from: startedAt, to: lastSeenAt })) };
}

/** What an interval is told from. */
export interface Surroundings {
  /** As an analysis reads them. */
  readonly events: readonly ParsedEvent[];
  /** The interval, made longer so that what it touches is in it as a whole, and what is stored of that time. */
  readonly stored: { readonly owned: Interval; readonly migrations: readonly StoredMigration[] };
  /** The time all of whose events are among these. */
  readonly seen: Interval;
  /** Earlier migrations of VMs of which the interval tells where they are: it may tell how those ended. */
  readonly earlier: readonly StoredMigration[];
}

interface Memory {
  readonly memory: Pick<ClusterMemory, 'cluster' | 'recent'>;
  readonly store: TimelineReader;
}

/** Reads what it takes to tell what happened in an interval: migrations that it touches as a whole, from their own beginning to their end. */
export async function lookAround(interval: Interval, { memory, store }: Memory): Promise<Surroundings> {
  const { cluster, recent } = memory;
  const stored = await storedAround(interval, { cluster, store });
  const seen = widened(stored.owned, MARGIN_MS);
  const around = await recent.within([seen]);
  const earlier = await earlierOf(sightingsIn(around, interval), stored.owned, { cluster, store });
  const kept = await keptBefore(around, seen, { cluster, store });
  const later = await eventsAfter(vmsOf(around, stored), seen.to, { memory, store });
  const atResumes = await recent.within(merged(resumesIn(later, seen.to)));
  const events = [...around, ...kept, ...later, ...atResumes, ...(await eventsAround(earlier, stored.owned, { memory, store }))];
  return { events: inFiles(events), stored, seen, earlier };
}

function isEmpty({ migrations, findings, goneMigrations, goneFindings }: Changes): boolean {
  return migrations.length + findings.length + goneMigrations.length + goneFindings.length === 0;
}

interface Place {
  readonly cluster: string;
  readonly store: TimelineReader;
}

/**
 * The interval, made longer so that migrations and conditions of hosts that are stored, and that it touches, are in it as a whole.
 * Those that only the added time touches are not: what is new says nothing of them.
 */
async function storedAround(
  interval: Interval,
  { cluster, store }: Place,
): Promise<{ readonly owned: Interval; readonly migrations: readonly StoredMigration[] }> {
  const touched = [
    ...(await store.migrations(cluster, widened(interval, TRAIL_MS))).map(spanOf),
    // a host that resets itself may say nothing for minutes, and what it says then is of the same outage
    ...(await store.findings(cluster, widened(interval, MARGIN_MS), []))
      .filter(isEpisode)
      .map(({ from, to }) => ({ from, to: to ?? from })),
  ];
  const longest = widened(interval, LONGEST_MS);
  const owned = touched.reduce(
    (all, { from, to }) => ({
      from: Math.max(longest.from, Math.min(all.from, from)),
      to: Math.min(longest.to, Math.max(all.to, to)),
    }),
    widened(interval, EDGE_MS),
  );
  return { owned, migrations: await store.migrations(cluster, owned) };
}

/** A condition of a host with a beginning and an end; advice holds all the time. */
function isEpisode({ detector, severity }: StoredFinding): boolean {
  return ABOUT_HOSTS.has(detector) && severity !== 'info';
}

/** What an interval tells of where VMs are. */
interface Sightings {
  readonly vms: ReadonlySet<string>;
  /** Hosts that went down with all that ran on them. */
  readonly hosts: ReadonlySet<string>;
}

function sightingsIn(events: readonly StoredEvent[], interval: Interval): Sightings {
  const own = events.filter(({ event }) => contains(interval, event.at));
  const ended = own.filter(({ event }) => HOST_ENDS.has(event.body.kind));
  return { vms: new Set(vmsSeen(own)), hosts: new Set(ended.map(({ event }) => hostOf(event))) };
}

/** Migrations of each of these VMs on the day before the time in question: where the VM shows up later tells how they ended. */
async function earlierOf(
  { vms, hosts }: Sightings,
  owned: Interval,
  { cluster, store }: Place,
): Promise<readonly StoredMigration[]> {
  if (vms.size === 0 && hosts.size === 0) return [];
  const before = await store.migrations(cluster, { from: owned.from - FOLLOWED_MS, to: owned.from });
  const ended = before.filter((one) => one.startedAt < owned.from && (vms.has(one.vm) || isOfHost(one, hosts)));
  return [...groupBy(ended, ({ vm }) => vm).values()].flatMap((own) =>
    own.toSorted((a, b) => a.startedAt - b.startedAt).slice(-MAX_EARLIER),
  );
}

function isOfHost({ document }: StoredMigration, hosts: ReadonlySet<string>): boolean {
  if (hosts.size === 0) return false;
  const { source, destination } = JSON.parse(document) as AnalysisDocument['migrations'][number];
  return hosts.has(source ?? '') || hosts.has(destination ?? '');
}

/** VMs that may have migrated in this time. */
function vmsOf(events: readonly StoredEvent[], { migrations }: Surroundings['stored']): ReadonlySet<string> {
  return new Set([...vmsSeen(events), ...migrations.map(({ vm }) => vm)]);
}

/** VMs of which these tell where they are. */
function vmsSeen(events: readonly StoredEvent[]): readonly string[] {
  return events.flatMap(({ event: { body } }) =>
    WHEREABOUTS.has(body.kind) && 'vm' in body && body.vm !== null ? [body.vm] : [],
  );
}

/** Around the first time that each VM was set running after that, which is when one that had arrived paused is announced. */
function resumesIn(later: readonly StoredEvent[], after: number): readonly Interval[] {
  const first = new Map<string, number>();
  for (const one of later) {
    const { body, at } = one.event;
    const vm = vmOf(one);
    if (body.kind !== 'guest-run-state' || !body.running || vm === null || at <= after) continue;
    first.set(vm, Math.min(at, first.get(vm) ?? at));
  }
  return [...first.values()].map((at) => widened({ from: at, to: at }, EARLIER_MARGIN_MS));
}

/** What is known of these VMs since then: lines of an earlier time may come after those of a later one. */
async function eventsAfter(vms: ReadonlySet<string>, after: number, of: Memory): Promise<readonly StoredEvent[]> {
  if (vms.size === 0) return [];
  const events = await eventsOfVms([...vms], { from: after, to: after + FOLLOWED_MS }, of);
  return events.filter((one) => HOST_ENDS.has(one.event.body.kind) || vms.has(vmOf(one) ?? ''));
}

/** Events of an interval: those of these VMs, and those that end every VM of a host; of an interval that is in memory others as well. */
async function eventsOfVms(
  vms: readonly string[],
  interval: Interval,
  { memory: { cluster, recent }, store }: Memory,
): Promise<readonly StoredEvent[]> {
  return recent.knows(interval.from) ? recent.within([interval]) : store.eventsOfVms(cluster, vms, interval);
}

function vmOf({ event: { body, origin } }: StoredEvent): string | null {
  return ('vm' in body ? body.vm : null) ?? origin.file.vm;
}

/** A VM that seems to arrive may have been saved on that host long before: the word of that. */
async function keptBefore(
  events: readonly StoredEvent[],
  seen: Interval,
  { cluster, store }: Place,
): Promise<readonly StoredEvent[]> {
  const first = new Map<string, Event>();
  for (const { event } of events) {
    const { body, at } = event;
    if (!LIFE.has(body.kind) || !('vm' in body) || body.vm === null) continue;
    if (at < (first.get(body.vm)?.at ?? Number.POSITIVE_INFINITY)) first.set(body.vm, event);
  }
  const vms = [...first].flatMap(([vm, { body }]) => (body.kind === 'domain-started' && body.incoming ? [vm] : []));
  if (vms.length === 0) return [];
  const last = await store.lastOfVms(cluster, vms, { kinds: LIFE, at: seen.from });
  return last.filter(({ event }) => isKept(event));
}

async function eventsAround(earlier: readonly StoredMigration[], owned: Interval, of: Memory): Promise<readonly StoredEvent[]> {
  if (earlier.length === 0) return [];
  const spans = merged(earlier.map((one) => widened(spanOf(one), EARLIER_MARGIN_MS)));
  const since = new Map(earlier.toSorted((a, b) => b.startedAt - a.startedAt).map(({ vm, startedAt }) => [vm, startedAt]));
  const ofVms = await eventsOfVms([...since.keys()], { from: Math.min(...since.values()), to: owned.from }, of);
  const own = ofVms.filter(
    (one) => HOST_ENDS.has(one.event.body.kind) || one.event.at >= (since.get(vmOf(one) ?? '') ?? Number.POSITIVE_INFINITY),
  );
  return [...(await of.memory.recent.within(spans)), ...own];
}

function spanOf({ startedAt, lastSeenAt }: StoredMigration): Interval {
  return { from: startedAt - EDGE_MS, to: lastSeenAt };
}

function unique(migrations: readonly StoredMigration[]): readonly StoredMigration[] {
  return [...new Map(migrations.map((one) => [one.id, one])).values()];
}

/** Events as an analysis reads them: each once, file by file in the order of the file, repetitions left out. */
function inFiles(events: readonly StoredEvent[]): readonly ParsedEvent[] {
  const files = groupBy(events, ({ fileId, event: { origin } }) => `${origin.file.host} ${fileId}`);
  const result: ParsedEvent[] = [];
  for (const name of [...files.keys()].toSorted()) {
    const own = (files.get(name) ?? []).toSorted((a, b) => a.event.origin.offset - b.event.origin.offset || a.n - b.n);
    const thinner = createThinner((event) => result.push(event));
    // one object a file, as where files are read: it is how two of one path are told apart
    const file = own[0]?.event.origin.file;
    let last: StoredEvent | undefined;
    for (const one of own) {
      if (last?.event.origin.offset === one.event.origin.offset && last.n === one.n) continue;
      last = one;
      const { body, origin, at } = one.event;
      thinner.add({ body, origin: file === undefined ? origin : { ...origin, file }, stamp: utc(at) });
    }
    thinner.end();
  }
  return result;
}
