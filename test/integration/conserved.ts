import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { gapsOf } from '../../src/forensics/coverage.ts';
import type { Store } from '../../src/store/store.ts';
import { zoneNamed, type Zone } from '../../src/timeline/zone.ts';
import { inOrder, type LiveLogs } from './live-logs.ts';
import { replayOf, sourceOf } from './replay.ts';

/** Zone of the hosts whose logs are written: no summer time, and not UTC. */
export const ZONE_NAME = 'Asia/Kolkata';

/** `ZONE_NAME` as the logs need it. */
export const ZONE: Zone = requiredZone(ZONE_NAME);

const BETWEEN_MS = 100_000;
const TICK_MS = 20;
/** Of what is written beside recordings, a record has so many lines. */
const LINES_A_RECORD = 1.35;

function requiredZone(name: string): Zone {
  const zone = zoneNamed(name);
  if (zone === null) throw new Error(`no zone ${name}`);
  return zone;
}

/** Where logs are written. */
export interface Place {
  readonly root: string;
  /** Where what is deleted is kept for the test. */
  readonly kept: string;
}

/** What a collector is told to read of the logs below a folder, as `collect.files`. */
export function filesBelow(root: string): readonly Readonly<Record<string, unknown>>[] {
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
  return [...files, ...observers];
}

/** Whether the checkpoint of the collector with this data folder says that the stream has all of a file. */
export function isRead(data: string, path: string): boolean {
  const checkpoint = join(data, 'files.checkpoint.json');
  if (!existsSync(checkpoint)) return false;
  const { files } = JSON.parse(readFileSync(checkpoint, 'utf8')) as {
    readonly files: readonly { readonly key: string | null; readonly offset: number }[];
  };
  const { dev, ino, size } = statSync(path, { bigint: true });
  return files.some(({ key, offset }) => key === `${dev}:${ino}` && BigInt(offset) === size);
}

/** What is written into logs. */
export interface WritingParts {
  /** Recordings (of libvirt 9.0), one after the other. */
  readonly recorded: readonly string[];
  /** How long it takes to write them. */
  readonly planMs: number;
  /** Of what goes on beside them. */
  readonly linesPerSecond: number;
  readonly chance: () => number;
}

/** Logs being written. */
export interface Writing {
  /** The recordings are written as a whole, and no log waits to be deleted. */
  isOver(): boolean;
  /** Writes no more; returns what went wrong meanwhile. */
  stop(): readonly unknown[];
}

/** Writes recordings and what goes on beside them, on a clock that runs faster than the real one and ends with it, and rotates. */
export function startWriting(logs: LiveLogs, { recorded, planMs, linesPerSecond, chance }: WritingParts): Writing {
  const replays = recorded.map((name) => replayOf(`libvirt-9.0/${name}`));
  const lengthMs = replays.reduce((sum, one) => sum + one.lengthMs + BETWEEN_MS, 0);
  const speed = lengthMs / planMs;
  const began = Date.now();
  const base = Math.floor(began + planMs - lengthMs);
  let startAt = base + 5000;
  const files = replays.flatMap((one) => {
    const own = one.filesFrom(startAt, ZONE);
    startAt += one.lengthMs + BETWEEN_MS;
    return own;
  });
  const records = inOrder(files);
  let next = 0;
  let behind = 0;
  let last = began;
  const failures: unknown[] = [];

  function tick(elapsedMs: number): void {
    const at = Math.floor(Math.min(base + (Date.now() - began) * speed, Date.now()));
    for (let one = records[next]; one !== undefined && one.at <= at; one = records[(next += 1)]) logs.write(one.path, one.text);
    behind += (linesPerSecond * elapsedMs) / 1000 / LINES_A_RECORD;
    logs.writeNoise(Math.floor(behind), at);
    behind -= Math.floor(behind);
    if (next < records.length && chance() < 0.02) logs.rotate();
  }

  const timer = setInterval(() => {
    const at = Date.now();
    try {
      tick(at - last);
    } catch (error) {
      failures.push(error);
    }
    last = at;
  }, TICK_MS);
  return {
    isOver: () => next >= records.length && !logs.isHolding(),
    stop() {
      clearInterval(timer);
      return failures;
    },
  };
}

/** How many lines were written. */
export function linesWritten({ written }: LiveLogs): number {
  return [...written.values()].reduce((sum, lines) => sum + lines.length, 0);
}

interface Named {
  readonly id: string;
  readonly detector?: string;
}

/** Counts VMs of all the time that is looked at: for analyze all logs, for an instance what is near. */
const ADVICE = new Set(['unencrypted-stream']);

/** Migrations and findings as documents. */
export interface Told {
  readonly migrations: readonly unknown[];
  readonly findings: readonly unknown[];
}

/** Documents without what depends on the file's place: a rotated file has another name, and what is deleted is kept elsewhere. */
export function placeless(documents: readonly string[], { root, kept }: Place): readonly unknown[] {
  return documents
    .map((text) => text.replaceAll(kept, root).replaceAll(/(\.log)(?:\.\d+|-\d{8}-\d+)?(?:\.gz)?"/g, '$1"'))
    .map((text) => JSON.parse(text) as Named)
    .map((document) => (ADVICE.has(document.detector ?? '') ? { id: document.id, detector: document.detector } : document))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** What `precopy analyze` says of all that was written. */
export function analysed(place: Place): Told {
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

/** Every line of a cluster that was written is stored once and as it was, and what arrived of its files has no gap. */
export async function expectAllStored(
  store: Store,
  cluster: string,
  { logs, root }: { readonly logs: LiveLogs; readonly root: string },
) {
  const found = await storedLines(store, cluster, root);
  for (const [path, lines] of logs.written) {
    expect(difference(lines, found.get(path) ?? []), `lost of ${path}`).toEqual([]);
    expect(difference(found.get(path) ?? [], lines), `doubled or changed of ${path}`).toEqual([]);
  }
  expect([...found.keys()].toSorted()).toEqual([...logs.written.keys()].toSorted());
  expect(await gapsOf(store, { limit: 1000 })).toEqual([]);
}

/** Lines by file as the store has them; those of one identity are one. */
async function storedLines(store: Store, cluster: string, root: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await store.query<{ readonly path: string; readonly text: string }>(
    `SELECT path, text FROM lines FINAL WHERE cluster = {cluster: String} AND source != 'collector'
     ORDER BY host, path, file_id, offset`,
    { cluster },
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
