import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { toTableBytes } from '../../src/store/row-binary.ts';
import type { Store } from '../../src/store/store.ts';

interface Row {
  readonly id: number;
  readonly small: number;
  readonly value: number;
  readonly at: number;
  readonly steps: readonly number[];
  readonly text: string;
}

const TABLE = `CREATE TABLE kept (id UInt64, small UInt16, value Float64, at DateTime64(3, 'UTC'), steps Array(Int64), text String)
  ENGINE = MergeTree ORDER BY id`;

/** Of a character. */
const HALF = '\ud83d';

let folder: string;
let store: Store;

async function open(name: string): Promise<void> {
  store = await openEmbeddedStore({ folder: join(folder, name) });
  await store.command(TABLE);
}

async function keep(rows: readonly Row[]): Promise<void> {
  await store.insertBytes(
    toTableBytes<Row>(
      'kept',
      {
        id: 'UInt64',
        small: 'UInt16',
        value: 'Float64',
        at: "DateTime64(3, 'UTC')",
        steps: 'Array(Int64)',
        text: 'String',
      },
      rows,
    ),
  );
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'precopy-binary-'));
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

it('numbers, instants and texts of any length come back as they were', async () => {
  await open('store');
  const texts = [
    '',
    'a',
    'é',
    '😀',
    '\0\t\n\\\'"',
    '\ud83d',
    ...[42, 43, 63, 64, 65, 127, 128, 5461, 5462, 16_384, 700_000].flatMap((n) => ['x'.repeat(n), '€'.repeat(n)]),
  ];
  const numbers = [0, 1, 127, 128, 255, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const rows = texts.map((text, index) => {
    const number = numbers[index % numbers.length] ?? 0;
    const at = Date.UTC(1970 + 5 * index, 0) + index;
    return { id: number, small: number % 65_536, value: number / -3 - 1, at, steps: [number, -1 - number, ...numbers], text };
  });
  await keep(rows);
  const found = await store.query<Row>(
    'SELECT id, small, value, toUnixTimestamp64Milli(at) AS at, steps, text FROM kept ORDER BY at',
  );
  expect(found).toEqual(rows.map((row) => ({ ...row, text: row.text === HALF ? '\ufffd' : row.text })));
});

it('a folder whose name would be a pattern is a folder', async () => {
  await open('{a,b}*?');
  await keep([{ id: 1, small: 1, value: 1, at: 1, steps: [], text: "'" }]);
  expect(await store.query('SELECT id FROM kept')).toEqual([{ id: 1 }]);
});

it('of an insert no file is left, nor of one that a kill broke off', async () => {
  await open('store');
  await keep([{ id: 1, small: 1, value: 1, at: 1, steps: [], text: 'a' }]);
  await expect(store.insertBytes(toTableBytes('nowhere', { id: 'UInt64' }, [{ id: 1 }]))).rejects.toThrow('nowhere');
  const incoming = join(folder, 'store', 'incoming');
  expect(await readdir(incoming)).toEqual([]);
  await store.close();
  await rm(incoming, { recursive: true, force: true });
  await writeFile(incoming, 'left');
  store = await openEmbeddedStore({ folder: join(folder, 'store') });
  expect(await readdir(incoming)).toEqual([]);
});
