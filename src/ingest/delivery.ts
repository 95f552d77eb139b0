import { setTimeout as pause } from 'node:timers/promises';
import type { Chunk } from '../model/chunk.ts';
import type { ChunkSink } from './collector.ts';

/** A stream that takes nothing is tried again after this, and after twice as long, up to the second. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** How long the last chunks are offered to a stream that fails while we stop. */
const LAST_WORDS_MS = 5000;

/** Hands chunks to the stream, and tries again for as long as it fails. */
export interface Delivery {
  /** Resolves when the stream has it. @throws what the stream said, only after `close`. */
  deliver(chunk: Chunk): Promise<void>;
  /** From now on a stream that fails is given up after 5 s. Idempotent. */
  close(): void;
  /** The longest time, in ms, that a chunk waited for the stream since this was last asked. */
  takeLongestWaitMs(): number;
}

/** See `Delivery`; `onTrouble` is told why the stream takes nothing, and `null` when it does again, each once or more. */
export function createDelivery(sink: ChunkSink, onTrouble: (problem: string | null) => void): Delivery {
  const closing = new AbortController();
  let closedAt = Number.POSITIVE_INFINITY;
  let longestWaitMs = 0;
  let waitingSince: number | null = null;
  let isTroubled = false;

  async function untilTaken(chunk: Chunk): Promise<void> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
      try {
        await sink.write([chunk]);
        return;
      } catch (error) {
        if (performance.now() - closedAt > LAST_WORDS_MS) throw error;
        isTroubled = true;
        const reason = error instanceof Error ? error.message : String(error);
        onTrouble(`the stream does not take what ${chunk.header.path} printed, it is offered again and again: ${reason}`);
      }
      await (closing.signal.aborted ? pause(RETRY_MS) : pause(waitMs, null, { signal: closing.signal }).catch(() => null));
    }
  }

  return {
    async deliver(chunk) {
      const since = performance.now();
      waitingSince = since;
      await untilTaken(chunk);
      if (isTroubled) onTrouble(null);
      isTroubled = false;
      longestWaitMs = Math.max(longestWaitMs, performance.now() - since);
      waitingSince = null;
    },
    close() {
      closedAt = Math.min(closedAt, performance.now());
      closing.abort();
    },
    takeLongestWaitMs() {
      const waitMs = Math.max(longestWaitMs, waitingSince === null ? 0 : performance.now() - waitingSince);
      longestWaitMs = 0;
      return waitMs;
    },
  };
}
