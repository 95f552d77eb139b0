import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import * as zlib from 'node:zlib';
import { Session } from 'chdb';
import { breakOff, type Answer, type Fault } from './front-faults.ts';

/** What one user of the front is known by, and may do. */
export interface FrontUser {
  readonly password?: string;
  readonly token?: string;
  /** Common name of its client certificate. */
  readonly certificate?: string;
  /** Whether more than SELECT. */
  readonly writes: boolean;
}

/** A request as faults are chosen for it. */
export interface FrontRequest {
  readonly sql: string;
  readonly user: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly headers: IncomingMessage['headers'];
}

/** How a front is made. */
export interface FrontOptions {
  readonly users?: Readonly<Record<string, FrontUser>>;
  readonly database?: string;
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
}

/** The part of ClickHouse's HTTP interface that its client uses, before an embedded engine. */
export interface HttpFront {
  readonly url: string;
  /** All requests since the start, refused ones too. */
  readonly requests: readonly FrontRequest[];
  /** What goes wrong with requests from now on; `null`: nothing. */
  fail(choose: ((request: FrontRequest) => Fault | null) | null): void;
  /** Stops listening, and breaks all connections; the tables stay. */
  halt(): Promise<void>;
  /** Listens again at the same address. */
  resume(): Promise<void>;
  remove(): Promise<void>;
}

/** Parameters of the address that are no settings of the engine. */
const NO_SETTINGS = new Set([
  'query',
  'database',
  'query_id',
  'session_id',
  'role',
  'default_format',
  'wait_end_of_query',
  'enable_http_compression',
  'user',
  'password',
]);

const DEFAULT_USERS: Readonly<Record<string, FrontUser>> = { precopy: { password: 'secret', writes: true } };

/** One front a process, for one engine has one folder. */
export async function openHttpFront({ users = DEFAULT_USERS, database = 'precopy', tls }: FrontOptions = {}): Promise<HttpFront> {
  const folder = await mkdtemp(join(tmpdir(), 'precopy-front-'));
  const engine = new Session(folder);
  await engine.queryAsync(`CREATE DATABASE IF NOT EXISTS ${database}`);
  const requests: FrontRequest[] = [];
  let choose: ((request: FrontRequest) => Fault | null) | null = null;

  const chosen = (request: FrontRequest): Fault | null => choose?.(request) ?? null;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://front');
    if (pathname !== '/')
      return void (pathname === '/ping' ? response.end('Ok.\n') : response.writeHead(404).end('There is no handle'));
    const user = userOf(request, users);
    const inQuery = searchParams.get('query') ?? '';
    const seen = { user: user ?? '', settings: new Map(searchParams), headers: request.headers };
    // an insert says in the address what it is, so that it can break while its rows come
    const early = inQuery === '' ? null : chosen({ ...seen, sql: inQuery });
    if (early === 'reset-in-request') return resetWithin(request);
    const body = await bodyOf(request);
    const form = formOf(request, body);
    const asked = { ...seen, sql: [inQuery, form.query].filter((part) => part !== '').join('\n') };
    requests.push(asked);
    const fault = inQuery === '' ? chosen(asked) : early;
    for (const [name, value] of form.params) searchParams.set(name, value);
    const run = (): Promise<Answer> => (user === null ? refused(request) : answer({ folder, users, body }, asked, searchParams));
    await breakOff(fault, { request, response, run, encode: (bytes) => encoded(request, searchParams, bytes) });
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    // whoever asked is gone, which is what some tests are about
    handle(request, response).catch(() => request.socket.destroy());
  };
  const server: Server =
    tls === undefined
      ? createHttpServer(listener)
      : createHttpsServer({ ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined }, listener);
  let port = 0;
  const resume = async (): Promise<void> => {
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  };
  const halt = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  await resume();
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    fail: (how) => void (choose = how),
    halt,
    resume,
    async remove() {
      await halt();
      engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The name of the user who asks; `null` where nobody is known by what was sent. */
function userOf({ headers, socket }: IncomingMessage, users: Readonly<Record<string, FrontUser>>): string | null {
  const [scheme, value = ''] = (headers.authorization ?? '').split(' ');
  const basic = Buffer.from(value, 'base64').toString();
  const [name, password] = [basic.slice(0, basic.indexOf(':')), basic.slice(basic.indexOf(':') + 1)];
  const byCertificate = headers['x-clickhouse-ssl-certificate-auth'] === 'on';
  const peer = byCertificate ? (socket as TLSSocket).getPeerCertificate().subject?.CN : undefined;
  const found = Object.entries(users).find(([own, user]) => {
    if (scheme === 'Bearer') return user.token === value;
    if (byCertificate) return own === headers['x-clickhouse-user'] && user.certificate === peer;
    return own === name && user.password === password;
  });
  return found?.[0] ?? null;
}

function refused({ headers }: IncomingMessage): Promise<Answer> {
  const text =
    headers.authorization === undefined
      ? exception(194, 'default: Authentication failed: password is required', 'REQUIRED_PASSWORD')
      : exception(
          516,
          'Authentication failed: password is incorrect, or there is no user with such name.',
          'AUTHENTICATION_FAILED',
        );
  return Promise.resolve(failed(text));
}

interface Backend {
  readonly folder: string;
  /** As it came, for rows may be no UTF-8. */
  readonly body: Buffer;
  readonly users: Readonly<Record<string, FrontUser>>;
}

const ROWS_AS_BYTES = /^INSERT INTO (\w+) \(([\w, ]+)\) FORMAT RowBinary$/m;

/** Settings stick to a session, so each request has its own. */
async function answer(
  { folder, users, body }: Backend,
  { sql, user }: FrontRequest,
  parameters: URLSearchParams,
): Promise<Answer> {
  if (users[user]?.writes !== true && !/^\s*(?:SELECT|EXPLAIN|WITH)\b/i.test(sql))
    return failed(
      exception(497, `${user}: Not enough privileges. To execute this query, it's necessary to have the grant`, 'ACCESS_DENIED'),
    );
  const session = new Session(folder);
  try {
    for (const statement of preamble(parameters)) await session.queryAsync(statement);
    const [, table, names] = ROWS_AS_BYTES.exec(sql) ?? [];
    if (table !== undefined && names !== undefined) {
      await insertBytes(session, { table, names, path: join(folder, `${randomUUID()}.bin`), body });
      return { status: 200, code: null, bytes: Buffer.alloc(0), rows: 0 };
    }
    const result = await session.queryAsync(sql, { format: 'TabSeparated' });
    return { status: 200, code: null, bytes: Buffer.from(result.bytes()), rows: result.rowsRead };
  } catch (error) {
    return failed((error as Error).message.replace(/^.*?(?=Code: \d)/s, ''));
  } finally {
    session.close();
  }
}

interface BytesIn {
  readonly table: string;
  readonly names: string;
  readonly path: string;
  readonly body: Buffer;
}

/** The embedded engine takes bytes from a file only; they are of the types that the columns have. */
async function insertBytes(session: Session, { table, names, path, body }: BytesIn): Promise<void> {
  const columns = names.split(', ');
  const described = await session.queryAsync(`DESCRIBE TABLE ${table}`, { format: 'JSONCompact' });
  const { data } = JSON.parse(described.text()) as { readonly data: readonly (readonly string[])[] };
  const types = new Map(data.map(([name = '', type = '']) => [name, type.replace(/^LowCardinality\((.*)\)$/, '$1')]));
  const structure = columns.map((name) => `${name} ${types.get(name)}`).join(', ');
  await writeFile(path, body);
  try {
    await session.queryAsync(
      `INSERT INTO ${table} (${names}) SELECT ${names} FROM file(${quoted(path)}, 'RowBinary', ${quoted(structure)})`,
    );
  } finally {
    await rm(path);
  }
}

/** `readonly` last, for a server applies all settings of a request at once. */
function preamble(parameters: URLSearchParams): readonly string[] {
  const database = parameters.get('database') ?? 'default';
  const set = [...parameters].filter(([name]) => !NO_SETTINGS.has(name) && name !== 'readonly');
  const readonly = parameters.get('readonly');
  return [
    `USE \`${database}\``,
    ...set.map(([name, value]) => `SET ${name} = ${quoted(value)}`),
    ...(readonly === null ? [] : [`SET readonly = ${readonly}`]),
  ];
}

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function failed(text: string): Answer {
  const code = Number(/^Code: (\d+)/.exec(text)?.[1] ?? 1002);
  return { status: STATUS_OF[code] ?? 500, code, bytes: Buffer.from(`${text}\n`), rows: 0 };
}

/** `src/Server/HTTP/exceptionCodeToHTTPStatus.cpp` of ClickHouse; all others are 500. */
const STATUS_OF: Readonly<Record<number, number>> = {
  194: 401,
  192: 403,
  193: 403,
  497: 403,
  516: 403,
  60: 404,
  81: 404,
  62: 400,
  159: 408,
  164: 500,
};

/** As the engine words it. */
export function exception(code: number, text: string, name: string): string {
  return `Code: ${code}. DB::Exception: ${text}. (${name}) (version 26.7.2.1 (official build))`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const bytes = Buffer.concat(pieces);
  switch (request.headers['content-encoding']) {
    case undefined:
      return bytes;
    case 'gzip':
      return zlib.gunzipSync(bytes);
    case 'zstd':
      return zstd('zstdDecompressSync', bytes);
    default:
      throw new Error(`no such encoding: ${request.headers['content-encoding']}`);
  }
}

interface Form {
  readonly query: string;
  readonly params: readonly (readonly [string, string])[];
}

/** A form where parameters are too long for an address, else the query itself. */
function formOf({ headers }: IncomingMessage, body: Buffer): Form {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) return { query: body.toString(), params: [] };
  const parts = body
    .toString()
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part): readonly [string, string] => {
      const [head = '', ...rest] = part.split('\r\n\r\n');
      return [/name="([^"]*)"/.exec(head)?.[1] ?? '', rest.join('\r\n\r\n').replace(/\r\n$/, '')];
    });
  return { query: parts.find(([name]) => name === 'query')?.[1] ?? '', params: parts.filter(([name]) => name !== 'query') };
}

/** Breaks the connection as soon as something of the body is there. */
function resetWithin(request: IncomingMessage): void {
  request.once('data', () => request.socket.destroy());
}

function encoded(
  { headers }: IncomingMessage,
  parameters: URLSearchParams,
  bytes: Buffer,
): { readonly bytes: Buffer; readonly encoding: string | null } {
  const wanted = headers['accept-encoding'];
  if (parameters.get('enable_http_compression') !== '1' || (wanted !== 'gzip' && wanted !== 'zstd'))
    return { bytes, encoding: null };
  return { bytes: wanted === 'gzip' ? zlib.gzipSync(bytes) : zstd('zstdCompressSync', bytes), encoding: wanted };
}

/** Types of Node 20 do not have it; newer Nodes do. */
function zstd(name: 'zstdCompressSync' | 'zstdDecompressSync', bytes: Buffer): Buffer {
  return (zlib as unknown as Record<typeof name, (bytes: Buffer) => Buffer>)[name](bytes);
}
