import { setTimeout as sleep } from 'node:timers/promises';
import type { Chunk } from '../model/chunk.ts';
import type { Collector, CollectorContext } from './collector.ts';
import { createCheckpoints, type Checkpoints } from './files/checkpoints.ts';
import { acknowledge, dueOf, poll, readAhead, readNext, type Followed, type Patience, type Reading } from './files/followed.ts';
import { createLogs, type Logs } from './files/logs.ts';
import { createProblems, fileProblem, writeProblem, type Problems } from './files/problems.ts';
import type { FileOptions } from './options.ts';

/** How often and how long, ms; tests shorten it. */
export interface FileTimings extends Patience {
  /** Sizes of open files are looked at. */
  readonly pollMs: number;
  /** Where no file grew for so long, sizes are looked at `QUIET_TIMES` less often. Longer than anything of `Patience`. */
  readonly quietMs: number;
  /** Folders are looked at. */
  readonly scanMs: number;
  readonly checkpointMs: number;
  /** A rotated file that was read to its end stays open so long, should something be written to it still. */
  readonly parkMs: number;
  /** After an error, until it is tried again. */
  readonly retryMs: number;
}

/** What a collector of files is given besides what every collector is. */
export interface FileCollectorContext extends CollectorContext {
  /** Path of the file that keeps how far each file was read; its folder exists. */
  readonly checkpoints: string;
  /** Hides secrets before anything leaves the machine; what it returns is as long as what it gets. */
  mask(bytes: Uint8Array): Uint8Array;
  readonly timings?: Partial<FileTimings>;
}

const TIMINGS: FileTimings = {
  pollMs: 100,
  quietMs: 10_000,
  scanMs: 1000,
  chunkMs: 250,
  tailMs: 1000,
  endMs: 5000,
  checkpointMs: 250,
  parkMs: 60_000,
  retryMs: 1000,
};

/** The first line after a silence is seen after 250 ms on average, not 50; in turn a quiet host spends a fifth on looking. */
const QUIET_TIMES = 5;

/** Bytes that are read and not yet acknowledged, at most one chunk more. */
const BATCH_BYTES = 1 << 20;

/** A compressed file that is broken is told so long. */
const TELL_MS = 600_000;
/** Where saving is slow, no more of the time than one part in so many goes into it. */
const SAVING_SHARE = 20;

/**
 * Follows log files through rotation of any kind. Every line goes to the sink once, or again with the same `fileId` and offset where
 * a crash came between the sink's word and the checkpoint. The order of a file's lines is kept; `start` throws where the checkpoints
 * cannot be read.
 */
export function createFileCollector(options: readonly FileOptions[], context: FileCollectorContext): Collector {
  return new FileCollector(options, context);
}

interface Read {
  readonly file: Followed;
  readonly reading: Reading;
}

class FileCollector implements Collector {
  readonly name = 'files';
  readonly #context: FileCollectorContext;
  readonly #timings: FileTimings;
  readonly #checkpoints: Checkpoints;
  readonly #problems: Problems;
  readonly #logs: Logs;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #pollAt = 0;
  #scanAt = 0;
  #saveAt = 0;
  /** Something was acknowledged that the checkpoint does not know. */
  #unsaved = false;
  /** Where in the list of files the next batch begins, so that each gets its turn. */
  #turn = 0;

  constructor(options: readonly FileOptions[], context: FileCollectorContext) {
    this.#context = context;
    this.#timings = { ...TIMINGS, ...context.timings };
    this.#checkpoints = createCheckpoints(context.checkpoints);
    this.#problems = createProblems(this.name, context.report);
    this.#logs = createLogs(options, { ...this.#timings, header: context.header, problems: this.#problems });
  }

  async start(): Promise<void> {
    this.#problems.tell('starting', performance.now());
    this.#logs.restore(await this.#checkpoints.load());
    await this.#look();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#running === null) return;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#step();
        this.#problems.clear('step');
      } catch (cause) {
        // a mistake in here must not end the collection for good, nor pass unseen
        this.#problems.set('step', writeProblem('reading files failed', cause));
        await this.#pause(this.#timings.retryMs);
      }
    }
    // also what is known to be there and was not read: should it be gone at the next start, that is a loss to tell
    await this.#save();
    await this.#logs.close();
    this.#problems.tell('stopped', performance.now());
  }

  async #step(): Promise<void> {
    await this.#look();
    const batch = await this.#gather();
    if (batch.length > 0) await this.#deliver(batch);
    if (this.#unsaved && performance.now() >= this.#saveAt) await this.#save();
    if (batch.length === 0) await this.#pause(this.#pollAt - performance.now());
  }

  /** Sees what has grown, and every now and then what was renamed, made or deleted. */
  async #look(): Promise<void> {
    const now = performance.now();
    if (now >= this.#pollAt) {
      for (const file of this.#logs.files()) if (!poll(file, now)) await this.#replaced(file);
      const quiet = this.#logs.files().every(({ grewAt }) => now - grewAt >= this.#timings.quietMs);
      this.#pollAt = now + this.#timings.pollMs * (quiet ? QUIET_TIMES : 1);
    }
    if (now >= this.#scanAt) {
      this.#scanAt = now + this.#timings.scanMs;
      await this.#logs.scan(now, this.#context.now());
      this.#problems.tell('running', now);
    }
  }

  /** The content has lost its file; where its copy is, and what the file holds now, a look at the folder tells. */
  async #replaced(file: Followed): Promise<void> {
    await this.#logs.abandon(file);
    this.#scanAt = 0;
  }

  /** One chunk of each file that has one, and more of those that have more, until there is enough in hand. */
  async #gather(): Promise<readonly Read[]> {
    const batch = await this.#gatherFirst();
    let bytes = batch.reduce((sum, { reading }) => sum + reading.bytes.length, 0);
    // the list grows meanwhile
    for (const { file, reading } of batch) {
      if (bytes >= BATCH_BYTES) break;
      const ahead = await this.#attempt(file, () => readAhead(file, reading, this.#context.now()));
      if (ahead === null) continue;
      batch.push({ file, reading: ahead });
      bytes += ahead.bytes.length;
    }
    return batch;
  }

  async #gatherFirst(): Promise<Read[]> {
    const files = this.#logs.files();
    const batch: Read[] = [];
    let bytes = 0;
    let compressed = false;
    for (let i = 0; i < files.length && bytes < BATCH_BYTES; i += 1) {
      const file = files[(this.#turn + i) % files.length];
      if (file === undefined || (compressed && file.place.gzip)) continue;
      const reading = await this.#readFrom(file);
      // one compressed file after the other: each being read takes memory
      compressed ||= file.place.gzip && file.backing !== null;
      if (reading === null) continue;
      batch.push({ file, reading });
      bytes += reading.bytes.length;
    }
    this.#turn = files.length === 0 ? 0 : (this.#turn + 1) % files.length;
    return batch;
  }

  async #readFrom(file: Followed): Promise<Reading | null> {
    const due = dueOf(file, this.#timings, performance.now());
    if (due === null) return null;
    return this.#attempt(file, async () => {
      const reading = await readNext(file, due, this.#context.now());
      this.#problems.clear(`read ${file.state.fileId}`);
      if (reading === 'replaced') await this.#replaced(file);
      else if (reading !== 'nothing') return reading;
      else if (file.place.gzip) await this.#endCompressed(file);
      return null;
    });
  }

  /** `null` where it failed, which is told; the file is tried again later. */
  async #attempt(file: Followed, read: () => Promise<Reading | null>): Promise<Reading | null> {
    try {
      return await read();
    } catch (cause) {
      this.#problems.set(`read ${file.state.fileId}`, fileProblem(file.place.path, cause as NodeJS.ErrnoException));
      file.retryAt = performance.now() + this.#timings.retryMs;
    }
    return null;
  }

  /** Should it be written to after all, it is opened again. */
  async #endCompressed(file: Followed): Promise<void> {
    const { place, state, backing } = file;
    const problem = backing?.problem() ?? null;
    const text = `${place.path} breaks off at byte ${state.offset} of what it holds: ${problem}; what is before was read`;
    if (problem !== null) this.#problems.set(`gzip ${state.fileId}`, { state: 'failing', text, untilMs: this.#scanAt + TELL_MS });
    await this.#logs.park(file);
  }

  /** Writes until the sink has it; meanwhile folders are watched, for files come and go. */
  async #deliver(batch: readonly Read[]): Promise<void> {
    // a crash right after the write must not give the file another name
    if (batch.some(({ file }) => !file.persisted)) await this.#saveForSure();
    const chunks = batch.filter(({ reading }) => !reading.skipped).map(({ reading }) => this.#chunkOf(reading));
    if (!(await this.#whileLooking(this.#writeUntilTaken(chunks)))) return;
    for (const { file, reading } of batch) acknowledge(file, reading);
    this.#unsaved = true;
  }

  #chunkOf({ header, bytes }: Reading): Chunk {
    const masked = this.#context.mask(bytes);
    if (masked.length !== bytes.length) throw new Error(`masking made ${masked.length} of ${bytes.length} bytes`);
    return { header, bytes: masked };
  }

  /** False where the collector is stopped before. */
  async #writeUntilTaken(chunks: readonly Chunk[]): Promise<boolean> {
    for (;;) {
      try {
        if (chunks.length > 0) await this.#context.sink.write(chunks);
        this.#problems.clear('sink');
        return true;
      } catch (cause) {
        this.#problems.set('sink', writeProblem('what was read cannot be stored, and is kept until it can', cause));
        this.#problems.tell('running', performance.now());
      }
      if (this.#stopping.signal.aborted) return false;
      await this.#pause(this.#timings.retryMs);
    }
  }

  async #whileLooking(written: Promise<boolean>): Promise<boolean> {
    const done = new AbortController();
    const result = written.finally(() => done.abort());
    while (!done.signal.aborted) {
      await Promise.race([result, sleep(this.#timings.scanMs, undefined, { signal: done.signal }).catch(() => undefined)]);
      if (!done.signal.aborted) await this.#look();
    }
    return result;
  }

  async #saveForSure(): Promise<void> {
    while (!(await this.#save())) {
      if (this.#stopping.signal.aborted) throw new Error('stopped before the checkpoint could be written');
      await this.#pause(this.#timings.retryMs);
    }
  }

  async #save(): Promise<boolean> {
    const begun = performance.now();
    const files = this.#logs.files();
    try {
      await this.#checkpoints.save(this.#logs.states());
    } catch (cause) {
      this.#problems.set('checkpoint', writeProblem('what was read would be read again after a restart', cause));
      this.#problems.tell('running', performance.now());
      this.#saveAt = performance.now() + this.#timings.retryMs;
      return false;
    }
    const now = performance.now();
    this.#saveAt = now + Math.max(this.#timings.checkpointMs, (now - begun) * SAVING_SHARE);
    for (const file of files) file.persisted = true;
    this.#unsaved = false;
    this.#problems.clear('checkpoint');
    return true;
  }

  /** Ends early where the collector is stopped. */
  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
