import type { Chunk, ChunkHeader } from '../model/chunk.ts';
import type { Event, ParsedEvent } from '../model/event.ts';
import type { RejectReason } from '../model/source.ts';
import type { Parser } from '../parsers/parser.ts';
import { createScannerAt, type RecordOutcome, type RecordWatch } from '../parsers/scan.ts';
import { createInstants, type Instants, type ZoneCache } from './instant.ts';

/** An event with its place among those of its record. */
export interface ChunkEvent {
  readonly event: Event;
  /** From 0: one record can mean several. */
  readonly n: number;
}

/** A record that could not be read. */
export interface RejectedRecord {
  /** Bytes of the file before its line. */
  readonly offset: number;
  readonly line: number;
  readonly reason: RejectReason;
  readonly at: number;
  /** The line, cut at 1,000 characters. */
  readonly text: string;
}

/** What a chunk says. Made of the chunk alone: the same chunk gives the same. */
export interface ParsedChunk {
  readonly header: ChunkHeader;
  readonly bytes: Uint8Array;
  /** Of each line of the chunk, when its record was written; Unix ms. */
  readonly ats: readonly number[];
  /** Of each line, what became of it. */
  readonly outcomes: readonly RecordOutcome[];
  /** In the order of the file, by the host's own clock. */
  readonly events: readonly ChunkEvent[];
  readonly rejected: readonly RejectedRecord[];
  readonly counts: ChunkCounts;
  /** Times of the first and the last record; `null` where the chunk holds none. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
}

/** What became of a chunk's records; each is in one of the last three. */
export interface ChunkCounts {
  readonly lines: number;
  readonly records: number;
  readonly withEvents: number;
  readonly plain: number;
  readonly rejected: number;
}

const MAX_TEXT_CHARS = 1000;
const LINE_BREAK = 10;

/** Reads one chunk by the rules of its program. */
export function parseChunk(chunk: Chunk, parser: Parser, zones: ZoneCache): ParsedChunk {
  const { header, bytes } = chunk;
  const instants = createInstants(zones.zone(header.zone), header.observedAt);
  const lines = createLines(chunk, instants);
  const parsed: ParsedEvent[] = [];
  const file = { host: header.host, source: header.source, path: header.path, vm: header.vm };
  const start = { offset: header.offset, line: header.line, watch: lines.watch };
  const scanner = createScannerAt(parser, file, { emit: (event) => parsed.push(event), start });
  scanner.push(latin1(bytes));
  scanner.end();
  const { ats, outcomes, badTimes, firstAt, lastAt } = lines.end();
  const rejected = rejectedRecords(chunk, { ats, outcomes });
  const events = placed(
    parsed.filter(({ origin }) => !badTimes.has(origin.line)),
    (line) => ats[line - header.line - 1] ?? header.observedAt,
  );
  return { header, bytes, ats, outcomes, events, rejected, counts: countsOf(outcomes), firstAt, lastAt };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

interface Lines {
  readonly watch: RecordWatch;
  end(): Pick<ParsedChunk, 'ats' | 'outcomes' | 'firstAt' | 'lastAt'> & {
    /** Numbers of lines whose records have a time that can be none. */
    readonly badTimes: ReadonlySet<number>;
  };
}

/** Notes of each line when its record was written and what became of it. */
function createLines({ header, bytes }: Chunk, instants: Instants): Lines {
  const total = lineCount(bytes);
  const outcomes = Array.from<RecordOutcome>({ length: total }).fill('continued');
  const ats = Array.from<number>({ length: total }).fill(Number.NaN);
  const badTimes = new Set<number>();
  let firstAt: number | null = null;
  let lastAt: number | null = null;

  const watch: RecordWatch = {
    begins(line, stamp) {
      const at = instants(stamp);
      if (at === null) badTimes.add(line);
      else {
        firstAt ??= at;
        lastAt = at;
      }
      ats[line - header.line - 1] = at ?? header.observedAt;
      outcomes[line - header.line - 1] = at === null ? 'bad-time' : 'plain';
    },
    ended(line, outcome) {
      // the collector cut the record that these lines go on from
      const cut = outcome === 'no-header' && header.offset > 0;
      if (!badTimes.has(line)) outcomes[line - header.line - 1] = cut ? 'continued' : outcome;
    },
  };

  return {
    watch,
    end() {
      let at = firstAt ?? header.observedAt;
      for (const [i, own] of ats.entries()) {
        if (Number.isNaN(own)) ats[i] = at;
        else at = own;
      }
      return { ats, outcomes, badTimes, firstAt, lastAt };
    },
  };
}

function lineCount(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_BREAK); at >= 0; at = bytes.indexOf(LINE_BREAK, at + 1)) lines += 1;
  return bytes.length > 0 && bytes.at(-1) !== LINE_BREAK ? lines + 1 : lines;
}

/** Events in UTC: as the time of their line says. */
function placed(parsed: readonly ParsedEvent[], atOf: (line: number) => number): readonly ChunkEvent[] {
  let n = 0;
  let offset = -1;
  return parsed.map(({ body, origin }) => {
    n = origin.offset === offset ? n + 1 : 0;
    offset = origin.offset;
    return { event: { body, origin, at: atOf(origin.line) }, n };
  });
}

const READ = new Set<RecordOutcome>(['events', 'plain', 'continued']);

function isRejected(outcome: RecordOutcome): outcome is RejectReason {
  return !READ.has(outcome);
}

function rejectedRecords(
  { header, bytes }: Chunk,
  { ats, outcomes }: Pick<ParsedChunk, 'ats' | 'outcomes'>,
): readonly RejectedRecord[] {
  const rejected: RejectedRecord[] = [];
  if (!outcomes.some(isRejected)) return rejected;
  let start = 0;
  for (const [i, outcome] of outcomes.entries()) {
    const found = bytes.indexOf(LINE_BREAK, start);
    const end = found < 0 ? bytes.length : found;
    if (isRejected(outcome)) {
      const text = Buffer.from(bytes.subarray(start, Math.min(end, start + MAX_TEXT_CHARS))).toString('utf8');
      rejected.push({
        offset: header.offset + start,
        line: header.line + i + 1,
        reason: outcome,
        at: ats[i] ?? header.observedAt,
        text,
      });
    }
    start = end + 1;
  }
  return rejected;
}

function countsOf(outcomes: readonly RecordOutcome[]): ChunkCounts {
  let withEvents = 0;
  let plain = 0;
  let continued = 0;
  for (const outcome of outcomes) {
    if (outcome === 'events') withEvents += 1;
    else if (outcome === 'plain') plain += 1;
    else if (outcome === 'continued') continued += 1;
  }
  const records = outcomes.length - continued;
  return { lines: outcomes.length, records, withEvents, plain, rejected: records - withEvents - plain };
}
