import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createSecureContext } from 'node:tls';
import * as zlib from 'node:zlib';
import type { ClickHouseClientConfigOptions } from '@clickhouse/client';
import { AppError } from '../lib/errors.ts';

/** A user of the server. With neither password nor token it is known by the client certificate, or has no password. */
export interface ServerUser {
  readonly username: string;
  readonly password: string | null;
}

/** How request and answer bodies are compressed. zstd needs Node 22.15 or newer. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** Where a ClickHouse server is, and how it is spoken to. */
export interface ServerOptions {
  /** `http://` or `https://`, host, port; a path where a proxy wants one. */
  readonly url: string;
  readonly database: string;
  readonly user: ServerUser;
  /** A JWT instead of a user. */
  readonly accessToken?: string | null;
  /** Who runs the SQL of users: one that may only SELECT. `null`: the same user, with `readonly` set for each query. */
  readonly queryUser?: ServerUser | null;
  /** Paths of PEM files: whom to trust instead of the machine's authorities, and the certificate of this client with its key. */
  readonly ca?: string | null;
  readonly cert?: string | null;
  readonly key?: string | null;
  readonly compression?: Compression;
  /** For how long one request may take, ms. */
  readonly timeoutMs?: number;
  /** For how long requests that may succeed later are repeated, ms from the first one; all of ours may be repeated. */
  readonly retryMs?: number;
  readonly keepAlive?: boolean;
  /** Sockets for reading; writing has its own. */
  readonly maxConnections?: number;
  /** Name of the server's cluster, where the tables are on several shards or replicas. */
  readonly cluster?: string | null;
  /** Told of each error after which a request is repeated, after so many ms. */
  readonly retrying?: (error: unknown, afterMs: number) => void;
}

/** The address without what belongs in other options. */
export interface ServerAddress {
  readonly origin: string;
  /** Empty, or with a slash first. */
  readonly path: string;
  readonly secure: boolean;
}

/** Contents of PEM files. */
export interface TlsFiles {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/** Takes the address apart. @throws AppError `config` for what is no address of a server. */
export function serverAddress({ url, ca, cert, key }: ServerOptions): ServerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol))
    throw wrong(`${url} is no address of a ClickHouse server`, 'Write it as https://clickhouse.example.org:8443.');
  if (parsed.username !== '' || parsed.password !== '')
    throw wrong('The address of the store holds a user or a password', 'Set username and password as keys of their own.');
  if (parsed.search !== '' || parsed.hash !== '')
    throw wrong(`The address of the store has something after its path: ${parsed.origin}${parsed.pathname}`, 'Leave it out.');
  const secure = parsed.protocol === 'https:';
  const named = [ca, cert, key].map((file) => typeof file === 'string');
  if (!secure && named.includes(true))
    throw wrong(
      `${parsed.origin} is not encrypted, so ca, cert and key are of no use`,
      'Write https:// and the port for it (8443).',
    );
  if (named[1] !== named[2]) throw wrong('A client certificate needs both cert and key', 'Name both files, or none.');
  return { origin: parsed.origin, path: parsed.pathname.replace(/\/$/, ''), secure };
}

/** Reads and checks the PEM files. @throws AppError `unreadable` or `config` that names the file. */
export async function tlsFiles({ ca, cert, key }: ServerOptions): Promise<TlsFiles> {
  const files: TlsFiles = { ca: await contents(ca), cert: await contents(cert), key: await contents(key) };
  usable(`The authority in ${ca} cannot be used`, () => files.ca && new X509Certificate(files.ca));
  usable(`The certificate in ${cert} cannot be used`, () => files.cert && new X509Certificate(files.cert));
  usable(`The key in ${key} is no key of the certificate in ${cert}`, () => createSecureContext(files));
  return files;
}

async function contents(file: string | null | undefined): Promise<Buffer | undefined> {
  if (file === null || file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (cause) {
    throw new AppError('unreadable', `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, {
      hint: 'The store needs it for TLS: it must be a file that the user who runs precopy may read.',
      cause,
    });
  }
}

function usable(what: string, use: () => unknown): void {
  try {
    use();
  } catch (cause) {
    throw new AppError('config', `${what} (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, {
      hint: 'It must be a PEM file, without a passphrase.',
      cause,
    });
  }
}

interface ClientParts {
  readonly options: ServerOptions;
  readonly address: ServerAddress;
  readonly tls: TlsFiles;
  readonly as: ServerUser | 'token';
  readonly sockets: number;
}

/** What every client of one server has in common. Sockets are kept for less than the server keeps them (3 s in old versions). */
export function clientOptions({ options, address, tls, as, sockets }: ClientParts): ClickHouseClientConfigOptions {
  const { database, compression = 'gzip', keepAlive = true } = options;
  const agent = { keepAlive, maxSockets: sockets };
  return {
    url: address.origin,
    pathname: address.path,
    database,
    application: 'precopy',
    compression: bodies(compression),
    keep_alive: { enabled: keepAlive, idle_socket_ttl: 2_500, eagerly_destroy_stale_sockets: true },
    http_agent: address.secure ? new HttpsAgent({ ...agent, ...tls }) : new HttpAgent(agent),
    use_multipart_params_auto: true,
    ...identity(options, { as, byCertificate: tls.cert !== undefined }),
  };
}

function identity(
  { accessToken }: ServerOptions,
  { as, byCertificate }: { readonly as: ServerUser | 'token'; readonly byCertificate: boolean },
): ClickHouseClientConfigOptions {
  if (as === 'token') return { access_token: accessToken ?? '' };
  const { username, password } = as;
  if (password !== null || !byCertificate) return { username, password: password ?? '' };
  // the server takes a certificate or a password, never both
  return {
    username,
    set_basic_auth_header: false,
    http_headers: { 'X-ClickHouse-User': username, 'X-ClickHouse-SSL-Certificate-Auth': 'on' },
  };
}

function bodies(codec: Compression): NonNullable<ClickHouseClientConfigOptions['compression']> {
  if (codec === 'none') return { request: false, response: false };
  if (codec === 'zstd' && !('createZstdCompress' in zlib))
    throw wrong('This version of Node has no zstd', 'Set compression to gzip, or run precopy with Node 22.15 or newer.');
  // level 1: the fastest; what is sent is lines, which lose most of their size at once
  return { request: { codec, level: 1 }, response: { codec } };
}

function wrong(message: string, hint: string): AppError {
  return new AppError('config', message, { hint });
}
