import type { Finding } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { findingDocument, migrationDocument } from '../reports/json.ts';

/** A row of the table `migrations`; instants in Unix ms, absent names are empty. */
export interface MigrationRow {
  readonly id: string;
  readonly cluster: string;
  readonly vm: string;
  readonly source: string;
  readonly destination: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly last_seen_at: number;
  readonly outcome: string;
  readonly certainty: string;
  readonly cause_kind: string;
  readonly cause_text: string;
  readonly iterations: number | null;
  readonly downtime_ms: number | null;
  readonly downtime_from: string;
  readonly downtime_limit_ms: number;
  readonly announced: string;
  readonly throttle: number | null;
  readonly postcopy_at: number | null;
  readonly where_host: string;
  readonly where_state: string;
  readonly unobserved: readonly string[];
  readonly document: string;
  readonly version: number;
  readonly deleted: 0 | 1;
}

/** A row of the table `findings`; instants in Unix ms, absent names are empty. */
export interface FindingRow {
  readonly id: string;
  readonly cluster: string;
  readonly detector: string;
  readonly severity: string;
  readonly confidence: string;
  readonly title: string;
  readonly summary: string;
  readonly vm: string;
  readonly host: string;
  readonly migration_id: string;
  readonly from_at: number;
  readonly to_at: number | null;
  readonly document: string;
  readonly version: number;
  readonly deleted: 0 | 1;
  readonly found_at: number;
}

/** What rows of one writing share. */
export interface Edition {
  readonly cluster: string;
  /** Grows with every writing of the same migration or finding: the highest counts. */
  readonly version: number;
  /** When it is written, Unix ms. */
  readonly writtenAt: number;
}

/** The row of a migration as it is known now. */
// oxlint-disable-next-line complexity -- one default a column, flat
export function toMigrationRow(of: Migration, { cluster, version }: Edition): MigrationRow {
  const where = of.after.find(({ state }) => state === 'running') ?? of.after.find(({ state }) => state === 'paused');
  return {
    id: of.id,
    cluster,
    vm: of.vm,
    source: of.source ?? '',
    destination: of.destination ?? '',
    started_at: whole(of.startedAt),
    ended_at: wholeOrNull(of.endedAt),
    last_seen_at: whole(of.lastSeenAt),
    outcome: of.outcome,
    certainty: of.outcomeCertainty,
    cause_kind: of.cause?.kind ?? '',
    cause_text: of.cause?.text ?? '',
    iterations: of.iterations,
    downtime_ms: of.downtime?.ms ?? null,
    downtime_from: of.downtime?.from ?? '',
    downtime_limit_ms: of.downtimeLimitMs,
    announced: of.announcement.state,
    throttle: of.throttlePercent,
    postcopy_at: wholeOrNull(of.postcopyAt),
    where_host: where?.host ?? '',
    where_state: where?.state ?? 'unknown',
    unobserved: of.unobserved,
    document: JSON.stringify(migrationDocument(of)),
    version,
    deleted: 0,
  };
}

/** A finding and its row. */
export interface FoundFinding {
  /** Of the row: the finding's own, or one that also says which episode of a lasting condition it is. */
  readonly id: string;
  readonly finding: Finding;
  /** The migration that it is about or told with; `null` where there is none. */
  readonly migration: Migration | null;
  /** When it was found first, Unix ms. */
  readonly foundAt: number;
}

/** The row of a finding as it holds now. */
export function toFindingRow({ id, finding: of, foundAt }: FoundFinding, { cluster, version }: Edition): FindingRow {
  return {
    id,
    cluster,
    detector: of.detector,
    severity: of.severity,
    confidence: of.confidence,
    title: of.title,
    summary: of.summary,
    vm: of.vm ?? '',
    host: of.host ?? '',
    migration_id: of.migration ?? '',
    from_at: whole(of.from),
    to_at: wholeOrNull(of.to),
    document: JSON.stringify(findingDocument(of)),
    version,
    deleted: 0,
    found_at: foundAt,
  };
}

/** Deletes a migration that is no more: only its identity and version count. */
export function vanishedMigration(id: string, { cluster, version, writtenAt }: Edition): Partial<MigrationRow> {
  return { id, cluster, version, deleted: 1, last_seen_at: writtenAt };
}

/** Deletes a finding that no longer holds. */
export function vanishedFinding(id: string, { cluster, version, writtenAt }: Edition): Partial<FindingRow> {
  return { id, cluster, version, deleted: 1, from_at: writtenAt };
}

/** Instants of the tables are whole ms. */
function whole(ms: number): number {
  return Math.round(ms);
}

function wholeOrNull(ms: number | null): number | null {
  return ms === null ? null : whole(ms);
}
