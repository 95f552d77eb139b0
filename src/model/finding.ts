import type { Event } from './event.ts';
import type { Certainty } from './timeline.ts';

/** `info` is advice: it never counts as a problem. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;

/** How bad it is: one of `SEVERITIES`, the mildest first. */
export type Severity = (typeof SEVERITIES)[number];

/** Something to do: what it is for, what it does to the guest, and what to type. */
export interface Remedy {
  readonly what: string;
  /** A command to paste, lines of a file to change, or `null` where there is nothing to type. */
  readonly command: string | null;
}

/** What a detector concludes of one subject. */
export interface Conclusion {
  /** One or two sentences with numbers and units, ending in a full stop. */
  readonly summary: string;
  readonly severity: Severity;
  readonly confidence: Certainty;
  /** Unix ms. */
  readonly from: number;
  /** `null` while it goes on. */
  readonly to: number | null;
  /** The very lines and samples, most telling first. */
  readonly evidence: readonly Event[];
  readonly remedies: readonly Remedy[];
  /** Tells several conclusions about one subject apart; the same in every run. */
  readonly discriminator: string;
}

/** A conclusion with its subject and a name that is the same in every run. */
export interface Finding extends Conclusion {
  /** Hash of detector, subject and discriminator. */
  readonly id: string;
  readonly detector: string;
  readonly title: string;
  /** The migration it is about, or was tied to; `null` where it is about a host alone. */
  readonly migration: string | null;
  readonly vm: string | null;
  readonly host: string | null;
}
