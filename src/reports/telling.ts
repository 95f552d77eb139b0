import type { Severity } from '../model/finding.ts';
import type { CauseKind, Outcome } from '../model/timeline.ts';

/** Detectors that say that a migration failed; every other one says why. */
export const GENERIC: ReadonlySet<string> = new Set(['migration-failed', 'migration-aborted']);

/** How much a finding tells of its migration, the least first. */
export const TELLING = { other: 0, generic: 1, critical: 2, explains: 3, cause: 4, splitBrain: 5 } as const;

/** What ranking needs of a finding. */
export interface Ranked {
  readonly detector: string;
  readonly severity: Severity;
}

/** What ranking needs of a migration. */
export interface RankedMigration {
  readonly outcome: Outcome;
  readonly cause: CauseKind | null;
}

/** How much a finding tells of its migration: twice-running guests before all, then the cause, then what led to it. */
export function rankOf({ detector, severity }: Ranked, migration: RankedMigration | null): number {
  if (detector.startsWith('split-brain')) return TELLING.splitBrain;
  if (migration !== null && detector === migration.cause) return TELLING.cause;
  if (GENERIC.has(detector)) return TELLING.generic;
  if (detector === 'not-converging' && migration?.outcome !== 'completed') return TELLING.explains;
  return severity === 'critical' ? TELLING.critical : TELLING.other;
}
