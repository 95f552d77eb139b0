import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import type * as ChdbModule from 'chdb/connection';
import { AppError } from '../lib/errors.ts';
import { makeFolder } from '../lib/folder.ts';
import { sqlText } from '../lib/sql.ts';
import { engineError } from './engine-error.ts';
import { createFileInserts, type FileInserts } from './file-inserts.ts';
import { openStore, type Connection, type Engine, type Settings } from './engine.ts';
import type { Store } from './store.ts';

/** Where the embedded engine keeps its tables. */
export interface EmbeddedOptions {
  /** One process at a time has it open. */
  readonly folder: string;
}

/** chDB implements the client's interface, but declares it by another copy of its types. */
type EngineConnection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>;

/** Reading waits for reading: so many questions are answered at once. */
const READERS = 2;

/** Ours alone: the engine's own `default` lays the files of the working directory over its tables, by their names. */
const DATABASE = 'precopy';

/**
 * The embedded engine on a folder, which is created where it is missing.
 * @throws AppError `locked` where another process has the folder open, `not-allowed` where it cannot be written, `store` where the
 * engine cannot run on this machine.
 */
export async function openEmbeddedStore({ folder }: EmbeddedOptions): Promise<Store> {
  await prepared(folder);
  const { createChdbConnection } = await engineOfThisMachine();
  let database: Promise<void> | null = null;
  let inserts: Promise<FileInserts> | null = null;
  const connect = async (settings: Settings): Promise<Connection> => {
    const client = await opened(folder, createChdbConnection);
    try {
      await (database ??= takeDatabase(client));
      await client.command({ query: `USE ${DATABASE}` });
      for (const [name, value] of Object.entries(settings)) await client.command({ query: `SET ${name} = ${literal(value)}` });
      const files = await (inserts ??= createFileInserts(folder));
      return { client, insertBytes: (rows) => files.insert(client, rows) };
    } catch (error) {
      await client.close();
      throw engineError(error, `The store in ${folder} cannot be opened`);
    }
  };
  const engine: Engine = {
    name: folder,
    readers: READERS,
    writers: 2,
    connect,
    // settings stick to a connection
    connectUser: async (settings) => (await connect(settings)).client,
    async attempt(work, { told }) {
      try {
        return await work({});
      } catch (error) {
        throw told(error);
      }
    },
    close: async () => (await inserts)?.close(),
  };
  return openStore(engine);
}

async function opened(
  folder: string,
  createChdbConnection: (typeof ChdbModule)['createChdbConnection'],
): Promise<ClickHouseClient> {
  try {
    const connection = createChdbConnection({ path: folder });
    return createClient({ connection: connection as unknown as EngineConnection });
  } catch (error) {
    throw await refused(folder, error);
  }
}

interface OldTable {
  readonly name: string;
  readonly engine: string;
  readonly ddl: string;
}

/**
 * Makes our database, and moves into it what an older version kept in `default`. Views go last, and are made here before they go there,
 * so that after a kill the next start moves the rest.
 */
async function takeDatabase(client: ClickHouseClient): Promise<void> {
  await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE} ENGINE = Atomic` });
  const found = await client.query({
    query: `SELECT name, engine, create_table_query AS ddl FROM system.tables
      WHERE database = 'default' AND (engine LIKE '%MergeTree' OR engine IN ('Null', 'MaterializedView'))
      ORDER BY engine = 'MaterializedView'`,
    format: 'JSONEachRow',
  });
  for (const { name, engine, ddl } of await found.json<OldTable>()) {
    if (engine === 'MaterializedView') {
      const here = ddl.replace(/^CREATE MATERIALIZED VIEW/, '$& IF NOT EXISTS').replaceAll(/\bdefault\./g, `${DATABASE}.`);
      await client.command({ query: here });
      await client.command({ query: `DROP TABLE default.${name} SYNC` });
    } else {
      await client.command({ query: `RENAME TABLE default.${name} TO ${DATABASE}.${name}` });
    }
  }
}

function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : sqlText(value);
}

/** The engine is half a gigabyte: only who opens a store loads it. */
async function engineOfThisMachine(): Promise<Pick<typeof ChdbModule, 'createChdbConnection'>> {
  try {
    const chdb = await import('chdb/connection');
    return chdb.default;
  } catch (error) {
    throw new AppError('store', 'The embedded engine (chDB) cannot be loaded on this machine', {
      cause: error,
      hint: 'It runs on Linux (glibc) and macOS, x64 and arm64. Elsewhere, keep the tables on a ClickHouse server.',
    });
  }
}

async function prepared(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw new AppError('not-allowed', `The folder of the store cannot be created: ${folder}`, {
      cause: error,
      hint: 'Give the user that runs precopy the right to write there, or choose another folder.',
    });
  }
}

/** The engine gives no number with this error, and its words go to standard error: it lets a folder to one process. */
async function refused(folder: string, error: unknown): Promise<AppError> {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  if (code !== 'CHDB_CONNECTION')
    return new AppError('store', `The store in ${folder} cannot be opened: ${String(error)}`, { cause: error });
  return new AppError('locked', `The store in ${folder} cannot be opened: ${await holderOf(folder)} has it open`, {
    cause: error,
    retriable: true,
    hint: 'A "precopy up" that starts or ends has it for a moment: try again. Else see which process uses the folder, and end it.',
  });
}

/** The engine writes down who has a folder open. */
async function holderOf(folder: string): Promise<string> {
  const status = await readFile(join(folder, 'status'), 'utf8').catch(() => '');
  const pid = /^PID: (\d+)$/m.exec(status)?.[1];
  return pid === undefined ? 'another process' : `process ${pid}`;
}
