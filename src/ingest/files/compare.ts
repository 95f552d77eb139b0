import { openBacking, type Backing, type Place } from './backing.ts';
import type { Followed } from './followed.ts';
import { hasPrint, NO_PRINT, PRINT_BYTES, printOf, type Print } from './print.ts';

/**
 * What a file holds, beside a content that is known. `same`: all of it that was read, and maybe more. `part`: its beginning, less than
 * was read. `other`: something else.
 */
export type Likeness = 'same' | 'part' | 'other';

/** Of a file that may be a copy, so much of its end is compared. */
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
 * Whether a file is a copy of another, finished or not: its bytes are the other's first. A copy is never longer: two logs that begin
 * alike, and one of which has only begun, are two. What is open already is given open.
 */
export async function isCopyOf(copy: Place, original: Place | Backing): Promise<boolean> {
  const a = await openBacking(copy);
  try {
    if (!('path' in original)) return await beginsWith(original, a);
    const b = await openBacking(original);
    try {
      return await beginsWith(b, a);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

async function beginsWith(whole: Backing, part: Backing): Promise<boolean> {
  const partBytes = part.stat()?.size;
  if (partBytes === undefined || whole.stat() === null) return beginsThroughout(whole, part);
  if (partBytes === 0) return false;
  const headBytes = Math.min(PRINT_BYTES, partBytes);
  if (!(await part.read(0, headBytes)).equals(await whole.read(0, headBytes))) return false;
  const start = Math.max(0, partBytes - COMPARED_BYTES);
  return (await part.read(start, partBytes - start)).equals(await whole.read(start, partBytes - start));
}

/** The length of a compressed file shows only at its end, so all is compared on the way there. */
async function beginsThroughout(whole: Backing, part: Backing): Promise<boolean> {
  for (let at = 0; ; at += COMPARED_BYTES) {
    const bytes = await part.read(at, COMPARED_BYTES);
    if (bytes.length === 0) return at > 0;
    if (!bytes.equals(await whole.read(at, bytes.length))) return false;
    if (bytes.length < COMPARED_BYTES) return true;
  }
}
