import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** No proxy at all. */
export const direct = { https: null, http: null, no: null };

/** A request as it arrived. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a receiver does with a request. */
export type Answer = (response: ServerResponse, received: Received) => void;

/** A server on loopback that does whatever a receiver may do. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** What it does from now on. */
  answer(answer: Answer): void;
  close(): Promise<void>;
}

/** What goes wrong at receivers. */
export const faults = {
  ok: (response) => response.end('ok'),
  hangs: () => {},
  hangsInBody: (response) => void response.writeHead(200, { 'Content-Length': '100' }).write('half'),
  drips: (response) => {
    response.writeHead(200, { 'Content-Length': '100000' });
    const timer = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(timer));
  },
  floods: (response) => {
    response.writeHead(200);
    const more = (): void => {
      while (response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  },
  resets: (response) => void response.socket?.resetAndDestroy(),
  resetsInBody: (response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half', () => response.socket?.resetAndDestroy());
  },
  garbage: (response) => {
    response.socket?.end('\u0000\u0001 this is no HTTP\r\n\r\n');
  },
} satisfies Record<string, Answer>;

/** Answers with a status. */
export function status(code: number, headers: Record<string, string> = {}, body = ''): Answer {
  return (response) => response.writeHead(code, headers).end(body);
}

/** Starts a receiver that says 200 to everything. */
export async function openReceiver(tls?: { readonly cert: string; readonly key: string }): Promise<Receiver> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let answer: Answer = faults.ok;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') };
      received.push(one);
      answer(response, one);
    });
    request.on('error', () => {});
    response.on('error', () => {});
  };
  const server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    received,
    answer(next) {
      answer = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
