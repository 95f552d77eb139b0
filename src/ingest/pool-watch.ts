import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { duration } from '../lib/units.ts';
import { createAgeTeller } from './heartbeat-age.ts';
import { startPoolChild, type PoolChild } from './pool-child.ts';

/** How one pool is watched. */
export interface PoolSettings {
  readonly mount: string;
  /** Name of this host, for a file of our own; `null`: nothing is written. */
  readonly writeAs: string | null;
  readonly everyMs: number;
  /** The program `node`, and the compiled `pool-probe`. */
  readonly node: string;
  readonly entry: URL;
  now(): number;
  /** Whole lines. */
  emit(lines: string, at: number): Promise<void>;
  /** Told how the pool is after each look at it: what is wrong, `null` where nothing is, `no-pool` where it has no KVMHA folder. */
  tell(state: string | null): void;
}

/** Watches one pool in a process of its own. */
export interface PoolWatch {
  /** Resolves within about a second, whether or not storage answers; nothing is emitted after it. */
  stop(): Promise<void>;
}

/** A write is told as pending after a second, and then at each doubling, at most half a minute later. */
const FIRST_PENDING_MS = 1000;
const LONGEST_STEP_MS = 30_000;
/** Storage that has not answered for so long hangs. */
const HUNG_MS = 4000;

/** Asks the pool each `everyMs`, and never twice at once: while storage hangs there is one process, and it waits. */
export function watchPool(settings: PoolSettings): PoolWatch {
  const stopping = new AbortController();
  const look = createLook(settings, stopping.signal);
  const running = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const began = performance.now();
      await look
        .once()
        .catch((error: unknown) => settings.tell(`what was read of ${settings.mount} was not stored: ${String(error)}`));
      await rest(Math.max(0, settings.everyMs - (performance.now() - began)), stopping.signal);
    }
  }

  return {
    async stop() {
      stopping.abort();
      await look.stop();
      await running;
    },
  };
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch {
    // stopped meanwhile
  }
}

interface Look {
  once(): Promise<void>;
  stop(): Promise<void>;
}

function createLook({ mount, writeAs, node, entry, now, emit, tell }: PoolSettings, stopping: AbortSignal): Look {
  const folder = join(mount, 'KVMHA');
  const write = writeAs === null ? null : join(folder, `precopy-${writeAs}`);
  const agesOf = createAgeTeller(folder);
  let child: PoolChild | null = null;

  async function pending(at: number, elapsedMs: number): Promise<void> {
    const waited = Math.round(elapsedMs);
    if (waited >= HUNG_MS) tell(`${folder} has not answered for more than ${duration(HUNG_MS)}; is its server reachable?`);
    if (write !== null) {
      await emit(written({ at, path: write, latencyMs: waited, error: `no answer within ${waited} ms, still waiting` }), at);
    }
  }

  /** One answer after the other, until the files are told or the process is gone. */
  async function heed(asked: PoolChild, at: number): Promise<void> {
    const began = performance.now();
    let dueMs = FIRST_PENDING_MS;
    let writing = write !== null;
    while (!stopping.aborted) {
      const answer = await asked.next(Math.max(1, dueMs - (performance.now() - began)));
      if (stopping.aborted) return;
      if (answer === 'ended') {
        child = null;
        return tell(`the process that reads ${folder} ended (${asked.end()}); another one is started`);
      }
      if (answer === 'late') {
        if (writing || performance.now() - began >= HUNG_MS) await pending(at, performance.now() - began);
        dueMs += Math.min(dueMs, LONGEST_STEP_MS);
      } else if (answer.kind === 'written') {
        writing = false;
        await emit(written({ at, path: write ?? folder, ...answer }), at);
      } else {
        const lines = agesOf(answer.files, now());
        if (lines !== '') await emit(lines, now());
        return tell(answer.missing ? 'no-pool' : answer.error);
      }
    }
  }

  return {
    async once() {
      child ??= startPoolChild(node, entry);
      const at = now();
      child.ask({ folder, write });
      await heed(child, at);
    },
    async stop() {
      await child?.stop();
    },
  };
}

interface Written {
  readonly at: number;
  readonly path: string;
  readonly latencyMs: number;
  readonly error: string | null;
}

function written({ at, path, latencyMs, error }: Written): string {
  return `${JSON.stringify({ at: new Date(at).toISOString(), path, latency_ms: latencyMs, error })}\n`;
}
