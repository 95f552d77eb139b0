import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeReport } from '../../src/forensics/weekly/make-report.ts';
import type { Analysis } from '../../src/reports/analysis.ts';
import type { WeeklyReport } from '../../src/reports/weekly/document.ts';
import { verdictOf } from '../../src/reports/weekly/verdict.ts';
import { createWriter } from '../../src/store/writer.ts';
import { fixedZone, isoWeek } from '../../src/timeline/zone.ts';
import { analysedFolder, recordings } from '../recording.ts';
import { openEmbedded, type TemporaryStore } from '../store/temporary-store.ts';
import { FOREVER } from './synthetic-month.ts';

/** Real migrations, a cluster a recording, for their hosts and VMs have the same names. Those of other weeks are there too. */
const RECORDED = recordings().filter(({ name }) =>
  /healthy|cpu-incompatible|not-converging$|retry|storage-spike|missing-garp|aborted|post-copy$|split-brain$/.test(name),
);
const UTC = fixedZone(0);
const NOW = Date.UTC(2027, 0, 1);

let temporary: TemporaryStore;
let analyses: readonly (readonly [cluster: string, analysis: Analysis])[];
let week = '';
let report: WeeklyReport;

beforeAll(async () => {
  temporary = await openEmbedded(FOREVER);
  const writer = createWriter(temporary.store);
  analyses = await Promise.all(RECORDED.map(async ({ name, folder }) => [name, await analysedFolder(folder)] as const));
  for (const [cluster, { migrations, findings }] of analyses)
    await writer.writeTimelines({
      cluster,
      version: 1,
      writtenAt: NOW,
      migrations,
      findings: findings.map((finding) => ({ id: finding.id, finding, migration: null, foundAt: NOW })),
      vanished: { migrations: [], findings: [] },
    });
  const weeks = analyses.flatMap(([, { migrations }]) => migrations.map(({ startedAt }) => isoWeek(startedAt, UTC)));
  week = weeks.toSorted((a, b) => weeks.filter((one) => one === b).length - weeks.filter((one) => one === a).length)[0] ?? '';
  report = await makeReport(temporary.store, { week, zone: 'UTC', cluster: null, now: NOW });
}, 120_000);
afterAll(() => temporary.remove());

test('the report of a week of recordings counts what analyze says of each', () => {
  const migrations = analyses.flatMap(([, analysis]) =>
    analysis.migrations.filter(({ startedAt }) => isoWeek(startedAt, UTC) === week),
  );
  const ended = (outcome: string): number => migrations.filter((one) => one.outcome === outcome).length;
  expect(migrations.length).toBeGreaterThan(5);
  expect(report.migrations.total).toBe(migrations.length);
  expect(report.migrations.outcomes.map(({ outcome, migrations: count }) => [outcome, count])).toEqual(
    ['completed', 'failed', 'aborted', 'running', 'unknown'].map((outcome) => [outcome, ended(outcome)]),
  );
  for (const { cause, failed } of report.migrations.causes)
    expect([cause, failed]).toEqual([
      cause,
      migrations.filter((one) => one.outcome === 'failed' && (one.cause?.kind ?? null) === cause).length,
    ]);
  const known = migrations.flatMap(({ outcome, downtime }) =>
    outcome === 'completed' && downtime !== null && downtime.from !== 'at-least' ? [downtime.ms] : [],
  );
  expect(report.downtime).toMatchObject({
    known: known.length,
    maxMs: Math.max(...known),
    overTarget: known.filter((ms) => ms > 100).length,
  });
  expect(report.convergence.observed).toBe(migrations.filter(({ samples }) => samples.length > 0).length);
  expect(report.convergence.predicted).toBe(
    migrations.filter(({ predictions }) => (predictions.at(-1)?.bandwidthBytesPerSecond ?? 0) > 0).length,
  );
  const completed = migrations.filter(({ outcome }) => outcome === 'completed');
  for (const state of ['yes', 'no', 'unobserved'] as const)
    expect(report.announcements[state]).toBe(completed.filter(({ announcement }) => announcement.state === state).length);
});

test('incidents have the cause of their migration, and advise what the findings advise', () => {
  const findings = analyses.flatMap(([cluster, analysis]) =>
    analysis.findings
      .filter(({ from, severity }) => isoWeek(from, UTC) === week && severity !== 'info')
      .map((finding) => ({ cluster, finding })),
  );
  const incidents = new Set(findings.map(({ cluster, finding }) => `${cluster} ${finding.migration ?? finding.id}`));
  expect(report.incidents.total).toBe(incidents.size);
  const words = new Set(findings.flatMap(({ finding }) => finding.remedies.map(({ what, command }) => `${what}\n${command}`)));
  const steps = report.recommendations.filter(({ cause }) => cause !== 'no-data').flatMap((one) => one.steps);
  expect(steps.length).toBeGreaterThan(3);
  expect(steps.filter(({ what, command }) => !words.has(`${what}\n${command}`))).toEqual([]);
  expect(report.incidents.causes.find(({ cause }) => cause === 'cpu-incompatible')).toBeDefined();
});

test('a VM that ran twice is told as that, whatever its migration failed for', () => {
  const twice = analyses.filter(([, { findings }]) =>
    findings.some(({ detector, from }) => detector === 'split-brain-risk' && isoWeek(from, UTC) === week),
  );
  expect(twice.length).toBeGreaterThan(0);
  const told = report.incidents.causes.filter(({ cause }) => cause === 'split-brain-risk');
  expect(told.map(({ cluster }) => cluster).toSorted()).toEqual(twice.map(([cluster]) => cluster).toSorted());
  for (const { summary } of told) expect(summary).toContain('at the same time');
  expect(report.verdict).toMatchObject({ level: 'bad', text: expect.stringContaining('may have run twice') });
});

test('of causes that are all single ones none is called the most frequent', () => {
  const failed = (count: number) => ({ cause: 'disk-locked' as const, failed: count, aborted: 0 });
  const judged = (causes: WeeklyReport['migrations']['causes'], all: number): string =>
    verdictOf({
      ...report,
      migrations: { ...report.migrations, causes, success: { ...report.migrations.success, judged: all, completed: 0 } },
    }).text;
  expect(judged([failed(1), { cause: 'timed-out', failed: 0, aborted: 1 }], 2)).toMatch(/; 2 did not[;.]/);
  expect(judged([failed(2)], 2)).toContain('2 did not, for disk-locked');
  expect(judged([failed(2), { cause: 'timed-out', failed: 1, aborted: 0 }], 3)).toContain('most often for disk-locked (2)');
});

test('pairs that failed for their CPUs name the features that the text names', () => {
  const failed = analyses.flatMap(([cluster, { migrations }]) =>
    migrations.filter(({ cause }) => cause?.kind === 'cpu-incompatible').map((one) => ({ cluster, one })),
  );
  expect(report.cpu.failing.length).toBeGreaterThan(0);
  for (const { cluster, features } of report.cpu.failing) {
    const texts = failed.filter((row) => row.cluster === cluster).map(({ one }) => one.cause?.text ?? '');
    expect(features.filter((feature) => !texts.some((text) => text.includes(feature)))).toEqual([]);
  }
});
