import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Notification } from '../../src/alerts/alert.ts';
import { createAlertBook, type AlertBook } from '../../src/alerts/book.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import { DEFAULT_SETTINGS } from '../../src/commands/run-analysis.ts';
import type { Chunk } from '../../src/model/chunk.ts';
import { parsers } from '../../src/parsers/index.ts';
import type { Parser } from '../../src/parsers/parser.ts';
import { createFollower, type Follower } from '../../src/pipeline/follower.ts';
import { createZoneCache } from '../../src/pipeline/instant.ts';
import { parseChunk, type ParsedChunk } from '../../src/pipeline/parse-chunk.ts';
import { createPartition, type Partition } from '../../src/pipeline/partition.ts';
import { publishFindings } from '../../src/pipeline/publish-findings.ts';
import type { TimelineStore } from '../../src/pipeline/timelines.ts';
import { findingMessage, type FindingMessage } from '../../src/reports/finding-message.ts';
import type { AnalysisDocument } from '../../src/reports/json.ts';
import { chunksOf, collectedFiles } from './chunks.ts';
import { timelinesInMemory, type TimelinesInMemory } from './timelines-in-memory.ts';

/** A collector holds back the last record of a file for so long, ms. */
const HELD_MS = 1000;
/** From a collector to the tables, ms. */
const ON_ITS_WAY_MS = 100;
const STEP_MS = 100;
/** An alerter asks so often where VMs went, ms. */
const ASK_MS = 5000;
/** How long it is looked at after the last record, ms. */
const AFTERWARDS_MS = 120_000;
const CLUSTER = 'c1';

const parserOf: ReadonlyMap<string, Parser> = new Map(parsers.map((parser) => [parser.source, parser]));
const zones = createZoneCache();

/** A record, and when it is in the tables, Unix ms. */
export interface Arrival {
  readonly at: number;
  readonly host: string;
  readonly chunk: Chunk;
}

/** All records of a recording, in the order in which they come where all is well. */
export async function arrivalsOf(folder: string): Promise<readonly Arrival[]> {
  const label = JSON.parse(readFileSync(join(folder, 'label.json'), 'utf8')) as {
    readonly agentLogTimeZone: string;
    readonly recorded: { readonly to: string };
  };
  const observedAt = Date.parse(label.recorded.to);
  const files = await collectedFiles(folder, { zone: label.agentLogTimeZone, cluster: CLUSTER });
  const arrivals = files.flatMap((file) => {
    const chunks = chunksOf({ ...file, header: { ...file.header, observedAt } }, () => 1);
    const told = chunks.map((chunk) => parseChunk(chunk, file.parser, zones).firstAt);
    let last = told.find((at) => at !== null) ?? observedAt;
    const written = told.map((at) => (last = Math.max(last, at ?? last)));
    return chunks.map((chunk, i): Arrival => {
      const at = Math.min(written[i + 1] ?? Infinity, (written[i] ?? last) + HELD_MS) + ON_ITS_WAY_MS;
      return { at, host: file.header.host, chunk };
    });
  });
  return arrivals.toSorted((a, b) => a.at - b.at);
}

/** What was told of a cluster. */
export interface Course {
  /** In the end. */
  readonly migrations: AnalysisDocument['migrations'];
  readonly findings: AnalysisDocument['findings'];
  /** All the time. */
  readonly changes: readonly FindingMessage[];
  readonly notifications: readonly ToldNotification[];
}

/** A notification, and when people got it, Unix ms. */
export type ToldNotification = Notification & { readonly toldAt: number };

/** What happens while records come, by a clock of its own. `restartAt`: when the processor is killed and starts anew, Unix ms. */
export async function followed(arrivals: readonly Arrival[], restartAt: readonly number[] = []): Promise<Course> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    vi.setSystemTime((arrivals[0]?.at ?? 0) - STEP_MS);
    return await play(arrivals, restartAt);
  } finally {
    vi.useRealTimers();
  }
}

async function play(arrivals: readonly Arrival[], restartAt: readonly number[]): Promise<Course> {
  const tables = timelinesInMemory(CLUSTER);
  const alerts = createAlerts(tables);
  const timelines = publishFindings(tables.store, alerts.producer, { now: Date.now, origin: null });
  let processing = await startProcessing(timelines, null);
  const restarts = [...restartAt];
  const waiting = [...arrivals];
  const until = (arrivals.at(-1)?.at ?? 0) + AFTERWARDS_MS;
  for (let now = Date.now(); now < until; now = Date.now()) {
    const due = waiting.findIndex(({ at }) => at > now);
    const chunks = waiting.splice(0, due < 0 ? waiting.length : due).map(arrived);
    if (chunks.length > 0) {
      processing.follower.storing();
      tables.add(chunks);
      await processing.partition.remember(chunks);
      processing.follower.stored();
    }
    if (restarts[0] !== undefined && restarts[0] <= now) {
      restarts.shift();
      processing.kill();
      processing = await startProcessing(timelines, processing.partition.dirty.note());
      alerts.restart();
    }
    await vi.advanceTimersByTimeAsync(STEP_MS);
    alerts.step();
  }
  return { migrations: tables.migrations(), findings: tables.findings(), ...alerts.told };
}

function arrived({ at, chunk: { header, bytes } }: Arrival): ParsedChunk {
  const parser = parserOf.get(header.source);
  if (parser === undefined) throw new Error(`no parser for ${header.source}`);
  return parseChunk({ header: { ...header, observedAt: at }, bytes }, parser, zones);
}

interface Processing {
  readonly partition: Partition;
  readonly follower: Follower;
  /** From now on nothing that it began goes on. */
  kill(): void;
}

async function startProcessing(tables: TimelineStore, note: string | null): Promise<Processing> {
  let isKilled = false;
  const timelines = new Proxy(tables, {
    get: (target, name: keyof TimelineStore) => (isKilled ? () => new Promise(() => {}) : target[name]),
  });
  const partition = createPartition(note, { timelines, now: Date.now });
  await partition.restore();
  const follower = createFollower(new Map([[0, partition]]), {
    timelines,
    limits: () => DEFAULT_SETTINGS.limits,
    note: async () => {},
    watch: {
      rebuilt() {},
      failed(error) {
        throw error;
      },
    },
    now: Date.now,
  });
  follower.start();
  return { partition, follower, kill: () => void (isKilled = true) };
}

interface Alerts {
  readonly producer: Parameters<typeof publishFindings>[1];
  readonly told: Pick<Course, 'changes' | 'notifications'>;
  step(): void;
  /** Goes on with what is stored. */
  restart(): void;
}

function createAlerts(tables: TimelinesInMemory): Alerts {
  const changes: FindingMessage[] = [];
  const notifications: ToldNotification[] = [];
  const settings = alertSettings.parse({});
  let book: AlertBook = createAlertBook(CLUSTER, { alerts: [], actions: [] }, settings);
  let taken = 0;
  let dueAt = Infinity;
  let askedAt = 0;
  let moved: ReadonlyMap<string, number> = new Map();
  return {
    producer: {
      async send(_, messages) {
        changes.push(...messages.map(({ value }) => findingMessage.parse(JSON.parse(Buffer.from(value).toString()))));
      },
      async close() {},
    },
    told: { changes, notifications },
    step() {
      const now = Date.now();
      const asks = now - askedAt >= ASK_MS;
      if (asks) [askedAt, moved] = [now, tables.moved()];
      if (!asks && dueAt > now && taken === changes.length) return;
      const step = book.step({ now, changes: changes.slice(taken), actions: [], moved, maintenance: [] });
      taken = changes.length;
      dueAt = step.nextAt ?? Infinity;
      notifications.push(...step.notifications.map((one) => ({ ...one, toldAt: now })));
    },
    restart() {
      book = createAlertBook(CLUSTER, { alerts: [...book.alerts], actions: [] }, settings);
    },
  };
}

/** A collector that is a little late. */
const LATE_MS = 1500;

/** The same, but for the records of a host, which come a little late. */
export function late(arrivals: readonly Arrival[], host: string): readonly Arrival[] {
  return arrivals.map((one) => (one.host === host ? { ...one, at: one.at + LATE_MS } : one)).toSorted((a, b) => a.at - b.at);
}

/** Of alerts that people were told of, those that nothing bears out in the end. */
export function falseAlarms({ notifications, findings }: Course): readonly string[] {
  const found = new Set(findings.flatMap(({ detector, vm, host }) => [`${detector} ${vm}`, `${detector} ${host}`]));
  const told = notifications.filter(({ kind }) => kind === 'firing').flatMap(({ alerts }) => alerts);
  return told.map(({ detector, subject }) => `${detector} ${subject}`).filter((name) => !found.has(name));
}
