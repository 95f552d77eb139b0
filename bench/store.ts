import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Event } from '../src/model/event.ts';
import { cloudstackAgent } from '../src/parsers/cloudstack-agent.ts';
import { createScanner } from '../src/parsers/scan.ts';
import { linesWithWords } from '../src/forensics/lines.ts';
import { vmTimeline } from '../src/forensics/timeline.ts';
import { createTimelineReader } from '../src/pipeline/stored-timelines.ts';
import type { LineOutcome, ReadChunk } from '../src/store/chunk-rows.ts';
import { openEmbeddedStore } from '../src/store/embedded.ts';
import type { StoredEvent } from '../src/store/rows.ts';
import { applySchema } from '../src/store/schema.ts';
import type { Store } from '../src/store/store.ts';
import { createWriter } from '../src/store/writer.ts';
import { writeAgentLog } from './generate.ts';
import { median } from './measure.ts';

/** About a million lines. */
const LOG_BYTES = 220e6;
const CHUNK_BYTES = 256 << 10;
const BATCH_BYTES = 8 << 20;
const NEWLINE = 10;
const VMS = 5000;
/** Time of the first line that the engine makes, Unix ms; the others follow it evenly. */
const FIRST_AT = 1_790_000_000_000;
const LINE_EVERY_MS = 20;
/** Before and after a migration something is asked for too. */
const MIGRATION_MS = 600_000;
const FOREVER = { lines: 100_000, events: 100_000, samples: 100_000, rejected: 100_000 };

/** One measured thing. */
export interface StoreRow {
  readonly what: string;
  readonly value: string;
}

/** How to measure. */
export interface StoreBench {
  /** Of the generated agent.log; its size is `LOG_BYTES` times this. */
  readonly scale: number;
  /** Sizes of the table of lines at which the questions about one VM are timed; none: they are not. */
  readonly sizes: readonly number[];
}

/** Measures the store with the embedded engine in a temporary folder. */
export async function measureStore({ scale, sizes }: StoreBench): Promise<readonly StoreRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-bench-store-'));
  try {
    const store = await openEmbeddedStore({ folder: join(folder, 'store') });
    await applySchema(store, { ttlDays: FOREVER });
    const rows = [...(await measureLines(store, folder, LOG_BYTES * scale)), ...(await measureQuestions(store, sizes))];
    await store.close();
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureLines(store: Store, folder: string, bytes: number): Promise<readonly StoreRow[]> {
  const path = join(folder, 'agent.log');
  const { lines } = writeAgentLog(path, bytes);
  const before = process.cpuUsage();
  const started = performance.now();
  const events = await fromFileToStore(store, path);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  await store.command('OPTIMIZE TABLE lines FINAL');
  const readStarted = performance.now();
  const read = await createTimelineReader(store, Date.now).events('c1', [{ from: 0, to: Date.UTC(2100, 0) }]);
  const readSeconds = (performance.now() - readStarted) / 1000;
  if (read.length !== events) throw new Error(`${events} events written, ${read.length} read`);
  const own = await ownRate(store, folder);
  return [
    { what: 'file -> lines, events, samples, ranges', value: `${rate(lines / seconds)} lines/s` },
    { what: '  CPU of all threads', value: `${((user + system) / 1e6 / (lines / 1e6)).toFixed(1)} s a million lines` },
    { what: 'the same rows of lines from a Native file, INSERT SELECT', value: `${rate(own)} lines/s` },
    { what: '  share of it', value: (lines / seconds / own).toFixed(2) },
    { what: 'events of a period', value: `${rate(read.length / readSeconds)} events/s (${rate(read.length)} events)` },
    ...(await sizesOf(store)),
  ];
}

/** Reads and parses one batch while the one before is written, in one thread. */
async function fromFileToStore(store: Store, path: string): Promise<number> {
  const file = { host: 'kvm-a', source: 'cloudstack-agent', path, vm: null } as const;
  let found: StoredEvent[] = [];
  let count = 0;
  const places = new Map<number, number>();
  const scanner = createScanner(cloudstackAgent, file, ({ body, origin, stamp }) => {
    const n = places.get(origin.offset) ?? 0;
    places.set(origin.offset, n + 1);
    found.push({ cluster: 'c1', fileId: 'f1', n, event: { body, origin, at: stamp?.ms ?? 0 } satisfies Event });
  });
  const writer = createWriter(store);
  let writing: Promise<unknown> = Promise.resolve();
  let batch: ReadChunk[] = [];
  let size = 0;
  async function flush(): Promise<void> {
    await writing;
    count += found.length;
    writing = writer.writeBatch({ chunks: batch, events: found });
    batch = [];
    found = [];
    size = 0;
    places.clear();
  }
  for (const chunk of chunksOf(path)) {
    scanner.push(Buffer.from(chunk.bytes).toString('latin1'));
    batch.push(chunk);
    size += chunk.bytes.length;
    if (size >= BATCH_BYTES) await flush();
  }
  scanner.end();
  await flush();
  await writing;
  return count;
}

function* chunksOf(path: string): Generator<ReadChunk> {
  const whole = readFileSync(path);
  let line = 0;
  for (let offset = 0; offset < whole.length;) {
    const bytes = whole.subarray(offset, cutOf(whole, offset));
    const { at, outcomes } = linesOf(bytes);
    const header = {
      cluster: 'c1',
      host: 'kvm-a',
      source: 'cloudstack-agent',
      path,
      fileId: 'f1',
      vm: null,
      offset,
      line,
      zone: 'UTC',
      observedAt: (at.at(-1) ?? 0) + 250,
    } as const;
    yield { header, bytes, at, outcomes, firstAt: at[0] ?? null, lastAt: at.at(-1) ?? null };
    offset += bytes.length;
    line += at.length;
  }
}

function cutOf(whole: Buffer, offset: number): number {
  return offset + CHUNK_BYTES >= whole.length ? whole.length : whole.lastIndexOf(NEWLINE, offset + CHUNK_BYTES) + 1;
}

function linesOf(bytes: Buffer): { readonly at: readonly number[]; readonly outcomes: readonly LineOutcome[] } {
  const at: number[] = [];
  const outcomes: LineOutcome[] = [];
  let time = 0;
  for (let start = 0; start < bytes.length; start = bytes.indexOf(NEWLINE, start) + 1 || bytes.length) {
    const header = bytes[start] === 50 && bytes[start + 4] === 45;
    if (header)
      time = Date.parse(
        `${bytes
          .toString('latin1', start, start + 23)
          .replace(' ', 'T')
          .replace(',', '.')}Z`,
      );
    at.push(time);
    outcomes.push(header ? 'plain' : 'continued');
  }
  return { at, outcomes };
}

/** What the engine needs for the same rows, when they come ready in its own format and no JavaScript is in the way. */
async function ownRate(store: Store, folder: string): Promise<number> {
  const file = join(folder, 'lines.native');
  await store.command(`INSERT INTO FUNCTION file('${file}', 'Native') SELECT * FROM lines`);
  await store.command('CREATE TABLE own_lines AS lines');
  const [{ n } = { n: 0 }] = await store.query<{ readonly n: number }>('SELECT count() AS n FROM lines');
  const started = performance.now();
  await store.command(`INSERT INTO own_lines SELECT * FROM file('${file}', 'Native')`);
  const seconds = (performance.now() - started) / 1000;
  await store.command('DROP TABLE own_lines');
  rmSync(file);
  return n / seconds;
}

async function sizesOf(store: Store): Promise<readonly StoreRow[]> {
  const parts = await store.query<{
    readonly name: string;
    readonly rows: number;
    readonly bytes: number;
    readonly indices: number;
  }>(
    `SELECT table AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, sum(secondary_indices_compressed_bytes) AS indices
     FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table HAVING rows > 1000 ORDER BY table`,
  );
  const columns = await store.query<{ readonly name: string; readonly bytes: number }>(
    `SELECT name, data_compressed_bytes AS bytes FROM system.columns WHERE database = currentDatabase() AND table = 'lines' AND bytes > 100000 ORDER BY bytes DESC`,
  );
  const lines = parts.find(({ name }) => name === 'lines')?.rows ?? 1;
  return [
    ...parts.map(({ name, rows, bytes, indices }) => ({
      what: `${name}: bytes a row on disk`,
      value: `${(bytes / rows).toFixed(1)}, of them ${(indices / rows).toFixed(1)} of indices (${rate(rows)} rows)`,
    })),
    ...columns.map(({ name, bytes }) => ({ what: `  lines.${name}`, value: (bytes / lines).toFixed(2) })),
  ];
}

/** Rows made by the engine itself: every twentieth line is an event; 5,000 VMs on 200 hosts. */
async function measureQuestions(store: Store, sizes: readonly number[]): Promise<readonly StoreRow[]> {
  const rows: StoreRow[] = [];
  let have = 0;
  for (const size of sizes) {
    process.stderr.write(`${rate(size)} lines …\n`);
    for (let next = Math.min(have + 5_000_000, size); have < size; next = Math.min(have + 5_000_000, size)) {
      await addRows(store, have, next);
      have = next;
    }
    for (const [what, ask] of Object.entries(questions(store))) {
      const times: number[] = [];
      for (let round = 0; round < 40; round += 1) {
        const started = performance.now();
        await ask({
          vm: `i-2-${(round * 131) % VMS}-VM`,
          at: FIRST_AT + Math.floor((have * LINE_EVERY_MS * (round + 0.5)) / 40),
        });
        times.push(performance.now() - started);
      }
      const p95 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? 0;
      rows.push({
        what: `${what}, ${rate(size)} lines`,
        value: `median ${median(times).toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`,
      });
    }
  }
  return [...rows, ...(sizes.length > 0 ? await sizesOf(store) : [])];
}

interface Asked {
  readonly vm: string;
  /** Unix ms. */
  readonly at: number;
}

function questions(store: Store): Readonly<Record<string, (asked: Asked) => Promise<unknown>>> {
  return {
    'timeline of one migration': ({ vm, at }) =>
      vmTimeline(store, { vm, cluster: 'big', since: at, until: at + MIGRATION_MS, limit: 1000 }),
    'last 1,000 events of one VM': ({ vm }) => vmTimeline(store, { vm, cluster: 'big', limit: 1000 }),
    'lines that mention one VM': ({ vm }) => linesWithWords(store, { cluster: 'big', limit: 1000 }, vm.split('-')),
  };
}

async function addRows(store: Store, from: number, to: number): Promise<void> {
  const place = `'big' AS cluster, concat('kvm-', toString(number % 200)) AS host, 'cloudstack-agent' AS source, '/var/log/cloudstack/agent/agent.log' AS path, concat('f', toString(number % 200)) AS file_id, intDiv(number, 200) * 180 AS offset, intDiv(number, 200) + 1 AS line, fromUnixTimestamp64Milli(toInt64(${FIRST_AT} + number * ${LINE_EVERY_MS})) AS at`;
  const vm = `concat('i-2-', toString(cityHash64(number, 1) % ${VMS}), '-VM')`;
  const text = `concat(formatDateTime(at, '%Y-%m-%d %H:%i:%S'), ',123 DEBUG [kvm.resource.LibvirtComputingResource] (agentRequest-Handler-', toString(number % 12), ':null) (logid:', lower(hex(toUInt32(cityHash64(number)))), ') ', if(number % 10 = 0, concat('Trying to fetch storage pool for ', ${vm}), 'Processing command: com.cloud.agent.api.CheckOnHostCommand'))`;
  await store.command(
    `INSERT INTO lines SELECT cluster, host, source, path, file_id, '' AS vm, offset, line, at, at AS observed_at, 'plain' AS outcome, text FROM (SELECT ${place}, ${text} AS text FROM numbers(${from}, ${to - from}))`,
  );
  await store.command(
    `INSERT INTO events SELECT cluster, host, source, path, file_id, offset, 0 AS n, line, at, 'migrate-progress' AS kind, ${vm} AS vm, '' AS file_vm, ${text} AS text, 100 AS message_at, '2026' AS written, concat('{"kind":"migrate-progress","vm":"', vm, '","waitedMs":1000}') AS body FROM (SELECT number, ${place} FROM numbers(${from}, ${to - from}) WHERE number % 20 = 0)`,
  );
}

function rate(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { scale: { type: 'string', default: '1' }, large: { type: 'boolean', default: false }, sizes: { type: 'string' } },
  });
  const sizes = values.large ? (values.sizes ?? '1e6,1e7,1e8').split(',').map(Number) : [];
  const rows = await measureStore({ scale: Number(values.scale), sizes });
  const width = Math.max(...rows.map(({ what }) => what.length));
  process.stdout.write(
    `node ${process.version}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}\n${rows.map(({ what, value }) => `| ${what.padEnd(width)} | ${value} |`).join('\n')}\n`,
  );
}

if (process.argv[1]?.endsWith('store.js') === true) await main();
