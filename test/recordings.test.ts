import { describe, expect, test } from 'vitest';
import { discover } from '../src/ingest/discover.ts';
import type { Migration } from '../src/model/timeline.ts';
import type { Analysis } from '../src/reports/analysis.ts';
import { analysisDocument, toDocument } from '../src/reports/json.ts';
import { analysed, analysedFolder, recordings, type Label, type Recording } from './recording.ts';

/** Detectors that found a problem, not advice. */
function problems({ findings }: Analysis): readonly string[] {
  return [...new Set(findings.filter(({ severity }) => severity !== 'info').map(({ detector }) => detector))].toSorted();
}

function migrationOf(analysis: Analysis, { vm, startedAt }: Label['migrations'][number]): Migration {
  const distance = (migration: Migration): number => Math.abs(migration.startedAt - Date.parse(startedAt));
  const [nearest] = analysis.migrations.filter((migration) => migration.vm === vm).toSorted((a, b) => distance(a) - distance(b));
  if (nearest === undefined) throw new Error(`no migration of ${vm}`);
  return nearest;
}

function stateOf(runsOn: string | null): string {
  return runsOn === null ? 'absent' : (/^\w+/.exec(runsOn)?.[0] ?? '');
}

/**
 * Recordings whose end nobody can know at the third pass. A working set that fits the XBZRLE cache was dirtied as a whole in both
 * passes, so its rate has only a lower bound; whether compressed passes outrun it shows from the fourth on. (small-set-xbzrle looks
 * the same at the third pass, and converges.)
 */
const UNDECIDED_AT_THIRD_PASS = ['libvirt-9.0/xbzrle-never'];

/** The guests write at 600 MiB/s at most. */
const FASTEST_GUEST = 640e6;

/** Whether the migration converges by itself; `null` where nobody can know: it was helped or broken after the prediction. */
function convergesAlone(
  { name, label }: Recording,
  { samples }: Migration,
  { truth, madeAt }: { truth: Label['migrations'][number]; madeAt: number },
): boolean | null {
  if (UNDECIDED_AT_THIRD_PASS.includes(name) || samples.some(({ at, body }) => at > madeAt && body.throttlePercent !== null))
    return null;
  if (truth.exit !== 0) return label.expect.includes('not-converging') ? false : null;
  const disturbed = truth.pausedAt !== undefined || label.faults.some(({ at, until }) => Date.parse(until ?? at) > madeAt);
  return disturbed ? null : true;
}

/** A prediction of the end is right within 30 % of the whole, or 2.5 s; the client hears of the end about 1.25 s after the switchover. */
function expectEndNear(switchoverAt: number, { startedAt, endedAt }: Label['migrations'][number]): void {
  const end = Date.parse(endedAt);
  const allowed = Math.max(2500, 0.3 * (end - Date.parse(startedAt)));
  expect(Math.abs(switchoverAt + 1250 - end)).toBeLessThanOrEqual(allowed);
}

/** How far off the downtime is, ms; where libvirt measured none, there is nothing to compare. */
function downtimeError({ downtime }: Migration, { qemuDowntimeMs }: Label['migrations'][number]): number {
  return qemuDowntimeMs === undefined ? 0 : Math.abs((downtime?.ms ?? Number.POSITIVE_INFINITY) - qemuDowntimeMs);
}

/** A guest that arrived was announced if the switch saw frames; one that stayed had nothing to announce, unless post-copy had moved it. */
function announcedIn({ exit, rarpFrames }: Label['migrations'][number]): string {
  if (rarpFrames > 0) return 'yes';
  return exit === 0 ? 'no' : 'unobserved';
}

describe.each(recordings().map((recording) => [recording.name, recording] as const))('%s', (_name, recording) => {
  const { label, folder } = recording;

  test('the findings are those of the label, and no others', async () => {
    const found = problems(await analysedFolder(folder));
    expect(found).toEqual(expect.arrayContaining([...label.expect]));
    const more = found.filter((id) => ![...label.expect, ...label.may].includes(id));
    expect(more, 'where these are true, add them to `expect` or `may` of label.json; else their detector is wrong').toEqual([]);
    expect(found.filter((id) => label.mustNot.includes(id))).toEqual([]);
  });

  test('each migration is told once, with its hosts, times, outcome and downtime', async () => {
    const analysis = await analysedFolder(folder);
    expect(analysis.migrations).toHaveLength(label.migrations.length);
    for (const truth of label.migrations) {
      const migration = migrationOf(analysis, truth);
      expect([migration.source, migration.destination]).toEqual([truth.source, truth.destination]);
      expect(Math.abs(migration.startedAt - Date.parse(truth.startedAt))).toBeLessThanOrEqual(2000);
      expect(Math.abs((migration.endedAt ?? 0) - Date.parse(truth.endedAt))).toBeLessThanOrEqual(2000);
      expect(truth.exit === 0 ? ['completed'] : ['failed', 'aborted']).toContain(migration.outcome);
      expect(downtimeError(migration, truth)).toBeLessThanOrEqual(50);
      expect(migration.iterations).toBe(truth.iterations ?? null);
      expect(migration.announcement.state).toBe(announcedIn(truth));
    }
  });

  test('where the VM is afterwards is right, or not told', async () => {
    const analysis = await analysedFolder(folder);
    for (const { name, runsOn } of label.vms) {
      const after = analysis.migrations.findLast(({ vm }) => vm === name)?.after ?? [];
      for (const { host, state } of after) expect([stateOf(runsOn[host] ?? null), 'unknown']).toContain(state);
    }
  });

  test('the prediction at the third pass is right, unless somebody interfered later', async () => {
    const analysis = await analysedFolder(folder);
    for (const truth of label.migrations) {
      const migration = migrationOf(analysis, truth);
      const third = migration.predictions.find(({ pass }) => pass === 3);
      const verdict = third === undefined ? null : convergesAlone(recording, migration, { truth, madeAt: third.madeAt });
      if (third === undefined || verdict === null) continue;
      expect(third.converges).toBe(verdict);
      if (third.switchoverAt !== null) expectEndNear(third.switchoverAt, truth);
    }
  });

  test('no rate is told at which none of these guests writes', async () => {
    const { migrations } = await analysedFolder(folder);
    const rates = migrations.flatMap(({ predictions }) => predictions.map(({ dirtyRateBytesPerSecond: rate }) => rate));
    expect(rates.filter((rate) => rate > FASTEST_GUEST)).toEqual([]);
  });

  test('without any one of the files there is no wrong finding', async () => {
    const found = await discover([folder]);
    for (const { path } of found.files) {
      const analysis = await analysed({ ...found, files: found.files.filter((file) => file.path !== path) });
      const wrong = problems(analysis).filter((id) => ![...label.expect, ...label.may].includes(id));
      expect({ without: path, wrong }).toEqual({ without: path, wrong: [] });
    }
  });

  test('any one of the files, or two, give no wrong finding', async () => {
    const found = await discover([folder]);
    const pairs = found.files.map((file, i) => [file, found.files.at((i * 5 + 3) % found.files.length) ?? file]);
    for (const some of [...found.files.map((file) => [file]), ...pairs]) {
      const files = found.files.filter((file) => some.includes(file));
      const wrong = problems(await analysed({ ...found, files })).filter((id) => ![...label.expect, ...label.may].includes(id));
      expect({ only: files.map(({ path }) => path), wrong }).toEqual({ only: files.map(({ path }) => path), wrong: [] });
    }
  });

  test('the order in which files are read does not show, and the document fits its schema', async () => {
    const found = await discover([folder]);
    const document = toDocument(await analysed(found));
    expect(analysisDocument.parse(document)).toEqual(document);
    for (const files of [found.files.toReversed(), [...found.files.slice(3), ...found.files.slice(0, 3)]]) {
      expect(toDocument(await analysed({ ...found, files }))).toEqual(document);
    }
  });
});
