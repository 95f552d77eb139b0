import type { ToldError } from './engine-error.ts';
import type { ServerOptions } from './server-connection.ts';

/** A request that failed, as far as its HTTP tells. */
export interface FailedRequest {
  readonly options: ServerOptions;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Status of the answer; `null` where none came. */
  readonly status: number | null;
  /** Our time limit ended it. */
  readonly late: boolean;
  readonly timeoutMs: number;
}

/** Rights that the store needs on its database. */
const RIGHTS = 'SELECT, INSERT, CREATE TABLE, CREATE VIEW, ALTER TTL';

/**
 * The error of a request with its code and what to do about it: ClickHouse's number where it gave one, else `TIME_LIMIT`, Node's code,
 * or `HTTP_` and the status (200: the answer began and is not what it should be). Never by the words of the error.
 */
export function serverFailure(error: unknown, request: FailedRequest): ToldError {
  const code = request.late ? 'TIME_LIMIT' : codeOf(error, request.status);
  return Object.assign(new Error(wordsOf(error, code, request), { cause: error }), { code, hint: hintOf(code, request) });
}

function codeOf(error: unknown, status: number | null): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  if (typeof code === 'string' && code !== '') return code;
  return status === null ? 'TIME_LIMIT' : `HTTP_${status}`;
}

/** An answer that is no error of ClickHouse may be a page of a proxy: its status tells more. */
function wordsOf(error: unknown, code: string, { origin, timeoutMs }: FailedRequest): string {
  if (code === 'TIME_LIMIT') return `${origin} did not answer within ${timeoutMs} ms`;
  if (code === 'HTTP_200') return `the answer of ${origin} broke off, or is none of ClickHouse`;
  if (code.startsWith('HTTP_')) return `${origin} answered with HTTP status ${code.slice(5)}`;
  const words = error instanceof Error && error.message !== '' ? error.message : code;
  return /^\d+$/.test(code) ? words : `${words} (${origin})`;
}

function hintOf(code: string, request: FailedRequest): string | null {
  const { options, origin } = request;
  if (isUntrusted(code)) return trustHint(options.ca ?? null);
  if (isNoTls(code))
    return `Check scheme and port of ${origin}: http:// is 8123, https:// is 8443, 9000 and 9440 are for other clients.`;
  return HINTS[code]?.(request) ?? null;
}

/** What to do, by code, where the code alone says what is wrong. */
const HINTS: Readonly<Record<string, (request: FailedRequest) => string>> = {
  81: ({ options: { database, cluster } }) =>
    `Create it on the server: CREATE DATABASE ${database}${cluster ? ` ON CLUSTER '${cluster}'` : ''}.`,
  497: ({ options }) => grantHint(options),
  164: () =>
    'The profile of the user has readonly, so that no limits can be set: take that setting from the profile, grants suffice.',
  139: () => 'Each server of the cluster needs the macros shard and replica in its configuration.',
  701: ({ options: { cluster } }) => `The server knows no cluster ${cluster}: SELECT cluster FROM system.clusters lists them.`,
  ENOTFOUND: ({ origin }) => `Nobody knows the host of ${origin}: check the name, and the name service of this machine.`,
  EAI_AGAIN: ({ origin }) => `The name service did not answer for the host of ${origin}.`,
  ECONNREFUSED: ({ origin }) =>
    `Nothing listens at ${origin}: check that the server runs, and that its http_port or https_port is this one.`,
  ERR_TLS_CERT_ALTNAME_INVALID: ({ origin }) =>
    `The certificate of the server does not name the host of ${origin}: use a name that it has.`,
  CERT_HAS_EXPIRED: () => 'The certificate of the server, or of its authority, has expired.',
  HTTP_404: () => 'No ClickHouse answers there: check address and path.',
  TIME_LIMIT: ({ timeoutMs }) => `The server hangs, or timeout (${timeoutMs} ms) is too short for what it has to do.`,
};

/** Codes of OpenSSL for a certificate whose issuer is not trusted. */
function isUntrusted(code: string): boolean {
  return /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)$/.test(
    code,
  );
}

/** One of both speaks TLS and the other does not, or not this way. */
function isNoTls(code: string): boolean {
  return /^(?:EPROTO|HPE_\w+|ERR_SSL_\w+)$/.test(code);
}

function trustHint(ca: string | null): string {
  return ca === null
    ? 'Nobody on this machine vouches for the certificate of the server: name the PEM file of its authority as ca.'
    : `The authority in ${ca} did not issue the certificate of the server: name the PEM file of the one that did as ca.`;
}

function grantHint({ database, user, accessToken, cluster, queryUser }: ServerOptions): string {
  const name = accessToken ? 'the user of the token' : user.username;
  const reader = queryUser ? ` And GRANT SELECT ON ${database}.* TO ${queryUser.username}.` : '';
  const onCluster = cluster ? ` GRANT CLUSTER, REMOTE ON *.* TO ${name};` : '';
  return `On the server: GRANT ${RIGHTS} ON ${database}.* TO ${name};${onCluster}${reader}`;
}
