import { isAscii } from 'node:buffer';
import { latin1Pieces } from '../lib/latin1.ts';
import type { Chunk } from '../model/chunk.ts';
import type { ParsedEvent } from '../model/event.ts';
import type { Parser } from '../parsers/parser.ts';
import { createScannerAt, type RecordOutcome, type RecordWatch } from '../parsers/scan.ts';
import { countsOf, type ChunkCounts, type ReadChunk } from '../store/chunk-rows.ts';
import type { StoredEvent } from '../store/rows.ts';
import { createInstants, type Instants, type ZoneCache } from './instant.ts';

/** What a chunk says. Made of the chunk alone: the same chunk gives the same. */
export interface ParsedChunk extends ReadChunk {
  /** In the order of the file, by the host's own clock. */
  readonly events: readonly StoredEvent[];
  readonly counts: ChunkCounts;
}

/** Reads one chunk by the rules of its program. */
export function parseChunk(chunk: Chunk, parser: Parser, zones: ZoneCache): ParsedChunk {
  const { header, bytes } = chunk;
  const instants = createInstants(zones.zone(header.zone), header.observedAt);
  const lines = createLines(chunk, instants);
  const parsed: ParsedEvent[] = [];
  const file = { host: header.host, source: header.source, path: header.path, vm: header.vm };
  const start = { offset: header.offset, line: header.line, watch: lines.watch };
  const scanner = createScannerAt(parser, file, { emit: (event) => parsed.push(event), start });
  const ascii = isAscii(bytes);
  for (const text of latin1Pieces(bytes)) scanner.push(text, ascii);
  const { badTimes, ...told } = lines.end(scanner.end().lines);
  const readable = parsed.filter(({ origin }) => !badTimes.has(origin.line));
  const events = placed(readable, header, (line) => told.at[line - header.line - 1] ?? header.observedAt);
  return { header, bytes, ...told, events, counts: countsOf(told.outcomes) };
}

interface Lines {
  readonly watch: RecordWatch;
  /** Of a chunk with so many lines. */
  end(count: number): Pick<ParsedChunk, 'at' | 'outcomes' | 'firstAt' | 'lastAt'> & {
    /** Numbers of lines whose records have a time that can be none. */
    readonly badTimes: ReadonlySet<number>;
  };
}

/** Notes of each line when its record was written and what became of it. */
function createLines({ header }: Chunk, instants: Instants): Lines {
  const outcomes: RecordOutcome[] = [];
  const at: number[] = [];
  const badTimes = new Set<number>();
  let firstAt: number | null = null;
  let lastAt: number | null = null;
  /** Of the last record that began. */
  let current: number | null = null;
  /** Lines before the first record. */
  let leading = 0;

  function goOnTo(line: number): void {
    for (let index = at.length; index < line - header.line - 1; index += 1) {
      if (current === null) leading += 1;
      at.push(current ?? header.observedAt);
      outcomes.push('continued');
    }
  }

  const watch: RecordWatch = {
    begins(line, stamp) {
      const instant = instants(stamp);
      if (instant === null) badTimes.add(line);
      else {
        firstAt ??= instant;
        lastAt = instant;
      }
      goOnTo(line);
      current = instant ?? header.observedAt;
      at.push(current);
      outcomes.push(instant === null ? 'bad-time' : 'plain');
    },
    ended(line, outcome) {
      goOnTo(line + 1);
      // the collector cut the record that these lines go on from
      const cut = outcome === 'no-header' && header.offset > 0;
      if (!badTimes.has(line)) outcomes[line - header.line - 1] = cut ? 'continued' : outcome;
    },
  };

  return {
    watch,
    end(count) {
      goOnTo(header.line + count + 1);
      return { at: at.fill(firstAt ?? header.observedAt, 0, leading), outcomes, badTimes, firstAt, lastAt };
    },
  };
}

/** Events in UTC: as the time of their line says. */
function placed(
  parsed: readonly ParsedEvent[],
  { cluster, fileId }: Chunk['header'],
  atOf: (line: number) => number,
): readonly StoredEvent[] {
  let n = 0;
  let offset = -1;
  return parsed.map(({ body, origin }) => {
    n = origin.offset === offset ? n + 1 : 0;
    offset = origin.offset;
    return { cluster, fileId, n, event: { body, origin, at: atOf(origin.line) } };
  });
}
