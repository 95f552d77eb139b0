import * as zlib from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../src/lib/errors.ts';
import { applySchema } from '../../src/store/schema.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Compression, ServerOptions } from '../../src/store/server-connection.ts';
import type { Store } from '../../src/store/store.ts';
import { exception, openHttpFront, type FrontRequest, type HttpFront } from './http-front.ts';
import type { Fault } from './front-faults.ts';
import { FRONT_USER } from './temporary-store.ts';

const LIMITS = { maxRows: 10, maxSeconds: 5, maxMemoryBytes: 200_000_000 };
let front: HttpFront;
let store: Store;
let again: unknown[];

function options(more: Partial<ServerOptions> = {}): ServerOptions {
  return { url: front.url, ...FRONT_USER, timeoutMs: 20_000, retrying: (error) => void again.push(error), ...more };
}

async function withStore<T>(more: Partial<ServerOptions>, work: (opened: Store) => Promise<T>): Promise<T> {
  const opened = await openServerStore(options(more));
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** The fault happens to so many requests that match. */
function failing(fault: Fault, { times = Number.POSITIVE_INFINITY, sql = /./ } = {}): void {
  let left = times;
  front.fail((request: FrontRequest) => {
    if (!sql.test(request.sql) || left <= 0) return null;
    left -= 1;
    return fault;
  });
}

async function values(): Promise<readonly unknown[]> {
  const rows = await store.query<{ readonly a: number }>('SELECT a FROM kept FINAL ORDER BY a');
  return rows.map(({ a }) => a);
}

beforeAll(async () => {
  front = await openHttpFront({
    users: {
      precopy: { password: 'secret', writes: true },
      reader: { password: 'letters', writes: false },
      robot: { token: 'a.jwt.token', writes: true },
    },
  });
}, 60_000);
afterAll(() => front.remove());
beforeEach(async () => {
  again = [];
  store = await openServerStore(options());
  await store.command('CREATE OR REPLACE TABLE kept (a Int32) ENGINE = ReplacingMergeTree ORDER BY a');
  await store.insert({ table: 'kept', rows: [{ a: 1 }] });
});
afterEach(async () => {
  front.fail(null);
  await store.close();
});

const PASSING: readonly (readonly [string, Fault])[] = [
  ['503, as while it starts', 'refuse-503'],
  ["502 with a proxy's page", 'page-502'],
  ['a reset within the request', 'reset-in-request'],
  ['a reset after all was done', 'reset-after'],
  ['500 with half of its text', 'half-500'],
  ...(
    [
      [202, 'Too many simultaneous queries. Maximum: 100', 'TOO_MANY_SIMULTANEOUS_QUERIES'],
      [241, 'Memory limit (total) exceeded', 'MEMORY_LIMIT_EXCEEDED'],
      [242, 'Table is in readonly mode', 'TABLE_IS_READ_ONLY'],
      [252, 'Too many parts (300)', 'TOO_MANY_PARTS'],
      [999, 'Session expired', 'KEEPER_EXCEPTION'],
    ] as const
  ).map(([code, text, name]) => [name, { status: 500, code, text: exception(code, text, name) }] as const),
];

describe('what may pass', { timeout: 30_000 }, () => {
  it.each(PASSING)('%s: an insert is repeated, and its rows are there once', async (_, fault) => {
    failing(fault, { times: 2, sql: /^INSERT/ });
    await store.insert({ table: 'kept', rows: [{ a: 2 }, { a: 3 }] });
    expect(again).toHaveLength(2);
    front.fail(null);
    expect(await values()).toEqual([1, 2, 3]);
  });

  it.each([...PASSING.filter(([, fault]) => fault !== 'reset-in-request'), ['half of the answer', 'half'] as const])(
    '%s: a query is repeated, and its answer is whole',
    async (_, fault) => {
      for (const compression of ['none', 'gzip'] as const) {
        again = [];
        failing(fault, { times: 2, sql: /numbers/ });
        const rows = await withStore({ compression }, (opened) => opened.query('SELECT number FROM numbers(20000)'));
        expect(rows).toHaveLength(20_000);
        expect(again).toHaveLength(2);
      }
    },
  );

  it('an exception in the middle of an answer is no end of it', async () => {
    failing('exception-in-answer', { times: 1, sql: /numbers/ });
    expect(await store.query('SELECT number FROM numbers(3)')).toHaveLength(3);
    expect(again).toMatchObject([{ retriable: true, message: expect.stringContaining('memory limit') }]);
  });

  it.each(['hang', 'hang-after', 'hang-in-answer'] as const)('%s: ends at the time limit, and is repeated', async (fault) => {
    await withStore({ timeoutMs: 500 }, async (opened) => {
      failing(fault, { times: 1, sql: /^SELECT 7/ });
      expect(await opened.query('SELECT 7 AS seven')).toEqual([{ seven: 7 }]);
      expect(again).toMatchObject([{ code: 'timed-out', retriable: true, message: expect.stringContaining('500 ms') }]);
    });
  });

  it('a server that restarts is waited for', async () => {
    await front.halt();
    const reading = store.query('SELECT a FROM kept');
    const writing = store.insert({ table: 'kept', rows: [{ a: 9 }] });
    const refused = expect.objectContaining({ code: 'store', hint: expect.stringContaining('Nothing listens') });
    await expect.poll(() => again, { timeout: 10_000 }).toContainEqual(refused);
    await front.resume();
    expect(await reading).not.toEqual([]);
    await writing;
    expect(await values()).toEqual([1, 9]);
  });

  it('is given up when the budget is spent', async () => {
    await withStore({ retryMs: 300 }, async (opened) => {
      failing('refuse-503', { sql: /^SELECT 8/ });
      const began = performance.now();
      await expect(opened.query('SELECT 8')).rejects.toMatchObject({
        code: 'store',
        retriable: true,
        message: expect.stringContaining('503'),
      });
      expect(performance.now() - began).toBeLessThan(5_000);
    });
  });
});

describe('what will not pass is told at once', { timeout: 30_000 }, () => {
  it.each<readonly [string, Partial<ServerOptions>, string, RegExp]>([
    ['a wrong password', { user: { username: 'precopy', password: 'wrong' } }, 'not-allowed', /password/],
    ['no password', { user: { username: 'precopy', password: null } }, 'not-allowed', /password/],
    ['a wrong token', { accessToken: 'no' }, 'not-allowed', /password/],
    ['an unknown database', { database: 'nowhere' }, 'store', /CREATE DATABASE nowhere/],
    ['a path where nothing is', { url: '/elsewhere' }, 'store', /404.* check address and path/],
    ['an address that is none', { url: 'clickhouse:9000' }, 'config', /clickhouse:9000/],
    ['a password in the address', { url: 'http://a:bbb@127.0.0.1' }, 'config', /^(?!.*bbb).*keys of their own/],
    ['a certificate over HTTP', { ca: '/etc/ca.pem' }, 'config', /https/],
    ['a certificate without its key', { url: 'https://127.0.0.1', cert: '/etc/c.pem' }, 'config', /both/],
    ['a file that is not there', { url: 'https://127.0.0.1', ca: '/nowhere/ca.pem' }, 'unreadable', /\/nowhere\/ca\.pem.*ENOENT/],
  ])('%s', async (...[, more, code, says]) => {
    const url = more.url?.startsWith('/') ? `${front.url}${more.url}` : (more.url ?? front.url);
    const error = await openServerStore(options({ ...more, url })).catch((thrown: unknown) => thrown as AppError);
    expect(error).toMatchObject({ name: 'AppError', code, retriable: false });
    expect(`${(error as AppError).message} ${(error as AppError).hint}`).toMatch(says);
    expect(again).toEqual([]);
  });

  it('no right to make tables: says the grant', async () => {
    await withStore({ user: { username: 'reader', password: 'letters' } }, async (opened) => {
      await expect(applySchema(opened)).rejects.toMatchObject({
        code: 'not-allowed',
        retriable: false,
        hint: expect.stringMatching(/GRANT .*CREATE TABLE.* ON precopy\.\* TO reader/),
      });
    });
  });

  it('an old server is refused, and says which version is needed', async () => {
    failing({ status: 200, code: null, text: '{"version":"25.8.3.66"}' }, { sql: /version\(\)/ });
    await expect(openServerStore(options())).rejects.toMatchObject({
      code: 'store',
      message: expect.stringMatching(/ClickHouse 25\.8\.3\.66.* 26\.2 or newer/),
    });
  });

  it.each([
    ['nobody there', 'http://127.0.0.1:1', 'Nothing listens'],
    ['an unknown host', 'http://nowhere.invalid:8123', 'name'],
  ])('%s, when the budget is spent', async (_, url, hint) => {
    await expect(openServerStore(options({ url, retryMs: 0 }))).rejects.toMatchObject({
      code: 'store',
      retriable: true,
      hint: expect.stringContaining(hint),
    });
  });
});

describe('SQL of users', { timeout: 30_000 }, () => {
  it('runs as the user for it, readonly, within its limits, and is not repeated', async () => {
    const queryUser = { username: 'reader', password: 'letters' };
    await withStore({ queryUser }, async (opened) => {
      const before = front.requests.length;
      expect((await opened.userQuery('SELECT a FROM kept', LIMITS)).rows).toEqual([[1]]);
      const asked = front.requests.slice(before);
      expect(asked.length).toBeGreaterThan(1);
      for (const { user, settings } of asked) {
        expect(user).toBe('reader');
        expect(Object.fromEntries(settings)).toMatchObject({ readonly: '1', max_execution_time: '5', max_result_rows: '11' });
      }
      failing('refuse-503');
      await expect(opened.userQuery('SELECT a FROM kept', LIMITS)).rejects.toMatchObject({ code: 'store', retriable: true });
      expect(again).toEqual([]);
    });
  });
});

describe('what is sent', { timeout: 30_000 }, () => {
  it.each<Compression>(['none', 'gzip', ...('zstdCompressSync' in zlib ? (['zstd'] as const) : [])])(
    'compressed as %s, it comes and goes whole',
    async (compression) => {
      await withStore({ compression }, async (opened) => {
        const rows = Array.from({ length: 50_000 }, (_, a) => ({ a }));
        await opened.insert({ table: 'kept', rows });
        expect(await opened.query('SELECT a FROM kept FINAL ORDER BY a')).toEqual(rows);
      });
      const inserted = front.requests.findLast(({ sql }) => sql.startsWith('INSERT'));
      expect(inserted?.headers['content-encoding']).toBe(compression === 'none' ? undefined : compression);
    },
  );

  it('a token instead of a user', async () => {
    await withStore({ accessToken: 'a.jwt.token' }, async (opened) => {
      expect(await opened.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
    expect(front.requests.at(-1)?.user).toBe('robot');
  });

  it('for a cluster: waits for its shards, and reads from the replica that it wrote to', async () => {
    await withStore({ cluster: 'main' }, (opened) => opened.query('SELECT 1'));
    expect(Object.fromEntries(front.requests.at(-1)?.settings ?? [])).toMatchObject({
      distributed_foreground_insert: '1',
      load_balancing: 'in_order',
      distributed_product_mode: 'global',
    });
  });
});
