import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { hasEnded, thisProcess, type RunningProcess } from '../lib/running-process.ts';

/** An instance that works on a data folder, as other commands find it. */
export interface RunningInstance extends RunningProcess {
  /** Where its API answers. */
  readonly url: string;
}

/** Name of the file in the data folder. */
const FILE = 'instance.json';

/** The instance that has the tables of this folder open; `null` where none does. */
export async function runningInstance(folder: string): Promise<RunningInstance | null> {
  const text = await readFile(join(folder, FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw new AppError('unreadable', `${join(folder, FILE)}: cannot be read (${error.code ?? error.message})`, {
      hint: 'run this command as the user that runs precopy, or as root',
      cause: error,
    });
  });
  if (text === null) return null;
  const instance = parsed(text);
  return instance === null || hasEnded(instance) ? null : instance;
}

/** Written whole or not at all; what is no JSON was left by something else. */
function parsed(text: string): RunningInstance | null {
  try {
    return JSON.parse(text) as RunningInstance;
  } catch {
    return null;
  }
}

/** Lets other commands find this process. Returns what takes it back. */
export async function announceInstance(folder: string, url: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, FILE);
  const instance: RunningInstance = { ...thisProcess(), url };
  await writeFile(`${path}.${instance.pid}`, JSON.stringify(instance), { mode: 0o644 });
  await rename(`${path}.${instance.pid}`, path);
  return () => rm(path, { force: true });
}
