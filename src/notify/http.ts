import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { durationMs } from '../lib/duration.ts';
import { duration } from '../lib/units.ts';
import { inert } from '../reports/terminal/text.ts';
import { createExcerpt } from './excerpt.ts';
import { lateWords, networkError, proxyError, statusError } from './http-errors.ts';
import { proxyOf, proxySecrets, requestByProxy, type ProxiedRequest, type ProxySettings } from './http-proxy.ts';
import { NotifyError } from './notifier.ts';
import { readTlsFiles, type TlsPaths } from './tls-files.ts';

/** One request. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What is read of the answer at most, bytes; 64 KiB by default. */
  readonly mostBytes?: number;
  /** What an answer with an error says, in words; by default the beginning of its body. */
  explain?(body: string): string | null;
}

/** An answer with a status from 200 to 299. */
export interface HttpAnswer {
  /** `200 OK`. */
  readonly status: string;
  /** At most `mostBytes` of it. */
  readonly body: string;
}

/** How requests are made. */
export interface HttpParts {
  readonly options: TlsPaths & { readonly timeout: string };
  readonly proxy: ProxySettings;
  /** Texts that no message may hold. */
  readonly secrets: readonly string[];
  /** Unix ms. */
  now(): number;
}

/** Makes requests. */
export interface Http {
  /**
   * One attempt: follows no redirect, for what is told concerns the receiver alone, and ends within the time.
   *
   * @throws NotifyError where the answer is not complete or its status not from 200 to 299; the signal's reason where it aborts.
   */
  call(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer>;
}

/** What is read of an answer. */
const MOST_BYTES = 65_536;

/** A client for one receiver. */
export function createHttp({ options, proxy: proxies, secrets, now }: HttpParts): Http {
  const timeoutMs = durationMs(options.timeout);
  const said = createExcerpt([...secrets, ...proxySecrets(proxies)]);
  return {
    async call({ method, url, headers = {}, body, explain = (text) => text, mostBytes = MOST_BYTES }, signal) {
      signal.throwIfAborted();
      const target = new URL(url);
      const proxy = proxyOf(target, proxies);
      const tls = [target, proxy].some((one) => one?.protocol === 'https:') ? await readTlsFiles(options) : {};
      const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
      const request = { method, headers: { 'User-Agent': 'precopy', ...headers, ...length }, agent: false, ...tls } as const;
      const answer = await exchange({ target, proxy, request, body, timeoutMs, mostBytes, signal });
      const status = `${answer.code} ${answer.words}`.trim();
      if (answer.code >= 200 && answer.code < 300) return { status, body: answer.body };
      const words = explain(answer.body);
      throw statusError({ ...answer, target, proxy, said: words === null ? null : said(words), now: now() });
    },
  };
}

interface Exchange extends Pick<ProxiedRequest, 'target' | 'request'> {
  readonly proxy: URL | null;
  readonly body: string | undefined;
  readonly timeoutMs: number;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

interface Answer {
  readonly code: number;
  readonly words: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function exchange({ target, proxy, request, body, timeoutMs, mostBytes, signal }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    let began = false;
    /** At the other end of the connection is the receiver, not a proxy. */
    let through = proxy === null;
    const sent =
      proxy === null
        ? (target.protocol === 'https:' ? secureRequest : plainRequest)(target, request)
        : requestByProxy({ target, proxy, request, signal: over.signal, answered });
    const timer = setTimeout(() => {
      fail(new NotifyError(`${lateWords({ target, proxy, through }, began)} within ${duration(timeoutMs)}`, { retriable: true }));
    }, timeoutMs);
    signal.addEventListener('abort', aborted);

    function close(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      sent.destroy();
      over.abort();
    }
    function fail(error: unknown): void {
      close();
      reject(error);
    }
    function broken(error: unknown): void {
      fail(networkError(error, { target, proxy, through }));
    }
    function aborted(): void {
      fail(signal.reason);
    }
    function answered(code: number, words: string): void {
      through = code === 200;
      if (!through && proxy !== null) fail(proxyError({ code, words: inert(words), target, proxy }));
    }

    sent.on('error', broken);
    sent.on('response', (response) => {
      began = true;
      readAnswer(response, mostBytes, (answer) => {
        close();
        resolve(answer);
      });
      response.on('error', broken);
    });
    sent.end(body);
  });
}

/** Reads an answer to its end, or as much as is of interest. */
function readAnswer(response: IncomingMessage, mostBytes: number, ended: (answer: Answer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const end = (): void => {
    const body = Buffer.concat(chunks).subarray(0, mostBytes).toString('utf8');
    const { statusCode = 0, statusMessage = '', headers } = response;
    ended({ code: statusCode, words: inert(statusMessage), headers, body });
  };
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    // its status is known, and nothing that we need is so long
    if (bytes > mostBytes) end();
  });
  response.on('end', end);
}
