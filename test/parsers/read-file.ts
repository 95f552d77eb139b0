import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventBody, ParsedEvent } from '../../src/model/event.ts';
import type { Parser } from '../../src/parsers/parser.ts';
import type { Tally } from '../../src/model/input.ts';
import { createScanner } from '../../src/parsers/scan.ts';

/** What a parser makes of a file. */
export interface Reading {
  readonly tally: Tally;
  readonly events: readonly ParsedEvent[];
  readonly bodies: readonly EventBody[];
}

/** Reads bytes as `latin1` text, in pieces that end anywhere, as a tail delivers them. */
export function readLatin1(parser: Parser, latin1: string, vm: string | null = null): Reading {
  const events: ParsedEvent[] = [];
  const scanner = createScanner(parser, { host: 'kvm-a', source: parser.source, path: 'file', vm }, (event) =>
    events.push(event),
  );
  for (let at = 0; at < latin1.length; at += 997) scanner.push(latin1.slice(at, at + 997));
  return { tally: scanner.end(), events, bodies: events.map((event) => event.body) };
}

export function readText(parser: Parser, text: string, vm: string | null = null): Reading {
  return readLatin1(parser, Buffer.from(text).toString('latin1'), vm);
}

export function readTestFile(parser: Parser, name: string): Reading {
  return readLatin1(parser, readFileSync(join(import.meta.dirname, '../data', name), 'latin1'));
}

const RECORDINGS = join(import.meta.dirname, '../../recordings');

/** Every recorded file that this parser claims, by its path in `recordings`. */
export function recordedFiles(parser: Parser): readonly string[] {
  return readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' }).filter((path) => parser.paths.test(path));
}

export function readRecording(parser: Parser, path: string): Reading {
  return readLatin1(parser, readFileSync(join(RECORDINGS, path), 'latin1'));
}

/** The times of the events, as written, ISO. */
export function timesOf({ events }: Reading): readonly (string | null)[] {
  return events.map(({ stamp }) => (stamp === null ? null : new Date(stamp.ms).toISOString()));
}
