import type { CauseKind, Outcome } from '../../src/model/timeline.ts';
import type { RangeRow } from '../../src/store/chunk-rows.ts';
import type { SampleRow, HostFactRow } from '../../src/store/sample-rows.ts';
import type { Store } from '../../src/store/store.ts';
import type { FindingRow, MigrationRow } from '../../src/store/timeline-rows.ts';
import type { WeekBounds } from '../../src/timeline/zone.ts';
import { seededRandom, type Random } from './seeded-random.ts';

/** Rows of a month, each as its newest version: what the tables hold of it once they are read with FINAL. */
export interface Month {
  readonly migrations: readonly MigrationRow[];
  readonly findings: readonly FindingRow[];
  readonly samples: readonly SampleRow[];
  readonly ranges: readonly RangeRow[];
  readonly facts: readonly HostFactRow[];
}

/** Rows of past weeks must not go because a test runs late. */
export const FOREVER = {
  ttlDays: { migrations: 20_000, findings: 20_000, samples: 20_000, ranges: 20_000, host_facts: 20_000, events: 20_000 },
} as const;

/** How a month is made. */
export interface MonthPlan {
  readonly seed: number;
  /** The latest last. */
  readonly weeks: readonly WeekBounds[];
  /** Migrations in each week. */
  readonly perWeek: number;
  readonly clusters: readonly string[];
}

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SOURCES = ['cloudstack-agent', 'libvirtd', 'libvirt-qemu', 'domjobinfo', 'heartbeat', 'sensors', 'host-facts'];

/** Rows that look like a site's: one host that lacks CPU flags, one slow link, one hot host, one pool that hangs, one host that goes silent. */
export function syntheticMonth({ seed, weeks, perWeek, clusters }: MonthPlan): Month {
  const random = seededRandom(seed);
  const migrations: MigrationRow[] = [];
  const findings: FindingRow[] = [];
  const samples: SampleRow[] = [];
  const ranges: RangeRow[] = [];
  const facts: HostFactRow[] = [];
  for (const [w, week] of weeks.entries())
    for (const cluster of clusters) {
      const hosts = LETTERS.map((letter) => `kvm-${cluster}-${letter}`);
      const own = attempts(random, { week, cluster, hosts, count: Math.round(perWeek / clusters.length) });
      for (const migration of own) {
        migrations.push(migration);
        samples.push(...countersOf(random, migration));
        findings.push(...findingsAbout(migration));
      }
      findings.push(...hostFindings(random, { week, cluster, hosts }));
      samples.push(...measured(random, { week, cluster, hosts }));
      for (const host of hosts) {
        // goes silent in the last week
        if (host === 'kvm-c2-d' && w === weeks.length - 1) continue;
        ranges.push(...rangesOf({ week, cluster, host }));
      }
      if (w === 0) facts.push(...factsOf(week.from, cluster, hosts));
    }
  return { migrations, findings, samples, ranges, facts };
}

interface Place {
  readonly week: WeekBounds;
  readonly cluster: string;
  readonly hosts: readonly string[];
}

function attempts(random: Random, { week, cluster, hosts, count }: Place & { readonly count: number }): readonly MigrationRow[] {
  const made: MigrationRow[] = [];
  while (made.length < count) {
    const first = attempt(random, {
      cluster,
      hosts,
      vm: `i-2-${random.below(400)}-VM`,
      startedAt: week.from + random.below(week.to - week.from),
    });
    made.push(first);
    const again = first.started_at + (2 + random.below(60)) * MINUTE_MS;
    if (first.outcome === 'failed' && random.chance(0.5) && again < week.to && made.length < count)
      made.push(attempt(random, { cluster, hosts, vm: first.vm, startedAt: again }));
  }
  return made;
}

interface Attempt {
  readonly cluster: string;
  readonly hosts: readonly string[];
  readonly vm: string;
  readonly startedAt: number;
}

/** One migration, its end by chance. */
// oxlint-disable-next-line complexity -- one chance a column, flat
export function attempt(random: Random, { cluster, hosts, vm, startedAt }: Attempt): MigrationRow {
  const source = random.of(hosts);
  const destination = random.of(hosts.filter((host) => host !== source));
  const { outcome, cause, text } = endOf(random, destination);
  const tookMs = 4000 + random.below(90_000);
  const seen = random.chance(0.9);
  const ratio = random.below(130) / 100;
  const downtime = outcome === 'completed' ? downtimeOf(random, source) : { ms: null, from: '' };
  const id = `${cluster}-${startedAt}-${random.below(1e9)}`;
  const unobserved = seen
    ? []
    : ['job statistics (virsh domjobinfo, or the QEMU monitor in libvirtd.log): dirty rate, bandwidth'];
  const predictions =
    seen && tookMs > 8000 ? [{ dirtyRateBytesPerSecond: Math.round(ratio * 4e8), bandwidthBytesPerSecond: 4e8 }] : [];
  return {
    id,
    cluster,
    vm,
    source,
    destination,
    started_at: startedAt,
    ended_at: outcome === 'running' || outcome === 'unknown' ? null : startedAt + tookMs,
    last_seen_at: startedAt + tookMs,
    outcome,
    certainty: outcome === 'unknown' ? 'unobserved' : random.chance(0.9) ? 'seen' : 'follows',
    cause_kind: cause ?? '',
    cause_text: text,
    iterations: seen ? 2 + random.below(8) : null,
    downtime_ms: downtime.ms,
    downtime_from: downtime.from,
    downtime_limit_ms: 300,
    announced: outcome !== 'completed' ? 'unobserved' : random.chance(0.85) ? 'yes' : random.chance(0.2) ? 'no' : 'unobserved',
    throttle: seen && ratio > 1.1 ? 20 + random.below(70) : null,
    postcopy_at: null,
    where_host: outcome === 'completed' ? destination : source,
    where_state: 'running',
    unobserved,
    document: JSON.stringify({ id, vm, predictions }),
    version: 2,
    deleted: 0,
  };
}

interface End {
  readonly outcome: Outcome;
  readonly cause: CauseKind | null;
  readonly text: string;
}

const OTHER_CAUSES = ['connection-refused', 'network-interrupted', 'disk-locked', 'out-of-memory', 'unknown'] as const;

function endOf(random: Random, destination: string): End {
  if (destination.endsWith('c1-f') && random.chance(0.5))
    return {
      outcome: 'failed',
      cause: 'cpu-incompatible',
      text: "guest CPU doesn't match specification: missing features: vaes,la57",
    };
  if (random.chance(0.02)) return { outcome: 'failed', cause: random.of(OTHER_CAUSES), text: 'it ended' };
  if (random.chance(0.01))
    return { outcome: 'aborted', cause: random.chance(0.5) ? 'timed-out' : 'aborted-by-operator', text: 'cancelled' };
  if (random.chance(0.005)) return { outcome: 'unknown', cause: null, text: '' };
  if (random.chance(0.003)) return { outcome: 'running', cause: null, text: '' };
  return { outcome: 'completed', cause: null, text: '' };
}

function downtimeOf(random: Random, source: string): { readonly ms: number | null; readonly from: string } {
  const ms = Math.round(20 * Math.exp(random.below(1000) / 400) * (source.endsWith('-c') ? 1.6 : 1));
  if (random.chance(0.03)) return { ms: null, from: '' };
  if (random.chance(0.04)) return { ms, from: 'at-least' };
  return { ms: random.chance(0.004) ? ms * 20 : ms, from: random.chance(0.9) ? 'statistics' : 'events' };
}

/** A counter a second or so; the stream of one host carries a quarter of the others'. */
function countersOf(random: Random, migration: MigrationRow): readonly SampleRow[] {
  if (migration.iterations === null) return [];
  const { cluster, source, vm, started_at: from, last_seen_at: to } = migration;
  const perMs = (source.endsWith('-e') ? 100e3 : 400e3) * (0.8 + random.below(400) / 1000);
  const steps = 6;
  return Array.from({ length: steps }, (_, i) => {
    const at = Math.round(from + ((to - from) * (i + 1)) / (steps + 1));
    return {
      cluster,
      host: source,
      vm,
      metric: 'job.transferredBytes',
      subject: 'outgoing',
      at,
      value: Math.round((at - from) * perMs),
    };
  });
}

interface Told {
  readonly id: string;
  readonly detector: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly summary: string;
  readonly from: number;
  readonly to?: number | null;
  readonly host?: string;
  readonly source?: string;
  readonly remedies?: readonly (readonly [what: string, command: string | null])[];
}

/** A finding with as much of a document as a report reads. */
export function finding(cluster: string, told: Told, migration: MigrationRow | null): FindingRow {
  const remedies = (told.remedies ?? []).map(([what, command]) => ({ what, command }));
  return {
    id: told.id,
    cluster,
    detector: told.detector,
    severity: told.severity,
    confidence: 'seen',
    title: told.detector,
    summary: told.summary,
    vm: migration?.vm ?? '',
    host: told.host ?? migration?.destination ?? '',
    migration_id: migration?.id ?? '',
    from_at: told.from,
    to_at: told.to === undefined ? told.from + 10_000 : told.to,
    document: JSON.stringify({ evidence: [{ source: told.source ?? 'libvirtd' }], remedies }),
    version: 2,
    deleted: 0,
    found_at: told.from,
  };
}

function findingsAbout(migration: MigrationRow): readonly FindingRow[] {
  const { id, cluster, vm, source, destination, started_at: from } = migration;
  // oxlint-disable-next-line max-params -- reads as a table: detector, severity, words, steps
  const of = (detector: string, severity: Told['severity'], summary: string, remedies: Told['remedies'] = []): FindingRow =>
    finding(cluster, { id: `${detector}-${id}`, detector, severity, summary, from, remedies }, migration);
  const found: FindingRow[] = [];
  if (migration.outcome === 'failed') {
    found.push(
      of(
        'migration-failed',
        'critical',
        `The migration of ${vm} from ${source} to ${destination} failed after 5 s. It still runs on ${source}.`,
        [['see where it runs and how; this changes nothing', `virsh -c qemu+ssh://${source}/system domstate ${vm} --reason`]],
      ),
    );
    if (migration.cause_kind === 'cpu-incompatible')
      found.push(
        of(
          'cpu-incompatible',
          'critical',
          `${destination} lacks 2 CPU features that the running VM uses: vaes, la57. It still runs on ${source}.`,
          [
            [`see which CPU the running VM has (on ${source})`, `virsh -c qemu:///system dumpxml --migratable ${vm} > ${vm}.xml`],
            [
              'then give the cluster one CPU model: in /etc/cloudstack/agent/agent.properties of every host, then restart cloudstack-agent, then stop and start the VM',
              'guest.cpu.mode=custom\nguest.cpu.model=THE-NEWEST-MODEL-THAT-ALL-HOSTS-REPORT-USABLE',
            ],
          ],
        ),
      );
  }
  if ((migration.downtime_ms ?? 0) > 1000)
    found.push(
      of('downtime-exceeded', 'warning', `${vm} stood still for ${migration.downtime_ms} ms while it moved to ${destination}.`, [
        ['let QEMU throttle the guest until it converges: the global setting of CloudStack', 'kvm.auto.convergence=true'],
      ]),
    );
  if (migration.announced === 'no')
    found.push(
      of('missing-garp', 'warning', `The network was not told that ${vm} runs on ${destination} now.`, [
        [`on ${destination}: announce it again`, `virsh qemu-monitor-command ${vm} --hmp announce_self`],
      ]),
    );
  if (migration.announced === 'yes')
    found.push(of('unencrypted-stream', 'info', 'The memory of the guest went unencrypted over the network.'));
  return found;
}

function hostFindings(random: Random, { week, cluster, hosts }: Place): readonly FindingRow[] {
  const at = (): number => week.from + random.below(week.to - week.from);
  const pool = '9534216b-f021-4caa-b6b4-f5b133751716';
  const spikes = Array.from({ length: 3 + random.below(4) }, (_, i) => {
    const [host, from, grave] = [hosts[i % 2] ?? '', at(), i === 0];
    return finding(
      cluster,
      {
        id: `spike-${cluster}-${from}`,
        detector: 'storage-heartbeat-spike',
        severity: grave ? 'critical' : 'warning',
        summary: grave
          ? `${host} could not write its heartbeat to pool ${pool}: 3 of 5 tries failed since 04:10:00 UTC (timeout). No further try failed.`
          : `A heartbeat write of ${host} to pool ${pool} took 2.7 s (usually 3 ms), at 04:10:00 UTC.`,
        from,
        to: from + 30_000,
        host,
        remedies: [[`see how the pool is mounted on ${host}; touches no guest`, `mount | grep ${pool}`]],
      },
      null,
    );
  });
  const heat = [0, 1, 2].map((i) => {
    const [from, host] = [at(), hosts[2] ?? ''];
    return finding(
      cluster,
      {
        id: `heat-${cluster}-${from}`,
        detector: 'host-overheated',
        severity: i === 0 ? 'warning' : 'info',
        summary: `The kernel of ${host} throttled CPU3 for heat at 04:10:00 UTC.`,
        from,
        to: from + 6 * HOUR_MS,
        host,
        source: i === 1 ? 'sensors' : 'journal',
        remedies: [[`see the temperatures of ${host} now; touches no guest`, 'sensors']],
      },
      null,
    );
  });
  return [...spikes, ...heat];
}

function measured(random: Random, { week, cluster, hosts }: Place): readonly SampleRow[] {
  const samples: SampleRow[] = [];
  for (const host of hosts) {
    for (let at = week.from + 1000; at < week.to; at += HOUR_MS) {
      const common = { cluster, host, vm: '', at };
      const latency = random.chance(0.01) ? 1000 + random.below(30_000) : 2 + random.below(20);
      samples.push({ ...common, metric: 'heartbeat.latencyMs', subject: '9534216b-f021-4caa-b6b4-f5b133751716', value: latency });
      // the last host has no sensors
      if (!host.endsWith('-f'))
        samples.push({
          ...common,
          metric: 'temperature.celsius',
          subject: 'coretemp/Package id 0',
          value: 50 + random.below(40),
        });
    }
  }
  return samples;
}

/** What was read of a host in a week: a chunk of every kind. */
export function rangesOf({
  week,
  cluster,
  host,
}: {
  readonly week: WeekBounds;
  readonly cluster: string;
  readonly host: string;
}): readonly RangeRow[] {
  const kinds = SOURCES.filter(
    (source) => !(source === 'sensors' && host.endsWith('-f')) && !(source === 'heartbeat' && host.endsWith('-b')),
  );
  return kinds.map((source) => ({
    cluster,
    host,
    source,
    path: `/var/log/${source}`,
    file_id: `${host}-${source}`,
    from_offset: week.from / 1000,
    to_offset: week.from / 1000 + 5000,
    from_line: 0,
    to_line: 100,
    first_at: week.from + 1000,
    last_at: week.to - 1000,
    observed_at: week.to - 500,
    records: 100,
    with_events: 13,
    plain: 86,
    rejected: 1,
  }));
}

function factsOf(at: number, cluster: string, hosts: readonly string[]): readonly HostFactRow[] {
  return hosts.flatMap((host) => [
    { cluster, host, name: 'cpu.model', value: host.endsWith('c1-f') ? 'Xeon Gold 6138' : 'Xeon Gold 6338', at },
    { cluster, host, name: 'cpu.flags', value: host.endsWith('c1-f') ? 'fpu sse avx' : 'fpu sse avx vaes la57', at },
  ]);
}

/** Stores a month as a site has it: some rows came twice, some were otherwise in an earlier version, some were taken back. */
export async function storeMonth(store: Store, { migrations, findings, samples, ranges, facts }: Month): Promise<void> {
  const earlier = migrations
    .filter((_, i) => i % 7 === 0)
    .map((row) => ({ ...row, version: 1, outcome: 'running', downtime_ms: null, ended_at: null }));
  const gone = migrations.slice(-5).map((row) => ({ ...row, id: `gone-${row.id}` }));
  await store.insert({ table: 'migrations', rows: [...earlier, ...gone] });
  await store.insert({
    table: 'migrations',
    rows: [...migrations, ...migrations.slice(0, 50), ...gone.map((row) => ({ ...row, version: 3, deleted: 1 as const }))],
  });
  const goneFindings = findings.slice(-8).map((row) => ({ ...row, id: `gone-${row.id}` }));
  await store.insert({ table: 'findings', rows: goneFindings });
  await store.insert({
    table: 'findings',
    rows: [...findings, ...goneFindings.map((row) => ({ ...row, version: 3, deleted: 1 as const }))],
  });
  for (const again of [samples, samples.slice(0, 100)]) await store.insert({ table: 'samples', rows: again });
  for (const again of [ranges, ranges.slice(0, 10)]) await store.insert({ table: 'ranges', rows: again });
  await store.insert({ table: 'host_facts', rows: facts });
}
