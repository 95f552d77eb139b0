import type { EventBody } from '../model/event.ts';
import type { RejectReason, Source, Stamp } from '../model/source.ts';
import type { Groups, Parser, Rule } from './parser.ts';
import { messageOf, ruleFor, scanText, type Scan } from './samples.ts';
import { literalStarts } from './scan.ts';

/** What becomes of a record, and why. */
export type Explanation = Understood | Plain | Rejected | NoHeader;

interface Explained {
  /** As it was given. */
  readonly record: string;
  readonly source: Source;
  /** As written; `null` where the record has none. */
  readonly time: Stamp | null;
  /** What the header captures. */
  readonly header: Groups;
}

/** It means something. */
export interface Understood extends Explained {
  readonly outcome: 'events';
  /** `null`: a sentence that guides quote and no program prints is in it. */
  readonly rule: Rule | null;
  /** What the message's pattern captures. */
  readonly groups: Groups;
  readonly events: readonly EventBody[];
}

/** It is kept and means nothing special. */
export interface Plain extends Explained {
  readonly outcome: 'plain';
  /** A rule that matches it and finds nothing in it; mostly there is none. */
  readonly rule: Rule | null;
  /** Rules that begin most alike, the nearest first. */
  readonly nearest: readonly NearRule[];
}

/** It cannot be read. */
export interface Rejected extends Explained {
  readonly outcome: 'rejected';
  readonly reason: RejectReason;
  readonly rule: Rule | null;
}

/** It does not begin as any record of the parsers that were tried. */
export interface NoHeader {
  readonly outcome: 'no-header';
  readonly record: string;
  readonly tried: readonly Source[];
}

/** A rule that does not match, and how far it is alike. */
export interface NearRule {
  readonly rule: Rule;
  /** What the message and the literal beginning of the rule share. */
  readonly shared: string;
  /** The whole literal beginning is there: what follows it differs. */
  readonly whole: boolean;
}

/** What is known of a text besides its lines. */
export interface ExplainContext {
  /** `null`: the parser is the one that reads the first record best. */
  readonly source: Source | null;
  readonly vm: string | null;
}

/** Says of every record of a text what becomes of it. All lines are of one program. */
export function explainText(parsers: readonly Parser[], text: string, { source, vm }: ExplainContext): readonly Explanation[] {
  const tried = parsers.filter((parser) => source === null || parser.source === source);
  const lines = text.replace(/\r\n/g, '\n').replace(/\n+$/, '').split('\n');
  const parser = bestParser(tried, lines);
  if (parser === null) return [{ outcome: 'no-header', record: lines.join('\n'), tried: tried.map((one) => one.source) }];
  return recordsOf(parser, lines).map((record) =>
    messageOf(parser, record) === null
      ? { outcome: 'no-header', record, tried: [parser.source] }
      : explainRecord(parser, record, vm),
  );
}

/** Lines at the beginning that may belong to a record whose own beginning is missing. */
const MOST_HEADLESS = 200;

/** The parser that understands the first record, else knows it by its looks, else reads its header; `null` where none reads any. */
function bestParser(parsers: readonly Parser[], lines: readonly string[]): Parser | null {
  const [only] = parsers;
  if (only !== undefined && parsers.length === 1) return only;
  for (let from = 0; from < Math.min(lines.length, MOST_HEADLESS); from += 1) {
    const scored = parsers.map((parser) => ({ parser, score: beginningScore(parser, lines.slice(from, from + MOST_LOOKED_AT)) }));
    const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
    if (best.score > 0) return best.parser;
  }
  return null;
}

/** Lines that are looked at to tell whose they are. */
const MOST_LOOKED_AT = 400;

const UNDERSTOOD = 10;
const RECOGNISED = 5;

/** How well a parser reads the first record; where two read it alike, the second one tells. */
function beginningScore(parser: Parser, lines: readonly string[]): number {
  const [first = '', second = ''] = recordsOf(parser, lines);
  const score = recordScore(parser, first);
  return score === 0 ? 0 : score + recordScore(parser, second) / 100;
}

function recordScore(parser: Parser, record: string): number {
  const message = messageOf(parser, record);
  const [line = ''] = record.split('\n');
  if (message === null || line === '') return 0;
  const understood = ruleFor(parser, record) !== null && scanRecord(parser, record, null).events.length > 0;
  // some programs print records without any header: one that captures nothing speaks for none
  const headed = message.length < record.trimEnd().length;
  return Number(understood) * UNDERSTOOD + Number(parser.recognises.test(line)) * RECOGNISED + Number(headed);
}

/** Lines that continue a record stay with it; those before the first record are one. */
function recordsOf(parser: Parser, lines: readonly string[]): readonly string[] {
  const records: string[] = [];
  for (const line of lines) {
    if (records.length === 0 || messageOf(parser, line) !== null) records.push(line);
    else records[records.length - 1] += `\n${line}`;
  }
  return records;
}

function explainRecord(parser: Parser, record: string, vm: string | null): Explanation {
  parser.header.lastIndex = 0;
  const header = parser.header.exec(record)?.groups ?? {};
  const time = parser.time(header);
  const rule = ruleFor(parser, record);
  const message = messageOf(parser, record) ?? '';
  const explained: Explained = { record, source: parser.source, header, time: time === 'bad-time' ? null : time };
  const { events, tally } = scanRecord(parser, record, vm);
  const [reason] = Object.keys(tally.rejected);
  if (reason !== undefined) return { ...explained, outcome: 'rejected', reason: reasonNamed(reason), rule };
  if (events.length === 0)
    return { ...explained, outcome: 'plain', rule, nearest: rule === null ? nearestRules(parser, message) : [] };
  const groups = rule?.message.exec(message)?.groups ?? {};
  return { ...explained, outcome: 'events', rule, groups, events: events.map(({ body }) => body) };
}

/** Stands for the VM of a log whose name tells it, where nobody said which. */
const UNNAMED_VM = 'the VM of the file';

function scanRecord(parser: Parser, record: string, vm: string | null): Scan {
  const scan = scanText(parser, record, vm);
  return scan.events.length === 0 && vm === null ? scanText(parser, record, UNNAMED_VM) : scan;
}

function reasonNamed(reason: string): RejectReason {
  // keys of a record by reject reason are reject reasons
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return reason as RejectReason;
}

/** Beginnings that share less say nothing. */
const SHARED_CHARS = 4;
const MOST_NEAR = 3;

function nearestRules({ rules }: Parser, message: string): readonly NearRule[] {
  return rules
    .flatMap((rule) => literalStarts(rule).map((start) => ({ rule, start, shared: sharedStart(start, message) })))
    .filter(({ shared }) => shared.length >= SHARED_CHARS)
    .toSorted((a, b) => b.shared.length - a.shared.length)
    .filter(({ rule }, i, all) => all.findIndex((other) => other.rule === rule) === i)
    .slice(0, MOST_NEAR)
    .map(({ rule, start, shared }) => ({ rule, shared, whole: shared === start }));
}

function sharedStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}
