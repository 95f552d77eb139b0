import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemories, LONGEST_MS } from '../../src/pipeline/memories.ts';
import type { ClusterMemory } from '../../src/pipeline/rebuild.ts';
import { createStoredTimelines } from '../../src/pipeline/stored-timelines.ts';
import type { EventCounts, TimelineStore } from '../../src/pipeline/timelines.ts';
import { toEventRow, type StoredEvent } from '../../src/store/rows.ts';
import { createWriter } from '../../src/store/writer.ts';
import { openInstance, type Instance } from './instance.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;

function eventOf(cluster: string, at: number, offset: number): StoredEvent {
  const file = { host: 'kvm-a', source: 'libvirtd', path: 'libvirtd.log', vm: null } as const;
  const origin = { file, line: 1, offset, text: `line ${offset}`, messageAt: 0, written: '' };
  return { cluster, fileId: 'f', n: 0, event: { at, body: { kind: 'daemon-started' } as never, origin } };
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `c${i}`);
}

describe('of a store that is far away', () => {
  interface Far {
    readonly timelines: TimelineStore;
    /** Clusters in each question for events. */
    readonly asked: (readonly string[])[];
    questions: number;
    failing: boolean;
  }

  /** Knows so many late events of each cluster, but shows none. */
  function far(latest: (cluster: string) => number = () => 5): Far {
    const own: Far = { asked: [], questions: 0, failing: false, timelines: {} as TimelineStore };
    const answer = <T>(value: T): Promise<T> => {
      own.questions += 1;
      return own.failing ? Promise.reject(new Error('no store')) : Promise.resolve(value);
    };
    const reader: Pick<TimelineStore, 'eventCounts' | 'latestEvents' | 'covered' | 'addresses' | 'running'> = {
      eventCounts: (clusters) =>
        answer(clusters.map((cluster) => ({ cluster, all: latest(cluster), latest: latest(cluster), from: 0 }))),
      latestEvents(counts) {
        own.asked.push(counts.map(({ cluster }) => cluster));
        return answer(new Map(counts.map(({ cluster }) => [cluster, { events: [], from: 0 }])));
      },
      covered: () => answer(new Map()),
      addresses: () => answer(new Map()),
      running: (clusters) => answer(new Map(clusters.map((cluster) => [cluster, [{ id: `of ${cluster}`, lastSeenAt: 1 }]]))),
    };
    return Object.assign(own, { timelines: reader as TimelineStore });
  }

  test('a thousand clusters take few questions, and each is used once', async () => {
    const store = far();
    const memories = createMemories({ timelines: store.timelines, now: () => NOW });
    const used: ClusterMemory[] = [];
    await memories.each(namesOf(1000), (memory) => used.push(memory));
    expect(used.map(({ cluster }) => cluster).toSorted()).toEqual(namesOf(1000).toSorted());
    expect(used[7]?.running).toEqual(new Map([[`of ${used[7]?.cluster}`, 1]]));
    expect(store.questions).toBe(100);
  });

  test('what is in memory is not asked for', async () => {
    const store = far();
    const memories = createMemories({ timelines: store.timelines, now: () => NOW });
    const first = await memories.of('c1');
    const used: ClusterMemory[] = [];
    await memories.each(namesOf(3), (memory) => used.push(memory));
    expect(used.find(({ cluster }) => cluster === 'c1')).toBe(first);
    expect(store.asked).toEqual([['c1'], ['c0', 'c2']]);
  });

  test('no more events are fetched at once than of one busy cluster', async () => {
    const store = far((cluster) => (cluster === 'c1' ? 1_000_000 : 20_000));
    const memories = createMemories({ timelines: store.timelines, now: () => NOW });
    await memories.each(namesOf(6), () => {});
    expect(store.asked).toEqual([['c0'], ['c1'], ['c2', 'c3'], ['c4', 'c5']]);
  });

  test('who needs a cluster meanwhile gets the same memory', async () => {
    const store = far();
    const memories = createMemories({ timelines: store.timelines, now: () => NOW });
    const used = new Map<string, ClusterMemory>();
    const all = memories.each(namesOf(120), (memory) => used.set(memory.cluster, memory));
    const [early, late] = await Promise.all([memories.of('c3'), memories.of('c119')]);
    await all;
    expect([used.get('c3'), used.get('c119')]).toEqual([early, late]);
    expect(used.get('c3')).toBe(early);
    expect(used.get('c119')).toBe(late);
    expect(store.asked.flat().toSorted()).toEqual(namesOf(120).toSorted());
  });

  test('a store that did not answer is asked again', async () => {
    const store = far();
    const memories = createMemories({ timelines: store.timelines, now: () => NOW });
    store.failing = true;
    const used: string[] = [];
    await expect(memories.each(namesOf(60), ({ cluster }) => used.push(cluster))).rejects.toThrow('no store');
    await expect(memories.of('c1')).rejects.toThrow('no store');
    expect(used).toEqual([]);
    store.failing = false;
    await memories.each(namesOf(60), ({ cluster }) => used.push(cluster));
    expect(used).toHaveLength(60);
  });
});

describe('of the engine', () => {
  let instance: Instance;
  let timelines: TimelineStore;

  beforeAll(async () => {
    instance = await openInstance();
    timelines = createStoredTimelines(instance.store, createWriter(instance.store), () => NOW);
    const rows = [
      // all of it within hours
      ...[1, 2, 3].map((n) => eventOf('few', NOW - n * HOUR, n)),
      // and before
      ...[1, 5, 8, 100].map((n) => eventOf('long', NOW - n * HOUR, n)),
      // silent since days
      ...[50, 51, 57].map((n) => eventOf('silent', NOW - n * HOUR, n)),
      // a clock that is ahead
      ...[-48, 1, 7].map((n) => eventOf('ahead', NOW - n * HOUR, n + 100)),
      // two at one moment
      ...[0, 1, 2, 2, 3].map((n, i) => eventOf('many', NOW - n * HOUR, i)),
    ];
    await instance.store.insert({ table: 'events', rows: rows.map(toEventRow) });
    await instance.store.insert({
      table: 'migrations',
      rows: [
        ['few', 'runs', NOW - 2 * HOUR, NOW - HOUR, 'running'],
        ['few', 'ended', NOW - 2 * HOUR, NOW - HOUR, 'completed'],
        ['long', 'forgotten', NOW - LONGEST_MS - 2 * HOUR, NOW - LONGEST_MS - HOUR, 'running'],
        ['long', 'of long', NOW - LONGEST_MS - HOUR, NOW - LONGEST_MS - 60_000, 'running'],
        ['ahead', 'not yet', NOW + HOUR, NOW + HOUR, 'running'],
      ].map(([cluster, id, started_at, last_seen_at, outcome]) => ({
        cluster,
        id,
        started_at,
        last_seen_at,
        outcome,
        version: 1,
      })),
    });
  }, 60_000);
  afterAll(() => instance.remove());

  const CLUSTERS = ['few', 'nothing', 'long', 'silent', 'ahead', 'many'];

  async function latest(counts: readonly EventCounts[], max: number): Promise<unknown> {
    const known = await timelines.latestEvents(counts, max);
    return Object.fromEntries(
      [...known].map(([cluster, { events, from }]) => [
        cluster,
        { offsets: events.map(({ event }) => event.origin.offset), from: (from - NOW) / HOUR },
      ]),
    );
  }

  test('of each cluster its own latest events are known, and from when on all of them', async () => {
    const counts = await timelines.eventCounts(CLUSTERS);
    expect(counts.map(({ cluster, all, latest: late }) => [cluster, all, late])).toEqual([
      ['few', 3, 3],
      ['nothing', 0, 0],
      ['long', 4, 2],
      ['silent', 3, 2],
      ['ahead', 3, 2],
      ['many', 5, 5],
    ]);
    expect(await latest(counts, 4)).toEqual({
      few: { offsets: [1, 2, 3], from: Number.NEGATIVE_INFINITY },
      nothing: { offsets: [], from: Number.NEGATIVE_INFINITY },
      long: { offsets: [1, 5], from: -7 },
      silent: { offsets: [50, 51], from: -56 },
      ahead: { offsets: [52, 101], from: -6 },
      many: { offsets: [0, 1, expect.any(Number), expect.any(Number)], from: -2 + 1 / HOUR },
    });
  });

  test('asked for together or one by one, it is the same', async () => {
    const together = await latest(await timelines.eventCounts(CLUSTERS), 50);
    const alone = await Promise.all(CLUSTERS.map(async (cluster) => latest(await timelines.eventCounts([cluster]), 50)));
    expect(Object.assign({}, ...alone)).toEqual(together);
  });

  test('migrations that still run are known, and no others', async () => {
    const running = await timelines.running(CLUSTERS, { from: NOW - LONGEST_MS, to: NOW });
    expect(Object.fromEntries([...running].map(([cluster, own]) => [cluster, own.map(({ id }) => id)]))).toEqual({
      few: ['runs'],
      long: ['of long'],
    });
  });
});
