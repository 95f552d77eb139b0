import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { sqlText } from '../lib/sql.ts';
import type { TableBytes } from './row-binary.ts';

/** Inserts rows as bytes into the embedded engine, which takes them from a file only. */
export interface FileInserts {
  insert(client: ClickHouseClient, rows: TableBytes): Promise<void>;
  close(): Promise<void>;
}

/** The engine takes them in a path for a pattern. */
const PATTERN = /[*?{}]/;

/**
 * Files in a folder of the store, which nobody else may have open. What a killed process left there goes. They are gone again before
 * the kernel writes them to the disk.
 */
export async function createFileInserts(store: string): Promise<FileInserts> {
  const own = resolve(store, 'incoming');
  const folder = PATTERN.test(own) ? await mkdtemp(join(tmpdir(), 'precopy-incoming-')) : own;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  let count = 0;
  return {
    async insert(client, { table, columns, bytes }) {
      count += 1;
      const path = join(folder, `${count}.bin`);
      const names = Object.keys(columns).join(', ');
      const types = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
      try {
        await writeFile(path, bytes, { mode: 0o600 });
        await client.command({
          query: `INSERT INTO ${table} (${names}) SELECT ${names} FROM file(${sqlText(path)}, 'RowBinary', ${sqlText(types.join(', '))})`,
        });
      } finally {
        await rm(path, { force: true });
      }
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
