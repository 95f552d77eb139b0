import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { gapsOf } from '../../src/forensics/coverage.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import type { Store } from '../../src/store/store.ts';
import { zoneNamed } from '../../src/timeline/zone.ts';
import { createChance, createLiveLogs, inOrder, type LiveLogs } from './live-logs.ts';
import { asked, eventually, pause, startProgram, testFolder, writeConfig, type Program } from './program.ts';
import { replayOf, sourceOf } from './replay.ts';

const KILLS = Number(process.env['PRECOPY_KILLS'] ?? 10);
const SEED = Number(process.env['PRECOPY_SEED'] ?? 20_261_124);
/** No summer time, and not UTC. */
const ZONE_NAME = 'Asia/Kolkata';
const LINES_PER_SECOND = 2500;
const TICK_MS = 20;
/** How long a process runs before it is killed, ms: from within its start to well after. */
const SHORTEST_LIFE_MS = 300;
const LONGEST_LIFE_MS = 3500;
const PAUSE_MS = 3000;

const zone = zoneNamed(ZONE_NAME);
if (zone === null) throw new Error(`no zone ${ZONE_NAME}`);

/** Recordings that are written into the logs, one after the other. */
const RECORDED = ['cpu-incompatible', 'two-at-once', 'healthy', 'storage-spike', 'missing-garp', 'not-converging'] as const;
const BETWEEN_MS = 100_000;

interface Folders {
  readonly data: string;
  readonly root: string;
  readonly kept: string;
  readonly config: string;
}

function folders(): Folders {
  const folder = testFolder();
  const [data, root] = [join(folder, 'data'), join(folder, 'logs')];
  const files = ['hosts/kvm-a', 'hosts/kvm-b'].flatMap((host) =>
    [
      'var/log/cloudstack/agent/agent.log',
      'var/log/libvirt/libvirtd.log',
      'var/log/libvirt/qemu/*.log',
      'domjobinfo.jsonl',
      'heartbeat.jsonl',
    ].map((path) => ({ path: join(root, host, path), source: sourceOf(path), host: basename(host), timezone: null })),
  );
  const observers = ['tcpdump.log', 'bridge-fdb.log'].map((name) => ({
    path: join(root, 'switch', name),
    source: sourceOf(name),
    host: 'switch',
    timezone: 'UTC',
  }));
  const config = writeConfig(join(folder, 'precopy.yaml'), {
    data,
    timezone: ZONE_NAME,
    collect: { files: [...files, ...observers] },
  });
  return { data, root, kept: join(folder, 'kept'), config };
}

/** Whether the collector's checkpoint says that the stream has all of this file. */
function isRead(data: string, path: string): boolean {
  const checkpoint = join(data, 'files.checkpoint.json');
  if (!existsSync(checkpoint)) return false;
  const { files } = JSON.parse(readFileSync(checkpoint, 'utf8')) as {
    readonly files: readonly { readonly key: string | null; readonly offset: number }[];
  };
  const { dev, ino, size } = statSync(path, { bigint: true });
  return files.some(({ key, offset }) => key === `${dev}:${ino}` && BigInt(offset) === size);
}

/** Writes the recordings and what goes on beside them, on a clock that runs faster than the real one and ends with it. */
function createWriting(logs: LiveLogs, { planMs, chance }: { readonly planMs: number; readonly chance: () => number }) {
  const replays = RECORDED.map((name) => replayOf(`libvirt-9.0/${name}`));
  const lengthMs = replays.reduce((sum, one) => sum + one.lengthMs + BETWEEN_MS, 0);
  const speed = lengthMs / planMs;
  const began = Date.now();
  const base = Math.floor(began + planMs - lengthMs);
  let startAt = base + 5000;
  const files = replays.flatMap((one) => {
    const own = one.filesFrom(startAt, zone!);
    startAt += one.lengthMs + BETWEEN_MS;
    return own;
  });
  const records = inOrder(files);
  let next = 0;
  let behind = 0;

  return {
    isOver: () => next >= records.length,
    /** One beat of the writer. */
    tick(elapsedMs: number): void {
      const at = Math.floor(Math.min(base + (Date.now() - began) * speed, Date.now()));
      for (let one = records[next]; one !== undefined && one.at <= at; one = records[(next += 1)]) logs.write(one.path, one.text);
      behind += (LINES_PER_SECOND * elapsedMs) / 1000 / 1.35;
      logs.writeNoise(Math.floor(behind), at);
      behind -= Math.floor(behind);
      if (!this.isOver() && chance() < 0.02) logs.rotate();
    },
  };
}

interface Named {
  readonly id: string;
  readonly detector?: string;
}

/** Counts VMs of all the time that is looked at: for analyze all logs, for an instance what is near. */
const ADVICE = new Set(['unencrypted-stream']);

interface Told {
  readonly migrations: readonly unknown[];
  readonly findings: readonly unknown[];
}

/** Documents without what depends on the file's place: a rotated file has another name, and what is deleted is kept elsewhere. */
function placeless(documents: readonly string[], { root, kept }: Folders): readonly unknown[] {
  return documents
    .map((text) => text.replaceAll(kept, root).replaceAll(/(\.log)(?:\.\d+|-\d{8}-\d+)?(?:\.gz)?"/g, '$1"'))
    .map((text) => JSON.parse(text) as Named)
    .map((document) => (ADVICE.has(document.detector ?? '') ? { id: document.id, detector: document.detector } : document))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function analysed(place: Folders): Told {
  const paths = [place.root, ...(existsSync(place.kept) ? [place.kept] : [])];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/cli.js', 'analyze', ...paths, '--json', '--timezone', ZONE_NAME, '--timezone', 'switch=UTC'],
    { encoding: 'utf8', maxBuffer: 256 << 20 },
  );
  if (stdout === '') throw new Error(stderr);
  const { migrations, findings } = JSON.parse(stdout) as {
    readonly migrations: readonly unknown[];
    readonly findings: readonly unknown[];
  };
  const texts = (documents: readonly unknown[]): readonly string[] => documents.map((one) => JSON.stringify(one));
  return { migrations: placeless(texts(migrations), place), findings: placeless(texts(findings), place) };
}

async function stored(place: Folders, table: 'migrations' | 'findings'): Promise<readonly unknown[]> {
  const rows = await asked(place.data, `SELECT document FROM ${table} FINAL`);
  return placeless(
    rows.map(([document]) => String(document)),
    place,
  );
}

/** Lines by file as the store has them; those of one identity are one. */
async function storedLines(store: Store, root: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await store.query<{ readonly path: string; readonly text: string }>(
    "SELECT path, text FROM lines FINAL WHERE source != 'collector' ORDER BY host, path, file_id, offset",
  );
  const byFile = new Map<string, string[]>();
  for (const { path, text } of rows) {
    const file = path.slice(root.length + 1).replace(/(\.log)(?:\.\d+|-\d{8}-\d+)?(?:\.gz)?$/, '$1');
    const lines = byFile.get(file) ?? [];
    byFile.set(file, lines);
    lines.push(text);
  }
  return byFile;
}

function difference(left: readonly string[], right: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of right) counts.set(line, (counts.get(line) ?? 0) + 1);
  return left.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}

/** Kills one of the processes after a random life, and starts it anew. */
async function killOne(running: Map<Command, Program>, start: (name: Command) => Program, chance: () => number): Promise<void> {
  await pause(SHORTEST_LIFE_MS + chance() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
  const names = [...running.keys()];
  const name = names[Math.floor(chance() * names.length)] ?? 'up';
  const program = running.get(name);
  expect(program?.status(), `${name} ended by itself: ${program?.log()}`).toBeNull();
  await program?.kill();
  await pause(chance() * 300);
  running.set(name, start(name));
}

type Command = 'up' | 'collect' | 'process';

test(
  `no line is lost, doubled or changed, and nothing is told wrongly, through ${KILLS} kills and all kinds of rotation`,
  { timeout: 120_000 + KILLS * 8000 },
  async () => {
    const place = folders();
    const chance = createChance(SEED);
    const parts = { ...place, zone, chance: createChance(SEED + 1), isRead: (path: string) => isRead(place.data, path) };
    const logs = createLiveLogs(parts);
    const writing = createWriting(logs, { planMs: KILLS * 2500 + 8000, chance: createChance(SEED + 2) });
    let last = Date.now();
    const failures: unknown[] = [];
    const timer = setInterval(() => {
      const at = Date.now();
      try {
        writing.tick(at - last);
      } catch (error) {
        failures.push(error);
      }
      last = at;
    }, TICK_MS);
    const programs: Program[] = [];
    const start = (name: Command): Program => {
      const program = startProgram(name, place.config);
      programs.push(program);
      return program;
    };
    try {
      const halves = new Map<Command, Program>([
        ['process', start('process')],
        ['collect', start('collect')],
      ]);
      for (let kill = 0; kill < Math.ceil(KILLS / 2); kill += 1) await killOne(halves, start, chance);
      // the store takes nothing for some time
      halves.get('process')?.signal('SIGSTOP');
      await pause(PAUSE_MS);
      halves.get('process')?.signal('SIGCONT');
      for (const program of halves.values()) await program.stop();
      const whole = new Map<Command, Program>([['up', start('up')]]);
      for (let kill = Math.ceil(KILLS / 2); kill < KILLS; kill += 1) await killOne(whole, start, chance);
      await eventually(() => writing.isOver() && !logs.isHolding(), { withinMs: 60_000 });
      clearInterval(timer);
      expect(failures).toEqual([]);
      const written = [...logs.written.values()].reduce((sum, lines) => sum + lines.length, 0);
      process.stderr.write(`${written} lines, ${KILLS} kills, rotations: ${JSON.stringify([...logs.ways])}\n`);
      await eventually(
        async () => {
          const [[count] = []] = await asked(place.data, "SELECT count() FROM lines FINAL WHERE source != 'collector'");
          return Number(count) >= written || `${String(count)} of ${written} lines (seed ${SEED})`;
        },
        { withinMs: 60_000, everyMs: 500 },
      );
      const told = analysed(place);
      await eventually(async () => {
        const now = JSON.stringify([await stored(place, 'migrations'), await stored(place, 'findings')]);
        return now === JSON.stringify([told.migrations, told.findings]) || 'timelines differ from those of analyze';
      }).catch(() => null);
      expect(await stored(place, 'migrations')).toEqual(told.migrations);
      expect(await stored(place, 'findings')).toEqual(told.findings);
      expect(await whole.get('up')?.stop()).toBe(0);
    } finally {
      clearInterval(timer);
    }
    const store = await openEmbeddedStore({ folder: join(place.data, 'store') });
    try {
      const found = await storedLines(store, place.root);
      for (const [path, lines] of logs.written) {
        expect(difference(lines, found.get(path) ?? []), `lost of ${path}`).toEqual([]);
        expect(difference(found.get(path) ?? [], lines), `doubled or changed of ${path}`).toEqual([]);
      }
      expect([...found.keys()].toSorted()).toEqual([...logs.written.keys()].toSorted());
      expect(await gapsOf(store, { limit: 1000 })).toEqual([]);
    } finally {
      await store.close();
    }
  },
);

test(
  'a finding is there while the migration still runs, and it is updated when that ends, not doubled',
  { timeout: 60_000 },
  async () => {
    const place = folders();
    const replay = replayOf('libvirt-9.0/not-converging');
    const chance = createChance(SEED);
    const logs = createLiveLogs({ ...place, zone, chance, isRead: () => false });
    // all but its end has just been
    const beforeEndMs = replay.endedAfterMs - 4000;
    const startAt = Date.now() - beforeEndMs;
    const records = inOrder(replay.filesFrom(startAt, zone));
    const isBefore = ({ at }: { readonly at: number }): boolean => at < startAt + beforeEndMs;
    const up = startProgram('up', place.config);
    for (const { path, text } of records.filter(isBefore)) logs.write(path, text);
    const found = async (): Promise<readonly (readonly unknown[])[]> =>
      asked(place.data, "SELECT id, toInt64(to_at), document FROM findings FINAL WHERE detector = 'not-converging'");
    await eventually(async () => (await found()).length === 1 || up.log());
    const [running] = await asked(place.data, 'SELECT outcome FROM migrations FINAL');
    expect(running).toEqual(['running']);
    const [early] = await found();
    for (const { path, text } of records.filter((one) => !isBefore(one))) logs.write(path, text);
    await eventually(async () => {
      const [ended] = await asked(place.data, 'SELECT outcome FROM migrations FINAL');
      return ended?.[0] === 'aborted' || String(ended?.[0]);
    });
    await eventually(async () => {
      const [now] = await found();
      return now?.[2] !== early?.[2] || 'not updated';
    });
    const late = await found();
    expect(late).toHaveLength(1);
    expect(late[0]?.[0]).toBe(early?.[0]);
    expect(await up.stop()).toBe(0);
  },
);
