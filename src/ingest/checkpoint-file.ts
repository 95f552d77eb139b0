import { open, readFile, rename } from 'node:fs/promises';
import type { z } from 'zod';

/** What a checkpoint file holds; `null` where there is none yet, `'broken'` where it is not what we wrote. @throws as the disk does. */
export async function readCheckpoint<T>(path: string, schema: z.ZodType<T>): Promise<T | null | 'broken'> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return 'broken';
  }
}

/** Replaces a checkpoint file in one step: after a crash or a reset of the machine there is the old one or the new one. */
export async function writeCheckpoint(path: string, value: unknown): Promise<void> {
  const file = await open(`${path}.new`, 'w');
  try {
    await file.writeFile(`${JSON.stringify(value)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
