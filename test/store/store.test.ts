import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toTableBytes } from '../../src/store/row-binary.ts';
import { STORES, type TemporaryStore } from './temporary-store.ts';

describe.each(STORES)('a store $name', { timeout: 30_000 }, ({ open }) => {
  let temporary: TemporaryStore;

  beforeEach(async () => {
    temporary = await open();
  });
  afterEach(() => temporary.remove());

  it('lets what runs end before it closes', async () => {
    const { store } = temporary;
    const reading = store.query('SELECT count() AS n FROM numbers(100000000) WHERE NOT ignore(sipHash64(number))');
    await store.close();
    await expect(reading).resolves.toEqual([{ n: 100_000_000 }]);
    await expect(store.query('SELECT 1')).rejects.toThrow('closed');
  });

  it('reads while it writes, and reads twice at once', async () => {
    const { store } = temporary;
    const slow = store.query('SELECT sum(sipHash64(number)) AS s FROM numbers(100000000)').then(() => 'slow');
    const quick = store.query('SELECT 1').then(() => 'quick');
    expect(await Promise.race([slow, quick])).toBe('quick');
    await Promise.all([slow, quick]);
  });

  it('binds values; nothing in them is SQL', async () => {
    const { store } = temporary;
    for (const text of ["it's \\ \n\t {x: String} ' OR 1 = 1 -- é", 'x'.repeat(10_000)])
      expect(await store.query('SELECT {text: String} AS text, {list: Array(String)} AS list', { text, list: [text] })).toEqual([
        { text, list: [text] },
      ]);
  });

  it('errors of the engine come as ours, by its number', async () => {
    const { store } = temporary;
    await expect(store.query('SELECT * FROM nowhere')).rejects.toMatchObject({
      name: 'AppError',
      code: 'store',
      retriable: false,
    });
    await expect(store.insert({ table: 'nowhere', rows: [{ a: 1 }] })).rejects.toMatchObject({ name: 'AppError', code: 'store' });
    const rows = toTableBytes('nowhere', { a: 'UInt64' }, [{ a: 1 }]);
    await expect(store.insertBytes(rows)).rejects.toMatchObject({ name: 'AppError', code: 'store', retriable: false });
  });
});
