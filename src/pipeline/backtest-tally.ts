import { groupBy } from '../lib/group.ts';
import type { Backtest, BacktestChange, JudgedFinding } from '../model/backtest.ts';
import { SEVERITIES } from '../model/finding.ts';
import { EPISODE_GAP_MS } from './changes.ts';
import { overlaps } from './interval.ts';

/** What both settings make of one migration. */
export interface JudgedMigration {
  /** Names the VM among those of all clusters. */
  readonly vm: string;
  /** Unix ms. */
  readonly from: number;
  readonly to: number;
  readonly before: readonly JudgedFinding[];
  readonly after: readonly JudgedFinding[];
}

/** Counts what changes, part by part in the order of time; keeps what changes and little else. */
export interface BacktestTally {
  /** All migrations that a part tells; one that an earlier part told counts as this one tells it. */
  ofMigrations(told: readonly JudgedMigration[]): void;
  /** Conditions of hosts; one that goes on from an earlier part is the same. */
  ofHosts(before: readonly JudgedFinding[], after: readonly JudgedFinding[]): void;
  result(): Pick<Backtest, 'found' | 'gone' | 'fresh' | 'otherSeverity' | 'changes'>;
}

/** More changes than anybody reads; the rest is counted. */
const MAX_CHANGES = 1000;

interface Entry {
  readonly from: number;
  readonly to: number;
  /** Findings that both make, just as bad. */
  readonly same: number;
  readonly changes: readonly BacktestChange[];
}

/** Nothing counted yet. */
export function createBacktestTally(): BacktestTally {
  const byVm = new Map<string, readonly Entry[]>();
  const episodes = new Map<string, Episode[]>();

  return {
    ofMigrations(told) {
      for (const [vm, own] of groupBy(told, (migration) => migration.vm)) {
        const others = (byVm.get(vm) ?? []).filter((entry) => !own.some((one) => overlaps(entry, one)));
        const entries = [...others, ...own.map(entryOf).filter(({ same, changes }) => same + changes.length > 0)];
        if (entries.length === 0) byVm.delete(vm);
        else byVm.set(vm, entries);
      }
    },
    ofHosts(before, after) {
      for (const finding of before) goOn(episodes, finding, 'before');
      for (const finding of after) goOn(episodes, finding, 'after');
    },
    result() {
      const entries = [...byVm.values()].flat();
      const pairs = [...episodes.values()].flat().map(({ before, after }) => ({ before, after }));
      const changes = [...entries.flatMap((entry) => entry.changes), ...pairs.filter(isChange)];
      const same = entries.reduce((sum, entry) => sum + entry.same, 0) + pairs.length - pairs.filter(isChange).length;
      const count = (matches: (change: BacktestChange) => boolean): number => changes.filter(matches).length;
      const fresh = count(({ before }) => before === null);
      return {
        found: same + changes.length - fresh,
        gone: count(({ after }) => after === null),
        fresh,
        otherSeverity: count(({ before, after }) => before !== null && after !== null),
        changes: changes.toSorted((a, b) => beginOf(a) - beginOf(b)).slice(-MAX_CHANGES),
      };
    },
  };
}

function entryOf({ from, to, before, after }: JudgedMigration): Entry {
  const now = new Map(after.map((finding) => [finding.id, finding]));
  const then = new Set(before.map(({ id }) => id));
  const pairs = [
    ...before.map((finding) => ({ before: finding, after: now.get(finding.id) ?? null })),
    ...after.filter(({ id }) => !then.has(id)).map((finding) => ({ before: null, after: finding })),
  ];
  const changes = pairs.filter(isChange);
  return { from, to, same: pairs.length - changes.length, changes };
}

function isChange({ before, after }: BacktestChange): boolean {
  return before?.severity !== after?.severity;
}

function beginOf({ before, after }: BacktestChange): number {
  return (before ?? after)?.from ?? 0;
}

interface Episode {
  from: number;
  to: number;
  before: JudgedFinding | null;
  after: JudgedFinding | null;
}

/** Parts come in the order of time, so that only the last episode of a condition may go on. */
function goOn(episodes: Map<string, Episode[]>, finding: JudgedFinding, side: 'before' | 'after'): void {
  const { id, cluster, from } = finding;
  const to = (finding.to ?? from) + EPISODE_GAP_MS;
  const key = `${cluster}\0${id}`;
  const own = episodes.get(key) ?? [];
  episodes.set(key, own);
  const last = own.at(-1);
  if (last === undefined || !overlaps(last, { from, to })) {
    own.push({ from, to, before: null, after: null, [side]: finding });
    return;
  }
  last.from = Math.min(last.from, from);
  last.to = Math.max(last.to, to);
  last[side] = joined(last[side], finding);
}

/** The condition since it began, as it was told last; no milder than it was. */
function joined(before: JudgedFinding | null, finding: JudgedFinding): JudgedFinding {
  if (before === null) return finding;
  const worse = SEVERITIES.indexOf(before.severity) > SEVERITIES.indexOf(finding.severity) ? before.severity : finding.severity;
  return { ...finding, from: Math.min(before.from, finding.from), severity: worse };
}
