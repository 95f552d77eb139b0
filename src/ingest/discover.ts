import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { AppError } from '../lib/errors.ts';
import type { ReadResult } from '../model/input.ts';
import type { InputPath } from './input.ts';

/** Standard input, as an argument. */
export const STDIN = '-';

/** The truth beside a recording: for tests, never for the program. */
const NEVER_OPENED = new Set(['label.json']);

/** What the arguments name: files to read, and those that are left alone, with the reason. */
export interface Discovery {
  readonly files: readonly InputPath[];
  readonly skipped: readonly ReadResult[];
}

/**
 * The files that the arguments name, folders searched to their depths, each file once, in the order of their paths whatever the
 * order of the arguments.
 *
 * @throws AppError `no-input` where an argument does not exist.
 */
export async function discover(paths: readonly string[]): Promise<Discovery> {
  const files = new Map<string, InputPath>();
  const skipped: ReadResult[] = [];
  const seen = new Set<string>();
  for (const path of paths) {
    if (path === STDIN) files.set(STDIN, { path: STDIN, absolute: STDIN, bytes: 0, modifiedAt: 0 });
    else await walk(path, { files, skipped, seen, named: true });
  }
  const sorted = [...files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return { files: sorted, skipped };
}

interface Walk {
  readonly files: Map<string, InputPath>;
  readonly skipped: ReadResult[];
  readonly seen: Set<string>;
  /** The user named it: then it has to exist. */
  readonly named: boolean;
}

async function walk(path: string, walked: Walk): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => cause as NodeJS.ErrnoException);
  if (found instanceof Error) {
    if (walked.named) {
      throw new AppError(
        'no-input',
        `cannot read ${path}: ${found.code === 'ENOENT' ? 'no such file or folder' : found.message}`,
        {
          hint: 'name log files or folders of log files, or - for standard input',
          cause: found,
        },
      );
    }
    walked.skipped.push(skippedInput(path, 'unreadable', found.message));
    return;
  }
  if (found.isDirectory()) return walkFolder(path, walked);
  if (NEVER_OPENED.has(basename(path))) {
    walked.skipped.push(skippedInput(path, 'not a log', 'the label of a recording is not evidence'));
  } else if (!found.isFile()) {
    walked.skipped.push(skippedInput(path, 'not a log', 'neither a file nor a folder'));
  } else {
    const absolute = await realpath(path);
    const file = { path, absolute, bytes: found.size, modifiedAt: Math.floor(found.mtimeMs) };
    const known = walked.files.get(absolute);
    if (known === undefined || path < known.path) walked.files.set(absolute, file);
  }
}

async function walkFolder(path: string, walked: Walk): Promise<void> {
  const absolute = await realpath(path);
  if (walked.seen.has(absolute)) return;
  walked.seen.add(absolute);
  const names = await readdir(path).catch((cause: unknown) => cause as NodeJS.ErrnoException);
  if (names instanceof Error) {
    walked.skipped.push(skippedInput(path, 'unreadable', names.message));
    return;
  }
  for (const name of names.toSorted()) {
    if (name !== '.git' && name !== 'node_modules') await walk(join(path, name), { ...walked, named: false });
  }
}

/** A result for an input that was not read. */
export function skippedInput(path: string, reason: NonNullable<ReadResult['skipped']>, problem: string): ReadResult {
  return { path, host: null, source: null, tally: null, skipped: reason, problem, modifiedAt: 0 };
}

/** The absolute path by which a host's folder is recognised; unlike the real path it keeps links as the user sees them. */
export function pathForIdentity(path: string): string {
  return path === STDIN ? STDIN : resolve(path);
}
