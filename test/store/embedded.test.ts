import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { toTableBytes } from '../../src/store/row-binary.ts';
import { applySchema, schemaSql } from '../../src/store/schema.ts';

let scratch: string;
let other: ChildProcess | null = null;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'precopy-embedded-'));
});
afterEach(async () => {
  await stopOther();
  await rm(scratch, { recursive: true, force: true });
});

async function stopOther(): Promise<void> {
  if (other === null || other.exitCode !== null || other.signalCode !== null) return;
  const ended = once(other, 'exit');
  other.kill('SIGKILL');
  await ended;
}

/** Another process that has the folder open until it is killed; first it runs statements there, in the engine's `default`. */
async function openElsewhere(folder: string, statements: readonly string[] = []): Promise<void> {
  const script = `
    const { createChdbConnection } = require('chdb/connection');
    const connection = createChdbConnection({ path: process.argv[1] });
    (async () => {
      for (const query of JSON.parse(process.argv[2])) await connection.command({ query });
      process.stdout.write('open');
      setInterval(() => connection, 1000);
    })();`;
  const args = ['-e', script, folder, JSON.stringify(statements)];
  other = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = await once(other.stdout ?? other, 'data');
  expect(String(said)).toBe('open');
}

/** The engine sees files of the working directory by their names. */
async function inWorkingDirectory(files: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(scratch, 'cwd-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const before = process.cwd();
  process.chdir(folder);
  try {
    await work();
  } finally {
    process.chdir(before);
  }
}

describe('a folder', { timeout: 30_000 }, () => {
  it('that another process has open is refused, and says which command to use; when that process was killed, it opens', async () => {
    const folder = join(scratch, 'store');
    await openElsewhere(folder);
    await expect(openEmbeddedStore({ folder })).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(folder),
      hint: expect.stringContaining('precopy up'),
    });
    await stopOther();
    const store = await openEmbeddedStore({ folder });
    expect(await store.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await store.close();
  });

  it('has every row that was stored when its process was killed', async () => {
    const folder = join(scratch, 'store');
    await openElsewhere(folder, [
      'CREATE TABLE kept (a Int32) ENGINE = MergeTree ORDER BY a',
      'INSERT INTO kept SELECT number FROM numbers(100000)',
    ]);
    await stopOther();
    const store = await openEmbeddedStore({ folder });
    expect(await store.query('SELECT count() AS n, sum(a) AS s FROM kept')).toEqual([{ n: 100_000, s: 4_999_950_000 }]);
    await store.close();
  });

  it('that cannot be made is refused', async () => {
    await writeFile(join(scratch, 'file'), '');
    await expect(openEmbeddedStore({ folder: join(scratch, 'file/store') })).rejects.toMatchObject({ code: 'not-allowed' });
  });

  it('holds what was stored, after it was closed and opened again', async () => {
    const folder = join(scratch, 'store');
    const first = await openEmbeddedStore({ folder });
    await first.command('CREATE TABLE kept (a Int32) ENGINE = MergeTree ORDER BY a');
    await first.insert({ table: 'kept', rows: [{ a: 1 }] });
    await Promise.all([first.close(), first.close()]);
    const second = await openEmbeddedStore({ folder });
    expect(await second.query('SELECT a FROM kept')).toEqual([{ a: 1 }]);
    await second.close();
  });

  it('keeps its tables apart from files of the working directory that are named like them', async () => {
    await inWorkingDirectory({ lines: 'a,b\n1,2\n', events: '', 'secret.csv': 'word\nsesame\n' }, async () => {
      const store = await openEmbeddedStore({ folder: join(scratch, 'store') });
      try {
        await applySchema(store);
        expect(await store.query('SELECT count() AS n FROM lines')).toEqual([{ n: 0 }]);
        const limits = { maxRows: 10, maxSeconds: 5, maxMemoryBytes: 200_000_000 };
        expect(await store.userQuery('SELECT count() FROM events', limits)).toMatchObject({ rows: [[0]] });
        for (const file of ['`secret.csv`', 'default.`secret.csv`'])
          await expect(store.userQuery(`SELECT * FROM ${file}`, limits)).rejects.toMatchObject({ name: 'AppError' });
      } finally {
        await store.close();
      }
    });
  });

  it.each([
    ['whole', []],
    ['of which a kill left a part moved', ['lines', 'host_facts']],
  ])("that has its tables in the engine's own database is taken over: %s", async (...[, moved]) => {
    const folder = join(scratch, 'store');
    await openElsewhere(folder, [
      ...(await schemaSql()).flatMap(({ statements }) => statements),
      "INSERT INTO host_facts VALUES ('c', 'kvm-a', 'n', 'v', now())",
      'CREATE DATABASE precopy ENGINE = Atomic',
      ...moved.map((table) => `RENAME TABLE default.${table} TO precopy.${table}`),
    ]);
    await stopOther();
    await inWorkingDirectory({ lines: 'a,b\n', host_facts: '' }, async () => {
      const store = await openEmbeddedStore({ folder });
      try {
        await applySchema(store);
        expect(await store.query('SELECT value FROM host_facts')).toEqual([{ value: 'v' }]);
        expect(await store.query("SELECT name FROM system.tables WHERE database = 'default'")).toEqual([]);
        const row = { cluster: 'c', host: 'kvm-a', observed_at: Date.now(), text: 'a line', steps: [0], outcomes: 'b' };
        await store.insert({ table: 'line_blocks', rows: [row] });
        expect(await store.query('SELECT text, outcome FROM lines')).toEqual([{ text: 'a line', outcome: 'plain' }]);
      } finally {
        await store.close();
      }
    });
  });

  it('rows as text that there are too many parts for may be tried again, as other rows may', async () => {
    const store = await openEmbeddedStore({ folder: join(scratch, 'store') });
    await store.command('CREATE TABLE kept (a String) ENGINE = MergeTree ORDER BY a SETTINGS parts_to_throw_insert = 1');
    await store.command('SYSTEM STOP MERGES kept');
    const rows = toTableBytes('kept', { a: 'String' }, [{ a: 'x' }]);
    await store.insertBytes(rows);
    await expect(store.insertBytes(rows)).rejects.toMatchObject({ name: 'AppError', code: 'store', retriable: true });
    await store.close();
  });
});
