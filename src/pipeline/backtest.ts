import { setTimeout as pause } from 'node:timers/promises';
import type { Detector } from '../detectors/detector.ts';
import { withoutEvents } from '../forensics/events-kept.ts';
import { AppError } from '../lib/errors.ts';
import { groupBy } from '../lib/group.ts';
import type { Backtest, BacktestAsked, JudgedFinding } from '../model/backtest.ts';
import type { Finding } from '../model/finding.ts';
import type { HostAddress } from '../model/source.ts';
import type { Migration } from '../model/timeline.ts';
import { DEFAULT_VIEW, findingsOf, place, type DetectorSettings } from '../reports/analysis.ts';
import { detectorNamed, limitProblem } from '../reports/limit-problem.ts';
import type { Store } from '../store/store.ts';
import { buildTimelines, type Timelines } from '../timeline/build.ts';
import { createBacktestTally, type BacktestTally } from './backtest-tally.ts';
import { createCoverage, type Coverage } from './coverage.ts';
import { overlaps, type Interval } from './interval.ts';
import { PART_MS, partsOf } from './parts.ts';
import { lookAround, type ClusterMemory } from './rebuild.ts';
import { createRecentEvents } from './recent-events.ts';
import { createTimelineReader } from './stored-timelines.ts';
import type { TimelineReader } from './timelines.ts';

/** What a backtest needs. */
export interface BacktestParts {
  readonly store: Store;
  /** Limits of detectors in force. */
  readonly inForce: DetectorSettings;
  /** Unix ms. */
  now(): number;
}

/** An asker waits no longer than this for an answer over HTTP. */
const LONGEST_MS = 270_000;

/**
 * What changed limits of one detector would have found otherwise: the time is told again from its events, part by part, and both
 * settings judge the same timelines. Stored findings are not looked at, for they were made with the limits of their day.
 *
 * @throws AppError `usage` where there is no such detector or limit, `timed-out` where there is more to tell than fits a few minutes.
 */
export async function backtest(asked: BacktestAsked, { store, inForce, now }: BacktestParts): Promise<Backtest> {
  const detector = checked(asked);
  const before = detector.limits.parse(inForce[detector.id] ?? {}) as Readonly<Record<string, number>>;
  const after = { ...before, ...asked.limits };
  const reader = createTimelineReader(store, now);
  const tally = createBacktestTally();
  const until = now() + LONGEST_MS;
  const period = { from: asked.since, to: asked.until };
  for (const cluster of asked.cluster === undefined ? await reader.clusters(period) : [asked.cluster]) {
    const memory = await memoryOf(cluster, reader);
    for (const part of partsOf([period], await reader.density(cluster, period, PART_MS))) {
      if (now() > until) throw tooMuch();
      await judge(part, { detector, before, after, period, memory, reader, tally });
      // a running instance has other things to do meanwhile
      await pause(0);
    }
  }
  const names = Object.keys(asked.limits);
  return {
    asked,
    inForce: Object.fromEntries(names.map((name) => [name, before[name] ?? Number.NaN])),
    ...tally.result(),
    unjudged: await withoutEvents(store, asked),
  };
}

function checked({ detector: id, limits }: BacktestAsked): Detector {
  const detector = detectorNamed(id);
  const wrong =
    'problem' in detector
      ? detector
      : Object.keys(limits)
          .map((name) => limitProblem(id, name, limits))
          .find(Boolean);
  if ('problem' in detector || wrong) throw new AppError('usage', wrong?.problem ?? '', { hint: wrong?.hint ?? '' });
  return detector;
}

function tooMuch(): AppError {
  return new AppError('timed-out', `more happened than can be told again in ${LONGEST_MS / 60_000} minutes`, {
    hint: 'ask for a shorter time (--since, --until), or one cluster (--cluster)',
  });
}

type Memory = Pick<ClusterMemory, 'cluster' | 'recent'> & {
  readonly coverage: Coverage;
  readonly addresses: readonly HostAddress[];
};

/** Keeps nothing: each part is read once, and what is in memory must not grow with the time asked about. */
async function memoryOf(cluster: string, reader: TimelineReader): Promise<Memory> {
  const recent = createRecentEvents({
    cluster,
    max: 0,
    known: { events: [], from: Number.POSITIVE_INFINITY },
    read: (of, intervals) => reader.events(of, intervals),
  });
  return {
    cluster,
    recent,
    coverage: createCoverage((await reader.covered([cluster])).get(cluster) ?? []),
    addresses: (await reader.addresses([cluster])).get(cluster) ?? [],
  };
}

interface Judging {
  readonly detector: Detector;
  readonly before: unknown;
  readonly after: unknown;
  /** All that is asked about. */
  readonly period: Interval;
  readonly memory: Memory;
  readonly reader: TimelineReader;
  readonly tally: BacktestTally;
}

async function judge(part: Interval, { detector, before, after, period, memory, reader, tally }: Judging): Promise<void> {
  const { cluster, coverage, addresses } = memory;
  const { events, earlier } = await lookAround(part, { memory, store: reader });
  const placed = place({ events, spans: coverage.spans(), inputs: [], addresses }, DEFAULT_VIEW.zones);
  const timelines = buildTimelines(placed.events, placed);
  const followed = new Set(earlier.map(({ id }) => id));
  const isTold = ({ id, startedAt, lastSeenAt }: Migration): boolean =>
    followed.has(id) || overlaps(part, { from: startedAt, to: lastSeenAt });
  const [was, would] = [before, after].map((settings) =>
    findingsOf(timelines, [detector], { [detector.id]: settings }).filter((finding) => overlaps(period, stretchOf(finding))),
  );
  const judged = judgedIn({ cluster, subject: detector.subject }, timelines);
  if (detector.subject === 'host') {
    const here = (findings: readonly Finding[] = []) =>
      findings.filter((finding) => overlaps(part, stretchOf(finding))).map(judged);
    tally.ofHosts(here(was), here(would));
    return;
  }
  const byMigration = (findings: readonly Finding[] = []) => groupBy(findings, ({ migration }) => migration ?? '');
  const [wasOf, wouldBeOf] = [byMigration(was), byMigration(would)];
  tally.ofMigrations(
    timelines.migrations.filter(isTold).map(({ id, vm, startedAt, lastSeenAt }) => ({
      vm: `${cluster}\0${vm}`,
      from: startedAt,
      to: lastSeenAt,
      before: (wasOf.get(id) ?? []).map(judged),
      after: (wouldBeOf.get(id) ?? []).map(judged),
    })),
  );
}

function stretchOf({ from, to }: Finding): Interval {
  return { from, to: to ?? Number.POSITIVE_INFINITY };
}

/** Without evidence, which would keep the events of all parts in memory. */
function judgedIn(
  { cluster, subject }: { readonly cluster: string; readonly subject: Detector['subject'] },
  { migrations }: Timelines,
): (finding: Finding) => JudgedFinding {
  const routes = new Map(subject === 'migration' ? migrations.map((one) => [one.id, one] as const) : []);
  return ({ id, from, to, vm, host, migration, severity, summary }) => {
    const { source = null, destination = null } = routes.get(migration ?? '') ?? {};
    return { id, cluster, from, to, vm, host, source, destination, severity, summary };
  };
}
