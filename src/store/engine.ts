import type { ClickHouseClient } from '@clickhouse/client';
import type { QueryParams, Store, TableRows, UserLimits, UserResult } from './store.ts';
import { engineError } from './engine-error.ts';
import { readAsUser } from './user-query.ts';

/** How the connections of one engine are made; each has its own settings. */
export interface Engine {
  /** Says in messages which engine it is: its folder, or its address. */
  readonly name: string;
  connect(): ClickHouseClient;
}

/**
 * What every connection of ours is set to. Numbers of 64 bits come as numbers: ours (offsets, instants, counts) stay below 2^53.
 * A batch of an old file may span more weeks than the engine thinks sensible for one insert. Evidence is cut at 1,000 characters of
 * JavaScript, perhaps in the middle of one: half of it is stored as its escape, where the engine would refuse the batch for ever.
 */
const SETTINGS = [
  'SET output_format_json_quote_64bit_integers = 0',
  'SET throw_on_max_partitions_per_insert_block = 0',
  'SET input_format_json_throw_on_bad_escape_sequence = 0',
  "SET session_timezone = 'UTC'",
];

/** Reading waits for reading: so many questions are answered at once. */
const READERS = 2;

/** A store on an engine. One connection answers one query at a time, so writing and reading have their own. */
export async function openStore(engine: Engine): Promise<Store> {
  const opened: ClickHouseClient[] = [];
  try {
    const writer = await connected(engine, opened);
    const readers: Reader[] = [];
    for (let n = 0; n < READERS; n += 1) readers.push({ client: await connected(engine, opened), waiting: 0 });
    return createStore(engine, { writer, readers });
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

interface Reader {
  readonly client: ClickHouseClient;
  waiting: number;
}

interface Connections {
  readonly writer: ClickHouseClient;
  readonly readers: readonly Reader[];
}

function createStore(engine: Engine, { writer, readers }: Connections): Store {
  const running = new Set<Promise<unknown>>();
  let closed: Promise<void> | null = null;

  /** Closing waits for what runs: the engine must not lose its connection under a query. */
  async function during<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (closed !== null) throw new Error(`the store is closed: ${what}`);
    const going = work();
    running.add(going);
    try {
      return await going;
    } finally {
      running.delete(going);
    }
  }

  return {
    async insert<T>({ table, rows }: TableRows<T>): Promise<void> {
      if (rows.length === 0) return;
      await during(`insert into ${table}`, async () => {
        try {
          await writer.insert({ table, values: rows, format: 'JSONEachRow' });
        } catch (error) {
          throw engineError(error, `Could not write ${rows.length} rows to ${table} (${engine.name})`);
        }
      });
    },
    query: <T>(sql: string, params: QueryParams = {}) =>
      during('query', async () => {
        const reader = readers.reduce((idlest, other) => (other.waiting < idlest.waiting ? other : idlest));
        reader.waiting += 1;
        try {
          const result = await reader.client.query({ query: sql, query_params: { ...params }, format: 'JSONEachRow' });
          return await result.json<T>();
        } catch (error) {
          throw engineError(error, `Could not read from ${engine.name}`);
        } finally {
          reader.waiting -= 1;
        }
      }),
    command: (sql) =>
      during('command', async () => {
        try {
          await writer.command({ query: sql });
        } catch (error) {
          throw engineError(error, `Could not change tables of ${engine.name}`);
        }
      }),
    userQuery: (sql: string, limits: UserLimits): Promise<UserResult> =>
      during('query of a user', async () => {
        const client = engine.connect();
        try {
          return await readAsUser(client, sql, limits);
        } finally {
          await client.close();
        }
      }),
    close() {
      closed ??= settle(running).then(() => closeAll([writer, ...readers.map(({ client }) => client)]));
      return closed;
    },
  };
}

async function connected(engine: Engine, opened: ClickHouseClient[]): Promise<ClickHouseClient> {
  const client = engine.connect();
  opened.push(client);
  for (const setting of SETTINGS) await client.command({ query: setting });
  return client;
}

async function settle(running: ReadonlySet<Promise<unknown>>): Promise<void> {
  await Promise.allSettled(running);
}

async function closeAll(clients: readonly ClickHouseClient[]): Promise<void> {
  for (const client of clients) await client.close();
}
