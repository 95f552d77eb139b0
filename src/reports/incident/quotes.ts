import type { Event } from '../../model/event.ts';
import type { Certainty } from '../../model/timeline.ts';
import { cut } from '../terminal/text.ts';
import { countersOf } from './counters.ts';
import type { FileName } from './file-names.ts';

/** Lines of evidence that a finding shows at once. */
export const EVIDENCE_SHOWN = 3;

/** Lines of evidence that a finding shows at once which stands below another of the same migration. */
export const ALSO_SHOWN = 1;

/** What stands before evidence: how sure it makes. */
export const CERTAINTY_WORDS: Readonly<Record<Certainty, string>> = {
  seen: 'seen',
  follows: 'follows',
  unobserved: 'not observed; nearest to it:',
};

/** A record as a report quotes it. */
export interface Quote {
  /** Host, file and line. */
  readonly place: string;
  /** The time as the file has it. */
  readonly written: string;
  readonly message: string;
}

/** How places and times are written in one report. */
export interface QuoteStyle {
  /** The report spans more than one day. */
  readonly withDates: boolean;
  readonly fileName: FileName;
}

/** Evidence that is shown at once, the most telling first: the same words again in the same file prove nothing more. */
export function tellingEvidence(events: readonly Event[], most: number): readonly Event[] {
  const keys = events.map((event) => `${event.origin.file.host} ${event.origin.file.path} ${messageOf(event)}`);
  return events.filter((_, i) => keys.indexOf(keys[i] ?? '') === i).slice(0, most);
}

/** A record with its place and its time. */
export function quoteOf(event: Event, { withDates, fileName }: QuoteStyle): Quote {
  const { origin } = event;
  return {
    place: `${origin.file.host} ${fileName(origin.file)}:${origin.line}`,
    written: withDates ? origin.written : timeOfDay(origin.written),
    message: messageOf(event),
  };
}

/** The time without the date, where the head of the report names the only one; `bridge monitor` spreads its over six words. */
function timeOfDay(written: string): string {
  return written.replace(/^\d{4}-\d\d-\d\d[T ]/, '').replace(/^\w{3} \w{3} +\d+ (\d\d:\d\d:\d\d) \d{4} (\d{6}) usec$/, '$1.$2');
}

/** The first line of what the record says, without time, level and logger; counters in words. */
export function messageOf(event: Event): string {
  const counters = countersOf(event);
  if (counters !== null) return counters;
  const { text, messageAt } = event.origin;
  return (
    text
      .slice(messageAt)
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '') ?? cut(text.trim(), 200)
  );
}
