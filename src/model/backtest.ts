import type { Severity } from './finding.ts';

/** Which limits to try, and on what time. */
export interface BacktestAsked {
  /** Id of the detector. */
  readonly detector: string;
  /** Its limits that are changed; the others stay as they are in force. */
  readonly limits: Readonly<Record<string, number>>;
  /** Unix ms, inclusive. */
  readonly since: number;
  readonly until: number;
  /** All of them where it is left out. */
  readonly cluster?: string;
}

/** A finding as one set of limits makes it. */
export interface JudgedFinding {
  /** The same with both: of a condition of a host, what the detector calls it. */
  readonly id: string;
  readonly cluster: string;
  /** Unix ms. */
  readonly from: number;
  /** `null` while it goes on. */
  readonly to: number | null;
  readonly vm: string | null;
  readonly host: string | null;
  /** Hosts of the migration that it is about; `null` where it is about a host. */
  readonly source: string | null;
  readonly destination: string | null;
  readonly severity: Severity;
  readonly summary: string;
}

/** A finding that only one of both makes, or both with another severity. */
export interface BacktestChange {
  /** With the limits in force; `null`: it is new. */
  readonly before: JudgedFinding | null;
  /** With the changed ones; `null`: it goes. */
  readonly after: JudgedFinding | null;
}

/** Time of a cluster of which there are no events to judge by. */
export interface Unjudged {
  readonly cluster: string;
  /** Unix ms. */
  readonly from: number;
  readonly to: number;
  /** Migrations of that time that are stored. */
  readonly migrations: number;
}

/** What changed limits would have made different. */
export interface Backtest {
  readonly asked: BacktestAsked;
  /** The values in force of the limits that were changed. */
  readonly inForce: Readonly<Record<string, number>>;
  /** Findings with the limits in force. */
  readonly found: number;
  readonly gone: number;
  readonly fresh: number;
  readonly otherSeverity: number;
  /** In the order of time; the latest where there are more than are listed. */
  readonly changes: readonly BacktestChange[];
  readonly unjudged: readonly Unjudged[];
}
