import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UserLimits } from '../../src/store/store.ts';
import { STORES, type TemporaryStore } from './temporary-store.ts';

describe.each(STORES)('$name', ({ open }) => {
  const LIMITS: UserLimits = { maxRows: 10, maxSeconds: 5, maxMemoryBytes: 200_000_000 };
  let temporary: TemporaryStore;
  let outside: string;

  beforeAll(async () => {
    temporary = await open();
    outside = await mkdtemp(join(tmpdir(), 'precopy-outside-'));
    await temporary.store.insert({
      table: 'host_facts',
      rows: [{ cluster: 'c1', host: 'kvm-a', name: 'cpu.model', value: 'EPYC', at: Date.UTC(2026, 10, 23) }],
    });
  }, 60_000);
  afterAll(async () => {
    await temporary.remove();
    await rm(outside, { recursive: true, force: true });
  });

  async function worksAgain(): Promise<void> {
    const { rows } = await temporary.store.userQuery('SELECT value FROM host_facts', LIMITS);
    expect(rows).toEqual([['EPYC']]);
    await temporary.store.insert({
      table: 'host_facts',
      rows: [{ cluster: 'c1', host: 'kvm-a', name: 'cpu.model', value: 'EPYC', at: Date.UTC(2026, 10, 23) }],
    });
  }

  describe('what a user may ask', { timeout: 30_000 }, () => {
    it('gets names, types and rows, in the order asked for', async () => {
      const result = await temporary.store.userQuery(
        "WITH one AS (SELECT number AS n, 'a;b' AS s FROM numbers(3)) SELECT n, s, [n] AS list FROM one ORDER BY n DESC; -- done",
        LIMITS,
      );
      expect(result).toEqual({
        columns: [
          { name: 'n', type: 'UInt64' },
          { name: 's', type: 'String' },
          { name: 'list', type: 'Array(UInt64)' },
        ],
        rows: [
          [2, 'a;b', [2]],
          [1, 'a;b', [1]],
          [0, 'a;b', [0]],
        ],
        truncated: false,
      });
    });

    it('gets integers exactly, as text where a number would not be', async () => {
      const sql =
        "SELECT toUInt64(9007199254740991) AS a, toUInt64(18446744073709551615) AS b, [toInt64(-5)] AS c, '12' AS d, NULL AS e";
      expect((await temporary.store.userQuery(sql, LIMITS)).rows).toEqual([
        [9_007_199_254_740_991, '18446744073709551615', [-5], '12', null],
      ]);
    });

    it.each([
      ['more rows than the limit', 'SELECT number FROM numbers(1000000)', 10, true],
      ['exactly as many', 'SELECT number FROM numbers(10)', 10, false],
      ['none', 'SELECT 1 WHERE 0', 0, false],
    ])('says whether there is more: %s', async (...[, sql, count, truncated]) => {
      const result = await temporary.store.userQuery(sql, LIMITS);
      expect([result.rows.length, result.truncated]).toEqual([count, truncated]);
    });

    it.each([
      'SELECT count() FROM events AS e FINAL JOIN lines AS l USING (cluster, host, file_id, offset)',
      "SELECT host, argMax(value, at) AS v FROM host_facts WHERE name LIKE 'cpu.%' GROUP BY host HAVING v != '' UNION ALL SELECT 'x', 'y'",
      'SELECT * FROM ranges WHERE (cluster, host) IN (SELECT cluster, host FROM host_facts)',
      'SELECT toStartOfHour(at) AS h, quantile(0.9)(value) FROM samples GROUP BY h',
      "SELECT 'system.one', $$file('x')$$",
    ])('%s', async (sql) => {
      await expect(temporary.store.userQuery(sql, LIMITS)).resolves.toMatchObject({ truncated: false });
    });
  });

  describe('what a user may not', { timeout: 30_000 }, () => {
    it.each([
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
      "SELECT file('/etc/passwd')",
      "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
      "SELECT file('/etc/passwd') AS `f, function_name: count`",
      "WITH file('/etc/passwd') AS f SELECT f",
      "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a String')",
      "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
      "SELECT * FROM s3('http://127.0.0.1:9/bucket/a.csv')",
      "SELECT * FROM executable('cat', 'CSV', 'a String')",
      "SELECT * FROM merge('system', 'settings')",
      "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
      'SELECT * FROM system.settings',
      'SELECT * FROM `system`.`tables`',
      'SELECT * FROM (SELECT 1 AS a) AS x JOIN system.settings AS y ON 1',
      'SELECT 1 WHERE 1 IN (SELECT value FROM system.settings)',
      'SELECT 0 IN system.zeros',
      'SELECT (SELECT count() FROM system.processes)',
      'WITH c AS (SELECT * FROM system.query_log) SELECT * FROM c',
      'SELECT * FROM information_schema.tables',
      "INSERT INTO host_facts VALUES ('c1', 'x', 'y', 'z', 0)",
      "INSERT INTO FUNCTION file('x.csv') SELECT 1",
      'DROP TABLE host_facts',
      'TRUNCATE TABLE host_facts',
      'ALTER TABLE host_facts DELETE WHERE 1',
      'CREATE TABLE x (a Int8) ENGINE = Memory',
      'CREATE TEMPORARY TABLE x (a Int8)',
      'CREATE FUNCTION f AS (x) -> file(x)',
      'SET readonly = 0',
      'SELECT 1 SETTINGS readonly = 0',
      'SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 1000)',
      'SELECT 1; DROP TABLE host_facts',
      'SELECT 1; SELECT 2',
      'SELECT 1) ; DROP TABLE host_facts; SELECT (1',
      'SELECT 1) UNION ALL SELECT * FROM (SELECT 1',
      'SYSTEM SHUTDOWN',
      'KILL QUERY WHERE 1',
      'ATTACH TABLE x',
      "BACKUP TABLE host_facts TO Disk('a', 'b')",
      'SHOW GRANTS',
      'SELECT sleep(3)',
      "SELECT dictGet('a', 'b', 1)",
      'SELECT {name:Identifier}',
      '',
      'nonsense',
      'SELECT * FROM nowhere',
    ])('%s', async (sql) => {
      await expect(temporary.store.userQuery(sql, LIMITS)).rejects.toMatchObject({
        name: 'AppError',
        code: expect.stringMatching(/^(?:not-allowed|bad-query)$/),
        retriable: false,
      });
      await worksAgain();
    });

    it.each(['DROP TABLE host_facts', "INSERT INTO host_facts VALUES ('c1', 'x', 'y', 'z', 0)", 'system shutdown'])(
      'say so: %s',
      async (sql) => {
        await expect(temporary.store.userQuery(sql, LIMITS)).rejects.toMatchObject({
          code: 'not-allowed',
          message: `Only reading the tables of Precopy is allowed, not ${sql.split(' ', 1)[0]?.toUpperCase()}`,
        });
      },
    );

    it('write a file', async () => {
      const path = join(outside, 'out.csv');
      for (const sql of [
        `SELECT 1 INTO OUTFILE '${path}'`,
        `SELECT 1 INTO OUTFILE '${path}' FORMAT CSV`,
        `SELECT * FROM (SELECT 1) INTO OUTFILE '${path}' TRUNCATE FORMAT CSV`,
      ])
        await expect(temporary.store.userQuery(sql, LIMITS)).rejects.toMatchObject({ code: 'bad-query' });
      expect(existsSync(path)).toBe(false);
    });

    it('take longer than its limit, and the next query works', async () => {
      const started = performance.now();
      await expect(
        temporary.store.userQuery('SELECT sum(sipHash64(number)) FROM numbers(1000000000000)', { ...LIMITS, maxSeconds: 1 }),
      ).rejects.toMatchObject({ code: 'timed-out' });
      expect(performance.now() - started).toBeLessThan(8_000);
      await worksAgain();
    });

    it('take more memory than its limit, and the next query works', async () => {
      await expect(
        temporary.store.userQuery('SELECT groupArray(number) FROM numbers(100000000)', { ...LIMITS, maxMemoryBytes: 50_000_000 }),
      ).rejects.toMatchObject({ code: 'store' });
      await worksAgain();
    });
  });
});
