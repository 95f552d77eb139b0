import type { Severity } from '../model/finding.ts';
import type { Certainty } from '../model/timeline.ts';
import type { Store } from '../store/store.ts';
import { whereOf, type Filter } from './filter.ts';

/** A finding as the store holds its newest version; instants in Unix ms, absent is `null`. */
export interface StoredFinding {
  readonly id: string;
  readonly cluster: string;
  readonly detector: string;
  readonly severity: Severity;
  readonly confidence: Certainty;
  readonly title: string;
  readonly summary: string;
  readonly vm: string | null;
  readonly host: string | null;
  readonly migration: string | null;
  readonly fromAt: number;
  /** `null` while it goes on. */
  readonly toAt: number | null;
  readonly foundAt: number;
  /** The finding of `precopy/analysis@1`, as JSON. */
  readonly document: string;
}

/** What else restricts findings. */
export interface FindingFilter extends Filter {
  readonly detector?: string;
  readonly severity?: Severity;
  readonly migration?: string;
}

const COLUMNS = `id, cluster, detector, severity, confidence, title, summary, nullIf(stored.vm, '') AS vm, nullIf(stored.host, '') AS host,
  nullIf(migration_id, '') AS migration, toUnixTimestamp64Milli(from_at) AS fromAt, toUnixTimestamp64Milli(to_at) AS toAt,
  toUnixTimestamp64Milli(found_at) AS foundAt, document`;

/** Findings that began in the period, the newest first. */
export async function findings(store: Store, filter: FindingFilter = {}): Promise<readonly StoredFinding[]> {
  const { detector = '', severity = '', migration = '' } = filter;
  const { where, params } = whereOf(filter, { at: 'from_at', hosts: ['stored.host'], vm: 'stored.vm' });
  return store.query<StoredFinding>(
    `SELECT ${COLUMNS} FROM findings AS stored FINAL ${where}
       AND {detector: String} IN ('', detector) AND {severity: String} IN ('', severity) AND {migration: String} IN ('', migration_id)
     ORDER BY from_at DESC, id LIMIT {limit: UInt32}`,
    { ...params, detector, severity, migration },
  );
}
