import type { Chunk, ChunkHeader } from '../model/chunk.ts';
import { REJECT_REASONS, type RejectReason } from '../model/source.ts';
import { toTableBytes, type BinaryColumns, type TableBytes } from './row-binary.ts';

/** What became of a line: its record means something or not, it goes on with the record before, or its record was rejected. */
export const LINE_OUTCOMES = ['continued', 'plain', 'events', ...REJECT_REASONS] as const;

/** One of `LINE_OUTCOMES`. */
export type LineOutcome = (typeof LINE_OUTCOMES)[number];

/** A chunk as the processor read it. */
export interface ReadChunk extends Chunk {
  /** One a line, in their order: the time of its record, Unix ms; the time before, or `observedAt`, where nothing tells. */
  readonly at: readonly number[];
  /** One a line. */
  readonly outcomes: readonly LineOutcome[];
  /** Times of the first and the last record that have one. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
}

/** A row of the table `ranges`. */
export interface RangeRow {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly path: string;
  readonly file_id: string;
  readonly from_offset: number;
  readonly to_offset: number;
  readonly from_line: number;
  readonly to_line: number;
  readonly first_at: number | null;
  readonly last_at: number | null;
  readonly observed_at: number;
  readonly records: number;
  readonly with_events: number;
  readonly plain: number;
  readonly rejected: number;
}

/** A row of the table `rejected`. */
export interface RejectedRow {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly path: string;
  readonly file_id: string;
  readonly offset: number;
  readonly line: number;
  readonly reason: RejectReason;
  readonly at: number;
  readonly observed_at: number;
  readonly text: string;
}

const NEWLINE = 10;
const MAX_REJECTED_CHARS = 1000;
/** A character of UTF-8 has at most four bytes. */
const MAX_REJECTED_BYTES = 4 * MAX_REJECTED_CHARS;
/** `a`: the first of `LINE_OUTCOMES`. */
const FIRST_LETTER = 97;

const LETTERS = new Map<LineOutcome, string>(
  LINE_OUTCOMES.map((outcome, index) => [outcome, String.fromCharCode(FIRST_LETTER + index)]),
);
const REASONS: ReadonlySet<string> = new Set(REJECT_REASONS);

/** A row of `line_blocks`. */
interface BlockRow {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly path: string;
  readonly file_id: string;
  readonly vm: string;
  readonly offset: number;
  readonly line: number;
  readonly observed_at: number;
  /** Small numbers, one a line: since the time of the line before, of the first since `observed_at`; ms. */
  readonly steps: readonly number[];
  /** A letter a line. */
  readonly outcomes: string;
  readonly text: Uint8Array;
}

const BLOCK_COLUMNS: BinaryColumns<BlockRow> = {
  cluster: 'String',
  host: 'String',
  source: 'String',
  path: 'String',
  file_id: 'String',
  vm: 'String',
  offset: 'UInt64',
  line: 'UInt64',
  observed_at: "DateTime64(3, 'UTC')",
  steps: 'Array(Int64)',
  outcomes: 'String',
  text: 'String',
};

/** The lines of chunks, one row each, for the table `line_blocks`. */
export function toBlocks(chunks: readonly ReadChunk[]): TableBytes {
  return toTableBytes('line_blocks', BLOCK_COLUMNS, chunks.map(toBlockRow));
}

function toBlockRow({ header, bytes, at, outcomes }: ReadChunk): BlockRow {
  const { offset, line, vm, observedAt } = header;
  return {
    ...fileColumns(header),
    vm: vm ?? '',
    offset,
    line,
    observed_at: observedAt,
    steps: stepsOf(at, observedAt),
    outcomes: outcomes.map((outcome) => LETTERS.get(outcome)).join(''),
    text: bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes,
  };
}

function stepsOf(at: readonly number[], observedAt: number): readonly number[] {
  let last = observedAt;
  return at.map((instant) => {
    const step = instant - last;
    last = instant;
    return step;
  });
}

/** What arrived with a chunk. */
export function toRangeRow({ header, bytes, outcomes, firstAt, lastAt }: ReadChunk): RangeRow {
  const { records, withEvents, plain, rejected } = countsOf(outcomes);
  return {
    ...fileColumns(header),
    from_offset: header.offset,
    to_offset: header.offset + bytes.length,
    from_line: header.line,
    to_line: header.line + outcomes.length - (bytes.at(-1) === NEWLINE ? 0 : 1),
    first_at: firstAt,
    last_at: lastAt,
    observed_at: header.observedAt,
    records,
    with_events: withEvents,
    plain,
    rejected,
  };
}

/** What became of a chunk's records; each is in one of the last three. */
export interface ChunkCounts {
  readonly lines: number;
  readonly records: number;
  readonly withEvents: number;
  readonly plain: number;
  readonly rejected: number;
}

/** Counts the outcomes of lines. */
export function countsOf(outcomes: readonly LineOutcome[]): ChunkCounts {
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

/** The records of a chunk that could not be read. */
export function toRejectedRows({ header, bytes, at, outcomes }: ReadChunk): readonly RejectedRow[] {
  if (!outcomes.some(isReason)) return [];
  const starts = lineStarts(bytes);
  return outcomes.flatMap((reason, index) => {
    if (!isReason(reason)) return [];
    const next = outcomes.findIndex((other, later) => later > index && other !== 'continued');
    const start = starts[index] ?? 0;
    const end = next < 0 ? bytes.length : (starts[next] ?? bytes.length);
    const text = Buffer.from(bytes.subarray(start, Math.min(end, start + MAX_REJECTED_BYTES))).toString('utf8');
    return [
      {
        ...fileColumns(header),
        offset: header.offset + start,
        line: header.line + index + 1,
        reason,
        at: at[index] ?? header.observedAt,
        observed_at: header.observedAt,
        text: text.slice(0, MAX_REJECTED_CHARS).replace(/\n$/, ''),
      },
    ];
  });
}

/** How many lines the bytes hold; the last one may lack its line break. */
export function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return bytes.length > 0 && bytes.at(-1) !== NEWLINE ? lines + 1 : lines;
}

function lineStarts(bytes: Uint8Array): readonly number[] {
  const starts: number[] = bytes.length === 0 ? [] : [0];
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(NEWLINE, at + 1))
    starts.push(at + 1);
  return starts;
}

function isReason(outcome: LineOutcome): outcome is RejectReason {
  return REASONS.has(outcome);
}

function fileColumns({
  cluster,
  host,
  source,
  path,
  fileId,
}: ChunkHeader): Pick<RangeRow, 'cluster' | 'host' | 'source' | 'path' | 'file_id'> {
  return { cluster, host, source, path, file_id: fileId };
}
