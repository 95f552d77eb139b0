import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Chunk } from '../../src/model/chunk.ts';
import { encodeChunk } from '../../src/pipeline/chunk-message.ts';
import { createStoredTimelines } from '../../src/pipeline/stored-timelines.ts';
import { createWriter, INSERT_BYTES } from '../../src/store/writer.ts';
import { DEAD_LETTERS_TOPIC, RECORDS_TOPIC } from '../../src/stream/stream.ts';
import { analysedFolder } from '../recording.ts';
import { chunksOf, collectedFiles } from './chunks.ts';
import { openInstance, type Instance } from './instance.ts';
import { analysedOf, storedOf } from './told.ts';

let instance: Instance;

beforeAll(async () => {
  instance = await openInstance();
}, 60_000);
afterAll(() => instance.remove());

/** Recordings, and the zone of their agents. */
const RECORDED = [
  ['libvirt-9.0/healthy', 'Europe/Berlin'],
  ['libvirt-9.0/cpu-incompatible', 'Europe/Berlin'],
  ['libvirt-9.0/not-converging', 'America/New_York'],
  ['libvirt-9.0/split-brain', 'Europe/Berlin'],
  ['libvirt-9.0/storage-spike', 'Europe/Berlin'],
  ['libvirt-9.0/two-at-once', 'Europe/Berlin'],
  ['libvirt-7.0/split-brain', 'Europe/Berlin'],
  ['libvirt-11.3/missing-garp', 'Europe/Berlin'],
  ['libvirt-11.3/post-copy', 'Europe/Berlin'],
] as const;

/** Pieces of some kilobytes, so that no file is one chunk. */
function small(): number {
  return 3000;
}

async function processed(chunks: readonly Chunk[], { together }: { readonly together: number }): Promise<void> {
  const processor = instance.processor();
  await processor.start();
  for (let i = 0; i < chunks.length; i += together) {
    await instance.send(chunks.slice(i, i + together));
    // timelines are told between them
    if (together < 1000) await processor.idle();
  }
  await processor.idle();
  await processor.stop();
}

describe.each(RECORDED)('%s', (name, zone) => {
  test('streamed file by file, it ends in the migrations and findings that analyze tells', async () => {
    const cluster = `files ${name}`;
    const files = await collectedFiles(`recordings/${name}`, { cluster, zone });
    await processed(
      files.flatMap((file) => chunksOf(file, small)),
      { together: 1000 },
    );
    expect(await storedOf(instance.store, cluster)).toEqual(await analysedOf(`recordings/${name}`));
  }, 60_000);
});

test('chunks that come late and out of order, timelines told in between, end in the same', async () => {
  const name = 'libvirt-9.0/two-at-once';
  const cluster = 'shuffled';
  const files = await collectedFiles(`recordings/${name}`, { cluster });
  const chunks = files.flatMap((file) => chunksOf(file, small));
  // every seventh first, then those after them: far from any order of time
  const shuffled = [0, 1, 2, 3, 4, 5, 6].flatMap((rest) => chunks.filter((_, i) => i % 7 === rest));
  await processed(shuffled, { together: Math.ceil(shuffled.length / 5) });
  expect(await storedOf(instance.store, cluster)).toEqual(await analysedOf(`recordings/${name}`));
}, 60_000);

test('chunks that come again change nothing', async () => {
  const name = 'libvirt-9.0/cpu-incompatible';
  const cluster = 'twice';
  const chunks = (await collectedFiles(`recordings/${name}`, { cluster })).flatMap((file) => chunksOf(file, small));
  await processed([...chunks, ...chunks], { together: 1000 });
  const told = await storedOf(instance.store, cluster);
  const changes: number[] = [];
  const again = instance.processor({
    rebuilt: (_, { migrations, findings }) => changes.push(migrations.length + findings.length),
  });
  await again.start();
  await instance.send(chunks);
  await again.idle();
  await again.stop();
  expect(changes.length).toBeGreaterThan(0);
  expect(changes.every((count) => count === 0)).toBe(true);
  expect(await storedOf(instance.store, cluster)).toEqual(told);
  const [lines] = await instance.store.query<{ readonly stored: number; readonly different: number }>(
    `SELECT count() AS stored, uniqExact(host, file_id, offset) AS different FROM lines FINAL WHERE cluster = 'twice'`,
  );
  expect(lines?.stored).toBe(lines?.different);
}, 60_000);

test('what is stored and not told yet when a processor ends, the next one tells', async () => {
  const cluster = 'restart';
  const chunks = (await collectedFiles('recordings/libvirt-9.0/cpu-incompatible', { cluster })).flatMap((file) =>
    chunksOf(file, small),
  );
  const first = instance.processor();
  await first.start();
  await instance.send(chunks);
  await first.stop();
  const second = instance.processor();
  await second.start();
  await second.idle();
  await second.stop();
  expect(await storedOf(instance.store, cluster)).toEqual(await analysedOf('recordings/libvirt-9.0/cpu-incompatible'));
}, 60_000);

test('a migration that was over when it was first heard of is told, even where its end is guessed', async () => {
  const cluster = 'guessed';
  const files = await collectedFiles('recordings/libvirt-9.0/not-converging', { cluster });
  // no line says how it ended: its time has to pass first
  const mute = files.filter(({ header: { source } }) => source === 'libvirt-qemu');
  await processed(
    mute.flatMap((file) => chunksOf(file, () => 1e9)),
    { together: 1000 },
  );
  expect((await storedOf(instance.store, cluster)).migrations).toMatchObject([{ vm: 'i-5-77-VM', outcomeCertainty: 'follows' }]);
}, 60_000);

test('a VM that was saved hours before it is taken up from the file does not migrate', async () => {
  const cluster = 'restored';
  const folder = mkdtempSync(join(tmpdir(), 'precopy-restored-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = 'hosts/kvm-b/var/log/libvirt/qemu/i-2-31-VM.log';
  const log = join(folder, path);
  mkdirSync(dirname(log), { recursive: true });
  const afterTime = readFileSync(`recordings/libvirt-9.0/healthy/${path}`, 'utf8').slice('2026-11-23 04:54:43.862'.length);
  const atFirst = `2026-11-23 04:54:43.862${afterTime.replace(/-incoming defer \\\n/, '')}2026-11-23 05:10:00.000+0000: shutting down, reason=saved\n`;
  writeFileSync(log, `${atFirst}2026-11-23 08:30:00.000${afterTime}`);
  const files = await collectedFiles(folder, { cluster });
  const chunks = files.flatMap((file) => chunksOf(file, () => atFirst.length));
  expect(chunks).toHaveLength(2);
  for (const chunk of chunks) await processed([chunk], { together: 1000 });
  expect(await storedOf(instance.store, cluster)).toEqual({ migrations: [], findings: [] });
}, 60_000);

test('a clock that is set back keeps no newer word from being the last one', async () => {
  const cluster = 'set back';
  const clock = { at: Date.now() };
  const timelines = createStoredTimelines(instance.store, createWriter(instance.store), () => clock.at);
  const { migrations } = await analysedFolder('recordings/libvirt-9.0/cpu-incompatible');
  const told = async (outcome: 'running' | 'failed') => {
    const changed = migrations.map((one) => ({ ...one, outcome }));
    await timelines.write(cluster, {
      migrations: changed,
      findings: [],
      ended: new Set(),
      fresh: new Set(),
      goneMigrations: [],
      goneFindings: [],
    });
  };
  await told('running');
  clock.at -= 3_600_000;
  await told('failed');
  const rows = (): Promise<readonly unknown[]> =>
    instance.store.query(`SELECT outcome FROM migrations FINAL WHERE cluster = {cluster: String}`, { cluster });
  expect(await rows()).toEqual([{ outcome: 'failed' }]);
  // nor does another process, that knows of none of it
  const other = createStoredTimelines(instance.store, createWriter(instance.store), () => clock.at);
  await other.write(cluster, {
    migrations,
    findings: [],
    ended: new Set(),
    fresh: new Set(),
    goneMigrations: [],
    goneFindings: [],
  });
  await told('running');
  expect(await rows()).toEqual([{ outcome: 'running' }]);
});

test('a message that nobody can read goes to the dead letters with the reason, and the others are read', async () => {
  const [file] = await collectedFiles('recordings/libvirt-9.0/healthy', { cluster: 'forged' });
  if (file === undefined) throw new Error('no file');
  const [chunk] = chunksOf(file, () => 1e9);
  if (chunk === undefined) throw new Error('no chunk');
  const reasons: string[] = [];
  const processor = instance.processor({ deadLetter: (problem) => reasons.push(problem) });
  await processor.start();
  const good = encodeChunk(chunk);
  await instance.producer.send(RECORDS_TOPIC, [
    { ...good, headers: { ...good.headers, schema: '2' } },
    { ...good, headers: { ...good.headers, source: 'emacs' } },
    { ...good, headers: {} },
    good,
  ]);
  await processor.idle();
  await processor.stop();
  expect(reasons).toMatchObject([
    expect.stringContaining('schema'),
    expect.stringContaining('source'),
    expect.stringContaining('schema'),
  ]);
  const [stored] = await instance.store.query<{ readonly lines: number }>(
    "SELECT count() AS lines FROM lines FINAL WHERE cluster = 'forged'",
  );
  expect(stored?.lines).toBeGreaterThan(0);
  expect((await instance.stream.positions(DEAD_LETTERS_TOPIC, 'any'))[0]?.end).toBe(3);
}, 60_000);

test('while a part is stored the next one is read, and where it cannot be stored both come again', async () => {
  const [file] = await collectedFiles('recordings/libvirt-9.0/healthy', { cluster: 'ahead' });
  if (file === undefined) throw new Error('no file');
  const text = '2026-11-20 10:00:00,000 DEBUG [kvm.resource.X] (agentRequest-Handler-1:[]) (logid:) all is well\n';
  const bytes = Buffer.from(text.repeat(Math.ceil((INSERT_BYTES * 0.6) / text.length)));
  const lines = bytes.length / text.length;
  const header = { ...file.header, source: 'cloudstack-agent' } as const;
  const good = [0, 1].map((n) => encodeChunk({ header: { ...header, offset: n * bytes.length, line: n * lines }, bytes }));
  const forged = { ...encodeChunk({ header, bytes: Buffer.alloc(10) }), headers: {} };
  const reasons: string[] = [];
  const failures: unknown[] = [];
  const passing = new Error('the store is away');
  const processor = instance.processor(
    { deadLetter: (problem) => reasons.push(problem), failed: (error) => failures.push(error) },
    async (insert) => {
      if (failures.length > 0) return insert();
      await vi.waitUntil(() => reasons.length > 0, { timeout: 30_000 });
      throw passing;
    },
  );
  await instance.producer.send(RECORDS_TOPIC, [...good, forged]);
  await processor.start();
  await processor.idle();
  await processor.stop();
  expect(failures).toEqual([passing]);
  const [stored] = await instance.store.query(
    "SELECT count() AS lines, uniqExact(offset) AS offsets FROM lines WHERE cluster = 'ahead'",
  );
  expect(stored).toEqual({ lines: 2 * lines, offsets: 2 * lines });
}, 60_000);
