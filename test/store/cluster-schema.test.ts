import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySchema, DEFAULT_TTL_DAYS, schemaSql } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { STORES, type TemporaryStore } from './temporary-store.ts';

const CLUSTER = { name: 'main', database: 'precopy' };
let temporary: TemporaryStore;

beforeAll(async () => {
  temporary = await STORES[0]!.open();
}, 60_000);
afterAll(() => temporary.remove());

async function formatted(sql: string): Promise<string> {
  const [row] = await temporary.store.query<{ readonly sql: string }>('SELECT formatQuery({sql: String}) AS sql', { sql });
  return row?.sql ?? '';
}

/** What `applySchema` would run on a cluster, where nothing is there yet, or what `tables` says. */
async function statementsOf(tables: readonly { readonly name: string; readonly ddl: string }[] = []): Promise<readonly string[]> {
  const commands: string[] = [];
  const store: Store = {
    ...temporary.store,
    insert: () => Promise.resolve(),
    command: (sql) => Promise.resolve(void commands.push(sql)),
    query: <T>(sql: string) => Promise.resolve((sql.includes('system.tables') ? tables : [{ version: 0 }]) as readonly T[]),
  };
  await applySchema(store, { cluster: CLUSTER, ttlDays: { lines: 7 } });
  return commands;
}

/** Columns by which the newest row is known. */
const VERSIONS: Readonly<Record<string, string>> = {
  migrations: ', version, deleted',
  findings: ', version, deleted',
  alerts: ', version',
  reports: ', version',
};

describe('the schema of a cluster', { timeout: 30_000 }, () => {
  it('is SQL that the engine can read, each statement for all servers', async () => {
    const statements = await statementsOf();
    expect(statements.length).toBeGreaterThan((await schemaSql()).length);
    for (const sql of statements) {
      expect(await formatted(sql), sql).toMatch(/^CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS precopy\.\w+ ON CLUSTER/);
    }
  });

  it('every table that replaces rows is replicated, with its versions, and has one over all shards', async () => {
    for (const { name, statements, sql } of await schemaSql({ cluster: CLUSTER })) {
      expect(sql, name).not.toMatch(/ENGINE = ReplacingMergeTree/);
      const [local = '', over = ''] = await Promise.all(statements.map(formatted));
      if (!local.includes('ReplicatedReplacingMergeTree')) continue;
      const versions = VERSIONS[name] ?? '';
      expect(local, name).toContain(`ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}'${versions})`);
      expect(over, name).toMatch(
        new RegExp(`AS precopy\\.${name}_local\\s+ENGINE = Distributed\\('main', 'precopy', '${name}_local'`),
      );
    }
  });

  it('rows that replace each other are on one shard: the key of the shards is part of their identity', async () => {
    for (const { name, sql, statements } of await schemaSql({ cluster: CLUSTER })) {
      if (statements.length < 2) continue;
      const [, key = ''] = /Distributed\(.*, cityHash64\((.*)\)\)/.exec(sql) ?? [];
      const [, order = ''] = /^ORDER BY \((.*)\)$/m.exec(sql) ?? [];
      expect(key, name).not.toBe('');
      expect(order.split(', '), name).toEqual(expect.arrayContaining(key.split(', ')));
    }
  });

  it('lines that come in anywhere go to the shard of their file', async () => {
    const view = (await schemaSql({ cluster: CLUSTER })).find(({ name }) => name === 'line_blocks_to_lines')?.sql ?? '';
    const text = await formatted(view);
    expect(text).toContain('MATERIALIZED VIEW IF NOT EXISTS precopy.line_blocks_to_lines ON CLUSTER main TO precopy.lines');
    expect(text).toMatch(/FROM precopy\.line_blocks\b/);
  });

  it('other days are set where the rows are', async () => {
    const ddl = (days: number): string => `TTL toDateTime(at) + toIntervalDay(${days})`;
    const statements = await statementsOf([
      { name: 'lines', ddl: 'Distributed' },
      { name: 'lines_local', ddl: ddl(30) },
      { name: 'events_local', ddl: ddl(DEFAULT_TTL_DAYS.events) },
    ]);
    expect(statements.filter((sql) => sql.startsWith('ALTER'))).toEqual([
      "ALTER TABLE precopy.lines_local ON CLUSTER 'main' MODIFY TTL toDateTime(at) + toIntervalDay(7)",
    ]);
  });

  it('a name that is more than a name is refused', async () => {
    await expect(schemaSql({ cluster: { name: "x' (a)", database: 'precopy' } })).rejects.toMatchObject({ code: 'config' });
  });
});

it('every statement of docs/clickhouse.md is SQL that the engine can read', async () => {
  const page = await readFile('docs/clickhouse.md', 'utf8');
  const statements = [...page.matchAll(/^```sql\n([^]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.split(';\n'))
    .filter(Boolean);
  expect(statements.length).toBeGreaterThan(8);
  for (const sql of statements) expect(await formatted(sql), sql).not.toBe('');
});
