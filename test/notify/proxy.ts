import { createServer, request as requestOf, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** What a proxy does with all that it is asked. */
export interface ProxyBehaviour {
  /** A port of loopback for each host and port that it leads to; nothing else is reached. */
  readonly leadsTo: Readonly<Record<string, number>>;
  /** `user:password` that it asks for; `null`: nothing. */
  readonly wants: string | null;
  /** It takes connections and says nothing. */
  readonly hangs: boolean;
  /** It hangs up without a word. */
  readonly hangsUp: boolean;
  /** A status that it refuses all with; `null`: none. */
  readonly refusesWith: number | null;
}

/** A proxy on loopback. */
export interface Proxy {
  readonly port: number;
  /** `CONNECT hooks.example.org:443`, `POST http://hooks.example.org/x`, as asked. */
  readonly asked: readonly string[];
  /** Connections that are open. */
  connections(): Promise<number>;
  does(behaviour: Partial<ProxyBehaviour>): void;
  close(): Promise<void>;
}

const NOTHING: ProxyBehaviour = { leadsTo: {}, wants: null, hangs: false, hangsUp: false, refusesWith: null };

/** Starts a proxy that leads nowhere. */
export async function openProxy(tls?: { readonly cert: string; readonly key: string }): Promise<Proxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let now = NOTHING;

  /** The status with which it refuses; `null` where it does not. */
  function refusal(request: IncomingMessage, place: string): number | null {
    asked.push(`${request.method} ${request.url}`);
    const given = request.headers['proxy-authorization'] ?? '';
    if (now.wants !== null && given !== `Basic ${Buffer.from(now.wants).toString('base64')}`) return 407;
    return now.refusesWith ?? (now.leadsTo[place] === undefined ? 503 : null);
  }

  function page(request: IncomingMessage, response: ServerResponse): void {
    const target = new URL(request.url ?? '');
    const place = target.host;
    const status = refusal(request, place);
    if (now.hangsUp) request.socket.destroy();
    if (now.hangs || now.hangsUp) return;
    if (status !== null) {
      response.writeHead(status).end('<html>');
      return;
    }
    const { 'proxy-authorization': _own, ...headers } = request.headers;
    const options = { port: now.leadsTo[place], method: request.method, path: `${target.pathname}${target.search}`, headers };
    const onward = requestOf(options, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  }

  const server = tls === undefined ? createServer(page) : createSecureServer(tls, page);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const status = refusal(request, request.url ?? '');
    // its end is heard of only where it is read
    socket.on('end', () => socket.destroy()).resume();
    if (now.hangsUp) socket.end();
    if (now.hangs || now.hangsUp) return;
    if (status !== null) {
      socket.end(`HTTP/1.1 ${status} No Way\r\n\r\n`);
      return;
    }
    const onward = connect(now.leadsTo[request.url ?? ''] ?? 0, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      pipeline(onward, socket, onward, () => {
        onward.destroy();
        socket.destroy();
      });
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    connections: () =>
      new Promise((counted, failed) => {
        server.getConnections((error, count) => (error === null ? counted(count) : failed(error)));
      }),
    does(behaviour) {
      now = { ...NOTHING, ...behaviour };
      asked.length = 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
