import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import {
  analysed,
  expectAllStored,
  filesBelow,
  isRead,
  linesWritten,
  placeless,
  startWriting,
  ZONE,
  ZONE_NAME,
  type Place,
} from './conserved.ts';
import { createChance, createLiveLogs, inOrder } from './live-logs.ts';
import { asked, eventually, pause, startProgram, testFolder, writeConfig, type Program } from './program.ts';
import { replayOf } from './replay.ts';

const KILLS = Number(process.env['PRECOPY_KILLS'] ?? 10);
const SEED = Number(process.env['PRECOPY_SEED'] ?? 20_261_124);
const LINES_PER_SECOND = 2500;
/** How long a process runs before it is killed, ms: from within its start to well after. */
const SHORTEST_LIFE_MS = 300;
const LONGEST_LIFE_MS = 3500;
const PAUSE_MS = 3000;

const RECORDED = ['cpu-incompatible', 'two-at-once', 'healthy', 'storage-spike', 'missing-garp', 'not-converging'] as const;

interface Folders extends Place {
  readonly data: string;
  readonly config: string;
}

function folders(): Folders {
  const folder = testFolder();
  const [data, root] = [join(folder, 'data'), join(folder, 'logs')];
  const config = writeConfig(join(folder, 'precopy.yaml'), { data, timezone: ZONE_NAME, collect: { files: filesBelow(root) } });
  return { data, root, kept: join(folder, 'kept'), config };
}

async function stored(place: Folders, table: 'migrations' | 'findings'): Promise<readonly unknown[]> {
  const rows = await asked(place.data, `SELECT document FROM ${table} FINAL`);
  return placeless(
    rows.map(([document]) => String(document)),
    place,
  );
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
    const parts = { ...place, zone: ZONE, chance: createChance(SEED + 1), isRead: (path: string) => isRead(place.data, path) };
    const logs = createLiveLogs(parts);
    const writing = startWriting(logs, {
      recorded: RECORDED,
      planMs: KILLS * 2500 + 8000,
      linesPerSecond: LINES_PER_SECOND,
      chance: createChance(SEED + 2),
    });
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
      await eventually(() => writing.isOver(), { withinMs: 60_000 });
      expect(writing.stop()).toEqual([]);
      const written = linesWritten(logs);
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
      writing.stop();
    }
    const store = await openEmbeddedStore({ folder: join(place.data, 'store') });
    try {
      await expectAllStored(store, 'c1', { ...place, logs });
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
    const logs = createLiveLogs({ ...place, zone: ZONE, chance, isRead: () => false });
    // all but its end has just been
    const beforeEndMs = replay.endedAfterMs - 4000;
    const startAt = Date.now() - beforeEndMs;
    const records = inOrder(replay.filesFrom(startAt, ZONE));
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
