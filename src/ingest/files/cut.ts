import { MAX_RECORD_CHARS } from '../../parsers/scan.ts';
import { outsideSecrets, SECRET_BYTES } from '../mask.ts';

/** What is known of the bytes to cut. */
export interface CutOptions {
  /** Sticky; matches where a record begins: `Parser.header`. */
  readonly header: RegExp;
  /**
   * `growing`: the last record may go on. `quiet`: it has had its time, only the line that has no end waits. `ended`: nothing
   * comes any more.
   */
  readonly tail: 'growing' | 'quiet' | 'ended';
}

/** Bytes of an overlong line that go out together at least: one more than the parser takes as a line, so that it says so. */
export const OVERLONG_BYTES = MAX_RECORD_CHARS + 1;
/** Bytes by which it is known where to cut an overlong line. */
export const WINDOW_BYTES = OVERLONG_BYTES + SECRET_BYTES;
/** Enough for nearly every record; where it is not, all is looked at. */
const LOOK_BACK_BYTES = 16_384;

/** How many of the bytes are whole records that may go out now; 0 where it is better, or necessary, to wait. */
export function cutAtRecord(bytes: Buffer, { header, tail }: CutOptions): number {
  if (tail === 'ended') return bytes.length <= OVERLONG_BYTES ? bytes.length : endOfLines(bytes);
  const end = tail === 'growing' && bytes.length < WINDOW_BYTES ? lastLineEnd(bytes) : endOfLines(bytes);
  if (end === 0 || tail === 'quiet') return end;
  if (beginsRecord(bytes.toString('latin1', end, Math.min(bytes.length, end + LOOK_BACK_BYTES)), 0, header)) return end;
  const near = Math.max(0, end - LOOK_BACK_BYTES);
  const found = near + lastRecordStart(bytes.toString('latin1', near, end), header);
  return found > near || near === 0 ? found : lastRecordStart(bytes.toString('latin1', 0, end), header);
}

/** Behind the last complete line; a line that is too long for the parser has no end, and a piece of it goes as it is. */
export function endOfLines(bytes: Buffer): number {
  const end = lastLineEnd(bytes);
  return end === 0 && bytes.length >= OVERLONG_BYTES ? outsideSecrets(bytes, OVERLONG_BYTES) : end;
}

/** Among the bytes that may go out together. */
function lastLineEnd(bytes: Buffer): number {
  return bytes.subarray(0, OVERLONG_BYTES).lastIndexOf(10) + 1;
}

/** Line breaks among the bytes. */
export function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}

/** Where the last record begins whose lines are all in the text; 0 where that is the text's beginning, or unknown. */
function lastRecordStart(text: string, header: RegExp): number {
  // the text ends with a line break: begin with the line before it
  let start = text.lastIndexOf('\n', text.length - 2) + 1;
  while (start > 0 && !beginsRecord(text, start, header)) start = start < 2 ? 0 : text.lastIndexOf('\n', start - 2) + 1;
  return start;
}

function beginsRecord(text: string, at: number, header: RegExp): boolean {
  header.lastIndex = at;
  if (!header.test(text)) return false;
  const end = text.indexOf('\n', at);
  return end < 0 || header.lastIndex <= end;
}
