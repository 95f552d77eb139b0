import { statfs } from 'node:fs/promises';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import { AppError } from '../../lib/errors.ts';
import type { RunningProcess } from '../../lib/running-process.ts';
import { bytes } from '../../lib/units.ts';
import type { Packing } from './value.ts';

/** Where a partition begins and ends; all offsets from `begin` to before `end` are there. */
export interface LogState {
  readonly begin: number;
  readonly end: number;
  /** Room that its messages take in the file, as `roomFor` counts it. */
  readonly bytes: number;
}

/** All of a message but its value. */
export interface MessageHead {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly storedAt: number;
  /** Of the value as it was sent. */
  readonly valueBytes: number;
  /** How the value is kept; missing in messages of versions before, which say `deflated`. */
  readonly packing?: Packing;
  readonly deflated?: boolean;
  /** Room that the message takes in the file. */
  readonly bytes: number;
}

/** How far a group is. A group is known from its first `consume` on. */
export interface GroupState {
  /** What it reads next; `null` where it never committed. */
  readonly offset: number | null;
  readonly note: string | null;
}

/** A consumer of a group. */
export interface Member {
  readonly process: RunningProcess;
  readonly renewedAt: number;
}

/** What is in the file: see the comment of `openEmbeddedStream` for the keys. */
export interface Tables {
  readonly topics: Database<{ readonly partitions: number }>;
  readonly logs: Database<LogState>;
  readonly heads: Database<MessageHead>;
  readonly values: Database<Buffer>;
  readonly groups: Database<GroupState>;
  readonly members: Database<Member>;
  readonly leases: Database<string>;
}

/** The LMDB environment of one folder. */
export interface EmbeddedDatabase {
  readonly tables: Tables;
  /** Looks at the newest state, that of other processes too. @throws AppError */
  read<T>(look: (tables: Tables) => T): T;
  /**
   * Runs `change` in one transaction, alone among all processes, and resolves when that is on the disk. What it wrote before it
   * threw is kept, so it decides first and writes then.
   *
   * @throws AppError `disk-full` (retriable; nothing was written) or `stream`.
   */
  write<T>(change: (tables: Tables) => T): Promise<T>;
  /** @throws AppError `disk-full` where the disk has no room for so many bytes. */
  expectRoom(count: number): Promise<void>;
  /** Frees the places of readers that were killed: they would keep pages from being used again. @throws AppError */
  forgetDeadReaders(): void;
  close(): Promise<void>;
}

/**
 * Address space that is mapped, in bytes of a full stream. It is neither memory nor disk; a file that outgrows it is mapped anew,
 * which costs every process a pause.
 */
const MAPPED = 2;

/** LMDB reports a write that the disk takes only in part as EIO. With less room than this it is taken for a full disk. */
const NO_ROOM_BYTES = 16 * 2 ** 20;

const EIO = 5;
const EACCES = 13;
const ENOSPC = 28;
const EDQUOT = 122;

/** Opens the folder, and makes it where it is not there, for messages of about so many bytes. @throws AppError */
export function openDatabase(folder: string, expectedBytes: number): EmbeddedDatabase {
  const root = openRoot(folder, expectedBytes);
  const tables = tablesOf(root);
  return {
    tables,
    read(look) {
      try {
        root.resetReadTxn();
        return look(tables);
      } catch (error) {
        throw readError(error, folder);
      }
    },
    async write(change) {
      try {
        return await root.transaction(() => change(tables));
      } catch (error) {
        throw await toAppError(error, folder);
      }
    },
    async expectRoom(count) {
      const { free, reusable } = await roomIn(folder, tables);
      // the commit copies the pages on the way to what it changes
      if (Math.max(free, reusable) < count + 2 ** 20) throw diskFull(folder, free);
    },
    forgetDeadReaders() {
      try {
        root.readerCheck();
      } catch (error) {
        throw readError(error, folder);
      }
    },
    async close() {
      await root.close();
    },
  };
}

function openRoot(folder: string, expectedBytes: number): RootDatabase {
  try {
    mkdirSync(folder, { recursive: true });
    return open({
      path: folder,
      noSubdir: false,
      mapSize: MAPPED * Math.max(expectedBytes, 2 ** 30),
      // plain LMDB: data is synced, then the meta page, then the commit resolves; a page is used again only when it is safe
      overlappingSync: false,
      // with batching, a second promise of the library rejects unhandled when a commit fails
      eventTurnBatching: false,
    });
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    if (code === 'ENOSPC' || code === ENOSPC || code === EDQUOT) throw diskFull(folder, 0, error);
    const refused = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === EACCES;
    throw new AppError(refused ? 'not-allowed' : 'stream', `cannot open the stream in ${folder}: ${reasonOf(error)}`, {
      hint: 'it must be a folder on a local disk that this user may write to, with nothing else in it',
      cause: error,
    });
  }
}

function tablesOf(root: RootDatabase): Tables {
  return {
    topics: root.openDB({ name: 'topics' }),
    logs: root.openDB({ name: 'logs' }),
    heads: root.openDB({ name: 'heads' }),
    values: root.openDB({ name: 'values', encoding: 'binary' }),
    groups: root.openDB({ name: 'groups' }),
    members: root.openDB({ name: 'members' }),
    leases: root.openDB({ name: 'leases' }),
  };
}

async function toAppError(error: unknown, folder: string): Promise<AppError> {
  if (error instanceof AppError) return error;
  const cause = await causeOf(error);
  const code = (cause as { readonly code?: unknown }).code;
  if (code === ENOSPC || code === EDQUOT) return diskFull(folder, 0, cause);
  const free = await freeBytes(folder);
  if (code === EIO && free < NO_ROOM_BYTES) return diskFull(folder, free, cause);
  return new AppError('stream', `cannot write to the stream in ${folder}: ${reasonOf(cause)}`, {
    hint: 'nothing of it was stored; it is tried again. See the kernel log for errors of the disk',
    retriable: true,
    cause,
  });
}

function readError(error: unknown, folder: string): AppError {
  if (error instanceof AppError) return error;
  return new AppError('stream', `cannot read the stream in ${folder}: ${reasonOf(error)}`, {
    hint: 'see the kernel log for errors of the disk; if the file is damaged, stop all who use it and move the folder away',
    retriable: true,
    cause: error,
  });
}

/** A commit that fails carries the reason as a promise. */
async function causeOf(error: unknown): Promise<unknown> {
  const late = (error as { readonly commitError?: Promise<never> }).commitError;
  try {
    await late;
    return error;
  } catch (reason) {
    return reason;
  }
}

function diskFull(folder: string, free: number, cause?: unknown): AppError {
  return new AppError('disk-full', `cannot write to the stream in ${folder}: the disk has ${bytes(free)} left`, {
    hint: 'free some room on that disk; nothing was lost, and it goes on by itself',
    retriable: true,
    cause,
  });
}

/** Free bytes of the disk for this user, and bytes of the file that hold nothing any more. */
async function roomIn(folder: string, { logs }: Tables): Promise<{ readonly free: number; readonly reusable: number }> {
  let kept = 0;
  for (const { value } of logs.getRange({})) kept += value.bytes;
  return { free: await freeBytes(folder), reusable: fileBytes(folder) - kept };
}

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function fileBytes(folder: string): number {
  return statSync(join(folder, 'data.mdb'), { throwIfNoEntry: false })?.size ?? 0;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
