/** A file that the user named, or that lies in a folder that the user named. */
export interface InputPath {
  /** As evidence quotes it: the argument, or the argument and the path below it. */
  readonly path: string;
  readonly absolute: string;
  /** Size on disk; 0 for standard input. */
  readonly bytes: number;
  readonly modifiedAt: number;
}
