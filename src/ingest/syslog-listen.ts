import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { AppError, type ErrorCode } from '../lib/errors.ts';

/** Switches keep a connection open; more than this many are a mistake, or an attack. */
export const MAX_CONNECTIONS = 256;
/** Room for bursts in the kernel; it gives at most `net.core.rmem_max`. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Port 0 takes any port that TCP has free; UDP may have it taken. */
const PORT_TRIES = 10;

/** Two open sockets. */
export interface Listening {
  readonly address: AddressInfo;
  /** Takes no more, and ends the connections once what they sent is read. */
  close(connections: ReadonlySet<Socket>): Promise<void>;
}

/** Told what arrives. */
export interface Listeners {
  connection(socket: Socket): void;
  datagram(bytes: Buffer, from: RemoteInfo): void;
  refused(): void;
  failed(error: Error): void;
}

/**
 * Opens TCP and UDP on one address, `127.0.0.1:5514` or `[::1]:5514`.
 *
 * @throws AppError where the address cannot be had.
 */
export async function listen(wanted: string, listeners: Listeners): Promise<Listening> {
  const at = wanted.lastIndexOf(':');
  const host = wanted.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(wanted.slice(at + 1));
  for (let tries = 1; ; tries += 1) {
    const tcp = createServer({ noDelay: true }, listeners.connection);
    tcp.maxConnections = MAX_CONNECTIONS;
    const udp = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
    try {
      const address = await bindTcp(tcp, host, port);
      await bindUdp(udp, host, address.port);
      tcp.on('drop', listeners.refused).on('error', listeners.failed);
      udp.on('message', listeners.datagram).on('error', listeners.failed);
      return { address, close: (connections) => close(tcp, udp, connections) };
    } catch (error) {
      await close(tcp, udp, new Set());
      if (port !== 0 || tries >= PORT_TRIES) throw asAppError(error as NodeJS.ErrnoException, wanted);
    }
  }
}

function bindTcp(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function bindUdp(socket: UdpSocket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

async function close(tcp: Server, udp: UdpSocket, connections: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => void tcp.close(() => resolve()));
  for (const socket of connections) socket.destroy();
  await Promise.all([closed, new Promise<void>((resolve) => void udp.close(resolve))]);
}

const CODES: Readonly<Record<string, ErrorCode>> = { EADDRINUSE: 'locked', EACCES: 'not-allowed', EADDRNOTAVAIL: 'not-found' };
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program listens there, rsyslog maybe: choose another port in collect.syslog.listen.',
  EACCES: 'Ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one in collect.syslog.listen.',
  EADDRNOTAVAIL: 'No interface of this machine has the address: correct collect.syslog.listen.',
};

function asAppError(cause: NodeJS.ErrnoException, wanted: string): AppError {
  const code = cause.code ?? '';
  const hint = HINTS[code] ?? 'Correct collect.syslog.listen.';
  return new AppError(CODES[code] ?? 'config', `cannot listen for syslog on ${wanted}: ${code}`, { cause, hint });
}
