import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Readable } from 'node:stream';
import { createLocalQuestions } from '../../src/commands/local-questions.ts';
import { createRemoteQuestions } from '../../src/commands/remote-questions.ts';
import { DEFAULT_SETTINGS, runAnalysis } from '../../src/commands/run-analysis.ts';
import type { Questions } from '../../src/forensics/questions.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import type { Backtest, BacktestAsked } from '../../src/model/backtest.ts';
import { backtest } from '../../src/pipeline/backtest.ts';
import type { Analysis, DetectorSettings } from '../../src/reports/analysis.ts';
import { createApi, type Api } from '../../src/web/api.ts';
import { createFeed } from '../../src/web/feed.ts';
import { chunksOf, collectedFiles } from './chunks.ts';
import { openInstance, type Instance } from './instance.ts';

/** Recordings, and the zone of their agents. */
const RECORDED = [
  ['libvirt-9.0/storage-spike', 'Europe/Berlin'],
  ['libvirt-9.0/healthy', 'Europe/Berlin'],
  ['libvirt-9.0/not-converging', 'America/New_York'],
  ['libvirt-9.0/split-brain', 'Europe/Berlin'],
  ['libvirt-9.0/there-and-back', 'America/St_Johns'],
  ['libvirt-11.3/two-one-destination-died', 'America/New_York'],
  ['libvirt-11.3/slow-link-maxdowntime', 'America/St_Johns'],
] as const;

const PERIOD = { since: Date.UTC(2026, 10, 20), until: Date.UTC(2026, 10, 26) };

let instance: Instance;
let questions: Questions;
let inForce: DetectorSettings = {};
let api: Api;

beforeAll(async () => {
  instance = await openInstance();
  const processor = instance.processor();
  await processor.start();
  for (const [name, zone] of RECORDED) {
    const files = await collectedFiles(`recordings/${name}`, { cluster: name, zone });
    await instance.send(files.flatMap((file) => chunksOf(file, () => 50_000)));
  }
  await processor.idle();
  await processor.stop();
  questions = createLocalQuestions({ store: instance.store, stream: null, limits: () => inForce });
  api = createApi('127.0.0.1:0', {
    questions,
    metrics: createMetrics(),
    feed: createFeed(),
    readiness: () => ({ ready: true, problems: [] }),
    failed: (error) => {
      throw error;
    },
  });
  await api.start();
}, 120_000);
afterAll(async () => {
  await api.stop();
  await instance.remove();
});

const analyses = new Map<string, Promise<Analysis>>();

/** Id and severity of each finding that `precopy analyze --limit` makes. */
async function analysed(name: string, detector: string, limits: DetectorSettings): Promise<ReadonlyMap<string, string>> {
  const key = `${name} ${JSON.stringify(limits)}`;
  const settings = { ...DEFAULT_SETTINGS, limits };
  const analysis =
    analyses.get(key) ?? runAnalysis([`recordings/${name}`], settings, { stdin: Readable.from([]), progress: () => {} });
  analyses.set(key, analysis);
  const { findings } = await analysis;
  return new Map(findings.filter((one) => one.detector === detector).map(({ id, severity }) => [id, severity]));
}

/** What a backtest says, as two analyses would differ. */
function differences({ changes }: Backtest): readonly string[] {
  return changes
    .map(({ before, after }) => `${(before ?? after)?.id}: ${before?.severity ?? 'none'} → ${after?.severity ?? 'none'}`)
    .toSorted();
}

describe.each(RECORDED)('%s: a backtest tells what two runs of analyze --limit differ in', (name) => {
  test.each([
    ['downtime-exceeded', { warnMs: 100_000 }],
    ['downtime-exceeded', { adviseMs: 1 }],
    ['downtime-exceeded', { adviseMs: 50_000, warnMs: 50_000 }],
    ['storage-heartbeat-spike', { warnMs: 30_000, criticalMs: 60_000 }],
    ['storage-heartbeat-spike', { criticalMs: 2000 }],
    ['not-converging', { minPasses: 50 }],
    ['split-brain-risk', { withinMs: 0, overlapMs: 100_000_000 }],
  ])('%s %j', async (detector, limits) => {
    const before = await analysed(name, detector, {});
    const after = await analysed(name, detector, { [detector]: limits });
    const expected = [...new Set([...before.keys(), ...after.keys()])]
      .filter((id) => before.get(id) !== after.get(id))
      .map((id) => `${id}: ${before.get(id) ?? 'none'} → ${after.get(id) ?? 'none'}`)
      .toSorted();
    const found = await questions.backtest({ detector, limits, ...PERIOD, cluster: name });
    expect(differences(found)).toEqual(expected);
    expect(found.found).toBe(before.size);
    expect(found.gone + found.fresh + found.otherSeverity).toBe(expected.length);
  });
});

test('the recordings have a finding that goes, one that is new, and one that gets another severity', async () => {
  const asked = (limits: BacktestAsked['limits'], detector = 'downtime-exceeded') =>
    questions.backtest({ detector, limits, ...PERIOD });
  expect(await asked({ adviseMs: 50_000, warnMs: 50_000 })).toMatchObject({ found: 2, gone: 2, fresh: 0, otherSeverity: 0 });
  expect(await asked({ adviseMs: 1 })).toMatchObject({ gone: 0, otherSeverity: 0 });
  expect((await asked({ adviseMs: 1 })).fresh).toBeGreaterThan(1);
  const [change, ...others] = (await asked({ warnMs: 100_000 })).changes;
  expect(others).toHaveLength(1);
  expect(change).toMatchObject({
    before: { cluster: 'libvirt-9.0/storage-spike', vm: 'i-2-71-VM', source: 'kvm-a', destination: 'kvm-b', severity: 'warning' },
    after: { severity: 'info', summary: expect.stringContaining('13.7 s') },
  });
});

test('limits in force are those of the configuration, and the others of them stay', async () => {
  inForce = { 'downtime-exceeded': { adviseMs: 1, warnMs: 5 } };
  const found = await questions.backtest({ detector: 'downtime-exceeded', limits: { warnMs: 1e6 }, ...PERIOD });
  inForce = {};
  expect(found.inForce).toEqual({ warnMs: 5 });
  expect(found).toMatchObject({ gone: 0, fresh: 0 });
  expect(found.otherSeverity).toBeGreaterThan(2);
});

describe('time is told part by part', () => {
  /** Migrations run over these moments, at which a part ends that is a day long. */
  const DIED = ['libvirt-11.3/two-one-destination-died', Date.UTC(2026, 10, 24, 7, 30)] as const;
  const SLOW = ['libvirt-11.3/slow-link-maxdowntime', Date.UTC(2026, 10, 24, 8)] as const;

  test.each([
    [...DIED, 'unencrypted-stream', {}],
    [...DIED, 'destination-died', {}],
    [...DIED, 'downtime-exceeded', { adviseMs: 1 }],
    [...SLOW, 'unencrypted-stream', {}],
    [...SLOW, 'downtime-exceeded', { adviseMs: 1 }],
    [...SLOW, 'downtime-exceeded', { warnMs: 1e6 }],
  ])('what two of them touch counts once: %s %d %s %j', async (...[name, cut, detector, limits]) => {
    const asked = { detector, limits, cluster: name, until: cut + 3_600_000 };
    const parts = { store: instance.store, inForce: {}, now: Date.now };
    const whole = await backtest({ ...asked, since: cut - 3_600_000 }, parts);
    const inTwo = await backtest({ ...asked, since: cut - 86_400_000 }, parts);
    const expected = await analysed(name, detector, { [detector]: limits });
    expect(whole.found + whole.fresh).toBe(expected.size);
    expect(expected.size).toBeGreaterThan(0);
    expect({ ...inTwo, asked: null, unjudged: null }).toEqual({ ...whole, asked: null, unjudged: null });
  });

  test('what ended before the time asked about, or began after it, is not counted', async () => {
    const limits = { adviseMs: 1 };
    const spike = { detector: 'downtime-exceeded', limits, cluster: 'libvirt-9.0/storage-spike' };
    const at = Date.UTC(2026, 10, 23, 4, 51, 5);
    expect(await questions.backtest({ ...spike, since: at - 60_000, until: at - 1 })).toMatchObject({ found: 0 });
    expect(await questions.backtest({ ...spike, since: at - 60_000, until: at + 5000 })).toMatchObject({ found: 1 });
    expect(await questions.backtest({ ...spike, since: at + 10_000, until: at + 60_000 })).toMatchObject({ found: 1 });
    expect(await questions.backtest({ ...spike, since: at + 60_000, until: at + 120_000 })).toMatchObject({ found: 0 });
  });
});

describe('what could not be judged', () => {
  test('is the time before the first event of each cluster, with the migrations that are stored of it', async () => {
    await instance.store.insert({
      table: 'migrations',
      rows: [
        { id: 'm1', cluster: 'gone', vm: 'i-1', started_at: PERIOD.since + 1000, last_seen_at: PERIOD.since + 2000, version: 1 },
        {
          id: 'm2',
          cluster: 'libvirt-9.0/healthy',
          vm: 'i-1',
          started_at: PERIOD.since,
          last_seen_at: PERIOD.since + 1,
          version: 1,
        },
      ],
    });
    const { unjudged } = await questions.backtest({ detector: 'downtime-exceeded', limits: { warnMs: 2 }, ...PERIOD });
    expect(unjudged.find(({ cluster }) => cluster === 'gone')).toEqual({
      cluster: 'gone',
      from: PERIOD.since,
      to: PERIOD.until,
      migrations: 1,
    });
    const healthy = unjudged.find(({ cluster }) => cluster === 'libvirt-9.0/healthy');
    expect(healthy).toMatchObject({ from: PERIOD.since, migrations: 1 });
    expect(new Date(healthy?.to ?? 0).toISOString()).toMatch(/^2026-11-23T/);
  });

  test('is nothing where events are older than the time asked about', async () => {
    const since = Date.UTC(2026, 10, 25);
    const asked = { detector: 'downtime-exceeded', limits: { warnMs: 2 }, since, until: PERIOD.until };
    expect(await questions.backtest({ ...asked, cluster: 'libvirt-9.0/healthy' })).toMatchObject({ found: 0, unjudged: [] });
    expect((await questions.backtest({ ...asked, cluster: 'no such' })).unjudged).toMatchObject([{ cluster: 'no such' }]);
  });
});

describe('through the API', () => {
  const asked = { detector: 'downtime-exceeded', limits: { adviseMs: 1 }, ...PERIOD };

  test('the answer is the same', async () => {
    const local = await questions.backtest(asked);
    expect(local.fresh).toBeGreaterThan(1);
    expect(await createRemoteQuestions(api.url()).backtest(asked)).toEqual(local);
  });

  test.each([
    ['a detector that is none', { ...asked, detector: 'downtime' }, 'no detector downtime', 'did you mean downtime-exceeded?'],
    ['a limit that is none', { ...asked, limits: { warn: 1 } }, 'no limit warn', 'did you mean warnMs?'],
    ['a value out of its range', { ...asked, limits: { warnMs: 0 } }, '>=1', 'warnMs takes: integer from 1'],
  ])('%s is refused: %j', async (...[, wrong, message, hint]) => {
    await expect(createRemoteQuestions(api.url()).backtest(wrong)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  test('no limit at all is refused', async () => {
    await expect(createRemoteQuestions(api.url()).backtest({ ...asked, limits: {} })).rejects.toMatchObject({
      code: 'usage',
      message: 'limits: none is changed',
    });
  });

  test('a second one at the same time is refused, and the next one is answered', async () => {
    const first = questions.backtest(asked);
    await expect(questions.backtest(asked)).rejects.toMatchObject({ code: 'not-allowed' });
    await first;
    await expect(questions.backtest(asked)).resolves.toMatchObject({ gone: 0 });
  });
});
