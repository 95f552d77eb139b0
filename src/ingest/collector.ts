import type { Chunk, ChunkHeader } from '../model/chunk.ts';

/** How a collector does. `missing`: what it needs (a program, a file, a right) is not there; it goes on looking. */
export type CollectorState = 'starting' | 'running' | 'missing' | 'failing' | 'stopped';

/** What a collector says of itself. */
export interface CollectorStatus {
  readonly collector: string;
  readonly state: CollectorState;
  /** What is wrong and what to do about it; `null` where nothing is. */
  readonly problem: string | null;
}

/** Takes what collectors read. */
export interface ChunkSink {
  /** Resolves when the stream has the chunks for good: only then may a checkpoint move. Awaiting it is the backpressure. */
  write(chunks: readonly Chunk[]): Promise<void>;
}

/** What is the same for all chunks of one host. */
export type HostHeader = Pick<ChunkHeader, 'cluster' | 'host' | 'zone'>;

/** What every collector is given. */
export interface CollectorContext {
  readonly header: HostHeader;
  readonly sink: ChunkSink;
  /** Told of each change, and never twice the same. */
  report(status: CollectorStatus): void;
  /** Unix ms. */
  now(): number;
}

/** Reads something of this machine for as long as it runs. */
export interface Collector {
  readonly name: string;
  /** Resolves when it reads (or waits for what it reads to appear). @throws AppError where it never could. */
  start(): Promise<void>;
  /** Writes what is in hand and ends; idempotent; nothing is written after it resolves. */
  stop(): Promise<void>;
}
