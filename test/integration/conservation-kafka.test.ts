import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coverage } from '../../src/forensics/coverage.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Store } from '../../src/store/store.ts';
import { DEAD_LETTERS_TOPIC, RECORDS_TOPIC, type Position, type Stream } from '../../src/stream/stream.ts';
import { PROCESSORS_GROUP } from '../../src/pipeline/processor.ts';
import { canRunKafka, kafkaBed } from '../stream/kafka-bed.ts';
import { uniquePrefix } from '../stream/kafka-options.ts';
import { openHttpFront, type FrontRequest, type HttpFront } from '../store/http-front.ts';
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
  type Told,
  type Writing,
} from './conserved.ts';
import { createChance, createLiveLogs, type LiveLogs } from './live-logs.ts';
import { eventually, pause, startProgram, testFolder, writeConfig, type Program } from './program.ts';

const KILLS = Number(process.env['PRECOPY_KILLS'] ?? 4);
const SEED = Number(process.env['PRECOPY_SEED'] ?? 20_261_124);
/** Of each of two clusters. */
const LINES_PER_SECOND = 800;
/** A processor that was killed is missed after this; brokers allow it in these tests. */
const SESSION = '4s';
/** What a kill takes, with the session of who is killed, on a busy machine; ms. */
const KILL_MS = 9000;
/** A second processor, a broker and a collector that are killed; ms. */
const OTHERS_MS = 15_000;
const PATIENCE = { withinMs: 90_000 };

/** Two CloudStack clusters; by their names Kafka's partitioner gives each one of two partitions. */
const CLUSTERS = {
  c1: ['cpu-incompatible', 'two-at-once', 'not-converging'],
  c4: ['healthy', 'storage-spike', 'missing-garp'],
} as const;
/** Users of the tables, by processor: requests tell whose they are. */
const USERS = { first: { password: 'one', writes: true }, second: { password: 'two', writes: true } } as const;

/** Hosts of one CloudStack cluster, and who collects there. */
interface Site extends Place {
  readonly cluster: keyof typeof CLUSTERS;
  readonly config: string;
  readonly logs: LiveLogs;
  readonly writing: Writing;
}

/** All that runs. */
interface Ground {
  readonly folder: string;
  readonly front: HttpFront;
  readonly store: Store;
  readonly stream: Stream;
  /** As processors and collectors are told of Kafka. */
  readonly kafka: Readonly<Record<string, unknown>>;
}

function site(ground: Ground, cluster: keyof typeof CLUSTERS): Site {
  const seed = SEED + 10 * Object.keys(CLUSTERS).indexOf(cluster);
  const own = join(ground.folder, cluster);
  const data = join(own, 'data');
  const place = { root: join(own, 'logs'), kept: join(own, 'kept') };
  const config = writeConfig(join(ground.folder, `${cluster}.yaml`), {
    data,
    cluster,
    timezone: ZONE_NAME,
    stream: { kafka: ground.kafka },
    collect: { files: filesBelow(place.root) },
  });
  const logs = createLiveLogs({ ...place, zone: ZONE, chance: createChance(seed), isRead: (path) => isRead(data, path) });
  const writing = startWriting(logs, {
    recorded: CLUSTERS[cluster],
    planMs: KILLS * KILL_MS + OTHERS_MS,
    linesPerSecond: LINES_PER_SECOND,
    chance: createChance(seed + 1),
  });
  return { ...place, cluster, config, logs, writing };
}

function processorConfig({ folder, front, kafka }: Ground, user: keyof typeof USERS): string {
  return writeConfig(join(folder, `${user}.yaml`), {
    data: join(folder, user),
    cluster: 'none',
    timezone: ZONE_NAME,
    stream: { kafka },
    store: { clickhouse: { url: front.url, username: user, password: USERS[user].password } },
  });
}

async function positions({ stream }: Ground): Promise<readonly Position[]> {
  return stream.positions(RECORDS_TOPIC, PROCESSORS_GROUP);
}

async function isBehind(ground: Ground): Promise<boolean> {
  return (await positions(ground)).some(({ end, committed }) => end > (committed ?? 0));
}

/** Lines of batches whose ranges, which come last, are not written: they are stored, and their batch was not finished. */
async function linesOfUnfinished({ store }: Ground): Promise<number> {
  const [found] = await store.query<{ readonly lines: number }>('SELECT count() AS lines FROM lines FINAL', {});
  // a collector that was killed cuts what it sends again otherwise, so ranges overlap: stretches do not
  const covered = await coverage(store, { limit: 10_000 });
  return Number(found?.lines) - covered.reduce((sum, { fromLine, toLine }) => sum + toLine - fromLine, 0);
}

/** Resolves within the first request of a processor that is such an insert; `hang`: it is not done. */
function inInsertInto({ front }: Ground, table: string, fault: 'hang' | null = null): Promise<void> {
  return new Promise((resolve) => {
    front.fail(({ sql }) => {
      if (!sql.startsWith(`INSERT INTO ${table} `)) return null;
      resolve();
      return fault;
    });
  });
}

function isInsertOf(user: keyof typeof USERS): (request: FrontRequest) => boolean {
  return (request) => request.user === user && request.sql.startsWith('INSERT INTO line_blocks ');
}

/** Kills a processor that has a batch in hand: as what it asks of the tables tells, or at any time while it is behind. */
const KILLINGS = [
  /** Lines are stored then, and what comes last is not. */
  async function beforeRanges(ground: Ground, program: Program): Promise<void> {
    await inInsertInto(ground, 'ranges', 'hang');
    await program.kill();
  },
  async function whileBehind(ground: Ground, program: Program, chance: () => number): Promise<void> {
    await pause(chance() * 1000);
    await eventually(() => isBehind(ground), { ...PATIENCE, everyMs: 5 });
    await program.kill();
  },
  async function whileLinesAreStored(ground: Ground, program: Program): Promise<void> {
    await inInsertInto(ground, 'line_blocks');
    await program.kill();
  },
] as const;

async function stored({ store }: Ground, place: Site): Promise<Told> {
  const documents = async (table: 'migrations' | 'findings'): Promise<readonly unknown[]> => {
    const rows = await store.query<{ readonly document: string }>(
      `SELECT document FROM ${table} FINAL WHERE cluster = {cluster: String}`,
      { cluster: place.cluster },
    );
    return placeless(
      rows.map(({ document }) => document),
      place,
    );
  };
  return { migrations: await documents('migrations'), findings: await documents('findings') };
}

interface Counts {
  readonly lines: number;
  readonly different: number;
}

async function countsOf({ store }: Ground, { cluster }: Site): Promise<Counts> {
  const [counts] = await store.query<Counts>(
    `SELECT count() AS lines, uniqExact(host, file_id, offset) AS different FROM lines FINAL
     WHERE cluster = {cluster: String} AND source != 'collector'`,
    { cluster },
  );
  return { lines: Number(counts?.lines), different: Number(counts?.different) };
}

/** All that was written has come, each line once. */
async function expectStored(ground: Ground, place: Site): Promise<void> {
  const written = linesWritten(place.logs);
  await eventually(async () => {
    const { lines } = await countsOf(ground, place);
    return lines >= written || `${lines} of ${written} lines of ${place.cluster} (seed ${SEED})`;
  }, PATIENCE);
  expect(await countsOf(ground, place)).toEqual({ lines: written, different: written });
}

/** It is what was written, and is told of as `analyze` tells it. */
async function expectWhole(ground: Ground, place: Site): Promise<void> {
  await expectAllStored(ground.store, place.cluster, place);
  const told = analysed(place);
  // what differs in the end is shown below
  await eventually(async () => JSON.stringify(await stored(ground, place)) === JSON.stringify(told)).catch(() => null);
  expect(await stored(ground, place)).toEqual(told);
}

describe.runIf(canRunKafka())('collectors, Kafka, processors and a store of all', () => {
  const bed = kafkaBed();

  async function ground(folder: string, front: HttpFront): Promise<Ground> {
    const topicPrefix = uniquePrefix();
    const partitions = Object.keys(CLUSTERS).length;
    const { password } = USERS.first;
    return {
      folder,
      front,
      store: await openServerStore({ url: front.url, database: 'precopy', user: { username: 'first', password } }),
      stream: await bed.open({ topicPrefix, partitions }),
      kafka: { brokers: bed.cluster().brokers, topicPrefix, partitions, sessionTimeout: SESSION },
    };
  }

  test(
    `no line is lost, doubled or changed, and nothing is told wrongly, through ${KILLS} kills of a processor with a batch in hand, a second one, and a broker that dies`,
    { timeout: 120_000 + KILLS * 15_000 },
    async () => {
      const front = await openHttpFront({ users: USERS });
      const all = await ground(testFolder(), front);
      const chance = createChance(SEED);
      const config = processorConfig(all, 'first');
      const sites = [site(all, 'c1'), site(all, 'c4')] as const;

      let handledAgain = 0;

      async function kill(first: Program, number: number): Promise<Program> {
        await KILLINGS[number % KILLINGS.length]?.(all, first, chance);
        front.fail(null);
        expect(first.status(), first.log()).toBe('SIGKILL');
        // none where an earlier one had stored the batch, and was killed before it committed that
        handledAgain += Number((await linesOfUnfinished(all)) > 0);
        return startProgram('process', config);
      }

      try {
        let first = startProgram('process', config);
        const collectors = sites.map((one) => startProgram('collect', one.config));
        for (let number = 0; number < Math.ceil(KILLS / 2); number += 1) first = await kill(first, number);

        const second = startProgram('process', processorConfig(all, 'second'));
        await eventually(() => front.requests.some(isInsertOf('second')) || second.log(), PATIENCE);
        expect(await second.stop()).toBe(0);

        await bed.cluster().kill(1);
        await collectors[0]?.kill();
        await bed.cluster().restart(1);
        collectors[0] = startProgram('collect', sites[0].config);
        for (let number = Math.ceil(KILLS / 2); number < KILLS; number += 1) first = await kill(first, number);

        await eventually(() => sites.every(({ writing }) => writing.isOver()), PATIENCE);
        for (const { writing } of sites) expect(writing.stop()).toEqual([]);
        for (const one of sites) await expectStored(all, one);
        await eventually(async () => !(await isBehind(all)), PATIENCE);
        await eventually(
          async () => (await linesOfUnfinished(all)) === 0 || `lines of batches that were not handled again (seed ${SEED})`,
          PATIENCE,
        );
        expect(handledAgain, 'batches that were in hand at a kill').toBeGreaterThan(0);
        for (const one of sites) await expectWhole(all, one);
        expect(
          (await positions(all)).every(({ end }) => end > 0),
          'a cluster in each partition',
        ).toBe(true);
        expect(await all.stream.positions(DEAD_LETTERS_TOPIC, 'nobody')).toEqual([]);
        for (const program of [...collectors, first]) expect(await program.stop()).toBe(0);
      } finally {
        for (const { writing } of sites) writing.stop();
        await all.store.close();
        await front.remove();
      }
    },
  );
});
