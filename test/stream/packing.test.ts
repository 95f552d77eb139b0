import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/stream/embedded/database.ts';
import { append, readFrom } from '../../src/stream/embedded/journal.ts';
import { pack } from '../../src/stream/embedded/value.ts';
import { textOf } from './contract.ts';

test('what versions before kept, and what this one keeps, is read from one partition', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-packing-'));
  const database = openDatabase(folder, 2 ** 24);
  try {
    const lines = 'a line of a log, again and again\n'.repeat(1000);
    const messages = ['short', lines].map((text) => ({ key: 'k', headers: {}, value: Buffer.from(text) }));
    const packed = await Promise.all(messages.map(async (message) => ({ message, ...(await pack(message.value)) })));
    expect(packed.map(({ packing }) => packing)).toEqual(['none', 'zstd']);
    await database.write((tables) => {
      append(tables, { topic: 't', partition: 0, storedAt: 1 }, [...packed, ...packed]);
      for (const [offset, deflated] of [false, true].entries()) {
        const head = tables.heads.get(['t', 0, offset]);
        if (head === undefined) throw new Error('no head');
        const { packing: _, ...rest } = head;
        tables.heads.putSync(['t', 0, offset], { ...rest, deflated });
      }
      tables.values.putSync(['t', 0, 1], deflateRawSync(lines));
    });
    const read = await readFrom(database, { topic: 't', partition: 0, offset: 0 }, 2 ** 20);
    expect(read.map(textOf)).toEqual(['short', lines, 'short', lines]);
  } finally {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
