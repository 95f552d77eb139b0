import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ClickHouseLogLevel, createClient, type ClickHouseClient, type LogParams } from '@clickhouse/client';
import { AppError } from '../lib/errors.ts';
import { retry } from '../lib/retry.ts';
import { openStore, type Engine, type RequestOptions, type RequestTag, type Settings } from './engine.ts';
import { clientOptions, serverAddress, tlsFiles, type ServerOptions, type ServerUser } from './server-connection.ts';
import { serverFailure, type FailedRequest } from './server-failure.ts';
import type { TableBytes } from './row-binary.ts';
import type { Store } from './store.ts';

/**
 * What makes the server's answers whole or errors: it answers when all is computed, an insert is stored when it is answered, and it
 * ends what nobody waits for any more. Sent with each request, for HTTP remembers nothing.
 */
const SERVER_SETTINGS: Settings = {
  wait_end_of_query: 1,
  http_write_exception_in_output_format: 0,
  async_insert: 0,
  cancel_http_readonly_queries_on_client_close: 1,
};

/**
 * For tables on several shards: an insert is stored when the shards have it, what was written is read from the replica that took it,
 * a query of one CloudStack cluster asks one shard, and subqueries see the rows of all shards.
 */
const CLUSTER_SETTINGS: Settings = {
  distributed_foreground_insert: 1,
  load_balancing: 'in_order',
  optimize_skip_unused_shards: 1,
  distributed_product_mode: 'global',
};

/** The tests run with the engine of 26.7; what is older than this was never tried. */
const OLDEST_VERSION: readonly [number, number] = [26, 2];

const TIMEOUT_MS = 60_000;
const RETRY_MS = 30_000;
const MAX_CONNECTIONS = 10;
/** The client's own limit is only for sockets that nothing waits for any more. */
const GRACE_MS = 5_000;

/**
 * The store on a ClickHouse server. Its tables are made by `applySchema`.
 * @throws AppError `config` where the options cannot be, `unreadable` where a file cannot be read, `not-allowed` where the server
 * refuses the user, `store` where it does not answer within the budget, is too old, or does not have the database.
 */
export async function openServerStore(options: ServerOptions): Promise<Store> {
  const engine = await serverEngine(options);
  const store = await openStore(engine);
  try {
    await checkVersion(store, engine.name);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

async function checkVersion(store: Store, name: string): Promise<void> {
  const [{ version } = { version: '' }] = await store.query<{ readonly version: string }>('SELECT version() AS version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new AppError('store', `${name} is ClickHouse ${version}; the tables need ${OLDEST_VERSION.join('.')} or newer`, {
    hint: 'Upgrade the server, or leave store.clickhouse out and use the embedded engine.',
  });
}

async function serverEngine(options: ServerOptions): Promise<Engine> {
  const { cluster = null, user, accessToken = null, queryUser = null, maxConnections = MAX_CONNECTIONS } = options;
  const { timeoutMs = TIMEOUT_MS, retryMs = RETRY_MS, retrying } = options;
  const address = serverAddress(options);
  const tls = await tlsFiles(options);
  const statuses = createStatuses();
  const request = { options, origin: address.origin, timeoutMs, statuses };
  const owner: ServerUser | 'token' = accessToken === null ? user : 'token';

  function connect(as: ServerUser | 'token', settings: Settings): ClickHouseClient {
    return createClient({
      ...clientOptions({ options, address, tls, as, sockets: maxConnections }),
      request_timeout: timeoutMs + GRACE_MS,
      clickhouse_settings: { ...SERVER_SETTINGS, ...(cluster === null ? {} : CLUSTER_SETTINGS), ...settings },
      log: { LoggerClass: statuses.LoggerClass, level: ClickHouseLogLevel.DEBUG },
    });
  }

  return {
    name: `${address.origin}${address.path} database ${options.database}`,
    // one connection has many sockets
    readers: 1,
    writers: 1,
    connect(settings) {
      const client = connect(owner, settings);
      return Promise.resolve({ client, insertBytes: (rows, tag) => insertBytes(client, rows, tag) });
    },
    connectUser: (settings) => Promise.resolve(connect(queryUser ?? owner, settings)),
    attempt: (work, { told, repeat }) =>
      retry(() => once({ work, told }, request), {
        budgetMs: repeat ? retryMs : 0,
        ...(retrying === undefined ? {} : { retrying }),
      }),
    close: () => Promise.resolve(),
  };
}

/** A stream for each try, for it is read once. */
async function insertBytes(client: ClickHouseClient, { table, columns, bytes }: TableBytes, tag: RequestTag): Promise<void> {
  const query = `INSERT INTO ${table} (${Object.keys(columns).join(', ')}) FORMAT RowBinary`;
  const { stream } = await client.exec({ query, values: Readable.from([bytes], { objectMode: false }), ...tag });
  await finished(stream.resume());
}

interface Once<T> extends Pick<RequestOptions, 'told'> {
  readonly work: (tag: RequestTag) => Promise<T>;
}

type RequestParts = Pick<FailedRequest, 'options' | 'origin' | 'timeoutMs'> & { readonly statuses: Statuses };

/** One try within the time limit, which holds from the first byte sent to the last one read. */
async function once<T>({ work, told }: Once<T>, { statuses, ...request }: RequestParts): Promise<T> {
  const queryId = randomUUID();
  statuses.expect(queryId);
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(told(serverFailure(null, { ...request, status: null, late: true })));
      limit.abort();
    }, request.timeoutMs);
  });
  const working = work({ query_id: queryId, abort_signal: limit.signal }).catch((error: unknown) => {
    throw told(serverFailure(error, { ...request, status: statuses.of(queryId), late: false }));
  });
  try {
    return await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
    statuses.forget(queryId);
  }
}

/** HTTP status of the answers under way, by query. */
interface Statuses {
  readonly LoggerClass: new () => StatusLogger;
  expect(queryId: string): void;
  /** `null` where no answer came yet. */
  of(queryId: string): number | null;
  forget(queryId: string): void;
}

interface StatusLogger {
  trace(): void;
  debug(params: LogParams): void;
  info(): void;
  warn(): void;
  error(): void;
}

/** The client tells the status of an answer only to its log. All else that it logs, errors say as well. */
function createStatuses(): Statuses {
  const statuses = new Map<string, number | null>();
  return {
    LoggerClass: class {
      trace(): void {}
      debug({ args }: LogParams): void {
        const { query_id: id, response_status: status } = args ?? {};
        if (typeof id === 'string' && typeof status === 'number' && statuses.has(id)) statuses.set(id, status);
      }
      info(): void {}
      warn(): void {}
      error(): void {}
    },
    expect: (queryId) => void statuses.set(queryId, null),
    of: (queryId) => statuses.get(queryId) ?? null,
    forget: (queryId) => void statuses.delete(queryId),
  };
}
