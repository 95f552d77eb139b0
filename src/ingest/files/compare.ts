import { openBacking, type Backing, type Place } from './backing.ts';
import type { Followed } from './followed.ts';
import { hasPrint, NO_PRINT, PRINT_BYTES, printOf, type Print } from './print.ts';

/**
 * What a file holds, beside a content that is known. `same`: all of it that was read, and maybe more. `part`: its beginning, less than
 * was read. `other`: something else.
 */
export type Likeness = 'same' | 'part' | 'other';

/** Of the common part of two files, so much of its end is compared. */
const COMPARED_BYTES = 1 << 16;

/** What a comparison by prints found: `tail` is what stands before the offset now. */
export interface Comparison {
  readonly likeness: Likeness;
  readonly tail: Print;
}

/** Compares a file with what is remembered of a content. */
export async function likenessByPrint(backing: Backing, { state }: Followed): Promise<Comparison> {
  const head = await backing.read(0, state.head.bytes);
  if (!hasPrint(head, state.head)) return { likeness: 'other', tail: NO_PRINT };
  const start = state.offset - state.tail.bytes;
  const bytes = await backing.read(start, state.tail.bytes);
  const tail = printOf(bytes);
  if (hasPrint(bytes, state.tail)) return { likeness: 'same', tail };
  // too little to be sure of
  if (head.length < PRINT_BYTES) return { likeness: 'other', tail };
  if (bytes.length < state.tail.bytes) return { likeness: 'part', tail };
  // a reset of the host turns what it had not yet written to disk into NUL bytes, also of what was read already
  return { likeness: bytes.at(-1) === 0 ? 'same' : 'other', tail };
}

/**
 * Whether one file's bytes are those of the other as far as both go: a copy, finished or not. What is open already is given open.
 */
export async function holdsSame(one: Place, other: Place | Backing): Promise<boolean> {
  const a = await openBacking(one);
  try {
    if (!('path' in other)) return await sameBytes(a, other);
    const b = await openBacking(other);
    try {
      return await sameBytes(a, b);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

async function sameBytes(a: Backing, b: Backing): Promise<boolean> {
  return a.stat() === null || b.stat() === null ? sameThroughout(a, b) : sameAtEnds(a, b);
}

async function sameAtEnds(a: Backing, b: Backing): Promise<boolean> {
  const common = Math.min(a.stat()?.size ?? 0, b.stat()?.size ?? 0);
  if (common === 0) return false;
  const headBytes = Math.min(PRINT_BYTES, common);
  if (!(await a.read(0, headBytes)).equals(await b.read(0, headBytes))) return false;
  const start = Math.max(0, common - COMPARED_BYTES);
  return (await a.read(start, common - start)).equals(await b.read(start, common - start));
}

/** The length of a compressed file shows only at its end, so all is compared on the way there. */
async function sameThroughout(a: Backing, b: Backing): Promise<boolean> {
  for (let at = 0; ; at += COMPARED_BYTES) {
    const [left, right] = [await a.read(at, COMPARED_BYTES), await b.read(at, COMPARED_BYTES)];
    const common = Math.min(left.length, right.length);
    if (!left.subarray(0, common).equals(right.subarray(0, common))) return false;
    if (common < COMPARED_BYTES) return at + common > 0;
  }
}
