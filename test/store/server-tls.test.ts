import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AppError } from '../../src/lib/errors.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { ServerOptions } from '../../src/store/server-connection.ts';
import { openHttpFront, type FrontOptions, type HttpFront } from './http-front.ts';
import { FRONT_USER } from './temporary-store.ts';

const run = promisify(execFile);
let folder: string;
let front: HttpFront;

/** A path in the folder of this test's certificates. */
function file(name: string): string {
  return join(folder, name);
}

/** Words of a command; the paths have no blanks. */
async function openssl(words: string): Promise<void> {
  await run('openssl', words.split(' '));
}

const NEW_KEY = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

/** An authority of its own name, its key beside it. */
async function authority(name: string): Promise<void> {
  await openssl(`req -x509 ${NEW_KEY} -days 2 -subj /CN=${name} -keyout ${file(`${name}.key`)} -out ${file(`${name}.pem`)}`);
}

/** A certificate that an authority signs, for a host or a user. */
async function certificate(name: string, { by, host }: { readonly by: string; readonly host: string }): Promise<void> {
  const [request, extension] = [file(`${name}.csr`), file(`${name}.ext`)];
  await openssl(`req ${NEW_KEY} -subj /CN=${name} -keyout ${file(`${name}.key`)} -out ${request}`);
  await writeFile(extension, `subjectAltName=${host}\n`);
  const authorityFiles = `-CA ${file(`${by}.pem`)} -CAkey ${file(`${by}.key`)} -CAcreateserial`;
  await openssl(`x509 -req -days 2 -in ${request} ${authorityFiles} -extfile ${extension} -out ${file(`${name}.pem`)}`);
}

async function open(
  server: string,
  { mutual = false, ...options }: FrontOptions & { readonly mutual?: boolean } = {},
): Promise<string> {
  front = await openHttpFront({
    users: {
      precopy: { password: 'secret', writes: true },
      collector: { certificate: 'collector', writes: true },
      robot: { token: 'a.jwt.token', writes: true },
    },
    ...options,
    tls: {
      key: await readFile(file(`${server}.key`), 'utf8'),
      cert: await readFile(file(`${server}.pem`), 'utf8'),
      ...(mutual ? { ca: await readFile(file('ours.pem'), 'utf8') } : {}),
    },
  });
  return front.url;
}

async function one(options: ServerOptions): Promise<unknown> {
  const store = await openServerStore({ retryMs: 0, ...options });
  try {
    return await store.query('SELECT 1 AS one');
  } finally {
    await store.close();
  }
}

async function refusal(options: ServerOptions): Promise<AppError> {
  return one(options).then(
    () => expect.fail('it was let in'),
    (error: unknown) => error as AppError,
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'precopy-tls-'));
  await authority('ours');
  await authority('theirs');
  await certificate('server', { by: 'ours', host: 'IP:127.0.0.1' });
  await certificate('elsewhere', { by: 'ours', host: 'DNS:other.example.org' });
  await certificate('collector', { by: 'ours', host: 'DNS:collector' });
  await certificate('stranger', { by: 'theirs', host: 'DNS:stranger' });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => front.remove());

describe('TLS', { timeout: 30_000 }, () => {
  it('with the authority of the server, a password or a token is enough', async () => {
    const url = await open('server');
    const ca = file('ours.pem');
    expect(await one({ url, ...FRONT_USER, ca })).toEqual([{ one: 1 }]);
    expect(await one({ url, ...FRONT_USER, accessToken: 'a.jwt.token', ca })).toEqual([{ one: 1 }]);
    expect(front.requests.map(({ user }) => user)).toContain('robot');
  });

  it('with a client certificate and no password, the certificate tells who it is', async () => {
    const url = await open('server', { mutual: true });
    const tls = { ca: file('ours.pem'), cert: file('collector.pem'), key: file('collector.key') };
    expect(await one({ url, database: 'precopy', user: { username: 'collector', password: null }, ...tls })).toEqual([
      { one: 1 },
    ]);
    expect(await one({ url, ...FRONT_USER, ...tls })).toEqual([{ one: 1 }]);
    expect(front.requests.map(({ user }) => user)).toEqual(['collector', 'collector', 'precopy', 'precopy']);
    expect(await refusal({ url, database: 'precopy', user: { username: 'precopy', password: null }, ...tls })).toMatchObject({
      code: 'not-allowed',
    });
  });

  it('a server of another authority is not trusted, and the file is named', async () => {
    const url = await open('server');
    expect(await refusal({ url, ...FRONT_USER, ca: file('theirs.pem') })).toMatchObject({
      retriable: false,
      message: expect.stringContaining(url),
      hint: expect.stringContaining(file('theirs.pem')),
    });
    expect(await refusal({ url, ...FRONT_USER })).toMatchObject({ retriable: false, hint: expect.stringContaining('as ca') });
  });

  it('a certificate for another host is not accepted', async () => {
    const url = await open('elsewhere');
    expect(await refusal({ url, ...FRONT_USER, ca: file('ours.pem') })).toMatchObject({
      retriable: false,
      hint: expect.stringContaining('does not name'),
    });
  });

  it('a server that wants a certificate of ours does not get a stranger in, nor nobody', async () => {
    const url = await open('server', { mutual: true });
    const stranger = { cert: file('stranger.pem'), key: file('stranger.key') };
    for (const own of [{}, stranger]) {
      const error = await refusal({ url, ...FRONT_USER, ca: file('ours.pem'), ...own });
      expect(error).toMatchObject({ name: 'AppError', code: 'store' });
    }
    expect(front.requests).toEqual([]);
  });

  it('files that are no certificates, or do not belong together, are named', async () => {
    const url = await open('server');
    await writeFile(file('garbage.pem'), 'garbage');
    const key = file('stranger.key');
    const wrong: readonly (readonly [Partial<ServerOptions>, RegExp])[] = [
      [{ ca: file('garbage.pem') }, /garbage\.pem/],
      [{ cert: file('garbage.pem'), key }, /garbage\.pem/],
      [{ cert: file('collector.pem'), key }, /stranger\.key.*collector\.pem/],
    ];
    for (const [tls, says] of wrong) {
      const error = await refusal({ url, ...FRONT_USER, ...tls });
      expect(error).toMatchObject({ code: 'config', message: expect.stringMatching(says) });
    }
  });

  it('a server that speaks no TLS says to look at scheme and port', async () => {
    front = await openHttpFront();
    const error = await refusal({ url: front.url.replace('http:', 'https:'), ...FRONT_USER });
    expect(error).toMatchObject({ retriable: false, hint: expect.stringContaining('scheme and port') });
  });
});
