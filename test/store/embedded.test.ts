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

/** Another process that has the folder open until it is killed. */
async function openElsewhere(folder: string): Promise<void> {
  const script = `
    const { createChdbConnection } = require('chdb/connection');
    const connection = createChdbConnection({ path: process.argv[1] });
    process.stdout.write('open');
    setInterval(() => connection, 1000);`;
  other = spawn(process.execPath, ['-e', script, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = await once(other.stdout ?? other, 'data');
  expect(String(said)).toBe('open');
}

describe('a folder', () => {
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
  }, 30_000);

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
});

describe('a store', () => {
  it('lets what runs end before it closes', async () => {
    const store = await openEmbeddedStore({ folder: join(scratch, 'store') });
    const reading = store.query('SELECT count() AS n FROM numbers(300000000) WHERE NOT ignore(sipHash64(number))');
    await store.close();
    await expect(reading).resolves.toEqual([{ n: 300_000_000 }]);
    await expect(store.query('SELECT 1')).rejects.toThrow('closed');
  }, 30_000);

  it('reads while it writes, and reads twice at once', async () => {
    const store = await openEmbeddedStore({ folder: join(scratch, 'store') });
    const slow = store.query('SELECT sum(sipHash64(number)) AS s FROM numbers(200000000)').then(() => 'slow');
    const quick = store.query('SELECT 1').then(() => 'quick');
    expect(await Promise.race([slow, quick])).toBe('quick');
    await Promise.all([slow, quick]);
    await store.close();
  }, 30_000);

  it('binds values; nothing in them is SQL', async () => {
    const store = await openEmbeddedStore({ folder: join(scratch, 'store') });
    const text = "it's \\ \n\t {x: String} ' OR 1 = 1 -- é";
    expect(await store.query('SELECT {text: String} AS text, {list: Array(String)} AS list', { text, list: [text] })).toEqual([
      { text, list: [text] },
    ]);
    await store.close();
  });

  it('errors of the engine come as ours, by its number', async () => {
    const store = await openEmbeddedStore({ folder: join(scratch, 'store') });
    await expect(store.query('SELECT * FROM nowhere')).rejects.toMatchObject({
      name: 'AppError',
      code: 'store',
      retriable: false,
    });
    await expect(store.insert({ table: 'nowhere', rows: [{ a: 1 }] })).rejects.toMatchObject({ name: 'AppError', code: 'store' });
    await store.close();
  });
});
