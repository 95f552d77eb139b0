import type { IncomingHttpHeaders } from 'node:http';
import { cut, inert } from '../reports/terminal/text.ts';
import { proxyName } from './http-proxy.ts';
import { NotifyError } from './notifier.ts';

/** An answer that is not from 200 to 299. */
export interface Refused {
  readonly code: number;
  readonly words: string;
  readonly headers: IncomingHttpHeaders;
  readonly target: URL;
  /** By which it came; `null`: by none. */
  readonly proxy: URL | null;
  /** What its body says; `null` where nothing of use. */
  readonly said: string | null;
  /** Unix ms. */
  readonly now: number;
}

/** No receiver may put off an alert for longer. */
const MOST_RETRY_AFTER_MS = 15 * 60_000;

/** Answers that are not the last word, besides those from 500 on. */
const LATER = new Set([408, 425, 429]);

/** A proxy wants user and password, or others. */
const AUTHENTICATE = 407;

/** The error that such an answer is. */
export function statusError({ code, words, headers, target, proxy, said, now }: Refused): NotifyError {
  // within a tunnel nobody but the receiver answers
  const asked = target.protocol === 'http:' ? proxy : null;
  if (code === AUTHENTICATE && asked !== null) return proxyError({ code, words, target, proxy: asked });
  const by = asked === null ? '' : ` (by ${proxyName(asked)})`;
  const status = `${code} ${words}`.trim() + by;
  if (code >= 300 && code < 400) {
    const to = redirectOf(headers.location, target);
    return new NotifyError(`${status}: ${to}; redirects are not followed`, {
      retriable: false,
      hint: 'Set the url to where it redirects, if that is the receiver.',
    });
  }
  return new NotifyError(said === null ? status : `${status}: ${said}`, {
    retriable: code >= 500 || LATER.has(code),
    retryAfterMs: retryAfterMs(headers['retry-after'], now),
  });
}

/** A proxy that leads to no receiver. */
export interface Barred {
  readonly code: number;
  readonly words: string;
  readonly target: URL;
  readonly proxy: URL;
}

/** The error that its answer is. */
export function proxyError({ code, words, target, proxy }: Barred): NotifyError {
  const name = proxyName(proxy);
  if (Number.isNaN(code)) return new NotifyError(`${name} speaks no HTTP`, { retriable: true });
  const status = `${code} ${words}`.trim();
  return new NotifyError(`${name} does not lead to ${hostOf(target)}: ${status}`, {
    retriable: code >= 500 || LATER.has(code),
    hint:
      code === AUTHENTICATE
        ? 'Name user and password in its address: http://user:password@proxy.example.org:3128.'
        : 'See alerts.proxy: what it should not be asked for belongs into no, or NO_PROXY.',
  });
}

/** `Retry-After` in ms: seconds, or a date of HTTP; `null` where there is none. At most a quarter of an hour. */
function retryAfterMs(header: string | undefined, now: number): number | null {
  const text = header?.trim() ?? '';
  if (text === '') return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? null : Math.min(MOST_RETRY_AFTER_MS, Math.max(0, ms));
}

/** Host of a redirect, and never its path: it may hold a token. */
function redirectOf(location: string | undefined, target: URL): string {
  if (location === undefined || !URL.canParse(location, target.href)) return 'redirects to nowhere';
  return `redirects to ${cut(inert(new URL(location, target).host), 100)}`;
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at',
  ENOTFOUND: 'no such host:',
  EAI_AGAIN: 'no answer from DNS for',
  ECONNRESET: 'connection was cut by',
  EPIPE: 'connection was cut by',
  ETIMEDOUT: 'cannot be reached:',
  EHOSTUNREACH: 'cannot be reached:',
  ENETUNREACH: 'cannot be reached:',
};

/** Codes of OpenSSL and of Node where a certificate is not good. */
const DISTRUST =
  /^(?:CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|INVALID_|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED|ERROR_IN_CERT)/;

/** The way of a request. */
export interface Way {
  readonly target: URL;
  /** `null`: none. */
  readonly proxy: URL | null;
  /** The connection led to the receiver, not only to the proxy. */
  readonly through: boolean;
}

/** The error of a connection that could not be made or did not last. */
export function networkError(error: unknown, way: Way): NotifyError {
  // of all that fails, only a proxy that hangs up before it answers has no code
  const code = (error as NodeJS.ErrnoException).code ?? 'ECONNRESET';
  const at = farEnd(way);
  const words = NETWORK[code];
  if (words !== undefined) return new NotifyError(`${words} ${at}`, { retriable: true, cause: error });
  if (DISTRUST.test(code)) {
    return new NotifyError(`the certificate of ${at} is not trusted (${code})`, {
      retriable: false,
      hint: 'Name the authority that signed it in the option ca, or mend the certificate.',
      cause: error,
    });
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return new NotifyError(`no TLS with ${at} (${code})`, {
      retriable: false,
      hint: 'Does it speak https, and does it ask for a client certificate (options cert and key)?',
      cause: error,
    });
  }
  return new NotifyError(`connection to ${at} failed (${code})`, { retriable: true, cause: error });
}

/** What did not come in time. */
export function lateWords(way: Way, began: boolean): string {
  if (began) return way.proxy === null ? 'the answer did not end' : `the answer of ${farEnd(way)} did not end`;
  return way.proxy === null ? 'no answer' : `no answer of ${farEnd(way)}`;
}

/** Who is at the other end of a connection. */
function farEnd({ target, proxy, through }: Way): string {
  if (proxy === null) return hostOf(target);
  return through ? `${hostOf(target)} (by ${proxyName(proxy)})` : proxyName(proxy);
}

function hostOf({ hostname, host, port }: URL): string {
  return port === '' ? hostname : host;
}
