import { open, readFile, rename } from 'node:fs/promises';
import type { z } from 'zod';
import { AppError, type ErrorCode } from '../lib/errors.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'not-allowed',
  EPERM: 'not-allowed',
  ENOSPC: 'disk-full',
  ENOENT: 'not-found',
};

/** What a checkpoint file holds; `null` where there is none yet, `'broken'` where it is not what we wrote. @throws AppError */
export async function readCheckpoint<T>(path: string, schema: z.ZodType<T>): Promise<T | null | 'broken'> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw failure('read', path, error);
  });
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return 'broken';
  }
}

/** Replaces a checkpoint file in one step: after a crash or a reset of the machine there is the old one or the new one. @throws AppError */
export async function writeCheckpoint(path: string, value: unknown): Promise<void> {
  try {
    const file = await open(`${path}.new`, 'w');
    try {
      await file.writeFile(`${JSON.stringify(value)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  } catch (error) {
    throw failure('written', path, error);
  }
}

function failure(what: 'read' | 'written', path: string, cause: unknown): AppError {
  const hint = 'The folder has to exist, to be writable for Precopy, and to have room.';
  const code = CODES[codeOf(cause)] ?? 'unreadable';
  return new AppError(code, `the checkpoint ${path} cannot be ${what} (${codeOf(cause)})`, {
    hint,
    cause,
    retriable: code === 'disk-full',
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
