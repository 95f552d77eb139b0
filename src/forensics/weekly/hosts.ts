import type { CoverageRow, RecordsRow, ReportScope, SilentHostRow } from '../../reports/weekly/rows.ts';
import type { Store } from '../../store/store.ts';
import { onlyRow, weekIndex, within, type Within } from './within.ts';

const MOST_SILENT = 20;
/** Names of hosts that lack one kind. */
const NAMED = 5;

/** Programs that only a hypervisor's files are of, and `moved` for ends of migrations; a switch is no host of VMs. */
const OF_HYPERVISORS = "['moved', 'cloudstack-agent', 'libvirt-qemu', 'libvirtd', 'domjobinfo', 'heartbeat', 'host-facts']";

/** The column `sources` has what was read of a host that is of the week: a chunk counts where its records lie, not when it was read. */
function hostsOf({ allWeeks, cluster }: Within): string {
  return `hosts AS (
      SELECT cluster, host, groupUniqArrayIf(source, in_week) AS sources, groupUniqArray(source) AS ever, max(last) AS last_at
      FROM (
        SELECT cluster, host, source, ifNull(last_at, observed_at) AS last,
          last >= fromUnixTimestamp64Milli({from: Int64}) AND ifNull(first_at, observed_at) < fromUnixTimestamp64Milli({to: Int64}) AS in_week
        FROM ranges WHERE ${cluster} AND observed_at >= fromUnixTimestamp64Milli({earliest: Int64})
          AND last >= fromUnixTimestamp64Milli({earliest: Int64}) AND ifNull(first_at, observed_at) < fromUnixTimestamp64Milli({to: Int64})
        UNION ALL
        SELECT DISTINCT cluster, arrayJoin(arrayFilter(name -> name != '', [toString(stored.source), toString(stored.destination)])) AS host, 'moved' AS source,
          NULL AS last, 0 AS in_week
        FROM migrations AS stored FINAL WHERE ${allWeeks}
      )
      GROUP BY cluster, host HAVING hasAny(ever, ${OF_HYPERVISORS})
    )`;
}

/** Hosts that were read, or that migrations tell of, in this week or the four before, and of which nothing was read that is of this week. */
export async function silentHosts(store: Store, scope: ReportScope): Promise<readonly SilentHostRow[]> {
  const conditions = within(scope, 'started_at');
  return store.query<SilentHostRow>(
    `WITH ${hostsOf(conditions)}
     SELECT cluster, host, toUnixTimestamp64Milli(last_at) AS lastAt FROM hosts WHERE empty(sources)
     ORDER BY lastAt DESC NULLS LAST, cluster, host LIMIT ${MOST_SILENT}`,
    conditions.params,
  );
}

/** Of how many hypervisors which kind of output was read. */
export async function coverageOfWeek(store: Store, scope: ReportScope): Promise<CoverageRow> {
  const conditions = within(scope, 'started_at');
  const without = (name: string, ...kinds: readonly string[]): string => {
    const lacks = `notEmpty(sources) AND NOT hasAny(sources, [${kinds.map((kind) => `'${kind}'`).join(', ')}])`;
    return `countIf(${lacks}) AS ${name}, arraySlice(arraySort(groupUniqArrayIf(toString(host), ${lacks})), 1, ${NAMED}) AS ${name}Hosts`;
  };
  return onlyRow(
    await store.query<CoverageRow>(
      `WITH ${hostsOf(conditions)}
       SELECT count() AS hypervisors, countIf(empty(sources)) AS silent, ${without('noAgent', 'cloudstack-agent')},
         ${without('noLibvirt', 'libvirtd', 'libvirt-qemu')}, ${without('noJobs', 'domjobinfo')},
         ${without('noHeartbeat', 'heartbeat')}, ${without('noSensors', 'sensors')}, ${without('noFacts', 'host-facts')}
       FROM hosts`,
      conditions.params,
    ),
  );
}

/** Records that were read and are of the week: of chunks whose last record is. */
export async function weekRecords(store: Store, scope: ReportScope): Promise<RecordsRow> {
  const { week, params } = within(scope, 'ifNull(last_at, observed_at)');
  return onlyRow(
    await store.query<RecordsRow>(
      `SELECT count() AS chunks, sum(stored.records) AS records, sum(with_events) AS withEvents, sum(stored.plain) AS plain,
         sum(stored.rejected) AS rejected
       FROM ranges AS stored FINAL WHERE ${week}`,
      params,
    ),
  );
}

/** Of which of the five weeks anything was read, as indexes. */
export async function readWeeks(store: Store, scope: ReportScope): Promise<readonly number[]> {
  const { allWeeks, params } = within(scope, 'ifNull(last_at, observed_at)');
  const rows = await store.query<{ readonly week: number }>(
    `SELECT DISTINCT ${weekIndex('ifNull(last_at, observed_at)')} AS week FROM ranges WHERE ${allWeeks} ORDER BY week`,
    params,
  );
  return rows.map(({ week }) => week);
}
