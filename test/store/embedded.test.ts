import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedStore } from '../../src/store/embedded.ts';

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

/** Another process that has the folder open until it is killed; first it writes so many rows there. */
async function openElsewhere(folder: string, rows = 0): Promise<void> {
  const script = `
    const { createChdbConnection } = require('chdb/connection');
    const connection = createChdbConnection({ path: process.argv[1] });
    const run = (query) => connection.command({ query });
    (async () => {
      if (process.argv[2] > 0) {
        await run('CREATE TABLE kept (a Int32) ENGINE = MergeTree ORDER BY a');
        await run('INSERT INTO kept SELECT number FROM numbers(' + process.argv[2] + ')');
      }
      process.stdout.write('open');
      setInterval(() => connection, 1000);
    })();`;
  other = spawn(process.execPath, ['-e', script, folder, String(rows)], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = await once(other.stdout ?? other, 'data');
  expect(String(said)).toBe('open');
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
    await openElsewhere(folder, 100_000);
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

  it('rows as text that find no memory may be tried again, as other rows may', async () => {
    const store = await openEmbeddedStore({ folder: join(scratch, 'store') });
    await store.command('CREATE TABLE kept (a String) ENGINE = MergeTree ORDER BY a');
    await store.command('SET max_untracked_memory = 1');
    await store.command('SET max_memory_usage = 1');
    const text = { table: 'kept', columns: ['a'], rows: 1, text: Buffer.from('x\n') };
    await expect(store.insertText(text)).rejects.toMatchObject({ name: 'AppError', code: 'store', retriable: true });
    await store.close();
  });
});
