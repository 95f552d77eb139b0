import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';
import { openDatabase } from '../../src/stream/embedded/database.ts';
import { noise, PATIENCE, record } from './contract.ts';

const MIB = 2 ** 20;

let disk: string;

/** A file system of 8 MiB needs root. */
const mountable = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (mounted) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
})();
if (!mountable) process.stderr.write('skipped: a full disk (mounting a small tmpfs needs root)\n');

describe.skipIf(!mountable)('a full disk', () => {
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'precopy-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
  });

  afterEach(() => {
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  test('refuses a send, loses nothing, and takes it again when there is room', async () => {
    const folder = join(disk, 'stream');
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(4 * MIB));
    const stream = await openEmbeddedStream({ folder });
    const producer = await stream.producer();
    let stored = 0;
    const send = async (): Promise<void> => {
      await producer.send('t', [{ key: 'k', headers: { number: String(stored) }, value: noise(150_000 + stored) }]);
      stored += 1;
    };
    const fill = async (): Promise<unknown> => {
      for (;;) {
        try {
          await send();
        } catch (error) {
          return error;
        }
      }
    };
    expect(await fill()).toMatchObject({ code: 'disk-full', retriable: true, message: expect.stringContaining(folder) });
    expect(await fill()).toMatchObject({ code: 'disk-full' });
    const before = stored;
    expect(before).toBeGreaterThan(10);
    rmSync(ballast);
    await fill();
    expect(stored).toBeGreaterThan(before + 20);
    const { messages } = await record(stream, { topic: 't' });
    await vi.waitFor(() => expect(messages).toHaveLength(stored), PATIENCE);
    for (const [index, { headers, value }] of messages.entries()) {
      expect(headers).toEqual({ number: String(index) });
      expect(Buffer.compare(Buffer.from(value), noise(150_000 + index))).toBe(0);
    }
    await stream.close();
  });

  test('that shows only in the middle of a transaction undoes all of it', async () => {
    const database = openDatabase(join(disk, 'database'), 8 * MIB);
    let count = 0;
    const put = (): Promise<void> =>
      database.write(({ values }) => {
        values.putSync(['t', 0, count], noise(300_000));
        values.putSync(['t', 1, count], noise(300_000));
        count += 1;
      });
    const fill = async (): Promise<unknown> => {
      for (;;) {
        try {
          await put();
        } catch (error) {
          count -= 1;
          return error;
        }
      }
    };
    for (let round = 0; round < 3; round += 1) {
      expect(await fill()).toMatchObject({ code: 'disk-full', retriable: true });
      const keys = database.read(({ values }) => [...values.getKeys({})].length);
      expect(keys).toBe(2 * count);
      await database.write(({ values }) => {
        count -= 1;
        values.removeSync(['t', 0, count]);
        values.removeSync(['t', 1, count]);
      });
    }
    await database.close();
  });
});
