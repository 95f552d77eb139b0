import { groupBy } from '../lib/group.ts';
import { stableId } from '../lib/hash.ts';
import { SEVERITIES, type Finding } from '../model/finding.ts';
import type { Migration, Outcome } from '../model/timeline.ts';
import type { Analysis } from '../reports/analysis.ts';
import { findingDocument, migrationDocument } from '../reports/json.ts';
import type { FoundFinding } from '../store/timeline-rows.ts';
import { contains, overlaps, type Interval } from './interval.ts';
import type { Changes, StoredFinding, StoredMigration } from './timelines.ts';

/** A condition of a host that is found again within this is the same one, going on. */
export const EPISODE_GAP_MS = 24 * 3_600_000;

/** What is stored around the time of an analysis. */
export interface Stored {
  readonly migrations: readonly StoredMigration[];
  readonly findings: readonly StoredFinding[];
}

/** Which part of an analysis counts. */
export interface Scope {
  /** All that was told of migrations which began in these times was looked at. */
  readonly owned: readonly Interval[];
  /** All that happened to hosts in this time was looked at. */
  readonly hosts: Interval;
  /** What happened in this time was seen, too; of a condition that began before it, only a part. */
  readonly seen: Interval;
  /** Detectors whose subject is a host. */
  readonly aboutHosts: ReadonlySet<string>;
  /** Unix ms. */
  readonly now: number;
}

/** Compares what an analysis says with what is stored: what to write, what to take back. Pure. */
export function changesOf(analysis: Pick<Analysis, 'migrations' | 'findings'>, stored: Stored, scope: Scope): Changes {
  const isOwned = (at: number): boolean => scope.owned.some((interval) => contains(interval, at));
  const migrations = analysis.migrations.filter(({ startedAt }) => isOwned(startedAt));
  const byVm = groupBy(migrations, ({ vm }) => vm);
  const goneMigrations = stored.migrations.filter((one) => isGone(one, byVm.get(one.vm) ?? [], isOwned));
  const judged = new Set([...migrations, ...goneMigrations].map(({ id }) => id));
  const own = analysis.findings.filter(({ detector, from, to, migration }) =>
    // a condition that began before this time and goes on in it counts: on a busy cluster there is always something before
    scope.aboutHosts.has(detector)
      ? overlaps(scope.hosts, { from, to: to ?? from })
      : migration !== null && judged.has(migration),
  );
  const before = groupBy(stored.findings, ({ id, detector, document }) =>
    scope.aboutHosts.has(detector) ? documentId(document) : id,
  );
  const byId = new Map(analysis.migrations.map((migration) => [migration.id, migration]));
  const all = own.map((finding) => ({
    ...placed(finding, before.get(finding.id) ?? [], scope),
    migration: byId.get(finding.migration ?? '') ?? null,
  }));
  const findings = all.filter(({ isKnown }) => !isKnown);
  const found = new Set(all.map(({ id }) => id));
  const goneFindings = stored.findings.filter(
    (one) =>
      !found.has(one.id) &&
      (scope.aboutHosts.has(one.detector)
        ? contains(scope.hosts, one.from)
        : one.migration !== null && judged.has(one.migration)),
  );
  const documents = new Map([...stored.migrations, ...stored.findings].map(({ id, document }) => [id, document]));
  const outcomes = new Map(stored.migrations.map(({ id, outcome }) => [id, outcome]));
  return {
    migrations: migrations.filter((one) => documents.get(one.id) !== storedText(one)),
    findings: findings.filter(({ id, finding }) => documents.get(id) !== findingText(finding)),
    ended: new Set(migrations.filter((one) => hasEnded(one, outcomes.get(one.id))).map(({ id }) => id)),
    fresh: new Set([...found].filter((id) => !documents.has(id))),
    goneMigrations,
    goneFindings,
  };
}

function hasEnded({ outcome }: Migration, before: Outcome | undefined): boolean {
  return outcome !== 'running' && (before ?? 'running') === 'running';
}

/** The migration as text, the same as long as nothing new is known. */
function storedText(migration: Migration): string {
  return JSON.stringify(migrationDocument(migration));
}

/** The finding as text, the same as long as it says the same. */
function findingText(finding: Finding): string {
  return JSON.stringify(findingDocument(finding));
}

/** Nothing bears it out any more, or what does is another row: where its beginning or a host became known, its id is another. */
function isGone(
  { id, startedAt, lastSeenAt }: StoredMigration,
  ofVm: readonly Migration[],
  isOwned: (at: number) => boolean,
): boolean {
  if (ofVm.some((one) => one.id === id)) return false;
  const replaced = ofVm.some((one) => overlaps({ from: one.startedAt, to: one.lastSeenAt }, { from: startedAt, to: lastSeenAt }));
  return replaced || isOwned(startedAt);
}

interface PlacedFinding extends Omit<FoundFinding, 'migration'> {
  /** What is stored says all of it, and more. */
  readonly isKnown: boolean;
}

/** The row of a finding, given those stored under its id: about a host, it may go on from one of them. */
function placed(finding: Finding, stored: readonly StoredFinding[], { aboutHosts, seen, now }: Scope): PlacedFinding {
  if (!aboutHosts.has(finding.detector)) {
    const foundAt = stored[0]?.foundAt ?? now;
    return { id: finding.id, finding, foundAt, isKnown: false };
  }
  const before = stored.find((one) => one.detector === finding.detector && isSame(one, finding));
  if (before === undefined) return { id: stableId(finding.id, String(finding.from)), finding, foundAt: now, isKnown: false };
  const isKnown = before.from < seen.from && endOf(finding) <= endOf(before);
  return { id: before.id, finding: goingOn(finding, before), foundAt: before.foundAt, isKnown };
}

function endOf({ to }: Pick<Finding, 'to'>): number {
  return to ?? Number.POSITIVE_INFINITY;
}

function isSame(stored: StoredFinding, { from, to }: Finding): boolean {
  const episode = { from: stored.from, to: (stored.to ?? stored.from) + EPISODE_GAP_MS };
  return overlaps(episode, { from, to: (to ?? from) + EPISODE_GAP_MS });
}

/** What the detector called it: the id in the document, where the row's may also say which episode it is. */
export function documentId(document: string): string {
  const { id } = JSON.parse(document) as { readonly id: string };
  return id;
}

/** The condition since it began; no milder than it was. */
function goingOn(finding: Finding, before: StoredFinding): Finding {
  const severity =
    SEVERITIES.indexOf(before.severity) > SEVERITIES.indexOf(finding.severity) ? before.severity : finding.severity;
  return { ...finding, severity, from: Math.min(finding.from, before.from) };
}
