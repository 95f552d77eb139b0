import type { ClickHouseClient } from '@clickhouse/client';
import { expect, test } from 'vitest';
import { openStore, type Engine } from '../../src/store/engine.ts';

/** An engine that takes everything, and writes down what was asked of which connection. */
function engineWith(connections: Pick<Engine, 'readers' | 'writers'>): { readonly engine: Engine; readonly said: string[] } {
  const said: string[] = [];
  let opened = 0;
  const engine: Engine = {
    name: 'fake',
    ...connections,
    connect() {
      opened += 1;
      const name = `connection ${opened}`;
      const client = {
        insert: async ({ table }: { readonly table: string }) => void said.push(`${name}: rows of ${table}`),
        query: async () => {
          said.push(`${name}: query`);
          return { json: async () => [], close() {} };
        },
        close: async () => void said.push(`${name}: closed`),
      };
      return Promise.resolve({
        client: client as unknown as ClickHouseClient,
        insertBytes: async ({ table }) => void said.push(`${name}: bytes of ${table}`),
      });
    },
    connectUser: () => Promise.reject(new Error('no users')),
    attempt: (work) => work({}),
    close: async () => void said.push('engine closed'),
  };
  return { engine, said };
}

async function used(connections: Pick<Engine, 'readers' | 'writers'>): Promise<readonly string[]> {
  const { engine, said } = engineWith(connections);
  const store = await openStore(engine);
  await Promise.all([
    store.insert({ table: 'events', rows: [{}] }),
    store.insertBytes({ table: 'line_blocks', columns: { a: 'String' }, rows: 1, bytes: Buffer.from('a') }),
    store.query('SELECT 1'),
  ]);
  await store.close();
  return said;
}

test('of a server one connection writes and another one reads, and each is closed once', async () => {
  expect(await used({ readers: 1, writers: 1 })).toEqual([
    'connection 1: rows of events',
    'connection 1: bytes of line_blocks',
    'connection 2: query',
    'connection 1: closed',
    'connection 2: closed',
    'engine closed',
  ]);
});

test('where one connection answers one request at a time, what comes beside another takes one of its own', async () => {
  expect(await used({ readers: 2, writers: 2 })).toEqual([
    'connection 1: rows of events',
    'connection 2: bytes of line_blocks',
    'connection 3: query',
    ...[1, 2, 3, 4].map((n) => `connection ${n}: closed`),
    'engine closed',
  ]);
});
