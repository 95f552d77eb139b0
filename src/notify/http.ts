import { request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as secureRequest } from 'node:https';
import { durationMs } from '../lib/duration.ts';
import { duration } from '../lib/units.ts';
import { inert } from '../reports/terminal/text.ts';
import { createExcerpt } from './excerpt.ts';
import { networkError, statusError } from './http-errors.ts';
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
export function createHttp({ options, secrets, now }: HttpParts): Http {
  const timeoutMs = durationMs(options.timeout);
  const said = createExcerpt(secrets);
  return {
    async call({ method, url, headers = {}, body, explain = (text) => text, mostBytes = MOST_BYTES }, signal) {
      signal.throwIfAborted();
      const target = new URL(url);
      const tls = target.protocol === 'https:' ? await readTlsFiles(options) : {};
      const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
      const request = { method, headers: { 'User-Agent': 'precopy', ...headers, ...length }, agent: false, ...tls } as const;
      const answer = await exchange({ target, request, body, timeoutMs, mostBytes, signal });
      const status = `${answer.code} ${answer.words}`.trim();
      if (answer.code >= 200 && answer.code < 300) return { status, body: answer.body };
      const words = explain(answer.body);
      throw statusError({ ...answer, target, said: words === null ? null : said(words), now: now() });
    },
  };
}

interface Exchange {
  readonly target: URL;
  readonly request: RequestOptions;
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

function exchange({ target, request, body, timeoutMs, mostBytes, signal }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = target.protocol === 'https:' ? secureRequest : plainRequest;
    const sent = send(target, request);
    let began = false;
    const timer = setTimeout(() => {
      const what = began ? 'the answer did not end' : 'no answer';
      fail(new NotifyError(`${what} within ${duration(timeoutMs)}`, { retriable: true }));
    }, timeoutMs);
    signal.addEventListener('abort', aborted);

    function close(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      sent.destroy();
    }
    function fail(error: unknown): void {
      close();
      reject(error);
    }
    function aborted(): void {
      fail(signal.reason);
    }

    sent.on('error', (error) => fail(networkError(error, target)));
    sent.on('response', (response) => {
      began = true;
      const chunks: Buffer[] = [];
      let bytes = 0;
      const end = (): void => {
        close();
        const text = Buffer.concat(chunks).subarray(0, mostBytes).toString('utf8');
        resolve({
          code: response.statusCode ?? 0,
          words: inert(response.statusMessage ?? ''),
          headers: response.headers,
          body: text,
        });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        // its status is known, and nothing that we need is so long
        if (bytes > mostBytes) end();
      });
      response.on('end', end);
      response.on('error', (error) => fail(networkError(error, target)));
    });
    sent.end(body);
  });
}
