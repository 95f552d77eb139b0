import type { Covered } from '../../src/pipeline/coverage.ts';
import { contains, overlaps, type Interval } from '../../src/pipeline/interval.ts';
import type { ParsedChunk } from '../../src/pipeline/parse-chunk.ts';
import type { StoredFinding, StoredMigration, Stretch, TimelineStore } from '../../src/pipeline/timelines.ts';
import { findingDocument, migrationDocument, type AnalysisDocument } from '../../src/reports/json.ts';
import type { StoredEvent } from '../../src/store/rows.ts';
import { addressesIn } from '../../src/timeline/addresses.ts';
import { HOST_ENDS } from '../../src/timeline/of-kind.ts';

/** A migration that ran this long before a time, ms, may still run in it. */
const SILENT_MS = 600_000;

interface Migrated extends StoredMigration {
  readonly endedAt: number | null;
}

/** What the tables hold of one cluster, and what a store is asked of it. */
export interface TimelinesInMemory {
  readonly store: TimelineStore;
  add(chunks: readonly ParsedChunk[]): void;
  /** When the latest completed migration of each VM ended. */
  moved(): ReadonlyMap<string, number>;
  migrations(): AnalysisDocument['migrations'];
  findings(): AnalysisDocument['findings'];
}

/** Tables that answer as those of a store do, at no cost. */
export function timelinesInMemory(cluster: string): TimelinesInMemory {
  const events = new Map<string, StoredEvent>();
  const migrations = new Map<string, Migrated>();
  const findings = new Map<string, StoredFinding>();
  const covered: Covered[] = [];
  const all = (): readonly StoredEvent[] => [...events.values()];
  const from = Number.NEGATIVE_INFINITY;
  const wasSeen = ({ outcome, lastSeenAt }: Migrated, since: number): boolean =>
    lastSeenAt >= since || (outcome === 'running' && lastSeenAt >= since - SILENT_MS);
  const store: TimelineStore = {
    clusters: async () => [cluster],
    events: async (_, intervals) => all().filter(({ event }) => intervals.some((one) => contains(one, event.at))),
    eventsOfVms: async (_, vms, interval) => all().filter((one) => contains(interval, one.event.at) && isOf(one, vms)),
    lastOfVms: async (_, vms, { kinds, at }) =>
      vms.flatMap((vm) => {
        const own = all().filter((one) => isOf(one, [vm]) && kinds.has(one.event.body.kind) && one.event.at < at);
        return own.toSorted((a, b) => b.event.at - a.event.at).slice(0, 1);
      }),
    density: async (_, interval, stretchMs) => densityOf(all(), interval, stretchMs),
    eventCounts: async (clusters) => clusters.map((one) => ({ cluster: one, all: events.size, latest: events.size, from })),
    latestEvents: async () => new Map([[cluster, { events: all(), from }]]),
    migrations: async (_, interval) =>
      [...migrations.values()].filter((one) => one.startedAt <= interval.to && wasSeen(one, interval.from)),
    running: async (_, interval) => {
      const running = [...migrations.values()].filter(({ outcome }) => outcome === 'running');
      return new Map([[cluster, running.filter((one) => wasSeen(one, interval.from))]]);
    },
    findings: async (_, interval, ids) =>
      [...findings.values()].filter(
        (one) =>
          overlaps({ from: one.from, to: one.to ?? Math.max(one.from, Date.now()) }, interval) ||
          (one.migration !== null && ids.includes(one.migration)),
      ),
    covered: async () => new Map([[cluster, covered]]),
    addresses: async () => new Map([[cluster, all().flatMap(({ event }) => addressesIn(event))]]),
    toldOtherwise: async (_, { names, addresses, disputed }) => {
      const isConcerned = ({ document }: Migrated): boolean => {
        const { source, destination, destinationAddress: to } = JSON.parse(document) as AnalysisDocument['migrations'][number];
        if (names.length > 0 && [source, destination].some((host) => host === null || names.includes(host))) return true;
        return to !== null && ((destination === null && addresses.includes(to)) || disputed.includes(to));
      };
      const ofHosts = [...findings.values()].filter((one) => names.includes(hostOf(one) ?? ''));
      return [
        ...[...migrations.values()].filter(isConcerned).map(({ startedAt, lastSeenAt }) => ({ from: startedAt, to: lastSeenAt })),
        ...ofHosts.map((one) => ({ from: one.from, to: one.to ?? one.from })),
      ];
    },
    async write(_, changes) {
      for (const { id } of changes.goneMigrations) migrations.delete(id);
      for (const { id } of changes.goneFindings) findings.delete(id);
      for (const one of changes.migrations) migrations.set(one.id, { ...one, document: JSON.stringify(migrationDocument(one)) });
      for (const { id, finding, foundAt } of changes.findings)
        findings.set(id, { ...finding, id, foundAt, document: JSON.stringify(findingDocument(finding)) });
    },
  };
  return {
    store,
    add(chunks) {
      for (const { header, events: own, firstAt, lastAt } of chunks) {
        if (firstAt !== null && lastAt !== null) covered.push({ ...header, firstAt, lastAt });
        for (const one of own) events.set(`${header.host} ${one.fileId} ${one.event.origin.offset} ${one.n}`, one);
      }
    },
    moved() {
      const ends = [...migrations.values()].flatMap(({ vm, outcome, endedAt }): [string, number][] =>
        outcome === 'completed' && endedAt !== null ? [[vm, endedAt]] : [],
      );
      return new Map(ends.toSorted(([, a], [, b]) => a - b));
    },
    migrations: () => documents(migrations),
    findings: () => documents(findings),
  };
}

function hostOf({ document }: StoredFinding): string | null {
  return (JSON.parse(document) as AnalysisDocument['findings'][number]).host;
}

function isOf({ event: { body } }: StoredEvent, vms: readonly string[]): boolean {
  const vm = 'vm' in body ? body.vm : null;
  return vm === null ? HOST_ENDS.has(body.kind) : vms.includes(vm);
}

function densityOf(events: readonly StoredEvent[], interval: Interval, stretchMs: number): readonly Stretch[] {
  const counts = new Map<number, number>();
  for (const { event } of events.filter((one) => contains(interval, one.event.at))) {
    const from = Math.floor(event.at / stretchMs) * stretchMs;
    counts.set(from, (counts.get(from) ?? 0) + 1);
  }
  return [...counts].map(([from, count]) => ({ from, events: count })).toSorted((a, b) => a.from - b.from);
}

function documents<T extends { readonly id: string }>(rows: ReadonlyMap<string, { readonly document: string }>): T[] {
  return [...rows.values()].map(({ document }) => JSON.parse(document) as T).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
