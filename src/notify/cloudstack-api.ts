import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { httpOptions, httpUrl, secretText } from './http-options.ts';
import { createHttp, type HttpParts } from './http.ts';
import { NotifyError } from './notifier.ts';

/** How the API of a management server is reached. */
export const cloudstackOptions = {
  url: httpUrl.describe('Address of the API, `https://cloud.example.org/client/api`.'),
  apiKey: secretText.describe('API key of a user with the right to the calls.'),
  secretKey: secretText.describe('Its secret key: signs requests and is never sent.'),
  ...httpOptions,
};

const apiOptions = z.object(cloudstackOptions);

/** See `cloudstackOptions`. */
export type CloudstackApiOptions = z.infer<typeof apiOptions>;

/** Of the options of a notifier, those of the API. */
export function apiOptionsOf(notifier: object): CloudstackApiOptions {
  return apiOptions.parse(notifier);
}

/** Calls of the API of CloudStack. */
export interface CloudstackApi {
  /**
   * What stands in `<command>response` of the answer.
   *
   * @throws NotifyError with CloudStack's own words.
   */
  call(command: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown>;
}

const FORM = 'application/x-www-form-urlencoded; charset=utf-8';
/** A list of 500 hosts is about a megabyte. */
const MOST_BYTES = 16 * 2 ** 20;
/** How long a signed request may be used: what is read on the way cannot be repeated later. */
const VALID_MS = 10 * 60_000;

/** What the API is asked with. */
export type CloudstackApiParts = Pick<HttpParts, 'proxy' | 'now'>;

/** An API as one user may use it. */
export function createCloudstackApi(
  { url, apiKey, secretKey, ...way }: CloudstackApiOptions,
  { proxy, now }: CloudstackApiParts,
): CloudstackApi {
  const http = createHttp({ options: way, proxy, secrets: [apiKey, secretKey], now });
  return {
    async call(command, parameters, signal) {
      const expires = new Date(now() + VALID_MS).toISOString().replace(/\.\d+Z$/, '+0000');
      const query = { ...parameters, command, response: 'json', apikey: apiKey, signatureversion: '3', expires };
      const body = signedQuery(query, secretKey);
      // in a body, not in an address: those are logged
      const call = {
        method: 'POST',
        url,
        headers: { 'Content-Type': FORM },
        body,
        mostBytes: MOST_BYTES,
        explain: errorText,
      } as const;
      const answer = await failed(() => http.call(call, signal));
      return responseOf(answer.body, command);
    },
  };
}

/**
 * A query with its signature: sorted by name, in small letters, HMAC-SHA1 by the secret key, Base64 (docs.cloudstack.apache.org,
 * developer's guide, "How to sign an API call"). Names have small letters only: the server sorts them before it makes them small.
 */
export function signedQuery(parameters: Readonly<Record<string, string>>, secretKey: string): string {
  const pairs = Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const query = pairs.map(([name, value]) => `${name}=${encoded(value)}`).join('&');
  const signature = createHmac('sha1', secretKey).update(query.toLowerCase()).digest('base64');
  return `${query}&signature=${encoded(signature)}`;
}

/** As `java.net.URLEncoder` does, which the server signs with, but `%20` for a blank, as it does too. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Codes of `ApiErrorCode` that repeating does not help: a wrong parameter, an unknown account, no right. */
const FOR_GOOD = /^(?:531|532) /;

/** CloudStack answers with statuses of its own: most from 530 on pass, these do not. */
async function failed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NotifyError)) throw error;
    const hint = error.message.startsWith('401')
      ? 'See the options apiKey and secretKey, and the clocks of both machines.'
      : error.hint;
    const retriable = error.retriable && !FOR_GOOD.test(error.message);
    throw new NotifyError(error.message, {
      retriable,
      retryAfterMs: error.retryAfterMs,
      ...(hint === null ? {} : { hint }),
      cause: error,
    });
  }
}

const anyResponse = z.record(z.string(), z.unknown());
const failure = z.object({ errortext: z.string() });

/** `{"errorresponse":{"errorcode":431,"errortext":"…"}}`: the text of it. */
function errorText(body: string): string | null {
  try {
    const [response] = Object.values(anyResponse.parse(JSON.parse(body)));
    return failure.parse(response).errortext;
  } catch {
    return body;
  }
}

function responseOf(body: string, command: string): unknown {
  const name = `${command}response`.toLowerCase();
  try {
    const response = anyResponse.parse(JSON.parse(body));
    if (name in response) return response[name];
  } catch {
    // told below: what came is no answer of the API
  }
  throw new NotifyError(`the answer to ${command} is none of CloudStack`, {
    retriable: true,
    hint: 'See the option url: it ends in /client/api.',
  });
}
