import type { ClickHouseClient } from '@clickhouse/client';
import type { AppError } from '../lib/errors.ts';
import { engineError, userQueryError } from './engine-error.ts';
import type { TableBytes } from './row-binary.ts';
import type { QueryParams, Store, TableRows, UserLimits, UserResult } from './store.ts';
import { readAsUser, userSettings, type Ask } from './user-query.ts';

/** Settings of the engine by its names; in this order where a later one forbids to set any. */
export type Settings = Readonly<Record<string, string | number>>;

/** What goes with one request: by what it is found in the engine's log, and what ends it. */
export interface RequestTag {
  readonly query_id?: string;
  readonly abort_signal?: AbortSignal;
}

/** What becomes of a request that fails. */
export interface RequestOptions {
  /** The error of ours for what went wrong. */
  readonly told: (error: unknown) => AppError;
  /** May be tried again by the engine itself. */
  readonly repeat: boolean;
}

/** A way to the engine. */
export interface Connection {
  readonly client: ClickHouseClient;
  /** Resolves when the rows are stored. */
  insertBytes(rows: TableBytes, tag: RequestTag): Promise<void>;
}

/** How one engine is reached. */
export interface Engine {
  /** Says in messages which engine it is: its folder, or its address. */
  readonly name: string;
  /** So many connections for reading, and for writing; one answers one request at a time, unless it is to a server. */
  readonly readers: number;
  readonly writers: number;
  /** A connection on which everything runs with these settings. */
  connect(settings: Settings): Promise<Connection>;
  /** The same for SQL of users: it is used for one query, and closed. */
  connectUser(settings: Settings): Promise<ClickHouseClient>;
  /** One request, repeated where the engine repeats requests. @throws what `told` makes of the error of the last try. */
  attempt<T>(work: (tag: RequestTag) => Promise<T>, options: RequestOptions): Promise<T>;
  /** After all connections are closed. */
  close(): Promise<void>;
}

/**
 * What every connection of ours is set to. Numbers of 64 bits come as numbers: ours (offsets, instants, counts) stay below 2^53.
 * A batch of an old file may span more weeks than the engine thinks sensible for one insert. Evidence is cut at 1,000 characters of
 * JavaScript, perhaps in the middle of one: half of it is stored as its escape, where the engine would refuse the batch for ever.
 * The index of words is made when parts are merged, which makes it anew anyway: a sixth of the time of an insert, and what is not
 * merged yet is little to look through.
 */
const SETTINGS: Settings = {
  output_format_json_quote_64bit_integers: 0,
  throw_on_max_partitions_per_insert_block: 0,
  input_format_json_throw_on_bad_escape_sequence: 0,
  session_timezone: 'UTC',
  exclude_materialize_skip_indexes_on_insert: 'words',
};

/** A store on an engine. Writing and reading have their own connections. */
export async function openStore(engine: Engine): Promise<Store> {
  const opened: ClickHouseClient[] = [];
  const connected = async (count: number): Promise<Pool> => {
    const connections: Connection[] = [];
    for (let n = 0; n < count; n += 1) {
      const connection = await engine.connect(SETTINGS);
      opened.push(connection.client);
      connections.push(connection);
    }
    return createPool(connections);
  };
  try {
    const writers = await connected(engine.writers);
    return createStore(engine, { writers, readers: await connected(engine.readers), opened });
  } catch (error) {
    await closeAll(opened);
    await engine.close();
    throw error;
  }
}

/** Connections that do the same. */
interface Pool {
  /** On the one for which the fewest wait. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
}

function createPool(connections: readonly Connection[]): Pool {
  const members = connections.map((connection) => ({ connection, waiting: 0 }));
  return {
    async use(work) {
      const idlest = members.reduce((best, other) => (other.waiting < best.waiting ? other : best));
      idlest.waiting += 1;
      try {
        return await work(idlest.connection);
      } finally {
        idlest.waiting -= 1;
      }
    },
  };
}

interface Connections {
  readonly writers: Pool;
  readonly readers: Pool;
  /** All of them, each once. */
  readonly opened: readonly ClickHouseClient[];
}

function createStore(engine: Engine, { writers, readers, opened }: Connections): Store {
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
      await during(`insert into ${table}`, () =>
        writers.use(({ client }) =>
          engine.attempt(
            (tag) => client.insert({ table, values: rows, format: 'JSONEachRow', ...tag }),
            notWritten(engine, { table, rows: rows.length }),
          ),
        ),
      );
    },
    async insertBytes(rows: TableBytes): Promise<void> {
      if (rows.rows === 0) return;
      await during(`insert into ${rows.table}`, () =>
        writers.use((writer) => engine.attempt((tag) => writer.insertBytes(rows, tag), notWritten(engine, rows))),
      );
    },
    query: <T>(sql: string, params: QueryParams = {}) =>
      during('query', () =>
        readers.use(({ client }) => createAsk(engine, client, ours(`Could not read from ${engine.name}`)).rows<T>(sql, params)),
      ),
    command: (sql) =>
      during('command', () =>
        writers.use(async ({ client }) => {
          await engine.attempt(
            (tag) => client.command({ query: sql, ...tag }),
            ours(`Could not change tables of ${engine.name}`),
          );
        }),
      ),
    userQuery: (sql: string, limits: UserLimits): Promise<UserResult> =>
      during('query of a user', () => answerUser(engine, sql, limits)),
    close() {
      closed ??= settle(running)
        .then(() => closeAll(opened))
        .then(() => engine.close());
      return closed;
    },
  };
}

async function answerUser(engine: Engine, sql: string, limits: UserLimits): Promise<UserResult> {
  const client = await engine.connectUser(userSettings(limits));
  try {
    return await readAsUser(createAsk(engine, client, { told: userQueryError, repeat: false }), sql, limits);
  } finally {
    await client.close();
  }
}

function notWritten({ name }: Engine, { table, rows }: { readonly table: string; readonly rows: number }): RequestOptions {
  return ours(`Could not write ${rows} rows to ${table} (${name})`);
}

/** Requests of ours: rows replace rows, and DDL says IF NOT EXISTS, so all of them may be repeated. */
function ours(what: string): RequestOptions {
  return { told: (error) => engineError(error, what), repeat: true };
}

function createAsk({ attempt }: Engine, client: ClickHouseClient, options: RequestOptions): Ask {
  return {
    rows: <T>(query: string, params: QueryParams = {}) =>
      attempt(async (tag) => {
        const result = await client.query({ query, query_params: { ...params }, format: 'JSONEachRow', ...tag });
        return whole(result, tag, () => result.json<T>());
      }, options),
    table: (query) =>
      attempt(async (tag) => {
        const result = await client.query({ query, format: 'JSONCompact', ...tag });
        return whole(result, tag, () => result.json<readonly unknown[]>());
      }, options),
  };
}

/** The client heeds the signal only until the answer begins. */
async function whole<T>(result: { close(): void }, { abort_signal: signal }: RequestTag, read: () => Promise<T>): Promise<T> {
  const end = (): void => result.close();
  signal?.addEventListener('abort', end, { once: true });
  try {
    return await read();
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

async function settle(running: ReadonlySet<Promise<unknown>>): Promise<void> {
  await Promise.allSettled(running);
}

async function closeAll(clients: readonly ClickHouseClient[]): Promise<void> {
  for (const client of clients) await client.close();
}
