import { join } from 'node:path';
import type { Config } from '../config.ts';
import { serverOptionsOf } from '../config/clickhouse.ts';
import { AppError } from '../lib/errors.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import { applySchema, type SchemaOptions } from '../store/schema.ts';
import { openServerStore } from '../store/server.ts';
import type { Store } from '../store/store.ts';
import { runningInstance } from './instance-file.ts';

/** Told of each error after which the server is asked again, after so many ms. */
export type Retrying = (error: unknown, afterMs: number) => void;

/**
 * The store that a configuration names, its tables brought to this version. A server may have many instances; the engine in the data
 * folder has one process.
 * @throws AppError `locked` where another instance has the folder, and those of `openEmbeddedStore`, `openServerStore`, `applySchema`.
 */
export async function openConfiguredStore({ data, store }: Pick<Config, 'data' | 'store'>, retrying: Retrying): Promise<Store> {
  const opened =
    store.clickhouse === null ? await openAlone(data) : await openServerStore({ ...serverOptionsOf(store.clickhouse), retrying });
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

async function openAlone(data: string): Promise<Store> {
  const other = await runningInstance(data);
  if (other !== null) {
    throw new AppError('locked', `${data} is in use by process ${other.pid}`, {
      hint: 'one instance works on a data folder: stop that one, or name another folder as data',
    });
  }
  return openEmbeddedStore({ folder: join(data, 'store') });
}
