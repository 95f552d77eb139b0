import { stableId } from '../lib/hash.ts';
import { createOverlapIndex, type OverlapIndex } from '../lib/overlap-index.ts';
import type { Detector } from '../detectors/detector.ts';
import { detectors } from '../detectors/index.ts';
import type { ParsedEvent } from '../model/event.ts';
import type { Conclusion, Finding } from '../model/finding.ts';
import { SEVERITIES } from '../model/finding.ts';
import type { InputResult, Readings } from '../model/input.ts';
import type { FileContext, FileSpan } from '../model/source.ts';
import type { HostHistory, Migration } from '../model/timeline.ts';
import { buildTimelines, type Timelines } from '../timeline/build.ts';
import { placeInTime, type HostClock, type Placed, type ZoneSettings } from '../timeline/clock.ts';
import { withoutCopies } from '../timeline/copies.ts';
import { withOneNameEach } from '../timeline/host-names.ts';
import { writerOf } from '../timeline/of-kind.ts';
import type { Coverage } from '../timeline/unobserved.ts';

/** Everything that an analysis found, for every way of showing it. */
export interface Analysis {
  /** In the order of their beginning. */
  readonly migrations: readonly Migration[];
  /** The worst first, then in the order of time. */
  readonly findings: readonly Finding[];
  readonly hosts: readonly HostHistory[];
  readonly clocks: readonly HostClock[];
  readonly inputs: readonly InputResult[];
  /** Migrations that do not touch the time asked for. */
  readonly outside: number;
  /** The time that the logs cover, Unix ms; `null` where no record has a time. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Settings of detectors by id, as `precopy.yaml` or the command line gives them. */
export type DetectorSettings = Readonly<Record<string, unknown>>;

/** How to look at what was read. */
export interface AnalysisView {
  readonly zones: ZoneSettings;
  /** Only what touches this time is shown, Unix ms. */
  readonly since: number | null;
  readonly until: number | null;
  readonly limits: DetectorSettings;
}

/** All of it, zones inferred, limits as they come. */
export const DEFAULT_VIEW: AnalysisView = { zones: { all: null, hosts: new Map() }, since: null, until: null, limits: {} };

/** What was read → what happened. */
export function analyse(readings: Readings, view: AnalysisView): Analysis {
  return conclude(place(readings, view.zones), view);
}

/** What was read, its events in time. */
export interface PlacedReadings extends Placed, Pick<Readings, 'inputs' | 'addresses'> {
  readonly files: Coverage;
}

/** The first half of `analyse`: whoever drops the readings then spares the memory of the events as parsed. */
export function place(readings: Readings, zones: ZoneSettings): PlacedReadings {
  const { events, spans, inputs, addresses } = withOneNameEach(readings);
  return { ...placeInTime(withoutCopies(events), spans, zones), files: coverageOf(events, spans), inputs, addresses };
}

/**
 * Each host and program once, however many files of QEMU there are: every migration looks through them. A system log that has
 * messages of libvirt's daemon is its log, one with an agent's words about migrations is that agent's.
 */
function coverageOf(events: readonly ParsedEvent[], spans: readonly FileSpan[]): Coverage {
  const files = new Map(spans.map(({ host, source }) => [`${host}\n${source}`, { host, source }]));
  const known = new Set<FileContext>();
  for (const event of events) {
    const { file } = event.origin;
    // of any other file each event says the same, and there are hundreds of thousands
    if (file.source !== 'journal' && known.has(file)) continue;
    known.add(file);
    const { host } = file;
    const source = writerOf(event);
    files.set(`${host}\n${source}`, { host, source });
  }
  return [...files.values()];
}

/** The second half of `analyse`. */
export function conclude(placed: PlacedReadings, { since, until, limits }: Omit<AnalysisView, 'zones'>): Analysis {
  const { events, clocks, inputs } = placed;
  const timelines = buildTimelines(events, placed);
  const touches = ({ from, to }: { readonly from: number; readonly to: number | null }): boolean =>
    from <= (until ?? Number.POSITIVE_INFINITY) && (to ?? Number.POSITIVE_INFINITY) >= (since ?? Number.NEGATIVE_INFINITY);
  const migrations = timelines.migrations.filter(({ startedAt, lastSeenAt }) => touches({ from: startedAt, to: lastSeenAt }));
  return {
    migrations,
    outside: timelines.migrations.length - migrations.length,
    findings: findingsOf(timelines, detectors, limits).filter(touches),
    hosts: timelines.hosts,
    clocks,
    inputs,
    from: events[0]?.at ?? null,
    to: events.at(-1)?.at ?? null,
  };
}

/** Runs every detector over every subject of its kind. */
export function findingsOf(
  { migrations, hosts }: Timelines,
  all: readonly Detector[],
  settings: DetectorSettings = {},
): readonly Finding[] {
  const migrating = new Map(hosts.map((history) => [history, indexed(history)]));
  const findings = all.flatMap((detector) => {
    const own = settings[detector.id] ?? NO_SETTINGS;
    const subjects: readonly (Migration | HostHistory)[] = detector.subject === 'migration' ? migrations : hosts;
    return subjects.flatMap((subject) => {
      const conclusions = detector.run(subject, own);
      if ('vm' in subject) return conclusions.map((conclusion) => ofMigration(detector, subject, conclusion));
      const during = migrating.get(subject) ?? indexed(subject);
      return conclusions.map((conclusion) => ofHost(detector, subject, { conclusion, tied: tiedTo(during, conclusion) }));
    });
  });
  const once = [...new Map(findings.map((found) => [found.id, found])).values()];
  return once.toSorted(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.from - b.from || (a.id < b.id ? -1 : 1),
  );
}

const NO_SETTINGS = {};

/** The migrations of a host, to be asked which of them ran in a time. */
function indexed({ migrations }: HostHistory): OverlapIndex<Migration> {
  return createOverlapIndex(migrations, ({ startedAt, lastSeenAt }) => ({ from: startedAt, to: lastSeenAt }));
}

/** The migration that a finding about a host is told with: one that ran meanwhile, rather one that the evidence is of, or that did not complete. */
function tiedTo(during: OverlapIndex<Migration>, { from, to, evidence }: Conclusion): Migration | null {
  const meanwhile = during({ from, to: to ?? Number.POSITIVE_INFINITY });
  const score = ({ events, outcome }: Migration): number =>
    (evidence.some((event) => events.includes(event)) ? 2 : 0) + (outcome === 'completed' ? 0 : 1);
  return meanwhile.toSorted((a, b) => score(b) - score(a))[0] ?? null;
}

function ofMigration({ id: detector, title }: Detector, migration: Migration, conclusion: Conclusion): Finding {
  const { id, vm, source, destination } = migration;
  return {
    ...conclusion,
    id: stableId(detector, id, conclusion.discriminator),
    detector,
    title,
    migration: id,
    vm,
    host: destination ?? source,
  };
}

function ofHost(
  { id: detector, title }: Detector,
  { host }: HostHistory,
  { conclusion, tied }: { readonly conclusion: Conclusion; readonly tied: Migration | null },
): Finding {
  return {
    ...conclusion,
    id: stableId(detector, host, conclusion.discriminator),
    detector,
    title,
    migration: tied?.id ?? null,
    vm: tied?.vm ?? null,
    host,
  };
}
