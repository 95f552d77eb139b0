/** How one thing is. */
export interface Check {
  /** What was looked at: `loss`, `lag`. */
  readonly name: string;
  /** `warn`: something is not seen, or late; `fail`: something is lost, or was not understood for good. */
  readonly state: 'ok' | 'warn' | 'fail';
  /** In a sentence with numbers. */
  readonly summary: string;
  /** What is wrong, one a line. */
  readonly details: readonly string[];
  /** What the statement is made of, one file or program a line, whether or not it is wrong. */
  readonly parts: readonly string[];
  /** What to do; `null` where nothing is to be done. */
  readonly hint: string | null;
}

/** How an instance is, and what it has not seen. */
export interface Diagnosis {
  /** Unix ms. */
  readonly at: number;
  /** The period that was looked at, Unix ms; `null` where it has no beginning. */
  readonly since: number | null;
  readonly checks: readonly Check[];
}
