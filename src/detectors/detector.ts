import type { z } from 'zod';
import type { Conclusion, Severity } from '../model/finding.ts';
import type { HostHistory, Migration } from '../model/timeline.ts';
import type { StoryEvent } from './story.ts';

/** What a detector looks at: one migration, or one host over the whole time. */
export interface Subjects {
  readonly migration: Migration;
  readonly host: HostHistory;
}

/** A few events, told through the real timeline, and what the detector must make of them. */
export interface Story {
  /** What happens, as a guarantee in plain words. */
  readonly name: string;
  readonly events: readonly StoryEvent[];
}

/** A story that must be reported. */
export interface FiringStory extends Story {
  /** What the summary must say; the first conclusion counts. */
  readonly finds: RegExp;
  readonly severity: Severity;
}

/** One failure, and how it is recognised. Pure: no clock, no state, no I/O. */
export interface Detector {
  /** Kebab-case; also the name of its file and of its runbook. */
  readonly id: string;
  readonly title: string;
  /** The usual severity; a conclusion may say less. */
  readonly severity: Severity;
  readonly subject: keyof Subjects;
  /** Every limit with a default, and a description that names its unit. */
  readonly limits: z.ZodObject;
  /** Applies the detector to a subject of its kind, with the given settings or the defaults. */
  run(subject: Migration | HostHistory, settings?: unknown): readonly Conclusion[];
  /** Stories it must report. */
  readonly fires: readonly FiringStory[];
  /** Near misses it must not. */
  readonly silent: readonly Story[];
}

/** A detector as written: its limits typed, its subject of one kind. */
export interface Definition<S extends keyof Subjects, L extends z.ZodObject> extends Omit<
  Detector,
  'run' | 'subject' | 'limits'
> {
  readonly subject: S;
  readonly limits: L;
  detect(subject: Subjects[S], limits: z.infer<L>): readonly Conclusion[];
}

/** Checks a definition's types and gives the form that the registry holds. */
export function defineDetector<S extends keyof Subjects, L extends z.ZodObject>(definition: Definition<S, L>): Detector {
  const { detect, ...detector } = definition;
  const limitsOf = parsedOnce((settings) => definition.limits.parse(settings));
  // the registry hands a detector subjects of its own kind only
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { ...detector, run: (subject, settings = NO_SETTINGS) => detect(subject as Subjects[S], limitsOf(settings)) };
}

const NO_SETTINGS = {};

/** Settings are the same object for thousands of subjects in a row, and nobody changes them: they are read when another comes. */
function parsedOnce<T>(parse: (settings: unknown) => T): (settings: unknown) => T {
  let last: { readonly settings: unknown; readonly parsed: T } | null = null;
  return (settings) => {
    if (last === null || last.settings !== settings) last = { settings, parsed: parse(settings) };
    return last.parsed;
  };
}
