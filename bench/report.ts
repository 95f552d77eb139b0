import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeReport } from '../src/forensics/weekly/make-report.ts';
import { reportHtml } from '../src/reports/weekly/report-html.ts';
import { openEmbeddedStore } from '../src/store/embedded.ts';
import { applySchema } from '../src/store/schema.ts';
import type { Store } from '../src/store/store.ts';
import { weekAfter, weekBounds, zoneNamed } from '../src/timeline/zone.ts';
import { usageOf } from './program.ts';

/** What the report of a large week costs. */
export interface ReportCost {
  readonly migrations: number;
  readonly lines: number;
  /** In a process that has just opened the tables. */
  readonly firstSeconds: number;
  readonly againSeconds: number;
  readonly htmlSeconds: number;
  readonly htmlKilobytes: number;
  readonly maxRssMegabytes: number;
}

/** How large a week. */
interface ReportBench {
  /** Migrations that began in it; the four weeks before have as many each. */
  readonly migrations: number;
  readonly lines: number;
}

const FOREVER = {
  ttlDays: {
    lines: 20_000,
    migrations: 20_000,
    findings: 20_000,
    samples: 20_000,
    ranges: 20_000,
    host_facts: 20_000,
    events: 20_000,
  },
};
const WEEK_MS = 7 * 24 * 3_600_000;
/** Lines inserted at once. */
const LINES_STEP = 5_000_000;

/** Fills the tables of a folder: 100 clusters of 16 hosts. */
async function fillStore(folder: string, { migrations, lines }: ReportBench): Promise<void> {
  const store = await openEmbeddedStore({ folder });
  await applySchema(store, FOREVER);
  const { from } = benchWeek();
  for (let week = 0; week <= 4; week += 1) await addWeek(store, from - week * WEEK_MS, migrations);
  for (let first = 0; first < lines; first += LINES_STEP)
    await addLines(store, from, [first, Math.min(lines, first + LINES_STEP)]);
  await store.close();
}

function benchWeek() {
  const zone = zoneNamed('UTC');
  const week = zone === null ? null : weekBounds('2026-W47', zone);
  if (zone === null || week === null) throw new Error('no week');
  return weekAfter(week, 0, zone);
}

/** The columns that every migration has, by its number in the week. */
function moves(from: number, count: number): string {
  return `SELECT number, concat('m-', toString(${from}), '-', toString(number)) AS id, concat('c', toString(number % 100)) AS cluster,
      concat('i-2-', toString(cityHash64(number, 1) % 60000), '-VM') AS vm,
      cityHash64(number, 2) % 16 AS a, (a + 1 + cityHash64(number, 3) % 15) % 16 AS b,
      concat('kvm-', toString(number % 100), '-', toString(a)) AS source, concat('kvm-', toString(number % 100), '-', toString(b)) AS destination,
      fromUnixTimestamp64Milli(toInt64(${from} + cityHash64(number, 4) % ${WEEK_MS})) AS started_at, cityHash64(number, 5) % 1000 AS chance,
      started_at + toIntervalMillisecond(4000 + cityHash64(number, 6) % 90000) AS over,
      multiIf(chance < 40, 'failed', chance < 50, 'aborted', chance < 53, 'unknown', 'completed') AS outcome,
      if(outcome = 'failed', ['cpu-incompatible', 'connection-refused', 'network-interrupted', 'disk-locked'][1 + number % 4], '') AS cause
    FROM numbers(${count})`;
}

async function addWeek(store: Store, from: number, count: number): Promise<void> {
  // as long as a document with two predictions and where the VM is
  const document = `concat('{"id":"', id, '","vm":"', vm, '","mac":["02:00:00:00:00:01"],"causeText":null,"unobserved":[],"after":[', repeat('{"host":"kvm","state":"running","certainty":"seen","because":"a line of its QEMU log says so"},', 3), '{}],"predictions":[{"pass":2,"dirtyRateBytesPerSecond":1e8,"bandwidthBytesPerSecond":4e8},{"pass":3,"dirtyRateBytesPerSecond":', toString(cityHash64(number, 7) % 500000000), ',"bandwidthBytesPerSecond":400000000}]}')`;
  await store.command(
    `INSERT INTO migrations SELECT id, cluster, vm, source, destination, started_at, if(outcome = 'unknown', NULL, over) AS ended_at, over AS last_seen_at, outcome, 'seen' AS certainty,
       cause AS cause_kind, if(cause = 'cpu-incompatible', 'missing features: vaes,la57', cause) AS cause_text, 4 AS iterations,
       if(outcome = 'completed', toFloat64(20 + cityHash64(number, 8) % 400), NULL) AS downtime_ms, if(outcome = 'completed', 'statistics', '') AS downtime_from, 300 AS downtime_limit_ms,
       if(number % 9 = 0, 'unobserved', 'yes') AS announced, NULL AS throttle, NULL AS postcopy_at, destination AS where_host, 'running' AS where_state, [] AS unobserved,
       ${document} AS document, 1 AS version, 0 AS deleted FROM (${moves(from, count)})`,
  );
  const remedies = `'[{"what":"on the destination: is libvirt running","command":"systemctl status libvirtd"},{"what":"give the cluster one CPU model","command":"guest.cpu.mode=custom"}]'`;
  await store.command(
    `INSERT INTO findings SELECT concat('f-', id) AS id, cluster, if(cause = 'cpu-incompatible', cause, 'migration-failed') AS detector, 'critical' AS severity, 'seen' AS confidence, detector AS title,
       concat('The migration of ', vm, ' from ', source, ' to ', destination, ' failed after 5 s.') AS summary, vm, destination AS host, id AS migration_id, started_at AS from_at, over AS to_at,
       concat('{"evidence":[', repeat('{"host":"kvm","source":"libvirtd","path":"/var/log/libvirt/libvirtd.log","line":4711,"text":"a line of a log, as long as lines of logs are"},', 5), '{}],"remedies":', ${remedies}, '}') AS document,
       1 AS version, 0 AS deleted, over AS found_at FROM (${moves(from, count)}) WHERE outcome = 'failed'`,
  );
  const host =
    "concat('c', toString(number % 100)) AS cluster, concat('kvm-', toString(number % 100), '-', toString(intDiv(number, 100) % 16)) AS host";
  const source =
    "['cloudstack-agent', 'libvirtd', 'libvirt-qemu', 'domjobinfo', 'heartbeat', 'sensors', 'host-facts'][1 + intDiv(number, 1600) % 7] AS source";
  await store.command(
    `INSERT INTO ranges SELECT ${host}, ${source}, '/var/log' AS path, concat(host, source) AS file_id, ${from} + intDiv(number, 11200) * 250000 AS from_offset, from_offset + 250000 AS to_offset,
       0 AS from_line, 0 AS to_line, fromUnixTimestamp64Milli(toInt64(${from} + intDiv(number, 11200) * 12096000)) AS first_at, first_at AS last_at, first_at AS observed_at,
       1000 AS records, 100 AS with_events, 899 AS plain, 1 AS rejected FROM numbers(${11_200 * (from === benchWeek().from ? 50 : 1)})`,
  );
  if (from !== benchWeek().from) return;
  await store.command(
    `INSERT INTO samples SELECT cluster, source AS host, vm, ['job.transferredBytes', 'job.dirtyRateBytesPerSecond', 'job.bandwidthBytesPerSecond', 'job.remainingBytes'][1 + step % 4] AS metric, 'outgoing' AS subject,
       started_at + toIntervalMillisecond(intDiv(step, 4) * 1000 + 500) AS at, intDiv(step, 4) * 4e8 AS value FROM (${moves(from, count)}) ARRAY JOIN range(32) AS step`,
  );
  // a write and a temperature of each host every five minutes
  await store.command(
    `INSERT INTO samples SELECT ${host}, '' AS vm, ['heartbeat.latencyMs', 'temperature.celsius'][1 + intDiv(number, 1600) % 2] AS metric, 'pool' AS subject,
       fromUnixTimestamp64Milli(toInt64(${from} + intDiv(number, 3200) * 300000)) AS at, 3 + number % 40 AS value FROM numbers(${3200 * 2016})`,
  );
}

async function addLines(store: Store, from: number, [first, end]: readonly [number, number]): Promise<void> {
  await store.command(
    `INSERT INTO lines SELECT 'c1' AS cluster, concat('kvm-', toString(number % 200)) AS host, 'cloudstack-agent' AS source, '/var/log/cloudstack/agent/agent.log' AS path,
       concat('f', toString(number % 200)) AS file_id, '' AS vm, intDiv(number, 200) * 180 AS offset, intDiv(number, 200) + 1 AS line,
       fromUnixTimestamp64Milli(toInt64(${from} + number * 12)) AS at, at AS observed_at, 'plain' AS outcome,
       concat('2026-11-17 04:00:00,123 DEBUG [kvm.resource.LibvirtComputingResource] (agentRequest-Handler-', toString(number % 12), ':null) (logid:', lower(hex(toUInt32(cityHash64(number)))), ') Processing command: com.cloud.agent.api.CheckOnHostCommand') AS text
     FROM numbers(${first}, ${end - first})`,
  );
}

/** Makes the report of what is in a folder, in this process, which has done nothing else. */
async function measureReport(folder: string): Promise<ReportCost> {
  const store = await openEmbeddedStore({ folder });
  try {
    const query = { week: '2026-W47', zone: 'UTC', cluster: null, now: benchWeek().to };
    const started = performance.now();
    await makeReport(store, query);
    const first = performance.now();
    const report = await makeReport(store, query);
    const again = performance.now();
    const html = reportHtml(report);
    const written = performance.now();
    const [{ n } = { n: 0 }] = await store.query<{ readonly n: number }>('SELECT count() AS n FROM lines');
    return {
      migrations: report.migrations.total,
      lines: n,
      firstSeconds: (first - started) / 1000,
      againSeconds: (again - first) / 1000,
      htmlSeconds: (written - again) / 1000,
      htmlKilobytes: html.length / 1024,
      maxRssMegabytes: usageOf(process.pid).maxRssMegabytes,
    };
  } finally {
    await store.close();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      migrations: { type: 'string', default: '100000' },
      lines: { type: 'string', default: '50000000' },
      folder: { type: 'string' },
      fill: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'precopy-bench-report-'));
  try {
    if (values.fill) {
      await fillStore(folder, { migrations: Number(values.migrations), lines: Number(values.lines) });
      // in a process that has not filled tables: what that took of memory is not the report's
      const { status } = spawnSync(process.execPath, [process.argv[1] ?? '', '--folder', folder, '--no-fill'], {
        stdio: 'inherit',
      });
      if (status !== 0) throw new Error(`the report ended with status ${status}`);
      return;
    }
    process.stdout.write(`${JSON.stringify(await measureReport(folder))}\n`);
    process.stderr.write(`node ${process.version}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}\n`);
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1]?.endsWith('report.js') === true) await main();
