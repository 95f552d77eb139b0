import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttp, type HttpParts } from '../../src/notify/http.ts';
import { NotifyError } from '../../src/notify/notifier.ts';
import { makeCertificates, type Certificates } from './certificates.ts';
import { direct, faults, openReceiver, status, type Answer, type Receiver } from './receiver.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const SECRET = 'T0/B0/sEcReT+token';
const WAY = { timeout: '300ms', ca: null, cert: null, key: null };

let receiver: Receiver;
let secure: Receiver;
let certificates: Certificates;

beforeAll(async () => {
  certificates = await makeCertificates();
  receiver = await openReceiver();
  secure = await openReceiver(certificates);
});

afterAll(async () => {
  await receiver.close();
  await secure.close();
  await certificates.remove();
});

function client(options: Partial<HttpParts['options']> = {}): ReturnType<typeof createHttp> {
  return createHttp({ options: { ...WAY, ...options }, proxy: direct, secrets: [SECRET], now: () => NOW });
}

function post(url: string, http = client(), signal = new AbortController().signal): Promise<{ readonly status: string }> {
  return http.call({ method: 'POST', url, body: '{}' }, signal);
}

/** The error that an attempt ends in, and how long it took. */
async function refusal(work: Promise<unknown>): Promise<NotifyError & { readonly tookMs: number }> {
  const began = performance.now();
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NotifyError)) throw new Error(`not refused as it should be: ${String(error)}`, { cause: error });
  return Object.assign(error, { tookMs: performance.now() - began });
}

interface Case {
  readonly what: string;
  readonly answer: Answer;
  readonly says: RegExp;
  readonly retriable: boolean;
  readonly retryAfterMs?: number;
}

const cases: readonly Case[] = [
  { what: 'hangs before it answers', answer: faults.hangs, says: /^no answer within 300 ms$/, retriable: true },
  {
    what: 'hangs within its answer',
    answer: faults.hangsInBody,
    says: /^the answer did not end within 300 ms$/,
    retriable: true,
  },
  { what: 'drips', answer: faults.drips, says: /^the answer did not end within 300 ms$/, retriable: true },
  { what: 'resets', answer: faults.resets, says: /^connection was cut by 127\.0\.0\.1:\d+$/, retriable: true },
  { what: 'resets within its answer', answer: faults.resetsInBody, says: /^connection was cut by /, retriable: true },
  { what: 'speaks no HTTP', answer: faults.garbage, says: /^connection to 127\.0\.0\.1:\d+ failed \(HPE_/, retriable: true },
  { what: 'has an error', answer: status(500), says: /^500 Internal Server Error$/, retriable: true },
  { what: 'is away', answer: status(503, { 'Retry-After': '7' }), says: /^503 /, retriable: true, retryAfterMs: 7000 },
  {
    what: 'wants fewer',
    answer: status(429, { 'Retry-After': '7' }),
    says: /^429 Too Many/,
    retriable: true,
    retryAfterMs: 7000,
  },
  {
    what: 'wants fewer until a time',
    answer: status(429, { 'Retry-After': 'Mon, 23 Nov 2026 12:00:30 GMT' }),
    says: /^429 /,
    retriable: true,
    retryAfterMs: 30_000,
  },
  {
    what: 'wants none for a year',
    answer: status(429, { 'Retry-After': '31536000' }),
    says: /^429 /,
    retriable: true,
    retryAfterMs: 900_000,
  },
  { what: 'refuses', answer: status(400, {}, 'no field "x"'), says: /^400 Bad Request: no field "x"$/, retriable: false },
  { what: 'is a page', answer: status(404, {}, '<html>…'), says: /^404 Not Found$/, retriable: false },
  { what: 'knows no such user', answer: status(401), says: /^401 Unauthorized$/, retriable: false },
  {
    what: 'repeats a secret',
    answer: status(403, {}, `no right: ${SECRET} or ${encodeURIComponent(SECRET)}`),
    says: /^403 Forbidden: no right: \*\*\* or \*\*\*$/,
    retriable: false,
  },
  {
    what: 'answers with what a terminal obeys',
    answer: status(400, {}, '\u001b[2Jgone'),
    says: /^400 Bad Request: \\x1b\[2Jgone$/,
    retriable: false,
  },
  {
    what: 'redirects',
    answer: status(302, { Location: `https://elsewhere.example.org/${SECRET}` }),
    says: /^302 Found: redirects to elsewhere\.example\.org; redirects are not followed$/,
    retriable: false,
  },
];

describe('a receiver that', () => {
  test.each(cases)('$what', async ({ answer, says, retriable, retryAfterMs = null }) => {
    receiver.answer(answer);
    const error = await refusal(post(receiver.url));
    expect(error.message).toMatch(says);
    expect(error).toMatchObject({ retriable, retryAfterMs, code: 'notify' });
    expect(error.tookMs).toBeLessThan(1500);
    expect(`${error.message} ${error.hint}`).not.toContain('sEcReT');
  });
});

test('an answer without end is cut, and its status counts', async () => {
  receiver.answer(faults.floods);
  expect((await post(receiver.url)).status).toBe('200 OK');
});

test('a redirect is not followed, not even to the same host', async () => {
  receiver.answer(status(307, { Location: '/elsewhere' }));
  const before = receiver.received.length;
  await refusal(post(`${receiver.url}/here`));
  expect(receiver.received.slice(before).map(({ url }) => url)).toEqual(['/here']);
});

test('nobody who listens is named', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => free.once('listening', listening));
  const port = (free.address() as { readonly port: number }).port;
  await new Promise((closed) => free.close(closed));
  const error = await refusal(post(`http://127.0.0.1:${port}/${SECRET}`));
  expect(error).toMatchObject({ message: `nothing listens at 127.0.0.1:${port}`, retriable: true });
});

test('an attempt that is stopped ends at once, with the reason', async () => {
  receiver.answer(faults.hangs);
  const stop = new AbortController();
  const work = post(receiver.url, client({ timeout: '30s' }), stop.signal);
  stop.abort(new Error('the process ends'));
  await expect(work).rejects.toThrow('the process ends');
});

describe('TLS', () => {
  test('a certificate that nobody vouches for is refused, and not tried again', async () => {
    const error = await refusal(post(secure.url));
    expect(error.message).toMatch(/^the certificate of 127\.0\.0\.1:\d+ is not trusted \(/);
    expect(error).toMatchObject({ retriable: false, hint: expect.stringContaining('option ca') });
    expect(secure.received).toEqual([]);
  });

  test('one that the named authority signed is taken', async () => {
    expect((await post(secure.url, client({ ca: certificates.ca }))).status).toBe('200 OK');
  });

  test('one for another name is refused', async () => {
    const error = await refusal(post(secure.url.replace('127.0.0.1', 'localhost'), client({ ca: certificates.ca })));
    expect(error.message).toMatch(/is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)$/);
  });

  test('a receiver that speaks no TLS is named', async () => {
    receiver.answer(faults.ok);
    const error = await refusal(post(receiver.url.replace('http:', 'https:')));
    expect(error.message).toMatch(/^no TLS with 127\.0\.0\.1:\d+ \(/);
  });

  test('a file that is not there is named', async () => {
    const error = await refusal(post(secure.url, client({ ca: '/nowhere/ca.pem' })));
    expect(error).toMatchObject({ message: '/nowhere/ca.pem cannot be read (ENOENT)', retriable: false });
  });
});
