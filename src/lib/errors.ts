/** What went wrong, in a form that callers can act on. */
export type ErrorCode = 'usage' | 'no-input' | 'unreadable';

/** An error of the environment or of the command line; a bug is never one. */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** What to do about it, as a sentence. */
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint ?? null;
  }
}
