import type { Source } from './source.ts';

/** Version of the header's fields and of what the bytes mean. A reader that knows only older ones leaves a chunk to the dead letters. */
export const CHUNK_SCHEMA = 1;

/**
 * Where a chunk's bytes come from. Host, `fileId` and offset identify every line for ever: a file keeps its `fileId` when it is
 * renamed, copied aside or compressed, and gets a new one when it is written anew.
 */
export interface ChunkHeader {
  /** The CloudStack cluster of the host: the partition key, for no migration leaves it. */
  readonly cluster: string;
  readonly host: string;
  readonly source: Source;
  /** Path on that host as it was when the file was first seen, or `virsh:qemu:///system` and the like for what a program printed. */
  readonly path: string;
  readonly fileId: string;
  /** The VM the file is about, where its name or its first lines say so. */
  readonly vm: string | null;
  /** Bytes of the file before the chunk. */
  readonly offset: number;
  /** Line breaks in the file before the chunk: its first line is number `line + 1`. */
  readonly line: number;
  /** IANA name of the zone in which the host writes local times. */
  readonly zone: string;
  /** When the collector read the bytes, Unix ms by its clock. Completes times without a year or date, and stands for those that records lack. */
  readonly observedAt: number;
}

/** Consecutive whole records of one file, as a collector read them, secrets masked; what is masked keeps its length. */
export interface Chunk {
  readonly header: ChunkHeader;
  readonly bytes: Uint8Array;
}
