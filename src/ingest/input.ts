import type { InputResult } from '../model/input.ts';
import type { FileTally } from '../parsers/scan.ts';

/** What became of one input, with what places its times. */
export interface ReadResult extends InputResult {
  readonly tally: FileTally | null;
}

/** A file that the user named, or that lies in a folder that the user named. */
export interface InputPath {
  /** As evidence quotes it: the argument, or the argument and the path below it. */
  readonly path: string;
  readonly absolute: string;
  /** Size on disk; 0 for standard input. */
  readonly bytes: number;
  readonly modifiedAt: number;
}
