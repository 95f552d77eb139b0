import { groupBy } from '../lib/group.ts';
import type { Migration } from '../model/timeline.ts';
import type { Analysis } from '../reports/analysis.ts';
import type { Stored } from './changes.ts';
import { overlaps } from './interval.ts';

/**
 * How long after a VM was heard of what its migration is judged by may still come, ms. A collector holds back the last record of a file for a second, for it may go
 * on, and the logs of two hosts do not arrive at once.
 */
const SETTLE_MS = 3000;

/** What of an analysis can be told, and what may be judged otherwise in a moment. */
export interface Settled {
  readonly analysis: Pick<Analysis, 'migrations' | 'findings'>;
  /** Migrations whose end is too fresh to be judged by what no log says. */
  readonly unsettled: readonly Migration[];
}

/** What tells whether more may be on its way. */
export interface SettleParts {
  /** When an event of a VM was stored last, Unix ms. */
  readonly heardAt: ReadonlyMap<string, number>;
  readonly now: number;
  /** Detectors whose subject is a host. */
  readonly aboutHosts: ReadonlySet<string>;
}

/** Notes that a VM was heard of, and forgets those for which that does not matter any more. */
export function hear(heardAt: Map<string, number>, vm: string, now: number): void {
  // in the order of when they were heard of last
  heardAt.delete(vm);
  heardAt.set(vm, now);
  for (const [other, at] of heardAt) {
    if (isRecent(at, now)) return;
    heardAt.delete(other);
  }
}

/**
 * Leaves out migrations whose end was heard of just now where no line says how, or why: the line may be on its way, and an alarm that is taken
 * back a second later is a false one. What is found of hosts stays.
 */
export function settled(
  { migrations, findings }: Pick<Analysis, 'migrations' | 'findings'>,
  { heardAt, now, aboutHosts }: SettleParts,
): Settled {
  const isFresh = ({ vm }: Migration): boolean => isRecent(heardAt.get(vm) ?? 0, now);
  const unsettled = migrations.filter((migration) => isFresh(migration) && isGuessed(migration));
  const held = new Set(unsettled.map(({ id }) => id));
  return {
    analysis: {
      migrations: migrations.filter(({ id }) => !held.has(id)),
      findings: findings.filter(
        ({ detector, migration }) => aboutHosts.has(detector) || migration === null || !held.has(migration),
      ),
    },
    unsettled,
  };
}

/** What is stored, without what it says of migrations that are not settled: that stays as it is. */
export function withoutUnsettled({ migrations, findings }: Stored, unsettled: readonly Migration[]): Stored {
  const byVm = groupBy(unsettled, ({ vm }) => vm);
  const held = migrations.filter((stored) =>
    (byVm.get(stored.vm) ?? []).some(({ startedAt, lastSeenAt }) =>
      overlaps({ from: startedAt, to: lastSeenAt }, { from: stored.startedAt, to: stored.lastSeenAt }),
    ),
  );
  const ids = new Set(held.map(({ id }) => id));
  return {
    migrations: migrations.filter(({ id }) => !ids.has(id)),
    findings: findings.filter(({ migration }) => migration === null || !ids.has(migration)),
  };
}

/** Less than that ago; what lies ahead was heard before the clock was set back. */
function isRecent(at: number, now: number): boolean {
  return at <= now && now - at < SETTLE_MS;
}

function isGuessed({ outcome, outcomeCertainty, cause }: Migration): boolean {
  if (outcome === 'running') return false;
  return outcomeCertainty !== 'seen' || (outcome !== 'completed' && (cause === null || cause.kind === 'unknown'));
}
