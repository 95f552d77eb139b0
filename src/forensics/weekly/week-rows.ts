import type { ReportScope, WeekRows } from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { cpuClusters, cpuFacts, failingCpuPairs, matrixPairs } from './cpus.ts';
import { downtimeByHeat, hotHosts } from './heat.ts';
import { coverageOfWeek, readWeeks, silentHosts, weekRecords } from './hosts.ts';
import { incidentsByCause, remediesByCause, troublesCompared } from './incidents.ts';
import { effectiveBandwidth, weekConvergence } from './memory.ts';
import { announcements, migrationsByOutcome, retries, weekDowntime, weeksCompared, worstDowntimes } from './migrations.ts';
import { heartbeatWrites, resetsAndNear, spikesByPool } from './storage.ts';

/** Migrations named for their downtime. */
const WORST = 5;

/** All questions of a report, one after the other: memory of the engine stays that of one. */
export async function weekRows(store: Store, scope: ReportScope): Promise<WeekRows> {
  const cpuFailing = await failingCpuPairs(store, scope);
  const cpuPairs = await matrixPairs(store, scope);
  return {
    outcomes: await migrationsByOutcome(store, scope),
    downtime: await weekDowntime(store, scope),
    worst: await worstDowntimes(store, scope, WORST),
    convergence: await weekConvergence(store, scope),
    retries: await retries(store, scope),
    bandwidth: await effectiveBandwidth(store, scope),
    cpuClusters: await cpuClusters(store, scope),
    cpuFailing,
    cpuPairs,
    cpuFacts: await cpuFacts(store, scope, [...cpuFailing, ...cpuPairs]),
    pools: await spikesByPool(store, scope),
    writes: await heartbeatWrites(store, scope),
    resets: await resetsAndNear(store, scope),
    announced: await announcements(store, scope),
    heat: await hotHosts(store, scope),
    heatDowntime: await downtimeByHeat(store, scope),
    incidents: await incidentsByCause(store, scope),
    remedies: await remediesByCause(store, scope),
    silent: await silentHosts(store, scope),
    coverage: await coverageOfWeek(store, scope),
    records: await weekRecords(store, scope),
    trend: await weeksCompared(store, scope),
    troubles: await troublesCompared(store, scope),
    readWeeks: await readWeeks(store, scope),
  };
}
