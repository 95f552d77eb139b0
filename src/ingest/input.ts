import type { Source } from '../model/source.ts';
import type { Tally } from '../parsers/scan.ts';

/** A file that the user named, or that lies in a folder that the user named. */
export interface InputPath {
  /** As evidence quotes it: the argument, or the argument and the path below it. */
  readonly path: string;
  readonly absolute: string;
  /** Size on disk; 0 for standard input. */
  readonly bytes: number;
  readonly modifiedAt: number;
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
