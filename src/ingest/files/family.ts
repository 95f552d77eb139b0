import { stableId } from '../../lib/hash.ts';
import { openBacking, type Backing } from './backing.ts';
import type { FileState } from './checkpoints.ts';
import { isCopyOf, likenessByPrint } from './compare.ts';
import { countLines } from './cut.ts';
import { attach, followedOf, type Followed, type LogKind } from './followed.ts';
import type { Member } from './members.ts';
import { hasPrint, NO_PRINT, PRINT_BYTES, printOf, settledHead, type Print } from './print.ts';

/** A log, and every content that it had and that is still of interest. */
export interface Family {
  /** Path of the log itself. */
  readonly live: string;
  readonly kind: LogKind;
  readonly files: Followed[];
  /** Copies of contents that are read elsewhere, by key. */
  readonly copies: Map<string, Copy>;
  /** Files too short to be told apart from others, by key; open, for they may be deleted before they are longer. */
  readonly unsettled: Map<string, Unsettled>;
}

interface Copy {
  readonly of: Followed;
  readonly diskBytes: number;
  readonly modifiedAt: number;
}

interface Unsettled {
  readonly backing: Backing;
  readonly member: Member;
  readonly since: number;
}

/** What looking through a log's folder needs to know. */
export interface Surroundings {
  /** Of a clock that never goes back, ms. */
  readonly now: number;
  /** Unix ms. */
  readonly wallNow: number;
  /** How long a short first line in a rotated file, or a compressed file without an end, is waited for, ms. */
  readonly endMs: number;
  /** Files older than this are not read where a log is seen for the first time, Unix ms. */
  readonly readSince: number;
  /** A file that could not be opened or read. */
  failed(path: string, error: NodeJS.ErrnoException): void;
}

/** A log of which nothing is known yet but what checkpoints tell. */
export function createFamily(live: string, kind: LogKind, states: readonly FileState[]): Family {
  return { live, kind, files: states.map((state) => followedOf(state, kind, true)), copies: new Map(), unsettled: new Map() };
}

/** Nobody holds this content any more, as far as is known: its copy is looked for. */
export async function abandon(family: Family, file: Followed): Promise<void> {
  const { backing } = file;
  file.backing = null;
  file.state = { ...file.state, key: null };
  for (const [key, copy] of family.copies) if (copy.of === file) family.copies.delete(key);
  await backing?.close();
}

/** Finds out which file holds which content: after a start, and whenever files were renamed, copied, compressed, deleted or made. */
export async function resolveFamily(family: Family, members: readonly Member[], around: Surroundings): Promise<void> {
  const firstSight = family.files.length === 0;
  const keys = new Set(members.map(({ key }) => key));
  for (const key of family.copies.keys()) if (!keys.has(key)) family.copies.delete(key);
  const unknown: Member[] = [];
  for (const member of members) {
    const kept = await guarded(member.path, around, () => keep(family, member, around));
    if (kept === false) unknown.push(member);
  }
  for (const file of family.files) await noteAbsence(family, file, keys);
  // rotated ones first, the oldest first: a content that has lost its file is rather in one of them than in a new log
  unknown.sort((a, b) => Number(a.live) - Number(b.live) || a.modifiedAt - b.modifiedAt);
  for (const member of unknown) {
    await guarded(member.path, around, () => identifyMember(family, member, { ...around, firstSight, keys }));
  }
  await settleVanished(family, keys, around);
}

/** `null` where it failed, which was told. */
async function guarded<T>(path: string, { failed }: Surroundings, look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    if (error.code === undefined) throw cause;
    // gone since it was listed
    if (error.code !== 'ENOENT') failed(path, error);
    return null;
  }
}

/** False where the file holds no content that is known to be in it. */
async function keep(family: Family, member: Member, { now }: Surroundings): Promise<boolean> {
  const file = family.files.find(({ state }) => state.key === member.key);
  if (file === undefined) return false;
  file.place = member;
  if (file.backing !== null) return true;
  const { state } = file;
  const changed = member.diskBytes !== state.diskBytes || member.modifiedAt !== state.modifiedAt;
  const unread = state.size > state.offset;
  if (!changed && !unread && !member.live) return true;
  const backing = await openBacking(member);
  try {
    const { likeness, tail } = await likenessByPrint(backing, file);
    if (likeness === 'same') {
      hold(file, { backing, member, now, tail });
      return true;
    }
  } catch (cause) {
    await backing.close();
    throw cause;
  }
  await backing.close();
  await abandon(family, file);
  return false;
}

interface Holding {
  readonly backing: Backing;
  readonly member: Member;
  readonly now: number;
  /** What stands before the offset, where that was looked at. */
  readonly tail?: Print;
}

function hold(file: Followed, { backing, member, now, tail = file.state.tail }: Holding): void {
  attach(file, { backing, place: member, now });
  const { key, diskBytes, modifiedAt } = member;
  // how much a compressed one holds shows at its end; until then there is more
  const size = backing.stat()?.size ?? file.state.offset + 1;
  file.state = { ...file.state, key, diskBytes, modifiedAt, tail, size, goneAt: null, lossTold: false };
}

async function noteAbsence(family: Family, file: Followed, keys: ReadonlySet<string>): Promise<void> {
  if (file.state.key === null || keys.has(file.state.key)) return;
  file.place = { ...file.place, live: false };
  // an open one is read to its end, wherever it went
  if (file.backing === null) await abandon(family, file);
}

interface Circumstances extends Surroundings {
  /** Nothing of this log was ever read. */
  readonly firstSight: boolean;
  /** Of all files there are. */
  readonly keys: ReadonlySet<string>;
}

async function identifyMember(family: Family, member: Member, around: Circumstances): Promise<void> {
  const copy = family.copies.get(member.key);
  if (copy?.diskBytes === member.diskBytes && copy.modifiedAt === member.modifiedAt) return;
  family.copies.delete(member.key);
  if (member.diskBytes === 0) return;
  const head = await headOf(member);
  const registration = { ...around, head };
  const verdict = (await adopt(family, member, registration)) ?? (await originalOf(family, member, registration));
  if (verdict === 'unsure') return;
  if (verdict === null) return registerWhenSettled(family, member, registration);
  await stopWaiting(family, member);
  if (verdict !== 'done')
    family.copies.set(member.key, { of: verdict, diskBytes: member.diskBytes, modifiedAt: member.modifiedAt });
}

async function stopWaiting(family: Family, { key }: Member): Promise<void> {
  const waiting = family.unsettled.get(key);
  family.unsettled.delete(key);
  await waiting?.backing.close();
}

async function headOf(member: Member): Promise<Buffer> {
  const backing = await openBacking(member);
  try {
    return await backing.read(0, PRINT_BYTES);
  } finally {
    await backing.close();
  }
}

/** Reads a content that had lost its file on in this one, if it is there. `unsure`: a compressed file that has no end yet. */
async function adopt(family: Family, member: Member, around: Registration): Promise<'done' | 'unsure' | null> {
  for (const file of family.files.filter(({ state, backing }) => state.key === null && backing === null)) {
    // a new log may begin as an old one that was short and had no times in it
    if (member.live && file.state.offset < PRINT_BYTES && !hasTime(around.head)) continue;
    const backing = await openBacking(member);
    const { likeness, tail } = await likenessByPrint(backing, file).catch(async (cause: unknown) => {
      await backing.close();
      throw cause;
    });
    if (likeness === 'same') {
      hold(file, { backing, member, now: around.now, tail });
      return 'done';
    }
    const unfinished = backing.problem() !== null && around.wallNow - member.modifiedAt < around.endMs;
    await backing.close();
    if (unfinished) return 'unsure';
    if (likeness === 'part') {
      // a log that was cut: what remains of it was read
      await registerRead(family, member, around);
      return 'done';
    }
  }
  return null;
}

/** The content that this file is a copy of, finished or not; `unsure` where that content is just being replaced. */
async function originalOf(family: Family, member: Member, { head, keys }: Registration): Promise<Followed | 'unsure' | null> {
  // the program writes to the log itself: it is no copy
  if (member.live) return null;
  for (const file of family.files.filter(({ state }) => state.key !== null && mayBegin(head, state.head))) {
    const open = file.place.gzip ? null : file.backing;
    if (open === null && !keys.has(file.state.key ?? '')) return 'unsure';
    if (await isCopyOf(member, open ?? file.place)) return file;
    // its log may have been emptied between the copy and now, and then the comparison was with something else
    if (open !== null && (await likenessByPrint(open, file)).likeness !== 'same') return 'unsure';
  }
  return null;
}

/** These first bytes are those of the print, or too few to tell. */
function mayBegin(head: Buffer, known: Print): boolean {
  return head.length < known.bytes || hasPrint(head.subarray(0, known.bytes), known);
}

interface Registration extends Circumstances {
  readonly head: Buffer;
}

async function registerWhenSettled(family: Family, member: Member, around: Registration): Promise<void> {
  if (around.head.length === 0) return;
  const waiting = family.unsettled.get(member.key);
  const since = waiting?.since ?? around.now;
  const overdue = !member.live && around.now - since >= around.endMs;
  const head = settledHead(around.head) ?? (member.gzip || overdue ? around.head : null);
  if (head === null) {
    family.unsettled.set(member.key, { backing: waiting?.backing ?? (await openBacking(member)), member, since });
    return;
  }
  await stopWaiting(family, member);
  await register(family, member, { ...around, head });
}

async function register(family: Family, member: Member, around: Registration): Promise<void> {
  if (around.firstSight && member.modifiedAt < around.readSince) return registerRead(family, member, around);
  const backing = await openBacking(member);
  hold(addFile(family, member, around), { backing, member, now: around.now });
}

/** All that is in the file now counts as read; what comes is a content of its own. */
async function registerRead(family: Family, member: Member, around: Registration): Promise<void> {
  const backing = await openBacking(member);
  const read = await skipped(backing, member).catch(async (cause: unknown) => {
    await backing.close();
    throw cause;
  });
  const file = addFile(family, member, around);
  file.state = { ...file.state, ...read, size: read.offset };
  // a compressed one is read forwards only, and there is nothing left of it
  if (member.gzip) await backing.close();
  else hold(file, { backing, member, now: around.now });
}

/** A file deleted before its first line was whole: what there is of it goes out as it is. */
async function settleVanished(family: Family, keys: ReadonlySet<string>, { now, wallNow }: Surroundings): Promise<void> {
  for (const [key, { backing, member }] of family.unsettled) {
    if (keys.has(key)) continue;
    family.unsettled.delete(key);
    const file = addFile(family, member, { head: await backing.read(0, PRINT_BYTES), wallNow });
    hold(file, { backing, member: { ...member, live: false }, now });
  }
}

function addFile(family: Family, member: Member, { head, wallNow }: { head: Buffer; wallNow: number }): Followed {
  const state: FileState = {
    fileId: newFileId(family, head, wallNow),
    live: family.live,
    path: member.path,
    vm: null,
    key: member.key,
    diskBytes: member.diskBytes,
    modifiedAt: member.modifiedAt,
    head: printOf(head),
    tail: NO_PRINT,
    offset: 0,
    line: 0,
    size: member.gzip ? 1 : member.diskBytes,
    goneAt: null,
    lossTold: false,
  };
  const file = followedOf(state, family.kind, false);
  family.files.push(file);
  return file;
}

/**
 * The log and its first line tell a content, so that even without checkpoints the same is found again. Where that line is not one of
 * a kind (it has no time in it, or another content of this log began so) the time of finding it does.
 */
function newFileId(family: Family, head: Buffer, wallNow: number): string {
  const id = stableId(family.live, printOf(head).hash);
  const unique = hasTime(head) && !family.files.some(({ state }) => state.fileId === id);
  return unique ? id : stableId(family.live, printOf(head).hash, String(wallNow), String(family.files.length));
}

function hasTime(head: Buffer): boolean {
  return /\d{4}/.test(head.toString('latin1'));
}

/** Where the line at `member.diskBytes` begins, or a compressed file ends, without reading anything out. */
async function skipped(backing: Backing, { gzip, diskBytes }: Member): Promise<Pick<FileState, 'line' | 'offset' | 'tail'>> {
  const end = gzip ? Number.POSITIVE_INFINITY : await lineStart(backing, diskBytes);
  let tail: Buffer = Buffer.alloc(0);
  let line = 0;
  let offset = 0;
  while (offset < end) {
    const bytes = await backing.read(offset, Math.min(SKIPPED_BYTES, end - offset));
    if (bytes.length === 0) break;
    offset += bytes.length;
    line += countLines(bytes);
    tail = Buffer.concat([tail, bytes]).subarray(-PRINT_BYTES);
  }
  return { line, offset, tail: printOf(tail) };
}

const SKIPPED_BYTES = 1 << 18;

async function lineStart(backing: Backing, end: number): Promise<number> {
  for (let to = end; to > 0; to -= SKIPPED_BYTES) {
    const from = Math.max(0, to - SKIPPED_BYTES);
    const found = (await backing.read(from, to - from)).lastIndexOf(10);
    if (found >= 0) return from + found + 1;
  }
  return 0;
}
