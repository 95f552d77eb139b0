import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeReport } from '../../src/forensics/weekly/make-report.ts';
import { reportDocument, type WeeklyReport } from '../../src/reports/weekly/document.ts';
import { keepReport, keptReports } from '../../src/store/kept-reports.ts';
import type { MigrationRow } from '../../src/store/timeline-rows.ts';
import { isoWeek, weekAfter, weekBounds, zoneNamed, type WeekBounds, type Zone } from '../../src/timeline/zone.ts';
import { openEmbedded, type TemporaryStore } from '../store/temporary-store.ts';
import { seededRandom } from './seeded-random.ts';
import { attempt, FOREVER, rangesOf } from './synthetic-month.ts';

const HOUR_MS = 3_600_000;

function zoneOf(name: string): Zone {
  const zone = zoneNamed(name);
  if (zone === null) throw new Error(`no zone ${name}`);
  return zone;
}

function weekOf(week: string, zone = 'UTC'): WeekBounds {
  const bounds = weekBounds(week, zoneOf(zone));
  if (bounds === null) throw new Error(`no week ${week}`);
  return bounds;
}

describe('weeks', () => {
  test.each([
    ['2026-W13', 'Europe/Berlin', 167, '2026-03-22T23:00:00.000Z'],
    ['2026-W43', 'Europe/Berlin', 169, '2026-10-18T22:00:00.000Z'],
    ['2026-W01', 'UTC', 168, '2025-12-29T00:00:00.000Z'],
    ['2026-W53', 'UTC+5:30', 168, '2026-12-27T18:30:00.000Z'],
    // clocks go forward on Sunday at midnight
    ['2018-W44', 'America/Sao_Paulo', 167, '2018-10-29T03:00:00.000Z'],
  ])('%s in %s has %i hours', (week, zone, ...[hours, from]) => {
    const bounds = weekOf(week, zone);
    expect([(bounds.to - bounds.from) / HOUR_MS, new Date(bounds.from).toISOString()]).toEqual([hours, from]);
    expect([bounds.from, bounds.to - 1, bounds.to].map((at) => isoWeek(at, zoneOf(zone)))).toEqual([
      week,
      week,
      weekAfter(bounds, 1, zoneOf(zone)).week,
    ]);
  });

  test('follow each other without a gap, over years and changes of clocks', () => {
    const zone = zoneOf('Europe/Berlin');
    let week = weekOf('2015-W01', 'Europe/Berlin');
    for (let n = 0; n < 600; n += 1) {
      const next = weekAfter(week, 1, zone);
      expect([next.from, weekAfter(next, -1, zone)]).toEqual([week.to, week]);
      expect(weekBounds(next.week, zone)).toEqual(next);
      week = next;
    }
  });

  test.each(['2026-W60', '2025-W53', '2026-W00', '2026W47', '2026-w47', '47', '', '2026-W1', '99999-W01'])(
    'there is none %j',
    (week) => {
      expect(weekBounds(week, zoneOf('UTC'))).toBeNull();
    },
  );
});

describe('a store with little in it', { timeout: 60_000 }, () => {
  let temporary: TemporaryStore;
  const [quiet, single, running, edge] = ['2025-W10', '2025-W20', '2025-W30', '2025-W40'].map((week) => weekOf(week));
  const random = seededRandom(5);
  const one = (at: number, changes: Partial<MigrationRow> = {}): MigrationRow => ({
    ...attempt(random, { cluster: 'c1', hosts: ['kvm-a', 'kvm-b'], vm: 'i-2-1-VM', startedAt: at }),
    outcome: 'completed',
    certainty: 'seen',
    cause_kind: '',
    downtime_ms: 120,
    downtime_from: 'statistics',
    announced: 'yes',
    ...changes,
  });

  beforeAll(async () => {
    if (quiet === undefined || single === undefined || running === undefined || edge === undefined) throw new Error('no week');
    temporary = await openEmbedded(FOREVER);
    await temporary.store.insert({ table: 'ranges', rows: rangesOf({ week: quiet, cluster: 'c1', host: 'kvm-a' }) });
    await temporary.store.insert({
      table: 'migrations',
      rows: [
        one(single.from + HOUR_MS),
        ...[1, 2].map((n) =>
          one(running.from + n * HOUR_MS, {
            outcome: 'running',
            ended_at: null,
            downtime_ms: null,
            downtime_from: '',
            announced: 'unobserved',
          }),
        ),
        // begins in the last minute of the week, and ends in the next
        one(edge.to - 60_000, {
          ended_at: edge.to + 60_000,
          last_seen_at: edge.to + 60_000,
          downtime_ms: null,
          downtime_from: '',
        }),
      ],
    });
  }, 60_000);
  afterAll(() => temporary.remove());

  async function of(week: string, zone = 'UTC'): Promise<WeeklyReport> {
    const report = await makeReport(temporary.store, { week, zone, cluster: null, now: Date.UTC(2026, 0, 1) });
    expect(reportDocument.safeParse(report).error).toBeUndefined();
    return report;
  }

  test('a week of which nothing was read is not known, and no number of it is 0 for that', async () => {
    const report = await of('2024-W10');
    expect(report.verdict).toEqual({ level: 'unknown', text: 'Nothing was read of this week, so nothing is known of it.' });
    expect(report.changes.map(({ value, lastWeek, median }) => [value, lastWeek, median])).toEqual(
      report.changes.map(() => [null, null, null]),
    );
    expect(report.storage.spikes).toBeNull();
  });

  test('a week without a migration says so', async () => {
    const report = await of('2025-W10');
    expect(report.verdict).toEqual({ level: 'good', text: 'No migration began.' });
    expect(report.migrations.success.rate).toBeNull();
    expect(report.changes.find(({ of: what }) => what === 'migrations')).toMatchObject({ value: 0, lastWeek: null });
    expect(report.hosts).toMatchObject({ known: 1, read: 1, silent: 0 });
  });

  test('one migration has no percentiles, and that is said', async () => {
    const report = await of('2025-W20');
    expect(report.downtime).toMatchObject({
      known: 1,
      p50Ms: null,
      p95Ms: null,
      maxMs: 120,
      percentilesNote: '1 migration with a known downtime: no percentiles',
    });
    expect(report.verdict.text).toContain(
      '1 of 1 migration completed (100 %); guests stood still for up to 120 ms, 1 of 1 above 100 ms',
    );
    expect(report.bandwidth).toMatchObject({ measured: 0, notObserved: 1, medianBytesPerSecond: null });
  });

  test('migrations that all still run are not judged', async () => {
    const report = await of('2025-W30');
    expect(report.migrations.success).toMatchObject({ judged: 0, notJudged: 2, rate: null });
    expect(report.verdict.text).toContain('2 migrations began, and none has an end that was seen');
  });

  test('a migration over the border belongs to the week in which it began, by the clocks of the zone', async () => {
    expect([(await of('2025-W40')).migrations.total, (await of('2025-W41')).migrations.total]).toEqual([1, 0]);
    expect([
      (await of('2025-W40', 'Europe/Berlin')).migrations.total,
      (await of('2025-W41', 'Europe/Berlin')).migrations.total,
    ]).toEqual([0, 1]);
    expect((await of('2025-W40')).downtime).toMatchObject({ completed: 1, known: 0, notObserved: 1 });
  });

  test.each([
    ['2026-W60', '2026 has 53 weeks of ISO 8601'],
    ['2025-W53', '2025 has 52 weeks of ISO 8601'],
    ['last week', 'name a week of ISO 8601 as 2025-W52, or last, or this'],
    ['2026-W30', 'the last week that is over is 2025-W52'],
  ])('%s is refused', async (week, hint) => {
    await expect(of(week)).rejects.toMatchObject({ code: 'usage', hint });
  });

  test('last is the last week that is over; the one that goes on says that it does', async () => {
    expect(await of('last')).toMatchObject({ week: '2025-W52', complete: true });
    expect(await of('2026-W01')).toMatchObject({ complete: false });
  });

  test('a report that is made again is kept once, as it was made last', async () => {
    const report = await of('2025-W20');
    await keepReport(temporary.store, { ...report, verdict: { ...report.verdict, text: 'old' } });
    await keepReport(temporary.store, { ...report, madeAt: '2026-01-02T00:00:00.000Z' });
    await keepReport(temporary.store, { ...report, cluster: 'c1' });
    await keepReport(temporary.store, await of('2025-W30'));
    expect((await keptReports(temporary.store)).map(({ week, cluster, verdict }) => [week, cluster, verdict])).toEqual([
      ['2025-W30', null, expect.stringContaining('2 migrations began')],
      ['2025-W20', null, report.verdict.text],
      ['2025-W20', 'c1', report.verdict.text],
    ]);
  });
});
