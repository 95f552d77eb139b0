import type { EventBody, ParsedEvent } from '../model/event.ts';
import type { FileContext, Stamp } from '../model/source.ts';

/**
 * An event of a file that is known to both ends, as a worker sends it: structured clone copies an array of plain values for less
 * than nested objects, and loses nothing of them.
 */
export type EventRow = readonly [
  body: EventBody,
  line: number,
  offset: number,
  text: string,
  messageAt: number,
  written: string,
  ms: number | null,
  /** Where in `STAMP_FORMS`; 0 without a stamp. */
  form: number,
];

/** What a stamp is beside its ms. */
const STAMP_FORMS: readonly Omit<Stamp, 'ms'>[] = (['utc', 'local'] as const).flatMap((clock) =>
  (['nothing', 'year', 'date'] as const).map((missing) => ({ clock, missing })),
);

/** Fields of events whose texts come again and again. */
const REPEATED = ['kind', 'vm', 'monitor', 'mac', 'status', 'direction', 'pool', 'address', 'reason', 'how', 'level'] as const;

/** The event without its file. */
export function toRow({ body, origin, stamp }: ParsedEvent): EventRow {
  const { line, offset, text, messageAt, written } = origin;
  if (stamp === null) return [body, line, offset, text, messageAt, written, null, 0];
  const form = STAMP_FORMS.findIndex(({ clock, missing }) => clock === stamp.clock && missing === stamp.missing);
  return [body, line, offset, text, messageAt, written, stamp.ms, form];
}

/** Makes rows events again; `file` is that of the rows. */
export type RowReader = (row: EventRow, file: FileContext) => ParsedEvent;

/** A reader that holds each repeated text once, however often a copy of it arrives. */
export function createRowReader(): RowReader {
  const texts = new Map<string, string>();

  function once(text: string): string {
    const known = texts.get(text);
    if (known !== undefined) return known;
    texts.set(text, text);
    return text;
  }

  return ([body, line, offset, text, messageAt, written, ms, form], file) => {
    // the copy belongs to nobody else yet
    const own = body as unknown as Record<string, unknown>;
    for (const field of REPEATED) {
      const value = own[field];
      if (typeof value === 'string') own[field] = once(value);
    }
    const { clock, missing } = STAMP_FORMS[form] ?? { clock: 'utc', missing: 'nothing' };
    return {
      body,
      origin: { file, line, offset, text, messageAt, written },
      stamp: ms === null ? null : { ms, clock, missing },
    };
  };
}
