import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openConfiguredStore, schemaOptions } from '../../src/commands/configured-store.ts';
import { announceInstance } from '../../src/commands/instance-file.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openHttpFront } from '../store/http-front.ts';

let data: string;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'precopy-configured-'));
});
afterEach(() => rm(data, { recursive: true, force: true }));

/** The part `store` of a configuration. */
function configured(store: object) {
  return { data, store: configSchema.parse({ store }).store };
}

const never = {
  retrying(error: unknown): void {
    throw error;
  },
  waiting(problem: string): void {
    throw new Error(problem);
  },
};

describe('the store of a configuration', { timeout: 30_000 }, () => {
  test('without a server is the engine in the data folder, for one instance', async () => {
    const store = await openConfiguredStore(configured({}), never);
    expect(await store.query('SELECT count() AS n FROM events')).toEqual([{ n: 0 }]);
    await store.close();
    const withdraw = await announceInstance(data, 'http://127.0.0.1:1');
    await expect(openConfiguredStore(configured({}), never)).rejects.toMatchObject({ code: 'locked' });
    await withdraw();
  });

  test('on a server is for several instances, whatever runs on the data folder', async () => {
    const front = await openHttpFront();
    const config = configured({ clickhouse: { url: front.url, password: 'secret' } });
    await announceInstance(data, 'http://127.0.0.1:1');
    const stores = await Promise.all([openConfiguredStore(config, never), openConfiguredStore(config, never)]);
    await stores[0].insert({ table: 'host_facts', rows: [{ cluster: 'c', host: 'h', name: 'n', value: 'v', at: Date.now() }] });
    expect(await stores[1].query('SELECT value FROM host_facts')).toEqual([{ value: 'v' }]);
    for (const store of stores) await store.close();
    await front.remove();
  });
});

test('days and cluster of a configuration reach the schema', () => {
  const { store } = configured({ clickhouse: { cluster: 'main', database: 'd' }, ttlDays: { lines: 3, hostFacts: 4 } });
  expect(schemaOptions(store)).toMatchObject({ ttlDays: { lines: 3, host_facts: 4 }, cluster: { name: 'main', database: 'd' } });
  expect(schemaOptions(configured({ clickhouse: {} }).store)).toMatchObject({ cluster: null });
});
