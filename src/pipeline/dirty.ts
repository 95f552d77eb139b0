import { z } from 'zod';
import { addTo, atMost, type Interval } from './interval.ts';

/** Times of clusters whose timelines do not yet show all that is stored. */
export interface Dirty {
  /** `urgent`: it may change what a migration's timeline says; else what happens around it, which can wait. */
  add(cluster: string, interval: Interval, urgency: Urgency): void;
  /** Takes what is chosen; it stays in the note until `done`. */
  take(chosen: (interval: Interval, urgency: Urgency) => boolean): readonly DirtyCluster[];
  /** What was taken is done, but for the rest, which can wait. */
  done(taken: DirtyCluster, rest: readonly Interval[]): void;
  /** What was taken could not be done: it is to be done again. */
  failed(taken: DirtyCluster): void;
  isEmpty(): boolean;
  /** Times in which any cluster may have something to do, for the note could not name them all; forgets them. */
  takeUnnamed(): readonly Interval[];
  /** Clusters that have something to do. */
  clusters(): readonly string[];
  /** What is to be done, as text that `dirtyFrom` reads; at most 4,000 characters. */
  note(): string;
}

/** How soon timelines have to follow. */
export type Urgency = 'urgent' | 'background';

/** What is to be done of one cluster. */
export interface DirtyCluster {
  readonly cluster: string;
  readonly intervals: readonly Interval[];
}

const MAX_INTERVALS = 50;
const MAX_NOTE_CHARS = 4000;
/** What a cluster takes in a note: its name, and two instants of today. */
const LEAST_CHARS = 35;
/** Stands in a note for every cluster; no cluster is named so. */
const UNNAMED = '';

const noteShape = z.object({});
const intervalsShape = z.array(z.tuple([z.number(), z.number()]));

/** Nothing to do but what a note says. @throws Error where the note was not written by `note()`. */
export function dirtyFrom(note: string | null): Dirty {
  const waiting = new Map<string, Interval[]>();
  const urgent = new Set<string>();
  const taken = new Set<DirtyCluster>();
  let unnamed: readonly Interval[] = [];
  for (const [cluster, intervals] of readNote(note)) {
    if (cluster === UNNAMED) unnamed = intervals;
    else {
      add(cluster, intervals);
      urgent.add(cluster);
    }
  }

  function add(cluster: string, intervals: readonly Interval[]): void {
    const own = waiting.get(cluster) ?? [];
    for (const interval of intervals) addTo(own, interval);
    waiting.set(cluster, own);
  }

  return {
    add(cluster, interval, urgency) {
      add(cluster, [interval]);
      if (urgency === 'urgent') urgent.add(cluster);
    },
    take(chosen) {
      const all = [...waiting].flatMap(([cluster, intervals]): readonly DirtyCluster[] => {
        const urgency = urgent.has(cluster) ? 'urgent' : 'background';
        const own = intervals.filter((interval) => chosen(interval, urgency));
        if (own.length === 0) return [];
        const rest = intervals.filter((interval) => !own.includes(interval));
        if (rest.length > 0) waiting.set(cluster, rest);
        else {
          waiting.delete(cluster);
          urgent.delete(cluster);
        }
        return [{ cluster, intervals: own }];
      });
      for (const one of all) taken.add(one);
      return all;
    },
    done(one, rest) {
      taken.delete(one);
      if (rest.length > 0) add(one.cluster, rest);
    },
    failed(one) {
      taken.delete(one);
      add(one.cluster, one.intervals);
      urgent.add(one.cluster);
    },
    takeUnnamed() {
      const all = unnamed;
      unnamed = [];
      return all;
    },
    clusters: () => [...new Set([...waiting.keys(), ...[...taken].map(({ cluster }) => cluster)])],
    isEmpty: () => waiting.size === 0 && taken.size === 0,
    note: () => noteOf([...[...waiting].map(([cluster, intervals]) => ({ cluster, intervals })), ...taken]),
  };
}

function readNote(note: string | null): readonly (readonly [cluster: string, intervals: readonly Interval[]])[] {
  const written: unknown = JSON.parse(note ?? '{}');
  noteShape.parse(written);
  // not as a record of zod: that leaves out what a cluster may be named, __proto__
  return Object.entries(written as object).map(([cluster, pairs]) => [
    cluster,
    intervalsShape.parse(pairs).map(([from, to]) => ({ from, to })),
  ]);
}

/** Where the text would be too long, intervals are joined, and then clusters, for to do too much is no loss. */
function noteOf(clusters: readonly DirtyCluster[]): string {
  const byCluster = new Map<string, readonly Interval[]>();
  for (const { cluster, intervals } of clusters) byCluster.set(cluster, [...(byCluster.get(cluster) ?? []), ...intervals]);
  // not even one interval of each would fit
  const most = byCluster.size * LEAST_CHARS > MAX_NOTE_CHARS ? 0 : MAX_INTERVALS;
  for (let max = most; max >= 1; max = Math.floor(max / 2)) {
    const pairs = [...byCluster].map(([cluster, intervals]) => [
      cluster,
      atMost(intervals, max).map(({ from, to }) => [from, to]),
    ]);
    const text = JSON.stringify(Object.fromEntries(pairs));
    if (text.length <= MAX_NOTE_CHARS) return text;
  }
  const all = atMost([...byCluster.values()].flat(), MAX_INTERVALS);
  return JSON.stringify({ [UNNAMED]: all.map(({ from, to }) => [from, to]) });
}
