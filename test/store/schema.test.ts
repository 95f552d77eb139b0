import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySchema, DEFAULT_TTL_DAYS, schemaSql } from '../../src/store/schema.ts';
import { STORES, type TemporaryStore } from './temporary-store.ts';

describe.each(STORES)('$name', ({ open }) => {
  let temporary: TemporaryStore;

  beforeAll(async () => {
    temporary = await open();
  }, 60_000);
  afterAll(() => temporary.remove());

  describe('schema', { timeout: 30_000 }, () => {
    it('each step has its own number, and says what it is for', async () => {
      const steps = await schemaSql();
      expect(steps.map(({ version }) => version)).toEqual(steps.map((_, index) => index + 1));
      for (const { name, sql } of steps) {
        expect(sql, name).toMatch(/^-- /);
        expect(sql, name).not.toContain('{');
        expect(sql, name).toMatch(new RegExp(`^CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS ${name}\\b`, 'm'));
      }
    });

    it('every table and every column says who needs it', async () => {
      const silent = await temporary.store.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = '' AND table NOT LIKE '%to_lines'",
      );
      expect(silent).toEqual([]);
    });

    it('is applied once, however often', async () => {
      await applySchema(temporary.store);
      const versions = await temporary.store.query<{ readonly version: number }>('SELECT version FROM schema_version');
      expect(versions).toHaveLength((await schemaSql()).length);
    });

    it('keeps rows for as many days as it is told, and for other days when it is told otherwise', async () => {
      const days = async (): Promise<Readonly<Record<string, number>>> => {
        const tables = await temporary.store.query<{ readonly name: string; readonly ddl: string }>(
          "SELECT name, create_table_query AS ddl FROM system.tables WHERE database = currentDatabase() AND position(ddl, ' TTL ') > 0",
        );
        return Object.fromEntries(tables.map(({ name, ddl }) => [name, Number(/toIntervalDay\((\d+)\)/.exec(ddl)?.[1])]));
      };
      expect(await days()).toEqual(DEFAULT_TTL_DAYS);
      await applySchema(temporary.store, { ttlDays: { lines: 7, events: 8 } });
      expect(await days()).toEqual({ ...DEFAULT_TTL_DAYS, lines: 7, events: 8 });
      await applySchema(temporary.store);
      expect(await days()).toEqual(DEFAULT_TTL_DAYS);
    });

    it('a newer one is refused, and says what to do', async () => {
      await temporary.store.insert({ table: 'schema_version', rows: [{ version: 999, name: 'future' }] });
      await expect(applySchema(temporary.store)).rejects.toMatchObject({
        code: 'store',
        retriable: false,
        message: expect.stringContaining('schema version 999'),
        hint: expect.stringContaining('newer'),
      });
      await temporary.store.command('DELETE FROM schema_version WHERE version = 999');
    });
  });
});
