/**
 * What went wrong, in a form that callers can act on: bad arguments, bad input, bad configuration, something that is not there or
 * not allowed, something that does not answer, no room, an error that a technology reports.
 */
export type ErrorCode =
  | 'usage'
  | 'no-input'
  | 'unreadable'
  | 'config'
  | 'not-found'
  | 'not-allowed'
  | 'locked'
  | 'timed-out'
  | 'disk-full'
  | 'bad-query'
  | 'stream'
  | 'store'
  | 'notify';

/** What an error may carry besides its code and message. */
export interface ErrorDetails {
  /** What to do about it, as a sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Trying the same again may succeed. */
  readonly retriable?: boolean;
}

/** An error of the environment or of the command line; a bug is never one. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly retriable: boolean;

  constructor(code: ErrorCode, message: string, { hint, cause, retriable = false }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = hint ?? null;
    this.retriable = retriable;
  }
}
