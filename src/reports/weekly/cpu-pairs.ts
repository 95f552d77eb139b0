import { missingFeatures } from '../../detectors/cpu-incompatible.ts';
import { groupBy } from '../../lib/group.ts';
import { isoTime } from '../../lib/units.ts';
import type { WeeklyReport } from './document.ts';
import { CPU_DAYS } from './limits.ts';
import type { CpuFactsRow, CpuPairRow, WeekRows } from './rows.ts';

type Cpu = WeeklyReport['cpu'];
type Cell = Cpu['matrices'][number]['rows'][number][number];

/** Which hosts' CPUs agree, as outcomes tell, and what the hosts say of themselves where no outcome does. */
export function cpuOf({ cpuClusters, cpuFailing, cpuPairs, cpuFacts }: WeekRows): Cpu {
  const known = cpuClusters.map((row) => ({ ...row, unknown: row.hosts * (row.hosts - 1) - row.works - row.fails - row.mixed }));
  return {
    days: CPU_DAYS,
    clusters: known,
    failing: cpuFailing.map((pair) => ({
      cluster: pair.cluster,
      source: pair.source,
      destination: pair.destination,
      state: pair.completed > 0 ? 'mixed' : 'fails',
      completed: pair.completed,
      cpuFailed: pair.cpuFailed,
      lastFailedAt: pair.lastFailedAt === null ? null : isoTime(pair.lastFailedAt),
      features: [...missingFeatures(pair.failureText ?? '')],
      text: pair.failureText,
    })),
    matrices: [...groupBy(cpuPairs, ({ cluster }) => cluster)]
      .map(([cluster, pairs]) =>
        matrixOf(cluster, pairs, {
          facts: cpuFacts.filter((row) => row.cluster === cluster),
          hosts: known.find((row) => row.cluster === cluster)?.hosts ?? 0,
        }),
      )
      // where all work a number says it
      .filter(({ rows }) => rows.flat().some(({ state }) => state !== 'works' && state !== 'itself')),
  };
}

interface Known {
  readonly facts: readonly CpuFactsRow[];
  /** All of the cluster that took part in migrations. */
  readonly hosts: number;
}

function matrixOf(cluster: string, pairs: readonly CpuPairRow[], { facts, hosts: all }: Known): Cpu['matrices'][number] {
  const names = [...new Set(pairs.flatMap(({ source, destination }) => [source, destination]))].toSorted();
  const factsOf = new Map(facts.map((row) => [row.host, row]));
  const seen = new Map(pairs.map((pair) => [`${pair.source}\0${pair.destination}`, pair]));
  return {
    cluster,
    hosts: names.map((host) => ({ host, model: factsOf.get(host)?.model ?? null })),
    rows: names.map((source) =>
      names.map((destination): Cell => {
        if (source === destination) return { state: 'itself', lacks: null };
        const pair = seen.get(`${source}\0${destination}`);
        return { state: stateOf(pair), lacks: lacks(factsOf.get(source), factsOf.get(destination)) };
      }),
    ),
    left: all - names.length,
  };
}

function stateOf(pair: CpuPairRow | undefined): Cell['state'] {
  if (pair === undefined) return 'unknown';
  if (pair.cpuFailed === 0) return 'works';
  return pair.completed > 0 ? 'mixed' : 'fails';
}

function lacks(source: CpuFactsRow | undefined, destination: CpuFactsRow | undefined): number | null {
  if (typeof source?.flags !== 'string' || typeof destination?.flags !== 'string') return null;
  const there = new Set(destination.flags.split(/\s+/));
  return new Set(source.flags.split(/\s+/).filter((flag) => !there.has(flag))).size;
}
