import { spawnSync } from 'node:child_process';
import type { Chunk } from '../../src/model/chunk.ts';
import type { EventBody, ParsedEvent } from '../../src/model/event.ts';
import type { CollectorContext, CollectorStatus } from '../../src/ingest/collector.ts';
import { parsers } from '../../src/parsers/index.ts';
import { createScanner } from '../../src/parsers/scan.ts';

/** A context whose stream is an array, and what was written to it. */
export interface Collecting {
  readonly context: CollectorContext;
  readonly chunks: readonly Chunk[];
  readonly statuses: readonly CollectorStatus[];
  /** All that was printed under a path, one run after the other. */
  text(path: string): string;
  /** What the real parsers make of it. */
  events(path?: string): readonly ParsedEvent[];
  bodies(path?: string): readonly EventBody[];
  /** The states that a collector said, in order, as the stream has them. */
  states(collector: string): readonly string[];
}

/** Collects into memory; `write` may do something else first. */
export function collecting(write: (chunks: readonly Chunk[]) => Promise<void> = () => Promise.resolve()): Collecting {
  const chunks: Chunk[] = [];
  const statuses: CollectorStatus[] = [];
  const events = (path?: string): readonly ParsedEvent[] =>
    chunks.filter(({ header }) => path === undefined || header.path === path).flatMap(eventsOf);
  const bodies = (path?: string): readonly EventBody[] => events(path).map(({ body }) => body);
  return {
    chunks,
    statuses,
    events,
    bodies,
    text: (path) =>
      chunks
        .filter(({ header }) => header.path === path)
        .map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
        .join(''),
    states: (collector) =>
      bodies(`collector:${collector}`).flatMap((body) => (body.kind === 'collector-report' ? [body.state] : [])),
    context: {
      header: { cluster: 'c1', host: 'kvm-a', zone: 'Europe/Berlin' },
      sink: {
        async write(written) {
          await write(written);
          chunks.push(...written);
        },
      },
      report: (status) => void statuses.push(status),
      now: Date.now,
    },
  };
}

function eventsOf({ header, bytes }: Chunk): readonly ParsedEvent[] {
  const parser = parsers.find(({ source }) => source === header.source);
  if (parser === undefined) throw new Error(`no parser for ${header.source}`);
  const events: ParsedEvent[] = [];
  const { host, source, path, vm } = header;
  const scanner = createScanner(parser, { host, source, path, vm }, (event) => events.push(event));
  scanner.push(Buffer.from(bytes).toString('latin1'));
  scanner.end();
  return events;
}

/** A mask that masks nothing. */
export function unmasked(bytes: Uint8Array): Uint8Array {
  return bytes;
}

/** Waits for a condition, at most so long. */
export async function until(what: string, holds: () => boolean, withinMs = 8000): Promise<void> {
  const lateAt = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > lateAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether these programs are here; where not, the test is skipped and says so, or fails if `PRECOPY_REQUIRE_PROGRAMS` is set. */
export function have(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  if (missing.length === 0) return true;
  if (process.env['PRECOPY_REQUIRE_PROGRAMS'] !== undefined) throw new Error(`not installed: ${missing.join(', ')}`);
  process.stderr.write(`skipped, not installed: ${missing.join(', ')}\n`);
  return false;
}
