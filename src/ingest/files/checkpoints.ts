import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';

/** Version of what the file holds. A newer one is not read: this release would forget what it does not know. */
const CHECKPOINTS_VERSION = 1;

const count = z.int().min(0);
const print = z.strictObject({ bytes: count, hash: z.string() });

const fileState = z.strictObject({
  fileId: z.string().min(1),
  live: z.string(),
  path: z.string(),
  vm: z.string().nullable(),
  key: z.string().nullable(),
  diskBytes: count,
  modifiedAt: z.number(),
  head: print,
  tail: print,
  offset: count,
  line: count,
  size: count,
  goneAt: z.number().nullable(),
  lossTold: z.boolean(),
});

const document = z.strictObject({ version: z.literal(CHECKPOINTS_VERSION), files: z.array(fileState) });

/**
 * One file's content, and how far the stream has it.
 *
 * `live`: path of the log that it is, or was once. `path`: its path when it was first seen. `key`: device and inode that hold it,
 * `null` where nobody does. `diskBytes`, `modifiedAt`: of that inode when it was last looked at. `head`, `tail`: prints of the first
 * bytes, and of those right before `offset`. `offset`, `line`: bytes and line breaks that the stream has. `size`: bytes known to be
 * there. `goneAt`: since when nobody holds it, Unix ms. `lossTold`: what was lost with it has been reported.
 */
export type FileState = Readonly<z.infer<typeof fileState>>;

/** Where a collector of files keeps how far it is. */
export interface Checkpoints {
  /** Empty where there is no file yet. @throws AppError where the file is broken or of a newer release; it is left as it is. */
  load(): Promise<readonly FileState[]>;
  /** Resolves when the states survive a loss of power. One call at a time. @throws AppError */
  save(files: readonly FileState[]): Promise<void>;
}

/** Keeps checkpoints in one JSON file; its folder exists. */
export function createCheckpoints(path: string): Checkpoints {
  return {
    async load() {
      const text = await readIfThere(path);
      return text === null ? [] : parseDocument(text, path);
    },
    async save(files) {
      const text = JSON.stringify({ version: CHECKPOINTS_VERSION, files });
      try {
        await replaceDurably(path, `${text}\n`);
      } catch (cause) {
        const { message, code } = cause as NodeJS.ErrnoException;
        throw new AppError(code === 'ENOSPC' ? 'disk-full' : 'unreadable', `cannot write ${path}: ${message}`, {
          hint: 'checkpoints of files are kept there: make room, or make the folder writable; it is tried again',
          cause,
          retriable: true,
        });
      }
    },
  };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new AppError('unreadable', `cannot read ${path}: ${message}`, { hint: 'checkpoints of files are kept there', cause });
  }
}

function parseDocument(text: string, path: string): readonly FileState[] {
  const broken = (what: string, cause: unknown): AppError =>
    new AppError('unreadable', `${path}: ${what}; it was left as it is`, {
      hint: 'start the release that wrote it, or move the file away: all files are then read again from the beginning',
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken('not JSON', cause);
  }
  const version = (json as { readonly version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > CHECKPOINTS_VERSION)
    throw broken(`checkpoints of version ${version}, and this release reads ${CHECKPOINTS_VERSION}`, undefined);
  const read = document.safeParse(json);
  if (!read.success)
    throw broken(`not checkpoints of files (${z.prettifyError(read.error).split('\n', 2).join(' ')})`, read.error);
  return read.data.files;
}

/** Whoever reads the path sees the old text or the new one, whatever stops when. */
async function replaceDurably(path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  const handle = await open(next, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(next, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
