import type { EventBody, EventKind, Origin, ParsedEvent } from '../model/event.ts';
import type { FileTally, Tally } from '../model/input.ts';
import type { FileContext, RejectReason, Stamp, StepBack } from '../model/source.ts';
import { createCapture, type Capture } from './capture.ts';
import type { Parser, RecordContext, Rule } from './parser.ts';
import { quotedMessage, quotesAny } from './quoted.ts';
import { behind } from './pasted.ts';
import { compact, firstLine } from './text.ts';

/** A line longer than this is rejected; a record longer than this is cut at a line's end. */
export const MAX_RECORD_CHARS = 1 << 20;
const MAX_TEXT_CHARS = 1000;
/** Of records that come in thousands and say all in their fields. */
const MAX_NUMERIC_CHARS = 160;
const NUMERIC = new Set<EventKind>(['frame-seen', 'heartbeat-probe', 'job-sample']);
const MAX_HEAD_CHARS = 400;
/** Length of the literal beginnings by which rules are looked up. */
const KEY_CHARS = 4;

const MINUTE_MS = 60_000;
/** The end of daylight saving sets clocks back by an hour, on Lord Howe by half; a little more or less lies between two records. */
const MIN_STEP_BACK_MINUTES = 30;
const MAX_STEP_BACK_MINUTES = 90;
/** Steps that are kept of one file: a log of years has some, one whose lines are shuffled must not fill the memory. */
const MAX_STEPS_BACK = 64;

/** Reads the text of one file, in pieces of any size. */
export interface Scanner {
  /** `text`: the next bytes, each one a character (latin1); `ascii`: it is known that none is above 127. */
  push(text: string, ascii?: boolean): void;
  end(): FileTally;
}

interface Pending {
  readonly start: number;
  readonly messageAt: number;
  readonly line: number;
  readonly rules: readonly RuleCapture[];
}

/** What becomes of a record; `continued`: a line that belongs to the record before it. */
export type RecordOutcome = 'events' | 'plain' | 'continued' | RejectReason;

/** Is told of every record, also of those that mean nothing. Lines count from 1 in the file. */
export interface RecordWatch {
  /** A record begins; `stamp` is its own time, or the one last seen. It is plain unless `ended` says otherwise. */
  begins(line: number, stamp: Stamp | null): void;
  ended(line: number, outcome: RecordOutcome): void;
}

/** Where in its file a text begins, and who wants to know more than events. */
export interface ScanStart {
  /** Bytes of the file before the text. */
  readonly offset: number;
  /** Line breaks in the file before the text. */
  readonly line: number;
  readonly watch: RecordWatch | null;
  /** Sticky: what stands before the log's own text on each line, where it was pasted from elsewhere. */
  readonly pasted?: RegExp;
}

const FILE_START: ScanStart = { offset: 0, line: 0, watch: null };

/** What some editors put before a text, its bytes as characters. */
const BYTE_ORDER_MARK = '\u00EF\u00BB\u00BF';

/** Finds records in a file's text and turns them into events; the order of calls to `emit` is the order of the file. */
export function createScanner(parser: Parser, file: FileContext, emit: (event: ParsedEvent) => void): Scanner {
  return createScannerAt(parser, file, { emit, start: FILE_START });
}

/** Where the events of one file go, and where its text begins. */
export interface ScanOptions {
  emit(event: ParsedEvent): void;
  readonly start: ScanStart;
}

/** The same for a part of a file that begins with a record. */
export function createScannerAt(parser: Parser, file: FileContext, options: ScanOptions): Scanner {
  return new FileScanner(parser, createReader(parser, file, options), options.start);
}

/** Cuts a file's text into records. A class, for its fields are touched on every line, and closures over as many variables are no shorter. */
class FileScanner implements Scanner {
  readonly #header: RegExp;
  readonly #lookUp: Prepared['lookUp'];
  readonly #reader: Reader;
  #buffer = '';
  /** It is known that no character of the buffer is above 127. */
  #ascii = false;
  /** Bytes of the file before the buffer. */
  #base = 0;
  /** Where in the buffer the next unread line begins. */
  #cursor = 0;
  #lines = 0;
  #records = 0;
  /** The buffer holds a quoted sentence somewhere. */
  #quoting = false;
  /** The beginning of the line in the buffer was overlong and is dropped already. */
  #skipping = false;
  #pending: Pending | null = null;
  /** A record has begun. */
  #begun = false;
  /** Of the first record that has a time: a log may begin with records that have none. */
  #first: Stamp | null = null;
  #lastHead: string | null = null;
  #lastHeadAt = -1;
  /** Where in a record's header hours and minutes stand; -1 where records are in UTC or have no such time. */
  #clockAt = -1;
  /** Hours and minutes of the record before, as minutes; from the same zero as others of this file only. */
  #lastMinute = 0;
  readonly #stepsBack: StepBack[] = [];

  readonly #watch: RecordWatch | null;
  readonly #pasted: RegExp | null;
  /** Lines of the file before the text. */
  readonly #linesBefore: number;

  constructor(parser: Parser, reader: Reader, { offset, line, watch, pasted }: ScanStart) {
    this.#header = parser.header;
    this.#lookUp = preparedOf(parser).lookUp;
    this.#reader = reader;
    this.#base = offset;
    this.#lines = line;
    this.#linesBefore = line;
    this.#watch = watch;
    this.#pasted = pasted ?? null;
  }

  push(text: string, ascii = false): void {
    this.#ascii = ascii && !BEYOND_ASCII.test(this.#buffer);
    const buffer = this.#buffer === '' ? text : this.#buffer + text;
    this.#buffer = buffer;
    this.#quoting = quotesAny(buffer);
    let start = this.#cursor;
    for (let end = buffer.indexOf('\n', start); end >= 0; end = buffer.indexOf('\n', start)) {
      this.#readLine(start, end);
      start = end + 1;
    }
    this.#cursor = start;
    this.#shift();
  }

  end(): FileTally {
    if (this.#cursor < this.#buffer.length || this.#skipping) {
      this.#readLine(this.#cursor, this.#buffer.length);
      this.#cursor = this.#buffer.length;
    }
    this.#finish(this.#buffer.length);
    this.#shift();
    const { withEvents, rejected, timeOf, lastStamp } = this.#reader;
    const counts = rejected();
    const lost = Object.values(counts).reduce((sum, n) => sum + n, 0);
    return {
      lines: this.#lines - this.#linesBefore,
      records: this.#records,
      withEvents: withEvents(),
      plain: this.#records - withEvents() - lost,
      rejected: counts,
      first: this.#first,
      last: timeOf(this.#lastHead) ?? lastStamp(),
      stepsBack: this.#stepsBack,
    };
  }

  #readLine(start: number, end: number): void {
    this.#lines += 1;
    if (this.#skipping || end - start > MAX_RECORD_CHARS) {
      this.#finish(start);
      this.#skipping = false;
      return this.#rejectLine('too-long');
    }
    const header = this.#header;
    const from = this.#textAt(start, end);
    header.lastIndex = from;
    if (header.test(this.#buffer) && header.lastIndex <= end) {
      const messageAt = header.lastIndex;
      this.#finish(start);
      this.#startRecord(from, messageAt, end);
    } else if (end > start && this.#buffer.charCodeAt(start) === 0) {
      this.#readBehindNuls(start, end);
    } else if (this.#pending !== null) {
      if (end - this.#pending.start > MAX_RECORD_CHARS) this.#finish(start);
    } else if (!this.#begun && end > start) {
      // before the first header there is no record that a line could continue
      this.#rejectLine('no-header');
    }
  }

  /** Where the log's own text of a line begins. */
  #textAt(start: number, end: number): number {
    if (this.#lines === 1 && this.#buffer.startsWith(BYTE_ORDER_MARK, start)) return start + BYTE_ORDER_MARK.length;
    return this.#pasted === null ? start : behind(this.#pasted, this.#buffer.slice(start, end)) + start;
  }

  /** After a reset of the host a log goes on right behind the NUL bytes that the reset left in it; they are no text of any record. */
  #readBehindNuls(start: number, end: number): void {
    let text = start;
    while (text < end && this.#buffer.charCodeAt(text) === 0) text += 1;
    this.#finish(start);
    this.#header.lastIndex = text;
    if (this.#header.test(this.#buffer) && this.#header.lastIndex <= end) this.#startRecord(text, this.#header.lastIndex, end);
    else if (!this.#begun) this.#rejectLine('no-header');
  }

  #startRecord(start: number, messageAt: number, end: number): void {
    this.#records += 1;
    this.#begun = true;
    if (this.#first === null) {
      this.#first = this.#reader.timeOf(this.#buffer.slice(start, start + MAX_HEAD_CHARS));
      const local = this.#first?.clock === 'local';
      this.#clockAt = local ? this.#buffer.slice(start, messageAt).search(/\d\d:\d\d:\d\d/) : -1;
    }
    if (this.#clockAt >= 0) this.#followClock(start);
    this.#lastHeadAt = start;
    this.#watch?.begins(this.#lines, this.#reader.stampAt(this.#buffer, start));
    const rules = this.#lookUp(this.#buffer, messageAt);
    if (rules.length > 0 || (this.#quoting && quotesAny(this.#buffer.slice(messageAt, end)))) {
      this.#pending = { start, messageAt, line: this.#lines, rules };
    }
  }

  /** Looks at hours and minutes only, for it is done on every record; reads whole times where these go back. */
  #followClock(start: number): void {
    const buffer = this.#buffer;
    const at = start + this.#clockAt;
    const hours = buffer.charCodeAt(at) * 10 + buffer.charCodeAt(at + 1);
    const minute = hours * 60 + buffer.charCodeAt(at + 3) * 10 + buffer.charCodeAt(at + 4);
    const back = this.#lastMinute - minute;
    this.#lastMinute = minute;
    if (back >= MIN_STEP_BACK_MINUTES && back <= MAX_STEP_BACK_MINUTES) this.#noteStep(start);
  }

  #noteStep(start: number): void {
    const before =
      this.#lastHeadAt < 0 ? this.#lastHead : this.#buffer.slice(this.#lastHeadAt, this.#lastHeadAt + MAX_HEAD_CHARS);
    const last = this.#reader.timeOf(before);
    const stamp = this.#reader.timeOf(this.#buffer.slice(start, start + MAX_HEAD_CHARS));
    if (last === null || stamp === null || this.#stepsBack.length >= MAX_STEPS_BACK) return;
    // not where a day, or more, lies between
    if (Math.abs(last.ms - stamp.ms) <= (MAX_STEP_BACK_MINUTES + 1) * MINUTE_MS)
      this.#stepsBack.push({ offset: this.#base + start, stamp });
  }

  #finish(end: number): void {
    if (this.#pending === null) return;
    const { start, line, rules } = this.#pending;
    const { text, messageAt } = recordText(this.#buffer, this.#pending, { end, ascii: this.#ascii, pasted: this.#pasted });
    this.#pending = null;
    this.#reader.read({ text, messageAt, line, offset: this.#base + start, rules });
  }

  #rejectLine(reason: RejectReason): void {
    this.#records += 1;
    this.#reader.reject(reason);
    this.#watch?.ended(this.#lines, reason);
  }

  /** Drops what is read; keeps the record that may go on and the line that has not ended. */
  #shift(): void {
    if (this.#lastHeadAt >= 0) this.#lastHead = compact(this.#buffer.slice(this.#lastHeadAt, this.#lastHeadAt + MAX_HEAD_CHARS));
    this.#lastHeadAt = -1;
    if (this.#buffer.length - this.#cursor > MAX_RECORD_CHARS) {
      this.#finish(this.#cursor);
      this.#skipping = true;
      this.#cursor = this.#buffer.length;
    }
    const keep = this.#pending?.start ?? this.#cursor;
    this.#buffer = this.#buffer.slice(keep);
    this.#base += keep;
    this.#cursor -= keep;
    if (this.#pending !== null) this.#pending = { ...this.#pending, start: 0, messageAt: this.#pending.messageAt - keep };
  }
}

/** A whole record that some rule may match. */
interface WholeRecord {
  readonly text: string;
  readonly messageAt: number;
  readonly line: number;
  readonly offset: number;
  readonly rules: readonly RuleCapture[];
}

/** Turns the records of one file into events, and counts what became of them. */
interface Reader {
  read(record: WholeRecord): void;
  reject(reason: RejectReason): void;
  withEvents(): number;
  rejected(): Tally['rejected'];
  /** The time of a record, by its beginning. */
  timeOf(head: string | null): Stamp | null;
  /** Of the last record read that has a time. */
  lastStamp(): Stamp | null;
  /** The time of the record that begins there, or the one last seen where it has none. */
  stampAt(buffer: string, start: number): Stamp | null;
}

function createReader(parser: Parser, file: FileContext, { emit, start: { watch } }: ScanOptions): Reader {
  const { captureHeader } = preparedOf(parser);
  const context: RecordContext = { vm: file.vm };
  const rejected: Partial<Record<RejectReason, number>> = {};
  let withEvents = 0;
  let lastStamp: Stamp | null = null;

  function reject(reason: RejectReason): void {
    rejected[reason] = (rejected[reason] ?? 0) + 1;
  }

  function timeOf(head: string | null): Stamp | null {
    if (head === null) return null;
    const stamp = parser.time(captureHeader(head, {}) ?? {});
    return stamp === 'bad-time' ? null : stamp;
  }

  /** The record's outcome. */
  function interpret(record: WholeRecord): RecordOutcome {
    const groups: Record<string, string | undefined> = {};
    captureHeader(record.text, groups);
    const written = groups['time'] ?? '';
    const stamp = parser.time(groups);
    if (stamp === 'bad-time') return 'bad-time';
    lastStamp = stamp ?? lastStamp;
    const message = record.text.slice(record.messageAt);
    const found = firstMatch(record.rules, message, { groups, context }) ?? quotedMessage(firstLine(message));
    if (found === null) return 'plain';
    if (typeof found === 'string') return found;
    const origin = originOf(file, record, { written, limit: textLimit(found) });
    for (const body of found) emit({ body, origin, stamp: stamp ?? lastStamp });
    return 'events';
  }

  return {
    read(record) {
      const outcome = interpret(record);
      if (outcome === 'events') withEvents += 1;
      else if (outcome !== 'plain' && outcome !== 'continued') reject(outcome);
      watch?.ended(record.line, outcome);
    },
    reject,
    withEvents: () => withEvents,
    rejected: () => rejected,
    timeOf,
    lastStamp: () => lastStamp,
    stampAt(buffer, start) {
      const stamp = parser.timeAt?.(buffer, start) ?? timeOf(buffer.slice(start, start + MAX_HEAD_CHARS));
      if (stamp !== 'bad-time') lastStamp = stamp ?? lastStamp;
      return lastStamp;
    },
  };
}

/** A record's further lines without what each was pasted with. */
function withoutPasted(raw: string, pasted: RegExp | null): string {
  if (pasted === null) return raw;
  const [first = '', ...further] = raw.split('\n');
  return [first, ...further.map((line) => line.slice(behind(pasted, line)))].join('\n');
}

interface RecordText {
  readonly text: string;
  readonly messageAt: number;
}

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13;
}

/** Copies the record out of the buffer (a slice would keep the whole buffer alive) and decodes it. */
function recordText(
  buffer: string,
  { start, messageAt }: Pending,
  { end, ascii, pasted }: { readonly end: number; readonly ascii: boolean; readonly pasted: RegExp | null },
): RecordText {
  let last = end;
  while (last > messageAt && isLineEnd(buffer.charCodeAt(last - 1))) last -= 1;
  const raw = withoutPasted(buffer.slice(start, last), pasted);
  const unixText = raw.includes('\r') ? raw.replace(/\r\n/g, '\n') : raw;
  const text = ascii ? compact(unixText) : decode(unixText);
  if (text.length === last - start) return { text, messageAt: messageAt - start };
  return { text, messageAt: decode(buffer.slice(start, messageAt)).length };
}

function textLimit(found: readonly EventBody[]): number {
  return found.some(({ kind }) => NUMERIC.has(kind)) ? MAX_NUMERIC_CHARS : MAX_TEXT_CHARS;
}

/** Not in the middle of a pair of surrogates. */
function wholeUpTo(text: string, limit: number): number {
  const last = text.charCodeAt(limit - 1);
  return last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit;
}

function originOf(
  file: FileContext,
  { text, line, offset, messageAt }: WholeRecord,
  { written, limit }: { readonly written: string; readonly limit: number },
): Origin {
  // copies, where a slice would keep a long record alive
  const cut = text.length > limit;
  return {
    file,
    line,
    offset,
    text: cut ? compact(text.slice(0, wholeUpTo(text, limit))) : text,
    messageAt,
    written: cut ? compact(written) : written,
  };
}

/** A rule with its message as a function. */
interface RuleCapture {
  readonly rule: Rule;
  readonly capture: Capture;
}

/** What the first rule that matches makes of the record; `null` where none does, or where it is a plain record after all. */
function firstMatch(
  rules: readonly RuleCapture[],
  message: string,
  { groups: ofHeader, context }: { readonly groups: Record<string, string | undefined>; readonly context: RecordContext },
): readonly EventBody[] | RejectReason | null {
  for (const { rule, capture } of rules) {
    if (rule.contains !== undefined && !message.includes(rule.contains)) continue;
    // added to the header's groups, which nobody else holds
    const groups = capture(message, ofHeader);
    if (groups === null) continue;
    const found = rule.event(groups, context);
    if (found === null) return null;
    return typeof found === 'string' || 'length' in found ? found : [found];
  }
  return null;
}

/** What is made of a parser once, for all the texts that it reads. */
interface Prepared {
  readonly captureHeader: Capture;
  /** The rules that a message beginning at `at` can match, in the order the parser lists them. */
  readonly lookUp: (buffer: string, at: number) => readonly RuleCapture[];
}

const prepared = new WeakMap<Parser, Prepared>();

function preparedOf(parser: Parser): Prepared {
  const known = prepared.get(parser);
  if (known !== undefined) return known;
  const made: Prepared = { captureHeader: createCapture(parser.header), lookUp: ruleIndex(parser.rules) };
  prepared.set(parser, made);
  return made;
}

function ruleIndex(parsed: readonly Rule[]): Prepared['lookUp'] {
  const rules = parsed.map((rule) => ({ rule, capture: createCapture(rule.message) }));
  const always = rules.filter(({ rule }) => literalStarts(rule).length === 0);
  const byKey = new Map<number, RuleCapture[]>();
  for (const one of rules) {
    for (const key of new Set(literalStarts(one.rule).map((start) => keyAt(start, 0)))) {
      byKey.set(key, [...(byKey.get(key) ?? []), one]);
    }
  }
  const combined = new Map(
    [...byKey].map(([key, list]) => [key, rules.filter((one) => list.includes(one) || always.includes(one))]),
  );
  return (buffer, at) => combined.get(keyAt(buffer, at)) ?? always;
}

function keyAt(text: string, at: number): number {
  let key = 0;
  for (let i = 0; i < KEY_CHARS; i += 1) key = (key << 8) | (text.charCodeAt(at + i) & 0xff);
  return key;
}

/** The literal beginnings of a rule's message, four characters or more each; empty where it has none. */
export function literalStarts(rule: Rule): readonly string[] {
  if (rule.starts !== undefined) return rule.starts;
  const literal = /^\^((?:[A-Za-z0-9 ,:;'"_=<>/-]|\\[.[\](){}?*+^$|/\\-])+)(?![?*{])/.exec(rule.message.source)?.[1] ?? '';
  const text = literal.replace(/\\(.)/g, '$1');
  return text.length >= KEY_CHARS ? [text] : [];
}

/** A byte of UTF-8 that is no character by itself. */
const BEYOND_ASCII = /[\u0080-\u00ff]/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Latin1 characters that stand for bytes → the text they encode; bytes that are not UTF-8 stay as Latin1. */
function decode(latin1: string): string {
  if (!BEYOND_ASCII.test(latin1)) return compact(latin1);
  try {
    return utf8.decode(Uint8Array.from(latin1, (char) => char.charCodeAt(0)));
  } catch {
    return compact(latin1);
  }
}
