import type { IncomingHttpHeaders } from 'node:http';
import { cut, inert } from '../reports/terminal/text.ts';
import { NotifyError } from './notifier.ts';

/** An answer that is not from 200 to 299. */
export interface Refused {
  readonly code: number;
  readonly words: string;
  readonly headers: IncomingHttpHeaders;
  readonly target: URL;
  /** What its body says; `null` where nothing of use. */
  readonly said: string | null;
  /** Unix ms. */
  readonly now: number;
}

/** No receiver may put off an alert for longer. */
const MOST_RETRY_AFTER_MS = 15 * 60_000;

/** Answers that are not the last word, besides those from 500 on. */
const LATER = new Set([408, 425, 429]);

/** The error that such an answer is. */
export function statusError({ code, words, headers, target, said, now }: Refused): NotifyError {
  const status = `${code} ${words}`.trim();
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

/** The error of a connection that could not be made or did not last. */
export function networkError(error: unknown, target: URL): NotifyError {
  const code = (error as NodeJS.ErrnoException).code ?? 'error';
  const at = target.port === '' ? target.hostname : target.host;
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
