import type { AddressInfo, Socket } from 'node:net';
import type { Collector, CollectorContext } from './collector.ts';
import type { SyslogOptions } from './options.ts';
import { createHostBatches, type EmitHostLines } from './syslog-batches.ts';
import { createFrameReader } from './syslog-frames.ts';
import { createHostNames } from './syslog-hosts.ts';
import { listen, type Listening } from './syslog-listen.ts';
import { readSyslog } from './syslog-message.ts';
import { createTroubles } from './syslog-troubles.ts';

/** What the syslog collector is made of. */
export interface SyslogParts {
  readonly options: SyslogOptions;
  readonly context: Pick<CollectorContext, 'header' | 'now' | 'report'>;
  /** Lines in the form of a syslog file: source `journal`, a header for each host. */
  readonly emit: EmitHostLines;
}

/** A collector that listens. */
export interface SyslogCollector extends Collector {
  /** Where it listens once started; tells the port where 0 was asked for. */
  address(): AddressInfo | null;
}

const KEEP_ALIVE_MS = 60_000;

/**
 * Takes messages of syslog over UDP and TCP. TCP senders wait while the stream is slow; a datagram for which there is no room is
 * lost, counted and told, for UDP cannot wait.
 */
export function createSyslogCollector({ options, context, emit }: SyslogParts): SyslogCollector {
  const { now, header } = context;
  const troubles = createTroubles(context);
  const batches = createHostBatches(emit, (error, lines) => troubles.tell('refused', lines, String(error)));
  const nameOf = createHostNames();
  const connections = new Set<Socket>();
  const serving = new Set<Promise<void>>();
  let listening: Listening | null = null;
  let stopping: Promise<void> = Promise.resolve();

  /** False where there was no room. */
  function take(message: string, sender: string): boolean {
    const at = now();
    const line = readSyslog(message, at);
    const host = line.host ?? sender.replace(/^::ffff:/, '');
    const known = nameOf(host, at);
    if (known === null) troubles.tell('hosts', 1, header.host);
    return batches.add(known ?? header.host, line.text(host), at);
  }

  async function takeAll(messages: readonly string[], sender: string): Promise<void> {
    for (const message of messages) {
      while (!take(message, sender)) await batches.room();
    }
  }

  async function serve(socket: Socket): Promise<void> {
    const sender = socket.remoteAddress ?? 'unknown';
    connections.add(socket);
    const cut = await readMessages(socket, (messages) => takeAll(messages, sender));
    connections.delete(socket);
    if (cut > 0) troubles.tell('cut', cut, sender);
  }

  return {
    name: 'syslog',
    address: () => listening?.address ?? null,
    async start() {
      listening = await listen(options.listen, {
        connection(socket) {
          const served = serve(socket).finally(() => serving.delete(served));
          serving.add(served);
        },
        datagram(bytes, { address }) {
          if (!take(bytes.toString('latin1'), address)) troubles.tell('no-room', 1, address);
        },
        refused: () => troubles.tell('connections', 1, ''),
        failed: (error) => troubles.tell('socket', 1, error.message),
      });
      troubles.running();
    },
    async stop() {
      const open = listening;
      listening = null;
      if (open === null) return stopping;
      stopping = open
        .close(connections)
        .then(() => Promise.all(serving))
        .then(() => batches.end())
        .then(() => troubles.stop());
      await stopping;
    },
  };
}

/** Reads a connection to its end, also one that breaks; returns how many messages were cut. */
async function readMessages(socket: Socket, take: (messages: readonly string[]) => Promise<void>): Promise<number> {
  const frames = createFrameReader();
  // a switch that lost its power says no farewell
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setEncoding('latin1');
  try {
    for await (const piece of socket as AsyncIterable<string>) await take(frames.push(piece));
  } catch {
    // the sender is gone; what it said before is kept
  }
  await take(frames.end());
  return frames.cut();
}
