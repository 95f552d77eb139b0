import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { AppError, type ErrorCode } from '../lib/errors.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'not-allowed',
  EPERM: 'not-allowed',
  EROFS: 'not-allowed',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
};

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  'not-allowed': 'name a file in a folder that you may write to',
  'not-found': 'its folder has to exist',
  'disk-full': 'make room, or name a file on another disk',
};

/**
 * Writes a report to a file, in one step: whoever opens it meanwhile sees the old one or the new one. An existing file is replaced.
 *
 * @throws AppError `not-allowed`, `not-found`, `disk-full` or `usage` (a folder).
 */
export async function writeReportFile(path: string, text: string): Promise<void> {
  try {
    const kind = await kindOf(path);
    if (kind === 'folder')
      throw new AppError('usage', `${path} is a folder`, { hint: `name a file: ${path.replace(/\/+$/, '')}/report.html` });
    if (kind === 'device') await writeFile(path, text);
    else await replace(kind === 'file' ? await realpath(path) : path, text);
  } catch (error) {
    throw error instanceof AppError ? error : failure(path, error);
  }
}

/** A pipe or a device is written to: replacing it would take it away from everybody else. */
async function kindOf(path: string): Promise<'none' | 'file' | 'folder' | 'device'> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return 'none';
  if (found.isDirectory()) return 'folder';
  return found.isFile() ? 'file' : 'device';
}

async function replace(path: string, text: string): Promise<void> {
  const next = `${path}.precopy-new`;
  try {
    await writeFile(next, text);
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}

function failure(path: string, cause: unknown): AppError {
  const code = CODES[codeOf(cause)] ?? 'unreadable';
  const hint = HINTS[code];
  return new AppError(code, `${path} cannot be written (${codeOf(cause)})`, { cause, ...(hint === undefined ? {} : { hint }) });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
