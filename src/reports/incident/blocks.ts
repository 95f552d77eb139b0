import { groupBy } from '../../lib/group.ts';
import { SEVERITIES, type Finding } from '../../model/finding.ts';
import type { Migration } from '../../model/timeline.ts';
import type { Analysis } from '../analysis.ts';

/** All problems of one migration, or of one host outside migrations. */
export interface Block {
  readonly migration: Migration | null;
  /** The most telling one. */
  readonly head: Finding;
  /** Others that say something of their own, the worst first. */
  readonly rest: readonly Finding[];
  /** Findings that only say that it failed, where the head says why. */
  readonly folded: readonly Finding[];
}

/** Detectors that say that a migration failed; every other one says why. */
export const GENERIC: ReadonlySet<string> = new Set(['migration-failed', 'migration-aborted']);

/** The warnings and criticals, grouped by what they are about; the worst block first, then in the order of time. */
export function blocksOf({ findings, migrations }: Analysis): readonly Block[] {
  const byId = new Map(migrations.map((migration) => [migration.id, migration]));
  const groups = groupBy(findings.filter(isProblem), ({ migration, host }) => migration ?? `host ${host ?? ''}`);
  const blocks = [...groups.values()].map((group) => blockOf(group, byId.get(group[0]?.migration ?? '') ?? null));
  return blocks.toSorted((a, b) => worst(b) - worst(a) || a.head.from - b.head.from);
}

/** Whether somebody has to look: advice is none. */
export function isProblem({ severity }: Finding): boolean {
  return severity !== 'info';
}

/** Whether a migration went wrong by its outcome alone. */
export function isUnexplained({ outcome }: Migration): boolean {
  return outcome === 'failed' || outcome === 'aborted';
}

function blockOf(group: readonly Finding[], migration: Migration | null): Block {
  const sorted = group.toSorted(
    (a, b) => tellingOf(b, migration) - tellingOf(a, migration) || severityOf(b) - severityOf(a) || a.from - b.from,
  );
  const [head, ...others] = sorted;
  if (head === undefined) throw new Error('a group of findings is never empty');
  const explained = tellingOf(head, migration) > TELLING.generic;
  const folds = (finding: Finding): boolean => explained && GENERIC.has(finding.detector);
  return {
    migration,
    head,
    rest: others.filter((finding) => !folds(finding)).toSorted((a, b) => severityOf(b) - severityOf(a)),
    folded: others.filter(folds),
  };
}

const TELLING = { other: 0, generic: 1, critical: 2, explains: 3, cause: 4, splitBrain: 5 } as const;

/** How much a finding tells of its migration: twice-running guests before all, then the cause, then what led to it. */
function tellingOf({ detector, severity }: Finding, migration: Migration | null): number {
  if (detector.startsWith('split-brain')) return TELLING.splitBrain;
  if (migration !== null && detector === migration.cause?.kind) return TELLING.cause;
  if (GENERIC.has(detector)) return TELLING.generic;
  if (detector === 'not-converging' && migration?.outcome !== 'completed') return TELLING.explains;
  return severity === 'critical' ? TELLING.critical : TELLING.other;
}

function severityOf({ severity }: Finding): number {
  return SEVERITIES.indexOf(severity);
}

function worst({ head, rest, folded }: Block): number {
  return Math.max(...[head, ...rest, ...folded].map(severityOf));
}
