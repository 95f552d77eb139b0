import { groupBy } from '../../lib/group.ts';
import { SEVERITIES, type Finding } from '../../model/finding.ts';
import type { Migration } from '../../model/timeline.ts';
import type { Analysis } from '../analysis.ts';
import { GENERIC, TELLING, rankOf } from '../telling.ts';

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
  const about = migration === null ? null : { outcome: migration.outcome, cause: migration.cause?.kind ?? null };
  const sorted = group.toSorted(
    (a, b) => rankOf(b, about) - rankOf(a, about) || severityOf(b) - severityOf(a) || a.from - b.from,
  );
  const [head, ...others] = sorted;
  if (head === undefined) throw new Error('a group of findings is never empty');
  const explained = rankOf(head, about) > TELLING.generic;
  const folds = (finding: Finding): boolean => explained && GENERIC.has(finding.detector);
  return {
    migration,
    head,
    rest: others.filter((finding) => !folds(finding)).toSorted((a, b) => severityOf(b) - severityOf(a)),
    folded: others.filter(folds),
  };
}

function severityOf({ severity }: Finding): number {
  return SEVERITIES.indexOf(severity);
}

function worst({ head, rest, folded }: Block): number {
  return Math.max(...[head, ...rest, ...folded].map(severityOf));
}
