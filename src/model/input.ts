import type { ParsedEvent } from './event.ts';
import type { FileSpan, HostAddress, RejectReason, Source, Stamp, StepBack } from './source.ts';

/** What became of a file's records: each ended in exactly one of `withEvents`, `plain` and `rejected`. */
export interface Tally {
  readonly lines: number;
  readonly records: number;
  readonly withEvents: number;
  readonly plain: number;
  readonly rejected: Readonly<Partial<Record<RejectReason, number>>>;
  /** Times of the first and last record that have one. */
  readonly first: Stamp | null;
  readonly last: Stamp | null;
}

/** What became of a file's records, and where its local times go back. */
export interface FileTally extends Tally {
  /** In the order of the file; none for a file in UTC. */
  readonly stepsBack: readonly StepBack[];
}

/** Why an input was not read at all. */
export type SkipReason = 'empty' | 'binary' | 'archive' | 'unknown format' | 'unreadable' | 'not a log';

/** What became of one input. */
export interface InputResult {
  readonly path: string;
  readonly host: string | null;
  readonly source: Source | null;
  readonly tally: Tally | null;
  readonly skipped: SkipReason | null;
  /** What exactly was wrong, in words; also set where a file was read only in part. */
  readonly problem: string | null;
  readonly modifiedAt: number;
}

/** What became of one input, with what places its times. */
export interface ReadResult extends InputResult {
  readonly tally: FileTally | null;
}

/** What was read, however it came. */
export interface Readings {
  /** File by file, those of a file in its order. */
  readonly events: readonly ParsedEvent[];
  readonly spans: readonly FileSpan[];
  readonly inputs: readonly InputResult[];
  /** What was told at other times of the hosts' addresses. */
  readonly addresses: readonly HostAddress[];
}
