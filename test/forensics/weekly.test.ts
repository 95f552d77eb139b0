import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeReport } from '../../src/forensics/weekly/make-report.ts';
import { groupBy } from '../../src/lib/group.ts';
import { isoTime } from '../../src/lib/units.ts';
import { reportDocument, type WeeklyReport } from '../../src/reports/weekly/document.ts';
import type { FindingRow, MigrationRow } from '../../src/store/timeline-rows.ts';
import { weekAfter, weekBounds, zoneNamed, type WeekBounds } from '../../src/timeline/zone.ts';
import { openEmbedded, type TemporaryStore } from '../store/temporary-store.ts';
import { FOREVER, storeMonth, syntheticMonth } from './synthetic-month.ts';

const zone = zoneNamed('Europe/Berlin');
if (zone === null) throw new Error('no zone');
// clocks go back in it: 169 hours
const last = weekBounds('2026-W43', zone);
if (last === null) throw new Error('no week');
const week = last;
const weeks = [-4, -3, -2, -1, 0].map((weeks_) => weekAfter(week, weeks_, zone));
const month = syntheticMonth({ seed: 7, weeks, perWeek: 900, clusters: ['c1', 'c2'] });
const NOW = week.to + 3_600_000;

let temporary: TemporaryStore;
let report: WeeklyReport;

beforeAll(async () => {
  temporary = await openEmbedded(FOREVER);
  await storeMonth(temporary.store, month);
  report = await made();
}, 60_000);
afterAll(() => temporary.remove());

function made(cluster: string | null = null): Promise<WeeklyReport> {
  return makeReport(temporary.store, { week: week.week, zone: 'Europe/Berlin', cluster, now: NOW });
}

/** What began in a week, counted here, not by the engine. */
function began(of: WeekBounds = week, cluster: string | null = null): readonly MigrationRow[] {
  return month.migrations.filter(
    ({ started_at: at, cluster: own }) => at >= of.from && at < of.to && (cluster === null || own === cluster),
  );
}

function found(of: WeekBounds = week, cluster: string | null = null): readonly FindingRow[] {
  return month.findings.filter(
    ({ from_at: at, cluster: own }) => at >= of.from && at < of.to && (cluster === null || own === cluster),
  );
}

function count<T>(rows: readonly T[], keep: (row: T) => boolean): number {
  return rows.filter(keep).length;
}

/** The value at the share of the number of values, rounded down. */
function quantile(values: readonly number[], share: number): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? null;
}

function isKnown({ outcome, downtime_ms: ms, downtime_from: from }: MigrationRow): boolean {
  return outcome === 'completed' && ms !== null && from !== 'at-least';
}

function incidentsIn(rows: readonly FindingRow[]): readonly string[] {
  const grave = rows.filter(({ severity }) => severity !== 'info');
  return [...new Set(grave.map(({ cluster, migration_id: migration, id }) => `${cluster} ${migration === '' ? id : migration}`))];
}

describe.each([null, 'c1'])('a month of migrations, of cluster %s', { timeout: 60_000 }, (cluster) => {
  let one: WeeklyReport;
  const rows = began(week, cluster);
  beforeAll(async () => {
    one = await made(cluster);
  }, 60_000);

  test('is a document of its schema', () => {
    expect(reportDocument.safeParse(JSON.parse(JSON.stringify(one))).error).toBeUndefined();
    expect(one).toMatchObject({
      week: '2026-W43',
      hours: 169,
      from: '2026-10-18T22:00:00.000Z',
      to: '2026-10-25T23:00:00.000Z',
      complete: true,
    });
  });

  test('migrations by outcome, certainty and cause', () => {
    expect(one.migrations.total).toBe(rows.length);
    for (const { outcome, migrations, seen, follows, unobserved } of one.migrations.outcomes) {
      const own = rows.filter((row) => row.outcome === outcome);
      expect([outcome, migrations]).toEqual([outcome, own.length]);
      expect([seen, follows, unobserved]).toEqual(
        ['seen', 'follows', 'unobserved'].map((sure) => count(own, ({ certainty }) => certainty === sure)),
      );
    }
    for (const { cause, failed, aborted } of one.migrations.causes)
      expect([failed, aborted]).toEqual(
        ['failed', 'aborted'].map((end) => count(rows, (row) => row.outcome === end && row.cause_kind === (cause ?? ''))),
      );
    const [completed, judged] = [
      count(rows, ({ outcome }) => outcome === 'completed'),
      count(rows, ({ outcome }) => ['completed', 'failed', 'aborted'].includes(outcome)),
    ];
    expect(one.migrations.success).toMatchObject({
      completed,
      judged,
      notJudged: rows.length - judged,
      rate: completed / judged,
    });
  });

  test('downtimes: percentiles, the target, the worst', () => {
    const known = rows.filter(isKnown).map(({ downtime_ms: ms }) => ms ?? 0);
    const bounds = rows.filter(({ outcome, downtime_from: from }) => outcome === 'completed' && from === 'at-least');
    expect(one.downtime).toMatchObject({
      known: known.length,
      lowerBounds: bounds.length,
      notObserved: count(rows, ({ outcome, downtime_ms: ms }) => outcome === 'completed' && ms === null),
      p50Ms: quantile(known, 0.5),
      p95Ms: quantile(known, 0.95),
      p99Ms: quantile(known, 0.99),
      maxMs: Math.max(...known),
      overTarget: count(known, (ms) => ms > 100),
      lowerBoundsOverTarget: count(bounds, ({ downtime_ms: ms }) => (ms ?? 0) > 100),
      overLimit: count(known, (ms) => ms > 300),
      percentilesNote: null,
    });
    expect(one.downtime.worst.map(({ downtimeMs }) => downtimeMs)).toEqual(known.toSorted((a, b) => b - a).slice(0, 5));
  });

  test('convergence: counters, ratios, throttling, retries', () => {
    const seen = rows.filter(({ unobserved }) => unobserved.length === 0);
    const ratios = rows.flatMap(({ document }) => {
      const { predictions } = JSON.parse(document) as {
        readonly predictions: readonly { readonly dirtyRateBytesPerSecond: number }[];
      };
      return predictions.map(({ dirtyRateBytesPerSecond: dirty }) => dirty / 4e8);
    });
    expect(one.convergence).toMatchObject({
      observed: seen.length,
      notObserved: rows.length - seen.length,
      predicted: ratios.length,
      ratioP50: quantile(ratios, 0.5),
      ratioP95: quantile(ratios, 0.95),
      ratios: {
        calm: count(ratios, (ratio) => ratio <= 0.5),
        close: count(ratios, (ratio) => ratio > 0.5 && ratio < 1),
        beyond: count(ratios, (ratio) => ratio >= 1),
      },
      throttled: count(seen, ({ throttle }) => throttle !== null),
      maxThrottlePercent: Math.max(...seen.map(({ throttle }) => throttle ?? 0)),
    });
    const all = month.migrations.toSorted((a, b) => a.started_at - b.started_at || (a.id < b.id ? -1 : 1));
    const retries = rows.filter((row) => {
      const before = all.findLast(
        (other) =>
          other.vm === row.vm &&
          other.cluster === row.cluster &&
          (other.started_at < row.started_at || (other.started_at === row.started_at && other.id < row.id)),
      );
      if (before === undefined || !['failed', 'aborted'].includes(before.outcome)) return false;
      return row.started_at <= (before.ended_at ?? before.last_seen_at) + 30 * 60_000;
    });
    expect(retries.length).toBeGreaterThan(5);
    expect(one.convergence.retries).toMatchObject({
      retries: retries.length,
      vms: new Set(retries.map(({ vm, cluster: own }) => `${own} ${vm}`)).size,
      completed: count(retries, ({ outcome }) => outcome === 'completed'),
    });
  });

  test('effective bandwidth: the median, and the slowest pairs, as the counters say', () => {
    const counters = groupBy(
      month.samples.filter(({ metric }) => metric === 'job.transferredBytes'),
      ({ cluster: of, host, vm }) => `${of} ${host} ${vm}`,
    );
    const speeds = rows.flatMap((row) => {
      if (row.iterations === null) return [];
      const all = counters.get(`${row.cluster} ${row.source} ${row.vm}`) ?? [];
      const own = all.filter(({ at }) => at >= row.started_at && at <= row.last_seen_at);
      const [first, end] = [own[0], own.at(-1)];
      return first === undefined || end === undefined
        ? []
        : [{ row, speed: ((end.value - first.value) * 1000) / (end.at - first.at) }];
    });
    expect(one.bandwidth.measured).toBe(speeds.length);
    expect(one.bandwidth.medianBytesPerSecond).toBeCloseTo(
      quantile(
        speeds.map(({ speed }) => speed),
        0.5,
      ) ?? 0,
      3,
    );
    const [slowest] = one.bandwidth.pairs;
    const own = speeds
      .filter(({ row }) => row.source === slowest?.source && row.destination === slowest.destination)
      .map(({ speed }) => speed);
    expect(slowest).toMatchObject({ source: expect.stringMatching(/-e$/), migrations: own.length, slow: true });
    expect(slowest?.medianBytesPerSecond).toBeCloseTo(quantile(own, 0.5) ?? 0, 3);
    expect(one.bandwidth.sources[0]).toMatchObject({ source: expect.stringMatching(/-e$/), slow: true });
    expect(one.bandwidth.destinations.every(({ slow }) => !slow)).toBe(true);
  });

  test('announcements and heat', () => {
    const completed = rows.filter(({ outcome }) => outcome === 'completed');
    expect(one.announcements).toEqual({
      completed: completed.length,
      ...Object.fromEntries(
        ['yes', 'no', 'unobserved'].map((state) => [state, count(completed, ({ announced }) => announced === state)]),
      ),
    });
    const hot = found(week, cluster).filter(({ detector }) => detector === 'host-overheated');
    const near = 5 * 60_000;
    const stateOf = (row: MigrationRow): string => {
      const meanwhile = hot.some(
        ({ cluster: of, host, from_at: from, to_at: to }) =>
          of === row.cluster &&
          [row.source, row.destination].includes(host) &&
          from - near <= row.last_seen_at &&
          (to ?? Infinity) + near >= row.started_at,
      );
      if (meanwhile) return 'hot';
      return row.source.endsWith('-f') || row.destination.endsWith('-f') ? 'unobserved' : 'cool';
    };
    for (const { heat, migrations, known, medianMs } of one.heat.downtimes) {
      const own = completed.filter((row) => stateOf(row) === heat);
      expect([heat, migrations]).toEqual([heat, own.length]);
      const downtimes = own.filter(isKnown).map(({ downtime_ms: ms }) => ms ?? 0);
      expect([known, medianMs]).toEqual([downtimes.length, quantile(downtimes, 0.5)]);
    }
    expect(one.heat.hosts).toHaveLength(cluster === null ? 2 : 1);
    expect(one.heat.hosts[0]).toMatchObject({ overheated: true, throttled: true, findings: 3, nearMigrations: true });
  });

  test('storage heartbeat: spikes by pool, near resets, the longest write', () => {
    const spikes = found(week, cluster).filter(({ detector }) => detector === 'storage-heartbeat-spike');
    expect(one.storage.spikes).toBe(spikes.length);
    expect(one.storage.pools.reduce((sum, pool) => sum + pool.spikes, 0)).toBe(spikes.length);
    for (const { cluster: of, pool, critical, writes, longestMs } of one.storage.pools) {
      const own = month.samples.filter(
        (row) => row.metric === 'heartbeat.latencyMs' && row.cluster === of && row.at >= week.from && row.at < week.to,
      );
      expect(pool).toBe('9534216b-f021-4caa-b6b4-f5b133751716');
      expect(critical).toBe(count(spikes, (row) => row.cluster === of && row.severity === 'critical'));
      expect([writes, longestMs]).toEqual([own.length, Math.max(...own.map(({ value }) => value))]);
    }
    expect(one.storage.resets).toHaveLength(count(spikes, ({ severity }) => severity === 'critical'));
    expect(one.storage.resets.every(({ reset }) => !reset)).toBe(true);
  });

  test('incidents are one a migration, by its cause', () => {
    const rowsOf = found(week, cluster);
    expect(one.incidents.total).toBe(incidentsIn(rowsOf).length);
    expect(one.incidents.others).toBe(0);
    const cpu = rows.filter(({ cause_kind: cause }) => cause === 'cpu-incompatible').length;
    expect(
      one.incidents.causes.filter(({ cause }) => cause === 'cpu-incompatible').reduce((sum, { incidents }) => sum + incidents, 0),
    ).toBe(cpu);
    expect(one.incidents.causes.some(({ cause }) => cause === 'unencrypted-stream')).toBe(false);
    expect(one.recommendations[0]).toMatchObject({ cause: 'cpu-incompatible', incidents: cpu, critical: cpu });
    expect(one.recommendations[0]?.steps[0]).toMatchObject({
      incidents: cpu,
      command: expect.stringContaining('guest.cpu.mode=custom'),
    });
  });

  test('CPUs: pairs that fail, what they lack, and the matrix', () => {
    const past = month.migrations.filter(({ cluster: own, source }) => source !== '' && (cluster === null || own === cluster));
    for (const { source, destination, completed, cpuFailed, state, features } of one.cpu.failing) {
      const own = past.filter((row) => row.source === source && row.destination === destination);
      expect(destination).toBe('kvm-c1-f');
      expect([completed, cpuFailed]).toEqual([
        count(own, ({ outcome }) => outcome === 'completed'),
        count(own, ({ cause_kind: cause }) => cause === 'cpu-incompatible'),
      ]);
      expect([state, features]).toEqual([completed > 0 ? 'mixed' : 'fails', ['vaes', 'la57']]);
    }
    expect(one.cpu.failing).toHaveLength(5);
    const [matrix] = one.cpu.matrices;
    expect(matrix).toMatchObject({ cluster: 'c1', left: 0 });
    const at = (from: string, to: string): unknown => {
      const place = (host: string): number => matrix?.hosts.findIndex((other) => other.host === host) ?? -1;
      return matrix?.rows[place(from)]?.[place(to)];
    };
    expect(at('kvm-c1-a', 'kvm-c1-b')).toEqual({ state: 'works', lacks: 0 });
    expect(at('kvm-c1-a', 'kvm-c1-f')).toEqual({ state: 'mixed', lacks: 2 });
    expect(at('kvm-c1-f', 'kvm-c1-a')).toEqual({ state: 'works', lacks: 0 });
    expect(at('kvm-c1-f', 'kvm-c1-f')).toEqual({ state: 'itself', lacks: null });
  });

  test('the weeks before are counted the same way', () => {
    for (const { of, value, lastWeek, median, weeks: before } of one.changes) {
      const numbers = weeks.toReversed().map((bounds) => truth(of, began(bounds, cluster), found(bounds, cluster)));
      expect([of, value, ...before]).toEqual([of, ...numbers]);
      expect(lastWeek).toBe(numbers[1]);
      const sorted = numbers
        .slice(1)
        .map(Number)
        .toSorted((a, b) => a - b);
      expect(median).toBe(((sorted[1] ?? 0) + (sorted[2] ?? 0)) / 2);
    }
  });

  test('every sum is that of its parts, and its SELECT gives it again', async () => {
    for (const { what, total, parts, sql } of one.reconciliation) {
      expect([what, parts.reduce((sum, part) => sum + part.count, 0)]).toEqual([what, total]);
      const { rows: answer } = await temporary.store.userQuery(sql, { maxRows: 10, maxSeconds: 10, maxMemoryBytes: 1e9 });
      expect([what, answer]).toEqual([what, [[total, ...parts.map((part) => part.count)]]]);
    }
    expect(one.reconciliation).toHaveLength(7);
  });
});

function truth(of: string, rows: readonly MigrationRow[], findings: readonly FindingRow[]): number | null {
  const known = rows.filter(isKnown).map(({ downtime_ms: ms }) => ms ?? 0);
  const ended = (...ends: readonly string[]): number => count(rows, ({ outcome }) => ends.includes(outcome));
  const numbers: Readonly<Record<string, number | null>> = {
    migrations: rows.length,
    successRate: ended('completed') / ended('completed', 'failed', 'aborted'),
    notCompleted: ended('failed', 'aborted'),
    downtimeP50Ms: quantile(known, 0.5),
    downtimeP95Ms: quantile(known, 0.95),
    overTargetShare: count(known, (ms) => ms > 100) / known.length,
    incidents: incidentsIn(findings).length,
    spikes: count(findings, ({ detector }) => detector === 'storage-heartbeat-spike'),
  };
  return numbers[of] ?? null;
}

test('a host that was known and went silent is named, and so is what was not read of others', () => {
  expect(report.hosts).toMatchObject({ known: 12, read: 11, silent: 1 });
  const [before] = weeks.slice(-2);
  expect(report.hosts.silentHosts).toEqual([{ cluster: 'c2', host: 'kvm-c2-d', lastAt: isoTime((before?.to ?? 0) - 1000) }]);
  expect(report.hosts.missing.map(({ what, hosts, named }) => [what, hosts, named])).toEqual([
    ['latency of the storage heartbeat', 2, ['kvm-c1-b', 'kvm-c2-b']],
    ['temperatures (sensors)', 2, ['kvm-c1-f', 'kvm-c2-f']],
  ]);
  expect(report.recommendations.at(-1)).toMatchObject({ cause: 'no-data', hosts: ['kvm-c2-d'] });
  expect(report.verdict).toMatchObject({ level: 'watch', text: expect.stringContaining('nothing was read of 1 host') });
});
