import type { ChunkHeader } from '../../model/chunk.ts';
import type { Source } from '../../model/source.ts';
import { vmOfCommand, vmOfPath } from '../identify.ts';
import type { Backing, Place } from './backing.ts';
import type { FileState } from './checkpoints.ts';
import { countLines, cutAtRecord, endOfLines, OVERLONG_BYTES, WINDOW_BYTES, type CutOptions } from './cut.ts';
import { hasPrint, PRINT_BYTES, printOf } from './print.ts';

/** What is the same for a log and all files it is rotated into. */
export interface LogKind {
  readonly source: Source;
  /** Sticky; matches where a record begins. */
  readonly header: RegExp;
  readonly host: string;
  readonly cluster: string;
  readonly zone: string;
}

/** One file's content that is being followed. Times are of a clock that never goes back, ms. */
export interface Followed {
  readonly kind: LogKind;
  state: FileState;
  /** A checkpoint on disk knows it, so that after a crash it has the same `fileId`. */
  persisted: boolean;
  /** Open where it is being read, or has to survive its deletion. */
  backing: Backing | null;
  /** Where its content is now. */
  place: Place;
  size: number;
  modifiedAt: number;
  linked: boolean;
  /** When it was last seen to be longer than before. */
  grewAt: number;
  /** Since when there is something that was not looked at; `null` where there is nothing. */
  dirtyAt: number | null;
  /** It was written to without getting longer: maybe it is another content now. */
  suspect: boolean;
  /** After an error: not read before. */
  retryAt: number;
  /** What the last look found nothing to take from. */
  looked: { readonly size: number; readonly patience: number };
}

/** How long what waits for company. */
export interface Patience {
  /** Records wait for more of them, ms. */
  readonly chunkMs: number;
  /** The last record waits for lines that continue it, ms. */
  readonly tailMs: number;
  /** A line without an end waits for it in a file that was rotated away or deleted, ms. */
  readonly endMs: number;
}

/** What there is to do about a file now: which tail may go out with the rest. `null`: nothing. */
export type Due = CutOptions['tail'] | null;

/** What was read: the bytes (none where only NUL bytes were skipped), and the state once they are stored. */
export interface Reading {
  readonly header: ChunkHeader;
  readonly bytes: Buffer;
  readonly skipped: boolean;
  /** There may be as much again behind it. */
  readonly more: boolean;
  readonly next: Pick<FileState, 'head' | 'tail' | 'offset' | 'line' | 'vm'>;
}

/** Bytes of a chunk, unless one record is longer. */
const CHUNK_BYTES = 1 << 18;
/** Where the command line of a VM is looked for. */
const COMMAND_BYTES = 1 << 16;
const LEVELS = ['growing', 'quiet', 'ended'] as const;

/** A content that nothing is open of yet. */
export function followedOf(state: FileState, kind: LogKind, persisted: boolean): Followed {
  return {
    kind,
    state,
    persisted,
    backing: null,
    place: { path: state.path, key: '', gzip: false, live: false },
    size: state.size,
    modifiedAt: state.modifiedAt,
    linked: true,
    grewAt: 0,
    dirtyAt: null,
    suspect: false,
    retryAt: 0,
    looked: NOT_LOOKED,
  };
}

const NOT_LOOKED = { size: -1, patience: -1 };

/** Begins to read a content where it is now. */
export function attach(file: Followed, { backing, place, now }: { backing: Backing; place: Place; now: number }): void {
  const stat = backing.stat();
  file.backing = backing;
  file.place = place;
  file.size = stat?.size ?? Number.MAX_SAFE_INTEGER;
  file.modifiedAt = stat?.modifiedAt ?? file.state.modifiedAt;
  file.linked = true;
  file.grewAt = now;
  // what has been there for long waits no longer
  file.dirtyAt = file.size > file.state.offset ? Number.NEGATIVE_INFINITY : null;
  file.suspect = false;
  file.looked = NOT_LOOKED;
}

/** Looks whether an open file has grown; false where it holds less than what was read of it, so that it is another content. */
export function poll(file: Followed, now: number): boolean {
  const stat = file.backing?.stat() ?? null;
  if (stat === null) return true;
  file.linked = stat.linked;
  if (stat.size < file.state.offset) return false;
  if (stat.size !== file.size) {
    file.size = stat.size;
    file.grewAt = now;
    file.dirtyAt ??= now;
  } else if (stat.modifiedAt !== file.modifiedAt) file.suspect = true;
  file.modifiedAt = stat.modifiedAt;
  if (file.state.size !== stat.size) file.state = { ...file.state, size: stat.size };
  return true;
}

/** What there is to do about an open file. */
export function dueOf(file: Followed, patience: Patience, now: number): Due {
  if (file.backing === null || now < file.retryAt) return null;
  if (file.place.gzip) return 'ended';
  if (file.suspect) return 'growing';
  if (file.size <= file.state.offset) return null;
  const level = patienceOver(file, patience, now);
  const seen = file.looked.size === file.size && file.looked.patience >= level;
  return seen ? null : (LEVELS[level] ?? null);
}

/** -1: nothing need go out yet; else what may, as an index of LEVELS. */
function patienceOver(file: Followed, { chunkMs, tailMs, endMs }: Patience, now: number): number {
  const quietMs = now - file.grewAt;
  const deserted = !file.place.live || !file.linked;
  if (deserted && quietMs >= endMs) return 2;
  if (quietMs >= tailMs) return 1;
  const full = file.size - file.state.offset >= CHUNK_BYTES;
  return file.dirtyAt !== null && (full || now - file.dirtyAt >= chunkMs) ? 0 : -1;
}

/** Reads the next whole records. `replaced`: the file does not hold this content any more. @throws the file system's error */
export async function readNext(file: Followed, tail: CutOptions['tail'], now: number): Promise<Reading | 'nothing' | 'replaced'> {
  const { state, kind } = file;
  let window = await readWindow(file, CHUNK_BYTES);
  if (window === null) return 'replaced';
  // what breaks off may go on, once whoever compresses it is done
  const cut: CutOptions = { header: kind.header, tail: file.backing?.problem() == null ? tail : 'quiet' };
  let end = endIn(window, cut);
  if (end === 0 && window.full) {
    window = await readWindow(file, WINDOW_BYTES);
    if (window === null) return 'replaced';
    // a record longer than a parser takes is cut at a line's end
    end = endIn(window, cut) || (window.full ? endOfLines(window.bytes) : 0);
  }
  noteLook(file, { window, end, tail });
  if (end === 0) return 'nothing';
  const bytes = window.bytes.subarray(0, end);
  return {
    header: headerOf(file, { bytes, now }),
    bytes,
    skipped: end >= OVERLONG_BYTES && isBlank(bytes),
    more: window.full,
    next: { ...advanced(state, window, end), vm: vmOf(file, bytes) },
  };
}

/** Reads what follows something that was read and is not stored yet; `null` where there is not as much, or a look at the file has to tell. */
export async function readAhead(file: Followed, after: Reading, now: number): Promise<Reading | null> {
  // that a compressed file has ended shows only when nothing more comes
  if (!after.more || file.place.gzip) return null;
  const reading = await readNext({ ...file, state: { ...file.state, ...after.next } }, 'growing', now);
  return typeof reading === 'string' ? null : reading;
}

interface Look {
  readonly window: Window;
  /** How much of it goes out. */
  readonly end: number;
  readonly tail: CutOptions['tail'];
}

function noteLook(file: Followed, { window, end, tail }: Look): void {
  file.suspect = false;
  // behind what goes out of an overlong line there may be more that can
  if (window.full || end >= OVERLONG_BYTES) file.looked = NOT_LOOKED;
  else {
    file.looked = { size: file.size, patience: LEVELS.indexOf(tail) };
    file.dirtyAt = null;
  }
}

/** The stream has what was read. */
export function acknowledge(file: Followed, { next }: Reading): void {
  // of a compressed file all that is known, before its end, is that there is more
  const size = file.place.gzip ? next.offset + 1 : file.state.size;
  file.state = { ...file.state, ...next, size };
}

interface Window {
  /** The print's bytes, right before `bytes`. */
  readonly before: Buffer;
  readonly bytes: Buffer;
  /** There may be more behind. */
  readonly full: boolean;
}

/** `null` where what stands before the offset is not what was read there. */
async function readWindow({ backing, state }: Followed, limit: number): Promise<Window | null> {
  const start = state.offset - state.tail.bytes;
  const read = (await backing?.read(start, state.tail.bytes + limit)) ?? Buffer.alloc(0);
  const before = read.subarray(0, state.tail.bytes);
  if (!hasPrint(before, state.tail)) return null;
  const bytes = read.subarray(state.tail.bytes);
  // nothing stands before the first byte, so it is the first bytes themselves that tell
  const { head } = state;
  if (start === 0 && read.length >= head.bytes && !hasPrint(read.subarray(0, head.bytes), head)) return null;
  return { before, bytes, full: bytes.length === limit };
}

function endIn({ bytes, full }: Window, { header, tail }: CutOptions): number {
  return bytes.length === 0 ? 0 : cutAtRecord(bytes, { header, tail: full ? 'growing' : tail });
}

function advanced(state: FileState, { before, bytes }: Window, taken: number): Omit<Reading['next'], 'vm'> {
  const read = Buffer.concat([before, bytes.subarray(Math.max(0, taken - PRINT_BYTES), taken)]);
  const offset = state.offset + taken;
  // while what was read is shorter than a print, the bytes before are the file's first
  const first = state.head.bytes < PRINT_BYTES && state.offset === before.length;
  const head = first ? printOf(Buffer.concat([before, bytes.subarray(0, taken)]).subarray(0, PRINT_BYTES)) : state.head;
  return {
    head: head.bytes > state.head.bytes ? head : state.head,
    tail: printOf(read.subarray(-PRINT_BYTES)),
    offset,
    line: state.line + countLines(bytes.subarray(0, taken)),
  };
}

function headerOf(file: Followed, { bytes, now }: { readonly bytes: Buffer; readonly now: number }): ChunkHeader {
  const { kind, state } = file;
  return {
    cluster: kind.cluster,
    host: kind.host,
    source: kind.source,
    path: state.path,
    fileId: state.fileId,
    vm: vmOf(file, bytes),
    offset: state.offset,
    line: state.line,
    zone: kind.zone,
    observedAt: now,
  };
}

/** Settled with the first bytes: all chunks of a file say the same. */
function vmOf({ kind, state }: Followed, bytes: Buffer): string | null {
  if (state.offset > 0) return state.vm;
  const named = kind.source === 'libvirt-qemu' ? vmOfCommand(bytes.toString('utf8', 0, COMMAND_BYTES)) : null;
  return named ?? vmOfPath(state.live, kind.source);
}

function isBlank(bytes: Buffer): boolean {
  return bytes.equals(Buffer.alloc(bytes.length));
}
