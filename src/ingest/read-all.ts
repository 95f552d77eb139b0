import { availableParallelism } from 'node:os';
import type { ParsedEvent } from '../model/event.ts';
import type { ReadResult, Readings } from '../model/input.ts';
import type { FileSpan } from '../model/source.ts';
import { parsers as knownParsers } from '../parsers/index.ts';
import { createCollector } from './collect.ts';
import { STDIN, type Discovery } from './discover.ts';
import type { InputPath } from './input.ts';
import { readParallel, type FileRead } from './read-parallel.ts';
import { readInput, type ReadOptions } from './read.ts';
import { withToldHosts } from './same-host.ts';

/** What reading needs besides the files. */
export type GatherOptions = Omit<ReadOptions, 'emit'>;

/** When and how to read with several threads. */
export interface Parallelism {
  /** Size of all files together from which threads pay, bytes. */
  readonly fromBytes: number;
  /** Threads at most. */
  readonly workers: number;
  /** The program of a thread. */
  readonly entry: URL;
}

/** Below so many bytes one thread is as quick, for threads load their program first. */
const DEFAULT_PARALLELISM: Parallelism = {
  fromBytes: 64e6,
  workers: Math.min(availableParallelism(), 4),
  // as compiled: there is no other program that could run as a thread
  entry: new URL('read-worker.js', import.meta.url),
};

/**
 * Reads all inputs: one after the other, or with several threads where they are large. The result is the same.
 *
 * @throws Error where a thread ends before its work is done.
 */
export async function readAll(
  found: Discovery,
  options: GatherOptions,
  parallelism: Parallelism = DEFAULT_PARALLELISM,
): Promise<Readings> {
  const threaded = new Map<InputPath, FileRead>();
  const files = pays(found, options, parallelism) ? found.files.filter(({ path }) => path !== STDIN) : [];
  const parallel = await readParallel(files, { ...parallelism, hints: options.hints, progress: options.progress });
  for (const [i, read] of parallel.entries()) {
    const file = files[i];
    if (file !== undefined) threaded.set(file, read);
  }
  const reads: FileRead[] = [];
  for (const file of found.files) reads.push(threaded.get(file) ?? (await readHere(file, options)));
  const events: ParsedEvent[] = [];
  const results: ReadResult[] = [...found.skipped];
  for (const read of withToldHosts(reads, options.hints)) {
    results.push(read.result);
    for (const event of read.events) events.push(event);
  }
  const inputs = results.toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  // logs tell addresses in their events
  return { events, inputs, spans: inputs.flatMap(spanOf), addresses: [] };
}

/** Threads know the parsers of the program, and no others. */
function pays({ files }: Discovery, { parsers }: GatherOptions, { fromBytes, workers }: Parallelism): boolean {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return parsers === knownParsers && workers > 1 && files.length > 1 && total >= fromBytes;
}

async function readHere(file: InputPath, options: GatherOptions): Promise<FileRead> {
  const collector = createCollector();
  const result = await readInput(file, { ...options, emit: (event) => collector.add(event) });
  return { result, events: collector.events() };
}

function spanOf({ path, host, source, tally, modifiedAt }: ReadResult): readonly FileSpan[] {
  if (host === null || source === null || tally === null || tally.first === null || tally.last === null) return [];
  return [{ path, host, source, first: tally.first, last: tally.last, stepsBack: tally.stepsBack, modifiedAt }];
}
