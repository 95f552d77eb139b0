import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/**
 * Makes a folder, and those above it that are missing, and proves that files can be made in it. Node's own `mkdir` with `recursive`
 * never ends where the filesystem says of a folder that exists that it does not, as /proc does.
 *
 * @throws the error of the system: EACCES, EROFS, ENOTDIR, or what a filesystem says that takes no folders.
 */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
  for (const at of missing.toReversed()) await made(at);
  await rmdir(await mkdtemp(join(path, '.writable-')));
}

async function made(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    // another process made it meanwhile, or it is a link that leads nowhere
    if (!existsSync(folder)) throw error;
  }
}
