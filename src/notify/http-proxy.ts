import { request as plainRequest, type ClientRequest, type RequestOptions } from 'node:http';
import { request as secureRequest } from 'node:https';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { isReachedDirectly, portOf } from './no-proxy.ts';
import { NotifyError } from './notifier.ts';

/** By which proxies receivers are reached, as the variables of the environment have it; `null`: by none. */
export interface ProxySettings {
  /** Address of the proxy for https, `http://user:password@proxy.example.org:3128`; without a scheme it is http. */
  readonly https: string | null;
  /** Of the one for http. */
  readonly http: string | null;
  /** Receivers that are reached without a proxy: hosts with all below them, addresses and networks (`10.0.0.0/8`), each with a port if need be; `*`: all. */
  readonly no: string | null;
}

/** What a request is made with, besides its address. */
export interface HttpRequest extends RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: Buffer;
}

/** A request to be sent by a proxy. */
export interface ProxiedRequest {
  readonly target: URL;
  readonly proxy: URL;
  readonly request: HttpRequest;
  /** Ends a connection whose tunnel is not open yet, too. */
  readonly signal: AbortSignal;
  /** The proxy answered to CONNECT; 200: what is sent from now on goes to the receiver. */
  answered(code: number, words: string): void;
}

/** What a scheme may be written before. */
const SCHEME = /^[a-z][\w+.-]*:\/\//i;

/** The proxy by which a receiver is reached; `null`: by none. This machine itself never has one. @throws NotifyError where its address is none. */
export function proxyOf(target: URL, { https, http, no }: ProxySettings): URL | null {
  const [variable, address] = target.protocol === 'https:' ? ['https', https ?? ''] : ['http', http ?? ''];
  if (address === '' || isReachedDirectly(target, no ?? '')) return null;
  const proxy = addressed(address);
  if (proxy !== null) return proxy;
  throw new NotifyError(`alerts.proxy.${variable} is no address of a proxy that speaks HTTP`, {
    retriable: false,
    hint: `Set it, or ${variable.toUpperCase()}_PROXY, as http://proxy.example.org:3128, what is no letter or digit of a password as %40 for @.`,
  });
}

/** Passwords of proxies: no message may hold them. */
export function proxySecrets({ https, http }: ProxySettings): readonly string[] {
  return [https, http].map((address) => decodeURIComponent(addressed(address ?? '')?.password ?? ''));
}

function addressed(address: string): URL | null {
  const url = SCHEME.test(address) ? address : `http://${address}`;
  if (!URL.canParse(url) || !/^https?:/i.test(url)) return null;
  const proxy = new URL(url);
  return [proxy.username, proxy.password].every(isEncoded) ? proxy : null;
}

function isEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== null;
  } catch {
    return false;
  }
}

/** A proxy as messages name it: without user and password. */
export function proxyName(proxy: URL): string {
  return `the proxy ${proxy.hostname}:${portOf(proxy)}`;
}

/** Sends by a proxy: https through a tunnel of CONNECT, http as proxies are asked for a page. */
export function requestByProxy({ target, proxy, request, signal, answered }: ProxiedRequest): ClientRequest {
  const trust = request.ca === undefined ? {} : { ca: request.ca };
  if (target.protocol === 'https:') {
    const agent = new HttpsProxyAgent(proxy, { ...trust, signal });
    agent.once('proxyConnect', ({ statusCode, statusText }: { readonly statusCode: number; readonly statusText: string }) =>
      answered(statusCode, statusText),
    );
    return secureRequest(target, { ...request, agent });
  }
  const send = proxy.protocol === 'https:' ? secureRequest : plainRequest;
  const headers = { Host: target.host, ...request.headers, ...authorizationOf(proxy) };
  const path = `${target.origin}${target.pathname}${target.search}`;
  return send({ method: request.method, agent: false, ...trust, ...addressOf(proxy), path, headers });
}

function addressOf(proxy: URL): { readonly hostname: string; readonly port: string } {
  return { hostname: proxy.hostname.replace(/^\[(.*)\]$/, '$1'), port: portOf(proxy) };
}

function authorizationOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
