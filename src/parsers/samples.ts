import { isoTime } from '../lib/units.ts';
import type { ParsedEvent } from '../model/event.ts';
import type { FileTally } from '../model/input.ts';
import type { Parser, Rule, Sample } from './parser.ts';
import { createScanner } from './scan.ts';

/** What a parser makes of a text. */
export interface Scan {
  readonly events: readonly ParsedEvent[];
  readonly tally: FileTally;
}

/** Reads a text as one file of a parser's program, in the way every file is read. */
export function scanText(parser: Parser, text: string, vm: string | null): Scan {
  const events: ParsedEvent[] = [];
  const file = { host: 'this host', source: parser.source, path: 'text', vm };
  const scanner = createScanner(parser, file, (event) => events.push(event));
  scanner.push(latin1(text));
  return { events, tally: scanner.end() };
}

/** The message of a record, behind its header; `null` where the header does not match. */
export function messageOf({ header }: Parser, record: string): string | null {
  header.lastIndex = 0;
  return header.test(record) ? record.slice(header.lastIndex).replace(/\n+$/, '') : null;
}

/** The rule that decides about a record: the first one whose message matches. */
export function ruleFor(parser: Parser, record: string): Rule | null {
  const message = messageOf(parser, record);
  return message === null ? null : (parser.rules.find((rule) => rule.message.test(message)) ?? null);
}

/** A sample that does not yield what it must. */
export interface SampleProblem {
  readonly rule: string;
  readonly record: string;
  readonly what: string;
}

/** Reads every sample of a parser as a file of its own: each must yield exactly its events, at its time, by its own rule. */
export function sampleProblems(parser: Parser): readonly SampleProblem[] {
  return parser.rules.flatMap((rule) => rule.samples.flatMap((sample) => problemsOf(parser, rule, sample)));
}

/** What one sample of a rule does not yield as it must. */
export function problemsOf(parser: Parser, rule: Rule, sample: Sample): readonly SampleProblem[] {
  const { events } = scanText(parser, sample.record, sample.vm ?? null);
  const bodies = events.map(({ body }) => body);
  const times = events.map(({ stamp }) => (stamp === null ? null : isoTime(stamp.ms)));
  const decided = ruleFor(parser, sample.record)?.name ?? 'none';
  const wrong = [
    ...(same(bodies, sample.events) ? [] : [`yields ${JSON.stringify(bodies)} instead of ${JSON.stringify(sample.events)}`]),
    ...times
      .filter((time) => time !== sample.at)
      .map((time) => `is of ${time ?? 'no time'} instead of ${sample.at ?? 'no time'}`),
    ...(decided === rule.name ? [] : [`is decided by the rule ${decided}`]),
  ];
  return wrong.map((what) => ({ rule: rule.name, record: sample.record, what }));
}

/** A text as its bytes, each one a character: what scanners read. */
function latin1(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}

/** The same values under the same keys, in any order of keys. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key)))
  );
}
