import { join } from 'node:path';
import type { Config } from '../config.ts';
import { serverOptionsOf } from '../config/clickhouse.ts';
import { AppError } from '../lib/errors.ts';
import { retry } from '../lib/retry.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { applySchema, type SchemaOptions } from '../store/schema.ts';
import { openServerStore } from '../store/server.ts';
import type { Store } from '../store/store.ts';
import { runningInstance } from './instance-file.ts';

/** Is told what keeps a store from opening. */
export interface OpenWatch {
  /** The server is asked again after so many ms. */
  retrying(error: unknown, afterMs: number): void;
  /** Another process has the folder open, as `problem` says, and is waited for. */
  waiting(problem: string): void;
}

/** A command that asks has the folder for seconds; who starts meanwhile must not fail for it. */
const PATIENCE = { budgetMs: 30_000, firstMs: 500, mostMs: 2000 };

/**
 * The store that a configuration names, its tables brought to this version. A server may have many instances; the engine in the data
 * folder has one process: an instance is not waited for, a command is, for half a minute.
 * @throws AppError `locked` where another process has the folder, and those of `openEmbeddedStore`, `openServerStore`, `applySchema`.
 */
export async function openConfiguredStore(
  { data, store }: Pick<Config, 'data' | 'store'>,
  { retrying, waiting }: OpenWatch,
): Promise<Store> {
  const opened =
    store.clickhouse === null
      ? await openAlone(data, waiting)
      : await openServerStore({ ...serverOptionsOf(store.clickhouse), retrying });
  try {
    await applySchema(opened, schemaOptions(store));
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}

/** What the schema is told of a configuration. */
export function schemaOptions({ clickhouse, ttlDays }: Config['store']): SchemaOptions {
  const { hostFacts, alertActions, ...days } = ttlDays;
  const cluster = clickhouse?.cluster ?? null;
  return {
    ttlDays: { ...days, host_facts: hostFacts, alert_actions: alertActions },
    cluster: clickhouse === null || cluster === null ? null : { name: cluster, database: clickhouse.database },
  };
}

async function openAlone(data: string, waiting: OpenWatch['waiting']): Promise<Store> {
  let told = false;
  return retry(
    async () => {
      await seeAlone(data);
      return openEmbeddedStore({ folder: join(data, 'store') });
    },
    {
      ...PATIENCE,
      retrying(error) {
        if (!told) waiting(error instanceof Error ? error.message : String(error));
        told = true;
      },
    },
  );
}

/** @throws AppError `locked` where an instance works on the folder. */
async function seeAlone(data: string): Promise<void> {
  const other = await runningInstance(data);
  if (other === null) return;
  throw new AppError('locked', `${data} is in use by process ${other.pid}`, {
    hint: 'one instance works on a data folder: stop that one, or name another folder as data',
  });
}
