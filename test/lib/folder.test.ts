import { chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../src/lib/folder.ts';

let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'precopy-folder-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

describe('a folder', () => {
  test('is made with all above it, by several at once, and holds nothing then', async () => {
    const path = join(scratch, 'a/b/c');
    await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(scratch, 'a/d'))]);
    expect(await readdir(path)).toEqual([]);
    expect(await readdir(join(scratch, 'a'))).toEqual(['b', 'd']);
  });

  test('that is there stays as it is', async () => {
    await writeFile(join(scratch, 'kept'), '');
    await makeFolder(scratch);
    expect(await readdir(scratch)).toEqual(['kept']);
  });

  // this never came back: the kernel says ENOENT of a folder to make in a folder that exists
  test.runIf(process.platform === 'linux').each(['/proc/precopy', '/proc/precopy/data', '/proc/self', '/sys/precopy/data'])(
    '%s is refused, and soon',
    async (path) => {
      await expect(makeFolder(path)).rejects.toMatchObject({ code: expect.stringMatching(/^(?:ENOENT|EPERM|EACCES|EROFS)$/) });
    },
  );

  test('below a file, or behind a link that leads nowhere, is refused', async () => {
    await writeFile(join(scratch, 'file'), '');
    await symlink(join(scratch, 'gone'), join(scratch, 'link'));
    await expect(makeFolder(join(scratch, 'file/store'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(makeFolder(join(scratch, 'link/store'))).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test.skipIf(process.getuid?.() === 0)('that this user may not write is refused', async () => {
    await chmod(scratch, 0o555);
    await expect(makeFolder(scratch)).rejects.toMatchObject({ code: 'EACCES' });
  });
});
