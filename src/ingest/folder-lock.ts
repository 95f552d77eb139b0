import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { hasEnded, thisProcess, type RunningProcess } from '../lib/running-process.ts';

/** Name of the file in the data folder. */
const FILE = 'collectors.lock';

/**
 * Makes this process the only one whose collectors keep their checkpoints in the folder. Returns what gives it back; a process that
 * was killed gives it back too.
 *
 * @throws AppError `locked` where another process has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, FILE);
  for (;;) {
    if (await taken(path)) return () => rm(path, { force: true });
    const holder = await holderOf(path);
    if (holder !== null && !hasEnded(holder)) {
      throw new AppError('locked', `the collectors of process ${holder.pid} keep their checkpoints in ${folder}`, {
        hint: 'one process collects into a data folder: stop that one, or name another folder as data',
      });
    }
    await rm(path, { force: true });
  }
}

async function taken(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o644);
    await file.writeFile(JSON.stringify(thisProcess()));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(path: string): Promise<RunningProcess | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as RunningProcess;
  } catch {
    return null;
  }
}
