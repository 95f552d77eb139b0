import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createHttp, type HttpParts } from '../../src/notify/http.ts';
import { isReachedDirectly } from '../../src/notify/no-proxy.ts';
import { NotifyError } from '../../src/notify/notifier.ts';
import { makeCertificates, type Certificates } from './certificates.ts';
import { openProxy, type Proxy } from './proxy.ts';
import { direct, faults, openReceiver, status, type Receiver } from './receiver.ts';

const never = new AbortController().signal;
const SECURE = 'https://hooks.example.org/x';
const PLAIN = 'http://hooks.example.org/x?y=1';

let certificates: Certificates;
let plain: Receiver;
let secure: Receiver;
let proxy: Proxy;
let secureProxy: Proxy;

beforeAll(async () => {
  certificates = await makeCertificates();
  plain = await openReceiver();
  secure = await openReceiver(certificates);
  proxy = await openProxy();
  secureProxy = await openProxy(certificates);
});

afterAll(async () => {
  for (const one of [plain, secure, proxy, secureProxy]) await one.close();
  await certificates.remove();
});

/** Posts; what only the proxy can resolve arrives only by it. */
function post(url: string, settings: Partial<HttpParts['proxy']>): Promise<{ readonly status: string }> {
  const options = { timeout: '400ms', ca: certificates.ca, cert: null, key: null };
  const http = createHttp({ options, proxy: { ...direct, ...settings }, secrets: ['receivers-token'], now: () => 0 });
  return http.call({ method: 'POST', url, headers: { Authorization: 'Bearer receivers-token' }, body: '{}' }, never);
}

async function refusal(work: Promise<unknown>): Promise<NotifyError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof NotifyError) return error;
  throw new Error(`not refused as it should be: ${String(error)}`, { cause: error });
}

function leading(): { readonly leadsTo: Readonly<Record<string, number>> } {
  return {
    leadsTo: { 'hooks.example.org:443': secure.port, 'hooks.example.org': plain.port, [`0.0.0.0:${plain.port}`]: plain.port },
  };
}

const bothWays = () => [
  { url: SECURE, receiver: secure, asked: 'CONNECT hooks.example.org:443', settings: (address: string) => ({ https: address }) },
  { url: PLAIN, receiver: plain, asked: `POST ${PLAIN}`, settings: (address: string) => ({ http: address }) },
];

describe.each([0, 1])('by a proxy, %# (https by CONNECT, http as a page)', (which) => {
  const way = () => bothWays()[which] ?? bothWays()[0]!;

  test('a receiver is told that only the proxy can reach', async () => {
    const { url, receiver, asked, settings } = way();
    proxy.does(leading());
    const before = receiver.received.length;
    expect(await post(url, settings(`http://127.0.0.1:${proxy.port}`))).toMatchObject({ status: '200 OK' });
    expect(proxy.asked).toEqual([asked]);
    expect(receiver.received.slice(before)).toMatchObject([
      { url: new URL(url).pathname + new URL(url).search, body: '{}', headers: { host: 'hooks.example.org' } },
    ]);
  });

  test('whose address has no scheme, as in many environments', async () => {
    const { url, settings } = way();
    proxy.does(leading());
    expect(await post(url, settings(`127.0.0.1:${proxy.port}`))).toMatchObject({ status: '200 OK' });
  });

  test('that speaks TLS itself', async () => {
    const { url, asked, settings } = way();
    secureProxy.does(leading());
    expect(await post(url, settings(`https://127.0.0.1:${secureProxy.port}`))).toMatchObject({ status: '200 OK' });
    expect(secureProxy.asked).toEqual([asked]);
  });

  test('that asks for user and password', async () => {
    const { url, receiver, settings } = way();
    proxy.does({ ...leading(), wants: 'ops:p@ss/word' });
    expect(await post(url, settings(`http://ops:p%40ss%2Fword@127.0.0.1:${proxy.port}`))).toMatchObject({ status: '200 OK' });
    expect(JSON.stringify(receiver.received.at(-1))).not.toContain('proxy-authorization');
    const error = await refusal(post(url, settings(`http://ops:wrong@127.0.0.1:${proxy.port}`)));
    expect(error.message).toMatch(`the proxy 127.0.0.1:${proxy.port} does not lead to hooks.example.org: 407 `);
    expect(error).toMatchObject({ retriable: false, hint: expect.stringContaining('user and password') });
    expect(`${error.message} ${error.hint}`).not.toContain('wrong');
  });

  test('that is down', async () => {
    const { url, settings } = way();
    const gone = await openProxy();
    await gone.close();
    const error = await refusal(post(url, settings(`http://127.0.0.1:${gone.port}`)));
    expect(error).toMatchObject({ message: `nothing listens at the proxy 127.0.0.1:${gone.port}`, retriable: true });
  });

  test('that hangs, and is left alone then', async () => {
    const { url, settings } = way();
    proxy.does({ ...leading(), hangs: true });
    const error = await refusal(post(url, settings(`http://127.0.0.1:${proxy.port}`)));
    expect(error).toMatchObject({
      message: `no answer of the proxy 127.0.0.1:${proxy.port} within 400 ms`,
      retriable: true,
    });
    await vi.waitFor(async () => expect(await proxy.connections()).toBe(0));
  });

  test('that hangs up', async () => {
    const { url, settings } = way();
    proxy.does({ ...leading(), hangsUp: true });
    const error = await refusal(post(url, settings(`http://127.0.0.1:${proxy.port}`)));
    expect(error).toMatchObject({ message: `connection was cut by the proxy 127.0.0.1:${proxy.port}`, retriable: true });
  });

  test('that does not reach the receiver', async () => {
    const { url, settings } = way();
    proxy.does({});
    const error = await refusal(post(url, settings(`http://127.0.0.1:${proxy.port}`)));
    expect(error.message).toContain('503 ');
    expect(error.message).toContain(`the proxy 127.0.0.1:${proxy.port}`);
    expect(error.retriable).toBe(true);
  });

  test('that forbids it', async () => {
    const { url, settings } = way();
    proxy.does({ ...leading(), refusesWith: 403 });
    const error = await refusal(post(url, settings(`http://127.0.0.1:${proxy.port}`)));
    expect(error.message).toContain('403 ');
    expect(error.message).toContain(`the proxy 127.0.0.1:${proxy.port}`);
    expect(error.retriable).toBe(false);
  });

  test('what the receiver answers is its own', async () => {
    const { url, receiver, settings } = way();
    proxy.does(leading());
    receiver.answer(status(400, {}, 'no field "x"'));
    const error = await refusal(post(url, settings(`http://127.0.0.1:${proxy.port}`)));
    receiver.answer(faults.ok);
    expect(error.message).toMatch(/^400 Bad Request.*: no field "x"$/);
    expect(error.retriable).toBe(false);
  });
});

test('a receiver that hangs behind a tunnel is not taken for the proxy', async () => {
  proxy.does(leading());
  secure.answer(faults.hangs);
  const error = await refusal(post(SECURE, { https: `http://127.0.0.1:${proxy.port}` }));
  secure.answer(faults.ok);
  expect(error.message).toBe(`no answer of hooks.example.org (by the proxy 127.0.0.1:${proxy.port}) within 400 ms`);
  await vi.waitFor(async () => expect(await proxy.connections()).toBe(0));
});

test('the certificate behind a tunnel is that of the receiver', async () => {
  proxy.does({ leadsTo: { 'other.example.org:443': secure.port } });
  const error = await refusal(post('https://other.example.org/', { https: `http://127.0.0.1:${proxy.port}` }));
  expect(error.message).toBe(
    `the certificate of other.example.org (by the proxy 127.0.0.1:${proxy.port}) is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)`,
  );
});

test('what `no` names, and this machine, are reached directly', async () => {
  proxy.does(leading());
  // this machine, by an address that is not of loopback
  const url = `http://0.0.0.0:${plain.port}/`;
  const http = `http://127.0.0.1:${proxy.port}`;
  await post(url, { http });
  expect(proxy.asked).toEqual([`POST ${url}`]);
  await post(url, { http, no: '.example.com,0.0.0.0' });
  await post(plain.url, { http });
  expect(proxy.asked).toHaveLength(1);
});

test('a password in a page of the proxy is in no message', async () => {
  proxy.does(leading());
  plain.answer(status(502, {}, 'ops:hidden is not known'));
  const error = await refusal(post(PLAIN, { http: `http://ops:hidden@127.0.0.1:${proxy.port}` }));
  plain.answer(faults.ok);
  expect(error.message).toBe(`502 Bad Gateway (by the proxy 127.0.0.1:${proxy.port}): ops:*** is not known`);
});

test.each(['socks5://127.0.0.1:1080', 'http://', 'http://a:100%@proxy.example.org'])('%s is no proxy', async (https) => {
  const error = await refusal(post(SECURE, { https }));
  expect(error).toMatchObject({
    message: 'alerts.proxy.https is no address of a proxy that speaks HTTP',
    retriable: false,
    hint: expect.stringContaining('HTTPS_PROXY'),
  });
});

describe('NO_PROXY', () => {
  test.each([
    ['*', 'https://hooks.example.org'],
    ['example.org', 'https://example.org'],
    ['example.org', 'https://hooks.example.org'],
    ['.example.org', 'https://hooks.example.org'],
    ['*.example.org', 'https://hooks.example.org'],
    ['Example.ORG', 'https://hooks.example.org'],
    ['a.example, example.org', 'https://hooks.example.org'],
    ['a.example example.org', 'https://hooks.example.org'],
    ['example.org:443', 'https://hooks.example.org'],
    ['example.org:9093', 'http://am.example.org:9093'],
    ['10.1.2.3', 'https://10.1.2.3:8443'],
    ['10.1.2.3:8443', 'https://10.1.2.3:8443'],
    ['10.0.0.0/8', 'https://10.1.2.3'],
    ['fd00::/8', 'https://[fd00::1]'],
    ['fd00::1', 'https://[fd00::1]'],
    ['[fd00::1]:8443', 'https://[fd00::1]:8443'],
    ['', 'http://localhost:9093'],
    ['', 'http://127.1.2.3:9093'],
    ['', 'http://[::1]:9093'],
  ])('%s names %s', (no, url) => {
    expect(isReachedDirectly(new URL(url), no)).toBe(true);
  });

  test.each([
    ['', 'https://hooks.example.org'],
    [',', 'https://hooks.example.org'],
    ['hooks.example.org', 'https://example.org'],
    ['ample.org', 'https://hooks.example.org'],
    ['example.org:80', 'https://hooks.example.org'],
    ['10.1.2.3', 'https://110.1.2.3'],
    ['1.2.3', 'https://10.1.2.3'],
    ['10.0.0.0/8', 'https://11.1.2.3'],
    ['10.0.0.0/8', 'https://10.example.org'],
    ['10.0.0.0/80', 'https://10.1.2.3'],
    ['fd00::/8', 'https://[fe00::1]'],
    ['fd00::1', 'https://[fd00::11]'],
  ])('%s does not name %s', (no, url) => {
    expect(isReachedDirectly(new URL(url), no)).toBe(false);
  });
});
