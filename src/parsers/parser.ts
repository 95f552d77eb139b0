import type { EventBody } from '../model/event.ts';
import type { RejectReason, Source, Stamp } from '../model/source.ts';

/** Named groups of a matched record: the header's and the rule's. */
export type Groups = Readonly<Record<string, string | undefined>>;

/** What a rule may know besides the record's own text. */
export interface RecordContext {
  /** The VM the file is about, where its name says so. */
  readonly vm: string | null;
}

/** A whole record as the program printed it, and what it must yield. */
export interface Sample {
  readonly record: string;
  /** The file's VM, for files named after one. */
  readonly vm?: string;
  /** The time as written, its digits read as UTC: `2026-11-23T05:42:38.409Z`; `null` where the record has none. */
  readonly at: string | null;
  readonly events: readonly EventBody[];
}

/** One message that a program prints, and the events it means. */
export interface Rule {
  /** Unique in its parser, kebab-case. */
  readonly name: string;
  /** Releases whose source prints it so. */
  readonly versions: string;
  /**
   * Matches the message from its first character (anchored with ^; `s` where it spans lines). Its literal beginning is what
   * the scanner looks the rule up by, so begin with at least four literal characters, or list them in `starts`.
   */
  readonly message: RegExp;
  /** Literal beginnings (four characters or more), where `message` begins with an alternation. Empty: tried on every record. */
  readonly starts?: readonly string[];
  /** A literal within every such message. It is looked for before the message is matched: of rules that are tried on every record, most fail. */
  readonly contains?: string;
  /** Only converts. `null`: a plain record after all. A reason: the record claims to be this message and is broken. */
  event(groups: Groups, context: RecordContext): EventBody | readonly EventBody[] | RejectReason | null;
  readonly samples: readonly Sample[];
}

/** How the lines of one program read. Data and pure functions: no clock, no state, no I/O. */
export interface Parser {
  readonly source: Source;
  readonly title: string;
  /** Where the format is defined. */
  readonly reference: string;
  /** Whole path of a file that holds this source, its rotation suffix already taken off. */
  readonly paths: RegExp;
  /** A line that only this program prints: tells a file whose name says nothing. */
  readonly recognises: RegExp;
  /**
   * Sticky; matches a record's beginning up to its message. A line where it does not match continues the record before it.
   * Groups are handed to `time` and to the rules.
   */
  readonly header: RegExp;
  /**
   * The record's time; `null` where it has none of its own and takes the one last seen in its file (if any);
   * `'bad-time'` where what it has cannot be one.
   */
  time(groups: Groups): Stamp | null | 'bad-time';
  /**
   * The same from the text itself, where `at` a record begins: for programs that begin each with its time. Of a log that is kept line
   * by line every record is asked for its time, and to read the digits takes a tenth of what groups of the header take.
   */
  timeAt?(text: string, at: number): Stamp | 'bad-time';
  readonly rules: readonly Rule[];
}
