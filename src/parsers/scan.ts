import type { EventBody, Origin, ParsedEvent } from '../model/event.ts';
import type { Tally } from '../model/input.ts';
import type { FileContext, RejectReason, Stamp } from '../model/source.ts';
import type { Groups, Parser, Rule } from './parser.ts';
import { quotedMessage, QUOTED } from './quoted.ts';

/** A line longer than this is rejected; a record longer than this is cut at a line's end. */
const MAX_RECORD_CHARS = 1 << 20;
const MAX_TEXT_CHARS = 1000;
const MAX_HEAD_CHARS = 400;
/** Length of the literal beginnings by which rules are looked up. */
const KEY_CHARS = 4;

/** Reads the text of one file, in pieces of any size. */
export interface Scanner {
  /** `text`: the next bytes, each one a character (latin1). */
  push(text: string): void;
  end(): Tally;
}

interface Pending {
  readonly start: number;
  readonly messageAt: number;
  readonly line: number;
  readonly rules: readonly Rule[];
}

/** Finds records in a file's text and turns them into events; the order of calls to `emit` is the order of the file. */
export function createScanner(parser: Parser, file: FileContext, emit: (event: ParsedEvent) => void): Scanner {
  const lookUp = ruleIndex(parser.rules);
  const { header } = parser;
  const rejected: Partial<Record<RejectReason, number>> = {};
  let buffer = '';
  /** Bytes of the file before `buffer`. */
  let base = 0;
  /** Where in `buffer` the next unread line begins. */
  let cursor = 0;
  let line = 0;
  let records = 0;
  let withEvents = 0;
  /** A record has begun: lines that begin none continue it. */
  let open = false;
  /** `buffer` holds a quoted sentence somewhere. */
  let quoting = false;
  /** The beginning of the line in `buffer` was overlong and is dropped already. */
  let skipping = false;
  let pending: Pending | null = null;
  let firstHead: string | null = null;
  let lastHead: string | null = null;
  let lastHeadAt = -1;
  let lastStamp: Stamp | null = null;

  function reject(reason: RejectReason): void {
    rejected[reason] = (rejected[reason] ?? 0) + 1;
  }

  function finish(end: number): void {
    if (pending === null) return;
    const candidate = pending;
    pending = null;
    const record = readRecord(buffer, candidate, end);
    const groups = headerGroups(header, record.text);
    const stamp = parser.time(groups);
    if (stamp === 'bad-time') return reject('bad-time');
    lastStamp = stamp ?? lastStamp;
    const message = record.text.slice(record.messageAt);
    const found = firstMatch(candidate.rules, message, groups, file) ?? quotedMessage(firstLine(message));
    if (found === null) return;
    if (typeof found === 'string') return reject(found);
    withEvents += 1;
    const origin = originOf(file, candidate, base, record, groups['time']);
    for (const body of found) emit({ body, origin, stamp: stamp ?? lastStamp });
  }

  function startRecord(start: number, messageAt: number, end: number): void {
    records += 1;
    open = true;
    firstHead ??= compact(buffer.slice(start, start + MAX_HEAD_CHARS));
    lastHeadAt = start;
    const rules = lookUp(buffer, messageAt);
    if (rules.length > 0 || (quoting && QUOTED.test(buffer.slice(messageAt, end)))) {
      pending = { start, messageAt, line, rules };
    }
  }

  function rejectLine(reason: RejectReason): void {
    records += 1;
    reject(reason);
  }

  function readLine(start: number, end: number): void {
    line += 1;
    if (skipping || end - start > MAX_RECORD_CHARS) {
      finish(start);
      skipping = false;
      return rejectLine('too-long');
    }
    header.lastIndex = start;
    if (header.test(buffer) && header.lastIndex <= end) {
      const messageAt = header.lastIndex;
      finish(start);
      startRecord(start, messageAt, end);
    } else if (pending !== null && end - pending.start > MAX_RECORD_CHARS) {
      finish(start);
    } else if (!open && end > start) {
      rejectLine('no-header');
    }
  }

  function readLines(): void {
    for (let end = buffer.indexOf('\n', cursor); end >= 0; end = buffer.indexOf('\n', cursor)) {
      readLine(cursor, end);
      cursor = end + 1;
    }
  }

  /** Drops what is read; keeps the record that may go on and the line that has not ended. */
  function shift(): void {
    if (lastHeadAt >= 0) lastHead = compact(buffer.slice(lastHeadAt, lastHeadAt + MAX_HEAD_CHARS));
    lastHeadAt = -1;
    if (buffer.length - cursor > MAX_RECORD_CHARS) {
      finish(cursor);
      skipping = true;
      cursor = buffer.length;
    }
    const keep = pending?.start ?? cursor;
    buffer = buffer.slice(keep);
    base += keep;
    cursor -= keep;
    if (pending !== null) pending = { ...pending, start: 0, messageAt: pending.messageAt - keep };
  }

  function timeOf(head: string | null): Stamp | null {
    if (head === null) return null;
    const stamp = parser.time(headerGroups(header, head));
    return stamp === 'bad-time' ? null : stamp;
  }

  return {
    push(text) {
      buffer = buffer === '' ? text : buffer + text;
      quoting = QUOTED.test(buffer);
      readLines();
      shift();
    },
    end() {
      if (cursor < buffer.length || skipping) {
        readLine(cursor, buffer.length);
        cursor = buffer.length;
      }
      finish(buffer.length);
      shift();
      const lost = Object.values(rejected).reduce((sum, n) => sum + n, 0);
      return { lines: line, records, withEvents, plain: records - withEvents - lost, rejected, first: timeOf(firstHead), last: timeOf(lastHead) };
    },
  };
}

interface RecordText {
  readonly text: string;
  readonly messageAt: number;
}

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13;
}

/** Copies the record out of the buffer (a slice would keep the whole buffer alive) and decodes it. */
function readRecord(buffer: string, candidate: Pending, end: number): RecordText {
  let last = end;
  while (last > candidate.messageAt && isLineEnd(buffer.charCodeAt(last - 1))) last -= 1;
  const raw = buffer.slice(candidate.start, last).replace(/\r\n/g, '\n');
  const head = decode(buffer.slice(candidate.start, candidate.messageAt));
  return { text: decode(raw), messageAt: head.length };
}

function originOf(file: FileContext, candidate: Pending, base: number, record: RecordText, written: string | undefined): Origin {
  return {
    file,
    line: candidate.line,
    offset: base + candidate.start,
    text: record.text.length > MAX_TEXT_CHARS ? compact(record.text.slice(0, MAX_TEXT_CHARS)) : record.text,
    messageAt: record.messageAt,
    written: written ?? '',
  };
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

function headerGroups(header: RegExp, text: string): Groups {
  header.lastIndex = 0;
  return header.exec(text)?.groups ?? {};
}

function firstMatch(rules: readonly Rule[], message: string, header: Groups, file: FileContext): readonly EventBody[] | RejectReason | null {
  for (const rule of rules) {
    const match = rule.message.exec(message);
    if (match === null) continue;
    const found = rule.event({ ...header, ...match.groups }, { vm: file.vm });
    if (found === null) return null;
    return typeof found === 'string' || 'length' in found ? found : [found];
  }
  return null;
}

/** Looks up the rules that a message beginning at `at` can match, in the order the parser lists them. */
function ruleIndex(rules: readonly Rule[]): (buffer: string, at: number) => readonly Rule[] {
  const always = rules.filter((rule) => literalStarts(rule).length === 0);
  const byKey = new Map<number, Rule[]>();
  for (const rule of rules) {
    for (const key of new Set(literalStarts(rule).map((start) => keyAt(start, 0)))) {
      byKey.set(key, [...(byKey.get(key) ?? []), rule]);
    }
  }
  const combined = new Map([...byKey].map(([key, list]) => [key, rules.filter((rule) => list.includes(rule) || always.includes(rule))]));
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

/** A copy that does not keep the text it was cut from in memory. */
function compact(text: string): string {
  return (' ' + text).slice(1);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Latin1 characters that stand for bytes → the text they encode; bytes that are not UTF-8 stay as Latin1. */
function decode(latin1: string): string {
  if (!/[\u0080-\u00ff]/.test(latin1)) return compact(latin1);
  try {
    return utf8.decode(Uint8Array.from(latin1, (char) => char.charCodeAt(0)));
  } catch {
    return compact(latin1);
  }
}
