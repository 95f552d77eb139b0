import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Collector, CollectorStatus } from '../../src/ingest/collector.ts';
import { createFileCollector, type FileCollectorContext, type FileTimings } from '../../src/ingest/files.ts';
import { fileOptions } from '../../src/ingest/options.ts';
import type { Chunk } from '../../src/model/chunk.ts';

/** Everything happens a good deal faster than in the field. */
export const FAST: FileTimings = {
  pollMs: 10,
  quietMs: 300,
  scanMs: 30,
  chunkMs: 10,
  tailMs: 60,
  endMs: 250,
  checkpointMs: 10,
  parkMs: 200,
  retryMs: 30,
};

/** A folder for one test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A collector with a sink that keeps what it is given. */
export interface Following {
  readonly chunks: Chunk[];
  readonly statuses: CollectorStatus[];
  stop(): Promise<void>;
}

interface FollowOptions extends Partial<Omit<FileCollectorContext, 'report'>> {
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Follows a pattern within a folder; checkpoints are kept beside it, so that the next one goes on. */
export async function follow(folder: string, pattern: string, { options, ...context }: FollowOptions = {}): Promise<Following> {
  const chunks: Chunk[] = [];
  const statuses: CollectorStatus[] = [];
  const collector: Collector = createFileCollector(
    [fileOptions.parse({ path: join(folder, pattern), source: 'cloudstack-agent', ...options })],
    {
      header: { cluster: 'c1', host: 'kvm1', zone: 'UTC' },
      sink: {
        write: async (written) => {
          chunks.push(...written);
        },
      },
      report: (status) => statuses.push(status),
      now: Date.now,
      checkpoints: join(folder, 'checkpoints.json'),
      mask: (bytes) => bytes,
      timings: FAST,
      ...context,
    },
  );
  await collector.start();
  onTestFinished(() => collector.stop());
  return { chunks, statuses, stop: () => collector.stop() };
}

/** Waits until something is so; the error says what it was not. */
export async function until(what: () => boolean | string, { timeoutMs = 6000, everyMs = 5 } = {}): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = what();
    if (found === true) return;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${String(found)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** The lines of chunks with their identities; an identity that comes twice, or a chunk that begins within a line, is an error. */
export function linesOf(chunks: readonly Chunk[]): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const { header, bytes } of chunks) {
    let { offset } = header;
    for (const line of Buffer.from(bytes)
      .toString('latin1')
      .split(/(?<=\n)/)) {
      const identity = `${header.fileId}@${offset}`;
      if (lines.has(identity)) throw new Error(`${identity} came twice: ${line.slice(0, 80)}`);
      lines.set(identity, line);
      offset += line.length;
    }
  }
  return lines;
}

/** The texts of all lines, in the order in which they came, without their ends. */
export function textsOf(...followings: readonly { readonly chunks: readonly Chunk[] }[]): readonly string[] {
  return [...linesOf(followings.flatMap(({ chunks }) => chunks)).values()].map((line) => line.replace(/\n$/, ''));
}

/** Waits for so many lines. */
export async function untilLines(count: number, ...followings: readonly { readonly chunks: readonly Chunk[] }[]): Promise<void> {
  await until(() => textsOf(...followings).length >= count || `${textsOf(...followings).length} of ${count} lines`);
}

/** A record of the agent, as log4j writes it. */
export function record(number: number, text = 'a record'): string {
  const ms = String(number % 1000).padStart(3, '0');
  const seconds = String(Math.floor(number / 1000) % 60).padStart(2, '0');
  return `2026-11-23 05:42:${seconds},${ms} INFO  [kvm.resource.LibvirtComputingResource] (Agent-Handler-1:[]) (logid:0c77d3e2) ${text} ${number}\n`;
}

/** Records `from` to `to`, without the one behind. */
export function records(from: number, to: number): string {
  let text = '';
  for (let number = from; number < to; number += 1) text += record(number);
  return text;
}

/** The texts of `records`, line by line. */
export function expected(from: number, to: number): readonly string[] {
  return records(from, to).split('\n').slice(0, -1);
}

/** Every file id, in the order of appearance. */
export function fileIds({ chunks }: { readonly chunks: readonly Chunk[] }): readonly string[] {
  return [...new Set(chunks.map(({ header }) => header.fileId))];
}

/** Waits long enough for several looks at files and folders. */
export function someLooks(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 6 * FAST.scanMs));
}
