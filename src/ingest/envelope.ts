import { z } from 'zod';
import type { FileTally } from '../model/input.ts';
import { createJournalUnwrap } from './envelope-journal.ts';
import { objectIn, readLines, type Framing, type Unwrap } from './envelope-framing.ts';
import { journalLineOf } from './journal-entry.ts';
import { exportFields, readExport } from './journal-export.ts';

/** Lines of a file's beginning by which its envelope is told: the first may be cut. */
const LOOKED_AT = 5;

/** A line of docker's `json-file` log. */
const dockerLine = z.looseObject({ log: z.string(), stream: z.enum(['stdout', 'stderr']), time: z.string() });

/** Takes a log's own text out of a file that has each record in an envelope: an entry of the journal, a line of a container's log. */
export interface Envelope {
  /** The next bytes, each one a character → text of the log, its bytes as characters. */
  push(text: string): string;
  /** What is left where the file has ended. */
  end(): string;
  /** Where in the file a line of the log's text stands; ask for lines in their order. */
  placeOf(line: number): Place;
  /** What was counted, in lines of the file and with what was no envelope. */
  tally(ofText: FileTally): FileTally;
  /** What is left out, in words; `null` where nothing is. */
  problem(): string | null;
}

/** A line of a file, and its first byte. */
export interface Place {
  readonly line: number;
  readonly offset: number;
}

/** The envelope that a file's records are in, by its beginning; `null` where they are in none. */
export function envelopeOf(head: string): Envelope | null {
  const lines = head.split('\n', LOOKED_AT);
  const objects = lines.map(objectIn);
  if (objects.some((fields) => journalLineOf(fields) !== null)) return createEnvelope(readLines, createJournalUnwrap(objectIn));
  if (objects.some((fields) => dockerLine.safeParse(fields).success))
    return createEnvelope(readLines, { read: dockerText, problem: () => null });
  if (/^__CURSOR=.*\n__REALTIME_TIMESTAMP=\d+\n/m.test(head))
    return createEnvelope(readExport, createJournalUnwrap(exportFields));
  return null;
}

/** With its line break, but for a part of a long line. */
function dockerText(raw: string): string | null {
  return dockerLine.safeParse(objectIn(raw)).data?.log ?? null;
}

function createEnvelope(framing: Framing, unwrap: Unwrap): Envelope {
  const places = createPlaces();
  let rest = '';
  let base = 0;
  let line = 1;
  let broken = 0;

  function read(ended: boolean): string {
    const { records, length } = framing(rest, ended);
    let text = '';
    let at = 0;
    for (const { start, end } of records) {
      line += breaksIn(rest.slice(at, start));
      at = start;
      const found = unwrap.read(rest.slice(start, end));
      if (found === null) broken += 1;
      else {
        places.add(breaksIn(found), { line, offset: base + start });
        text += Buffer.from(found, 'utf8').toString('latin1');
      }
    }
    line += breaksIn(rest.slice(at, length));
    base += length;
    rest = rest.slice(length);
    return text;
  }

  return {
    push(text) {
      rest += text;
      return read(false);
    },
    end: () => read(true),
    placeOf: places.of,
    tally: (ofText) => ({
      ...ofText,
      lines: line - 1,
      records: ofText.records + broken,
      rejected: broken === 0 ? ofText.rejected : { ...ofText.rejected, 'bad-json': broken },
    }),
    problem: unwrap.problem,
  };
}

function breaksIn(text: string): number {
  let breaks = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) breaks += 1;
  return breaks;
}

interface Places {
  /** A record of the file gives text with so many line breaks. */
  add(breaks: number, place: Place): void;
  of(line: number): Place;
}

/** Where lines of the text stand in the file. Those before the last that was asked for are forgotten. */
function createPlaces(): Places {
  let kept: { readonly from: number; readonly place: Place }[] = [];
  let next = 1;
  let last = 0;
  return {
    add(breaks, place) {
      // a part of a line stands where its first part does
      if (next > last) kept.push({ from: next, place });
      last = next;
      next += breaks;
    },
    of(line) {
      const at = Math.max(
        0,
        kept.findLastIndex(({ from }) => from <= line),
      );
      kept = kept.slice(at);
      return kept[0]?.place ?? { line, offset: 0 };
    },
  };
}
