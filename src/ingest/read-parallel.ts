import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { ParsedEvent } from '../model/event.ts';
import type { ReadResult } from '../model/input.ts';
import type { FileContext } from '../model/source.ts';
import { inFileOrder } from './collect.ts';
import { createUnpacker, type EventBatch } from './event-batch.ts';
import type { Hints } from './identify.ts';
import type { InputPath } from './input.ts';

/** What a worker is told once; what it is sent afterwards are the inputs to read, one at a time. */
export interface WorkerSetting {
  readonly hints: Hints;
}

/** What a worker tells of the file that it reads. */
export type FromWorker =
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'events'; readonly file: FileContext; readonly batch: EventBatch }
  | { readonly kind: 'done'; readonly result: ReadResult };

/** What became of one file. */
export interface FileRead {
  readonly result: ReadResult;
  /** Thinned, in the order of the file. */
  readonly events: readonly ParsedEvent[];
}

/** The threads that read. */
export interface Pool extends WorkerSetting {
  readonly workers: number;
  /** The program of a worker. */
  readonly entry: URL;
  /** Told the bytes read from disk. */
  progress(bytes: number): void;
}

/**
 * Reads files, each in one of several threads, the largest first. What is returned is in the order of `files` and does not
 * depend on the number of threads.
 *
 * @throws Error where a thread ends before its work is done (out of memory, or a bug).
 */
export async function readParallel(files: readonly InputPath[], pool: Pool): Promise<readonly FileRead[]> {
  const { workers, entry, hints } = pool;
  const queue = files.toSorted((a, b) => b.bytes - a.bytes).values();
  const read = new Map<InputPath, FileRead>();
  const workerData: WorkerSetting = { hints };
  const threads = Array.from({ length: Math.min(workers, files.length) }, () => new Worker(entry, { workerData }));
  const context: Context = { queue, read, once: createInterner(), progress: (bytes) => pool.progress(bytes) };
  // every core reads: a young generation that is collected with the help of other threads waits for them longer than they help
  setFlagsFromString('--no-parallel-scavenge');
  try {
    await Promise.all(threads.map((thread) => drive(thread, context)));
  } finally {
    setFlagsFromString('--parallel-scavenge');
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return files.flatMap((file) => read.get(file) ?? []);
}

interface Context {
  /** Files that nobody reads yet. */
  readonly queue: Iterator<InputPath, undefined>;
  readonly read: Map<InputPath, FileRead>;
  /** The same text for each copy of it. */
  once(text: string): string;
  progress(bytes: number): void;
}

/** Gives one thread file after file until none is left. */
async function drive(thread: Worker, { queue, read, once, progress }: Context): Promise<void> {
  for (let file = queue.next().value; file !== undefined; file = queue.next().value) {
    read.set(file, await readIn(thread, file, { once, progress }));
  }
}

function readIn(thread: Worker, input: InputPath, { once, progress }: Pick<Context, 'once' | 'progress'>): Promise<FileRead> {
  const events: ParsedEvent[] = [];
  const unpack = createUnpacker(once);
  let file: FileContext | null = null;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(new Error(`reading ${input.path} failed: ${String(cause)}`, { cause }));
    thread.removeAllListeners();
    thread.on('error', fail);
    thread.on('messageerror', fail);
    thread.on('exit', (code) => fail(`its thread ended with status ${code}`));
    thread.on('message', (message: FromWorker) => {
      if (message.kind === 'progress') progress(message.bytes);
      else if (message.kind === 'done') resolve({ result: message.result, events: inFileOrder(events) });
      else {
        // one object for all events, as if they had been read here
        file ??= message.file;
        unpack(message.batch, file, (event) => events.push(event));
      }
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    thread.postMessage(input);
  });
}

/** Threads send copies: this keeps the first of each text. */
function createInterner(): (text: string) => string {
  const texts = new Map<string, string>();
  return (text) => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    texts.set(text, text);
    return text;
  };
}
