import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMetrics } from '../../src/lib/metrics.ts';
import { selectorsIn, type Selector } from './promql.ts';

/** What operators load into Prometheus and Grafana, held against what an instance really exports. */

const RULES = 'deploy/prometheus/precopy.rules.yml';
const RULES_TEST = 'deploy/prometheus/precopy.rules.test.yml';

const ruleShape = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), action: z.string() }),
});
const rules = z
  .strictObject({ groups: z.array(z.strictObject({ name: z.string(), rules: z.array(ruleShape) })) })
  .parse(parse(readFileSync(RULES, 'utf8')))
  .groups.flatMap((group) => group.rules);

const ruleTests = z
  .object({
    tests: z.array(
      z.object({
        name: z.string(),
        promql_expr_test: z.array(z.object({ expr: z.string(), exp_samples: z.array(z.unknown()) })),
      }),
    ),
  })
  .parse(parse(readFileSync(RULES_TEST, 'utf8'))).tests;

const panelShape = z.object({
  id: z.int(),
  type: z.enum(['row', 'stat', 'timeseries']),
  title: z.string().min(1),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }).optional(),
  targets: z.array(z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string() })).default([]),
});
const dashboard = z
  .object({ uid: z.literal('precopy'), panels: z.array(panelShape) })
  .parse(JSON.parse(readFileSync('deploy/grafana/precopy.json', 'utf8')));

interface Queried {
  readonly where: string;
  readonly expr: string;
  readonly unit: string | null;
}

/** Grafana fills its own variables in before it asks. */
function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*');
}

const queried: readonly Queried[] = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr, unit: null })),
  ...dashboard.panels.flatMap(({ title, targets, fieldConfig }) =>
    targets.map(({ refId, expr }) => ({
      where: `${title} ${refId}`,
      expr: filledIn(expr),
      unit: fieldConfig?.defaults.unit ?? null,
    })),
  ),
];

/** What Prometheus adds to everything that it scrapes. */
const TARGET_LABELS = ['instance', 'job'];

/** Labels by the name of each series that an instance exports. */
async function exported(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const metrics = createMetrics({ withProcess: true });
  metrics.collectedLines.add({ source: 'journal' });
  metrics.collectedBytes.add({ source: 'journal' });
  metrics.collectedChunks.add({ source: 'journal' });
  metrics.collectorUp.set({ collector: 'arp' }, 1);
  metrics.streamLagMessages.set({ partition: '0' }, 1);
  metrics.streamLagSeconds.set({ partition: '0' }, 1);
  metrics.chunksDead.add({ reason: 'header' });
  metrics.shippedRecords.add({ topic: 'logs' });
  metrics.shippedSkipped.add({ topic: 'logs' });
  metrics.events.add({ source: 'journal' });
  metrics.rejected.add({ source: 'journal', reason: 'bad-time' });
  metrics.rowsStored.add({ table: 'lines' });
  metrics.storeInsertSeconds.observe({ table: 'all' }, 1);
  metrics.rebuildSeconds.observe({}, 1);
  metrics.findings.add({ detector: 'post-copy', severity: 'warning' });
  metrics.migrations.add({ outcome: 'failed' });
  metrics.openMigrations.set({}, 1);
  metrics.findingLatencySeconds.observe({}, 1);
  metrics.alerts.set({ state: 'firing', severity: 'critical' }, 1);
  metrics.notifications.add({ notifier: 'ops', outcome: 'sent' });
  metrics.notificationLatencySeconds.observe({ notifier: 'ops' }, 1);
  const series = new Map<string, Set<string>>();
  for (const line of (await metrics.render()).split('\n')) {
    const [, name, labels = ''] = /^([a-z_0-9]+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = series.get(name) ?? new Set(TARGET_LABELS);
    for (const [, label = ''] of labels.matchAll(/(?:^|,)([a-zA-Z_]+)="/g)) known.add(label);
    series.set(name, known);
  }
  return series.set('up', new Set(TARGET_LABELS));
}

let series: ReadonlyMap<string, ReadonlySet<string>>;
beforeAll(async () => {
  series = await exported();
});

/** What is wrong with the names in an expression; empty where all are exported. */
function unknownIn(expr: string): readonly string[] {
  const { selectors, grouped } = selectorsIn(expr);
  const labels = new Set(selectors.flatMap(({ name }) => [...(series.get(name) ?? [])]));
  return [
    ...selectors.flatMap(({ name, labels: named }: Selector) => {
      const known = series.get(name);
      if (known === undefined) return [`no metric ${name}`];
      return named.filter((label) => !known.has(label)).map((label) => `${name} has no label ${label}`);
    }),
    ...grouped.filter((label) => !labels.has(label)).map((label) => `nothing here has a label ${label}`),
  ];
}

describe('every metric and label that is asked for is one that an instance exports', () => {
  test.each(queried)('$where: $expr', ({ expr }) => {
    expect(selectorsIn(expr).selectors.length).toBeGreaterThan(0);
    expect(unknownIn(expr)).toEqual([]);
  });

  test.each([
    ['rate(precopy_chunks_lost_total[5m])', 'no metric precopy_chunks_lost_total'],
    ['precopy_store_insert_seconds > 5', 'no metric precopy_store_insert_seconds'],
    ['precopy_collector_up{name="arp"} == 0', 'precopy_collector_up has no label name'],
    ['sum by (host) (precopy_collector_up)', 'nothing here has a label host'],
    ['sum without (le) (rate(precopy_chunks_sent_total[5m] offset 5m))', 'nothing here has a label le'],
  ])('what is not is found: %s', (expr, problem) => {
    expect(unknownIn(expr)).toEqual([problem]);
  });
});

/** What a number is in, by how it comes about; the first that fits. */
const UNITS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^count\(|^sum\(up\{/, ['short']],
  [/\/ sum/, ['percentunit']],
  [/cpu_seconds_total/, ['short']],
  [/histogram_quantile\(.*_seconds_bucket/, ['s']],
  [/increase\(/, ['short']],
  [/rate\(precopy_\w+_bytes_total/, ['Bps']],
  [/rate\(precopy_\w+_total/, ['cps']],
  [/precopy_collector_up/, ['bool']],
  [/_bytes\b/, ['bytes']],
  [/_seconds\b/, ['s']],
  [/_messages|open_migrations|precopy_alerts/, ['short']],
];

describe('the dashboard', () => {
  const asking = queried.filter(({ unit }) => unit !== null);

  test.each(asking)('$where is shown in the unit of what it asks for', ({ expr, unit }) => {
    const [, units = []] = UNITS.find(([pattern]) => pattern.test(expr)) ?? [];
    expect(units).toContain(unit);
  });

  test('has a unit for every panel that asks, no panel twice, and none over another', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const panel of panels.filter(({ type }) => type !== 'row')) {
      expect(panel.targets.length).toBeGreaterThan(0);
      expect(panel.fieldConfig?.defaults.unit).toBeDefined();
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

describe('the rules', () => {
  test('have a name, a sentence, a reason and something to do each, by programs that there are', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { annotations } of rules) {
      for (const text of Object.values(annotations)) expect(text).toMatch(/^\S.{20,}[.)]$/);
      for (const [, command = ''] of annotations.action.matchAll(/\bprecopy ([a-z-]{4,})/g))
        expect(execFileSync(process.execPath, ['dist/cli.js', '--help'], { encoding: 'utf8' })).toContain(`precopy ${command}`);
    }
  });

  test.each(rules.map(({ alert }) => alert))('%s has a story in which it fires, and one in which it does not', (alert) => {
    const own = ruleTests.flatMap(({ promql_expr_test: all }) => all.filter(({ expr }) => expr.includes(`"${alert}"`)));
    expect(own.filter(({ exp_samples: samples }) => samples.length > 0).length).toBeGreaterThan(0);
    expect(own.filter(({ exp_samples: samples }) => samples.length === 0).length).toBeGreaterThan(0);
  });
});

describe('promtool', () => {
  const isHere = hasPromtool();
  const scratch = mkdtempSync(join(tmpdir(), 'precopy-rules-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  function promtool(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
    const { status, stdout, stderr, error } = spawnSync('promtool', args, { encoding: 'utf8', timeout: 60_000 });
    if (error !== undefined) throw error;
    return { status, output: `${stdout}${stderr}` };
  }

  test.runIf(isHere)('takes the rules', () => {
    expect(promtool('check', 'rules', RULES)).toMatchObject({
      status: 0,
      output: expect.stringContaining(`${rules.length} rules found`),
    });
  });

  test.runIf(isHere)('plays every story, and each ends as it should', () => {
    expect(promtool('test', 'rules', RULES_TEST)).toMatchObject({ status: 0, output: expect.stringContaining('SUCCESS') });
  });

  test.runIf(isHere)('reads every expression of the dashboard', () => {
    const path = join(scratch, 'dashboard.rules.yml');
    const recorded = queried.filter(({ unit }) => unit !== null).map(({ expr }, i) => ({ record: `panel:${i}`, expr }));
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    expect(promtool('check', 'rules', path)).toMatchObject({ status: 0 });
  });

  test.runIf(isHere)('tells of a rule that does not hold: a story played with another threshold fails', () => {
    const text = readFileSync(RULES, 'utf8').replace('(precopy_stream_lag_seconds) > 900', '(precopy_stream_lag_seconds) > 9000');
    writeFileSync(join(scratch, 'precopy.rules.yml'), text);
    writeFileSync(join(scratch, 'precopy.rules.test.yml'), readFileSync(RULES_TEST));
    const { status, output } = promtool('test', 'rules', join(scratch, 'precopy.rules.test.yml'));
    expect(status).not.toBe(0);
    expect(output).toContain('PrecopyLagHigh');
  });
});

/** Whether promtool is here; where not, its tests are skipped, or fail if `PRECOPY_REQUIRE_PROGRAMS` is set. */
function hasPromtool(): boolean {
  if (spawnSync('promtool', ['--version']).status === 0) return true;
  if (process.env['PRECOPY_REQUIRE_PROGRAMS'] !== undefined) throw new Error('not installed: promtool (package prometheus)');
  console.warn('skipped: promtool is not installed (package prometheus)');
  return false;
}
