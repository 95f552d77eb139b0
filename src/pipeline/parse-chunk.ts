import { isAscii } from 'node:buffer';
import { latin1Pieces } from '../lib/latin1.ts';
import type { Chunk } from '../model/chunk.ts';
import type { ParsedEvent } from '../model/event.ts';
import type { Stamp } from '../model/source.ts';
import type { Parser } from '../parsers/parser.ts';
import { createScannerAt, type RecordOutcome, type RecordWatch } from '../parsers/scan.ts';
import { countsOf, type ChunkCounts, type ReadChunk } from '../store/chunk-rows.ts';
import type { StoredEvent } from '../store/rows.ts';
import { instantsOf, type ZoneCache } from './instant.ts';

/** What a chunk says. Made of the chunk alone: the same chunk gives the same. */
export interface ParsedChunk extends ReadChunk {
  /** In the order of the file, by the host's own clock. */
  readonly events: readonly StoredEvent[];
  readonly counts: ChunkCounts;
}

/** Reads one chunk by the rules of its program. */
export function parseChunk(chunk: Chunk, parser: Parser, zones: ZoneCache): ParsedChunk {
  const { header, bytes } = chunk;
  const lines = createLines(chunk, (stamps) => instantsOf(stamps, zones.zone(header.zone), header.observedAt));
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

type Stamps = readonly (Stamp | null)[];

interface Lines {
  readonly watch: RecordWatch;
  /** Of a chunk with so many lines. */
  end(count: number): Pick<ParsedChunk, 'at' | 'outcomes' | 'firstAt' | 'lastAt'> & {
    /** Numbers of lines whose records have a time that can be none. */
    readonly badTimes: ReadonlySet<number>;
  };
}

/** Notes of each line when its record was written and what became of it. */
function createLines({ header }: Chunk, instants: (stamps: Stamps) => readonly (number | null)[]): Lines {
  const outcomes: RecordOutcome[] = [];
  /** Of each record, and of which line it begins on, from 0. */
  const stamps: (Stamp | null)[] = [];
  const begun: number[] = [];

  function goOnTo(line: number): void {
    while (outcomes.length < line - header.line - 1) outcomes.push('continued');
  }

  const watch: RecordWatch = {
    begins(line, stamp) {
      goOnTo(line);
      begun.push(outcomes.length);
      stamps.push(stamp);
      outcomes.push('plain');
    },
    ended(line, outcome) {
      goOnTo(line + 1);
      // the collector cut the record that these lines go on from
      const cut = outcome === 'no-header' && header.offset > 0;
      outcomes[line - header.line - 1] = cut ? 'continued' : outcome;
    },
  };

  return {
    watch,
    end(count) {
      goOnTo(header.line + count + 1);
      const times = instants(stamps);
      const good = times.filter((ms) => ms !== null);
      const [firstAt = null, lastAt = null] = [good[0], good.at(-1)];
      const at = outcomes.map(() => firstAt ?? header.observedAt);
      const badTimes = new Set<number>();
      for (const [n, start] of begun.entries()) {
        const ms = times[n] ?? null;
        at.fill(ms ?? header.observedAt, start, begun[n + 1]);
        if (ms !== null) continue;
        badTimes.add(header.line + start + 1);
        outcomes[start] = 'bad-time';
      }
      return { at, outcomes, badTimes, firstAt, lastAt };
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
