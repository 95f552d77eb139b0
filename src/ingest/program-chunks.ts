import { stableId } from '../lib/hash.ts';
import type { Chunk } from '../model/chunk.ts';
import type { Source } from '../model/source.ts';
import type { CollectorContext } from './collector.ts';
import { createDelivery } from './delivery.ts';
import { countLines, createLineBuffer, type LineBuffer } from './line-buffer.ts';
import { outsideSecrets, SECRET_BYTES } from './mask.ts';

const MAX_CHUNK_BYTES = 256 * 1024;
const FLUSH_MS = 250;

/** Masks secrets; returns as many bytes as it got. */
export type Mask = (bytes: Uint8Array) => Uint8Array;

/** What is known of a program's output before it prints any. */
export interface ProgramOutput {
  readonly context: CollectorContext;
  readonly source: Source;
  /** As evidence names it: `tcpdump:cloudbr0`. Also what tells the output of one program from that of another. */
  readonly path: string;
  readonly mask: Mask;
  /** Zone of the local times that it prints, where that is not the host's; programs that we start are in UTC. */
  readonly zone?: string;
  /** Where a record begins, for records of several lines: a chunk ends before one that may go on. */
  readonly startsRecord?: RegExp;
  /** Told why the stream takes nothing, and `null` when it does again. */
  onTrouble?(problem: string | null): void;
}

/** Where in the output of a program a chunk stands. */
export interface Place {
  readonly fileId: string;
  /** Bytes before it. */
  readonly offset: number;
  /** Line breaks before it. */
  readonly line: number;
}

/** Turns what a program prints into chunks of whole lines. */
export interface ProgramChunks {
  /** A new run: what comes now is another file, or goes on where an earlier one stood. */
  begin(place?: Place): void;
  /** Takes output. Resolves at once while there is room, else when the stream took some. */
  push(bytes: Uint8Array): Promise<void>;
  /** Resolves when the stream has all whole lines taken so far; returns where the next one will stand. */
  flush(): Promise<Place>;
  /** The run is over: a line without an end is one too. */
  end(): Promise<void>;
  /** `end`, and from now on a stream that fails is given up after 5 s. @throws what the stream said. */
  close(): Promise<void>;
  /** The longest time, in ms, that a chunk waited for the stream since this was last asked. */
  takeLongestWaitMs(): number;
}

/**
 * See `ProgramChunks`. A chunk goes out after 250 ms, or when it has 256 KiB; no more than two of them are held. A longer line goes
 * out in pieces.
 */
export function createProgramChunks(output: ProgramOutput): ProgramChunks {
  const { context } = output;
  const pending = createLineBuffer(output.startsRecord);
  const delivery = createDelivery(context.sink, (problem) => output.onTrouble?.(problem));
  let place = newPlace(output);
  let pendingSince = 0;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  function cut(length: number): Chunk {
    const bytes = pending.take(length);
    const chunk = chunkOf(output, { place, bytes, observedAt: pendingSince });
    place = { ...place, offset: place.offset + length, line: place.line + countLines(bytes) };
    pendingSince = context.now();
    return chunk;
  }

  /** After what is on its way: sends as many bytes as `length` says then, until it says 0. */
  async function sendAfter(before: Promise<void>, length: () => number): Promise<void> {
    await before;
    for (let bytes = length(); bytes > 0; bytes = length()) {
      await delivery.deliver(cut(Math.min(bytes, pending.whole(MAX_CHUNK_BYTES) || longLine(pending))));
    }
  }

  function send(length: () => number): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    writing = sendAfter(writing, length);
    return writing;
  }

  function sendLater(): void {
    timer ??= setTimeout(() => {
      timer = null;
      const again = (): void => void (pending.whole() > 0 && sendLater());
      // a failure comes out of the next push, flush, end or close
      send(pending.settled).then(again, () => undefined);
    }, FLUSH_MS);
  }

  return {
    begin(at) {
      place = at ?? newPlace(output);
    },
    async push(bytes) {
      if (pending.length() === 0) pendingSince = context.now();
      pending.add(bytes);
      if (pending.length() < MAX_CHUNK_BYTES) sendLater();
      else await send(() => full(pending));
    },
    async flush() {
      await send(() => pending.whole());
      return place;
    },
    end: () => send(pending.length),
    close() {
      delivery.close();
      return send(pending.length);
    },
    takeLongestWaitMs: () => delivery.takeLongestWaitMs(),
  };
}

/** How much goes out of a line that is longer than a chunk. */
function longLine(pending: LineBuffer): number {
  return pending.length() <= MAX_CHUNK_BYTES ? MAX_CHUNK_BYTES : outsideSecrets(pending.bytes(), MAX_CHUNK_BYTES);
}

/** How much goes out of a full buffer: whole lines; a line without an end waits until it is known where to cut it. */
function full(pending: LineBuffer): number {
  if (pending.length() < MAX_CHUNK_BYTES) return 0;
  return pending.settled() || (pending.length() < MAX_CHUNK_BYTES + SECRET_BYTES ? 0 : longLine(pending));
}

function newPlace({ context, path }: ProgramOutput): Place {
  const run = [context.header.host, path, String(context.now()), String(performance.now())];
  return { fileId: stableId('program', ...run), offset: 0, line: 0 };
}

interface Piece {
  readonly place: Place;
  readonly bytes: Uint8Array;
  readonly observedAt: number;
}

function chunkOf({ context, source, path, mask, zone }: ProgramOutput, { place, bytes, observedAt }: Piece): Chunk {
  const { cluster, host } = context.header;
  const header = { cluster, host, zone: zone ?? context.header.zone, source, path, vm: null, ...place, observedAt };
  return { header, bytes: mask(bytes) };
}
