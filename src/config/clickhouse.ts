import { z } from 'zod';
import { duration, durationMs } from '../lib/duration.ts';
import type { ServerOptions } from '../store/server-connection.ts';
import { secret } from './secret.ts';

const pemFile = z.string().startsWith('/').nullable().default(null);
const name = z.string().regex(/^[A-Za-z_][\w.-]*$/, { error: 'a name of letters, digits, _, - and .' });

/** Where the tables are, if not in the data folder. */
export const clickhouseOptions = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'an address like https://clickhouse.example.org:8443' })
      .default('http://localhost:8123')
      .describe('Address of the HTTP interface, with a path where a proxy wants one.'),
    database: name.default('precopy').describe('Must exist; its tables are made.'),
    username: z.string().min(1).default('precopy').describe('Who writes and reads; docs/clickhouse.md has its grants.'),
    password: secret
      .nullable()
      .default(null)
      .describe('Its password; with a client certificate and none, the certificate tells who it is.'),
    accessToken: secret.nullable().default(null).describe('A JWT instead of user and password.'),
    queryUser: z
      .strictObject({
        username: z.string().min(1).default('precopy_reader').describe('May only SELECT.'),
        password: secret.nullable().default(null).describe('Its password.'),
      })
      .nullable()
      .default(null)
      .describe('Who runs the SQL of users; null: the same user, readonly.'),
    ca: pemFile.describe("PEM file of the authorities to trust; null: the machine's."),
    cert: pemFile.describe('PEM file of the client certificate.'),
    key: pemFile.describe('PEM file of its key, without a passphrase.'),
    compression: z
      .enum(['none', 'gzip', 'zstd'])
      .default('gzip')
      .describe('Of what is sent and what is answered; zstd needs Node 22.15 or newer.'),
    timeout: duration.default('60s').describe('How long one request may take.'),
    retryFor: duration.default('30s').describe('How long a request that may succeed later is repeated.'),
    keepAlive: z.boolean().default(true).describe('Whether connections are used again.'),
    maxConnections: z.int().min(1).max(1000).default(10).describe('How many questions are asked at once.'),
    cluster: name.nullable().default(null).describe('Name of the cluster of servers that the tables are on; null: one server.'),
  })
  .refine(({ password, accessToken }) => password === null || accessToken === null, {
    error: 'either a password or a token',
    path: ['accessToken'],
  })
  // the url is shown, the password is not
  .refine(({ url }) => !/\/\/[^/]*@/.test(url), { error: 'a key of its own, and not within url', path: ['password'] });

/** What the store takes of it. */
export function serverOptionsOf({
  username,
  password,
  timeout,
  retryFor,
  ...rest
}: z.infer<typeof clickhouseOptions>): ServerOptions {
  return { ...rest, user: { username, password }, timeoutMs: durationMs(timeout), retryMs: durationMs(retryFor) };
}
