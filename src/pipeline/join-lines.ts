import { z } from 'zod';
import { createMasker } from '../ingest/mask.ts';
import type { Chunk, ChunkHeader } from '../model/chunk.ts';
import { SOURCES, type Source } from '../model/source.ts';
import { parsers } from '../parsers/index.ts';
import type { PlacedLine } from './shipped-lines.ts';

/** Makes records of lines. One for each partition. */
export interface LineJoiner {
  add(line: PlacedLine): void;
  /**
   * Records that began, or went on, since it was asked last. One that goes on comes again, longer and with the same identity, so that
   * nothing waits for a line that may never come.
   */
  take(): readonly Chunk[];
  /** Gives back a way to what is known now, for the lines that follow may come again. */
  mark(): () => void;
  /** The records that may go on, as many as have room in a note; another joiner goes on from it. */
  note(): string;
}

/** Lines that stand no further apart belong together; what writes them is quicker. */
const JOIN_MS = 1_000;
const MOST_RECORD_BYTES = 2 ** 18;
/** Of records that may go on, in memory. */
const MOST_OPEN_BYTES = 32 * 2 ** 20;
/** Characters of a note, less than any stream takes. */
const MOST_NOTE_CHARS = 3_900;
/** Empty lines that shippers leave out within a record, as bytes. */
const MOST_GAP_BYTES = 16;

interface Open {
  readonly header: ChunkHeader;
  readonly text: string;
  readonly bytes: number;
  readonly lastAt: number;
}

const header = z.object({
  cluster: z.string(),
  host: z.string(),
  source: z.enum(SOURCES),
  path: z.string(),
  fileId: z.string(),
  vm: z.string().nullable(),
  offset: z.number(),
  line: z.number(),
  zone: z.string(),
  observedAt: z.number(),
});
const notes = z.array(z.object({ header, text: z.string(), lastAt: z.number() }));

const begins = new Map<Source, RegExp>(parsers.map((parser) => [parser.source, parser.header]));

/** A joiner that goes on where the one of this note was. */
export function createLineJoiner(note: string | null): LineJoiner {
  const mask = createMasker();
  /** By file; the one that went on last is the last. */
  const open = new Map<string, Open>(
    openOf(note).map((each) => [keyOf(each.header), { ...each, bytes: Buffer.byteLength(each.text) }]),
  );
  /** By identity, in the order in which they began. */
  const touched = new Map<string, Open>();
  let openBytes = [...open.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  function put(key: string, record: Open): void {
    openBytes -= open.get(key)?.bytes ?? 0;
    open.delete(key);
    open.set(key, record);
    openBytes += record.bytes;
  }

  function touch(record: Open): void {
    touched.set(`${record.header.fileId} ${record.header.offset}`, record);
  }

  /** Forgets what cannot go on any more. */
  function forget(now: number): void {
    for (const [key, { bytes, lastAt }] of open) {
      if (openBytes <= MOST_OPEN_BYTES && now - lastAt <= JOIN_MS) return;
      open.delete(key);
      openBytes -= bytes;
    }
  }

  return {
    add(line) {
      const key = keyOf(line.header);
      const before = open.get(key);
      const joined = before === undefined || beginsRecord(line) ? null : gapBetween(before, line);
      if (before === undefined || joined === null) {
        const record = { header: line.header, text: line.text, bytes: Buffer.byteLength(line.text), lastAt: line.storedAt };
        // lines without their beginning are no record that others could belong to
        if (beginsRecord(line)) put(key, record);
        touch(record);
      } else {
        const text = `${before.text}${joined}${line.text}`;
        const bytes = before.bytes + joined.length + Buffer.byteLength(line.text);
        const longer = { header: before.header, text, bytes, lastAt: line.storedAt };
        put(key, longer);
        touch(longer);
      }
      forget(line.storedAt);
    },
    take() {
      const records = [...touched.values()];
      touched.clear();
      return records.map(({ header: own, text }) => ({ header: own, bytes: mask(Buffer.from(`${text}\n`)) }));
    },
    mark() {
      const then = [...open];
      const bytes = openBytes;
      return () => {
        touched.clear();
        open.clear();
        for (const [key, record] of then) open.set(key, record);
        openBytes = bytes;
      };
    },
    note: () => noteOf([...open.values()]),
  };
}

/** The latest of these, as many as have room. */
function noteOf(open: readonly Open[]): string {
  const kept: string[] = [];
  let chars = 2;
  for (const { header: own, text, lastAt } of open.toReversed()) {
    const each = JSON.stringify({ header: own, text, lastAt });
    if (chars + each.length + 1 > MOST_NOTE_CHARS) continue;
    kept.unshift(each);
    chars += each.length + 1;
  }
  return `[${kept.join(',')}]`;
}

function keyOf({ source, fileId }: ChunkHeader): string {
  return `${source} ${fileId}`;
}

function beginsRecord({ header: { source }, text }: PlacedLine): boolean {
  const pattern = begins.get(source);
  if (pattern === undefined) return true;
  pattern.lastIndex = 0;
  return pattern.test(text);
}

/** The line breaks between a record and a line that belongs to it; `null` where it does not. */
function gapBetween(record: Open, { header: { offset, host }, text, storedAt }: PlacedLine): string | null {
  if (Math.abs(storedAt - record.lastAt) > JOIN_MS || record.header.host !== host) return null;
  if (record.bytes + Buffer.byteLength(text) > MOST_RECORD_BYTES) return null;
  const gap = offset - record.header.offset - record.bytes;
  if (gap < 1) return null;
  // by place in the file the next line is there; by place in Kafka it is far behind
  return '\n'.repeat(gap <= MOST_GAP_BYTES ? gap : 1);
}

function openOf(note: string | null): readonly Omit<Open, 'bytes'>[] {
  if (note === null || note === '') return [];
  try {
    return notes.parse(JSON.parse(note));
  } catch {
    // of another release: records that went on then stay as they are
    return [];
  }
}
