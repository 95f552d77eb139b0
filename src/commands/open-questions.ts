import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { Questions } from '../forensics/questions.ts';
import { AppError } from '../lib/errors.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { requireSchema } from '../store/schema.ts';
import { openEmbeddedStream } from '../stream/embedded.ts';
import { runningInstance } from './instance-file.ts';
import { createLocalQuestions } from './local-questions.ts';
import { createRemoteQuestions } from './remote-questions.ts';

/** Who answers: an instance that runs, or this process, which then has the tables open. */
export interface OpenQuestions extends Questions {
  /** Process of the instance; `null` where none runs. */
  readonly pid: number | null;
  close(): Promise<void>;
}

/**
 * Questions to what a configuration's data folder holds: the engine lets one process have it, so a running instance is asked.
 *
 * @throws AppError `no-input` where nothing was ever stored there, `locked`, `unreadable`, `store`.
 */
export async function openQuestions({ data }: Config): Promise<OpenQuestions> {
  const instance = await runningInstance(data);
  if (instance !== null) return { ...createRemoteQuestions(instance.url), pid: instance.pid, close: () => Promise.resolve() };
  if (!(await holdsFiles(join(data, 'store'))))
    throw new AppError('no-input', `nothing is stored in ${data}, and no instance runs on it`, {
      hint: 'start one: precopy up; or name the configuration of another data folder with -c',
    });
  const store = await openEmbeddedStore({ folder: join(data, 'store') });
  try {
    await requireSchema(store);
    const folder = join(data, 'stream');
    const stream = (await holdsFiles(folder)) ? await openEmbeddedStream({ folder }) : null;
    return {
      ...createLocalQuestions({ store, stream }),
      pid: null,
      async close() {
        await stream?.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function holdsFiles(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw new AppError('unreadable', `${folder}: cannot be read (${code})`, {
      hint: 'run this command as the user that runs precopy, or as root',
      cause,
    });
  }
}
