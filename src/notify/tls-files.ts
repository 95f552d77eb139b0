import { readFile } from 'node:fs/promises';
import { NotifyError } from './notifier.ts';

/** Paths of PEM files: whom to trust, and the certificate of this client with its key. */
export interface TlsPaths {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** Those that are set, read. They are read for each connection: a renewed certificate is used at once. @throws NotifyError that names the file. */
export async function readTlsFiles({ ca, cert, key }: TlsPaths): Promise<Partial<Record<keyof TlsPaths, Buffer>>> {
  return { ...(await read('ca', ca)), ...(await read('cert', cert)), ...(await read('key', key)) };
}

async function read(name: keyof TlsPaths, path: string | null): Promise<Partial<Record<keyof TlsPaths, Buffer>>> {
  if (path === null) return {};
  try {
    return { [name]: await readFile(path) };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new NotifyError(`${path} cannot be read (${code})`, { retriable: false, hint: `See the option ${name}.`, cause });
  }
}
