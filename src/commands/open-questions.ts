import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { Questions } from '../forensics/questions.ts';
import { AppError } from '../lib/errors.ts';
import { serverOptionsOf } from '../config/clickhouse.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { requireSchema } from '../store/schema.ts';
import { openServerStore } from '../store/server.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import { runningInstance } from './instance-file.ts';
import { createLocalQuestions } from './local-questions.ts';
import { openStream } from './open-stream.ts';
import { createRemoteQuestions } from './remote-questions.ts';

/** Who answers: an instance that runs, or this process, which then has the tables open. */
export interface OpenQuestions extends Questions {
  /** Process of the instance; `null` where none runs. */
  readonly pid: number | null;
  close(): Promise<void>;
}

/**
 * Questions to what a configuration names: the engine lets one process have the tables of a data folder, so a running instance is
 * asked; tables on a server are asked there.
 *
 * @throws AppError `no-input` where nothing was ever stored there, `locked`, `unreadable`, `store`.
 */
export async function openQuestions(config: Config): Promise<OpenQuestions> {
  const instance = await runningInstance(config.data);
  if (instance !== null) return { ...createRemoteQuestions(instance.url), pid: instance.pid, close: () => Promise.resolve() };
  const store = await storeThatIs(config);
  try {
    await requireSchema(store);
    const stream = await streamThatIs(config);
    return {
      ...createLocalQuestions({ store, stream, limits: () => config.detectors }),
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

async function storeThatIs({ data, store }: Config): Promise<Store> {
  if (store.clickhouse !== null) return openServerStore(serverOptionsOf(store.clickhouse));
  if (!(await holdsFiles(join(data, 'store'))))
    throw new AppError('no-input', `nothing is stored in ${data}, and no instance runs on it`, {
      hint: 'start one: precopy up; or name the configuration of another data folder with -c',
    });
  return openEmbeddedStore({ folder: join(data, 'store') });
}

/** To ask must not make a folder where there is none. */
async function streamThatIs(config: Config): Promise<Stream | null> {
  if (config.stream.kafka === null && !(await holdsFiles(join(config.data, 'stream')))) return null;
  return openStream(config, null);
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
