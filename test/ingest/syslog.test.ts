import { createSocket } from 'node:dgram';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CollectorStatus } from '../../src/ingest/collector.ts';
import { createFrameReader, MAX_MESSAGE_BYTES } from '../../src/ingest/syslog-frames.ts';
import { createHostNames, MAX_HOSTS } from '../../src/ingest/syslog-hosts.ts';
import { readSyslog } from '../../src/ingest/syslog-message.ts';
import { createSyslogCollector, type SyslogCollector } from '../../src/ingest/syslog.ts';
import { AppError } from '../../src/lib/errors.ts';
import { journal } from '../../src/parsers/journal.ts';
import { readText } from '../parsers/read-file.ts';

const AT = Date.UTC(2026, 10, 24, 9, 0, 0);
const NOW = '2026-11-24T09:00:00.000Z';

describe('a message becomes a line of a syslog file', () => {
  test.each([
    // RFC 3164, 5.4
    [
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
      'mymachine',
      "Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
    ],
    ['<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!', '10.0.0.99', 'Feb  5 17:32:18 10.0.0.99 Use the BFG!'],
    // RFC 5424, 6.5
    [
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u00ef\u00bb\u00bf'su root' failed for lonvick",
      'mymachine.example.com',
      "2003-10-11T22:14:15.003Z mymachine.example.com su: 'su root' failed for lonvick",
    ],
    [
      "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
      '192.0.2.1',
      "2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc[8710]: %% It's time to make the do-nuts.",
    ],
    [
      '<165>1 2003-10-11T22:14:15.003Z m evntslog - ID47 [exampleSDID@32473 iut="3"] \u00ef\u00bb\u00bfAn event',
      'm',
      '2003-10-11T22:14:15.003Z m evntslog: [exampleSDID@32473 iut="3"] An event',
    ],
    ['<165>1 - - - - - -', null, `${NOW} sw `],
    ['<13>2026-11-24T10:00:00.5+01:00 tor-1 kernel: x', 'tor-1', '2026-11-24T10:00:00.5+01:00 tor-1 kernel: x'],
    // no host: `logger` to a local socket
    ['<13>Oct 11 22:14:15 su: hello', null, 'Oct 11 22:14:15 sw su: hello'],
    ['free text', null, `${NOW} sw free text`],
    ['<999999>x', null, `${NOW} sw <999999>x`],
    ['<13>Oct 11 22:14:15 m p: a\nb\0c\td\r\n\0', 'm', 'Oct 11 22:14:15 m p: a#012b#000c\td'],
  ])('%j', (message, host, line) => {
    const read = readSyslog(message, AT);
    expect(read.host).toBe(host);
    expect(read.text(host ?? 'sw')).toBe(line);
  });

  test('that the journal parser reads, also of a sender known by its IPv6 address', () => {
    const text = readSyslog('<4>Nov 23 04:43:20 kernel: nfs: server 10.30.0.5 OK', AT).text('fd00::7');
    expect(readText(journal, text).bodies).toEqual([
      { kind: 'storage-message', text: 'nfs: server 10.30.0.5 OK', recovered: true },
    ]);
  });
});

describe('frames of a connection', () => {
  const STREAM = '11 <13>a\nb\0c\u00e4\n<14>two\n\n\r\n6 <15>xy<16>three\0\n2026-11-24 four\n7 up\n';
  const MESSAGES = ['<13>a\nb\0c\u00e4\n', '<14>two', '<15>xy', '<16>three\0', '2026-11-24 four', '7 up'];

  test('are the same however the bytes are cut', () => {
    for (let size = 1; size <= STREAM.length; size += 1) {
      const frames = createFrameReader();
      const messages: string[] = [];
      for (let at = 0; at < STREAM.length; at += size) messages.push(...frames.push(STREAM.slice(at, at + size)));
      messages.push(...frames.end());
      expect(messages, `pieces of ${size}`).toEqual(MESSAGES);
    }
  });

  test('that the end of the connection cuts are kept', () => {
    const frames = createFrameReader();
    expect([...frames.push('100 <13>half'), ...frames.end()]).toEqual(['<13>half']);
  });

  test.each([
    ['counted', `${MAX_MESSAGE_BYTES + 5000} <1>`.padEnd(MAX_MESSAGE_BYTES + 5000 + 6, 'x')],
    ['by lines', `${'<1>'.padEnd(MAX_MESSAGE_BYTES + 5000, 'x')}\n`],
  ])('too long, %s, are cut and counted, and the next one is whole', (_how, long) => {
    for (const size of [1000, 70_000, 1_000_000]) {
      const frames = createFrameReader();
      const all = `${long}<2>next\n`;
      const messages: string[] = [];
      for (let at = 0; at < all.length; at += size) messages.push(...frames.push(all.slice(at, at + size)));
      expect(messages.map(({ length }) => length)).toEqual([MAX_MESSAGE_BYTES, 7]);
      expect(frames.cut()).toBe(1);
    }
  });
});

test('host names are bounded; one that was silent for an hour makes room', () => {
  const nameOf = createHostNames();
  const named = Array.from({ length: 100_000 }, (_, at) => nameOf(`h${at}`, at)).filter((name) => name !== null);
  expect(named).toHaveLength(MAX_HOSTS);
  expect(nameOf('h5', 3_700_000), 'known before').toBe('h5');
  expect(nameOf('new', 3_700_000)).toBe('new');
});

let collector: SyslogCollector | null;
let statuses: CollectorStatus[];
let lines: Map<string, string>;
let sockets: Socket[];

beforeEach(() => {
  collector = null;
  statuses = [];
  lines = new Map();
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await collector?.stop();
});

type Emit = (host: string, bytes: Uint8Array) => Promise<void>;

async function keep(host: string, bytes: Uint8Array): Promise<void> {
  lines.set(host, (lines.get(host) ?? '') + Buffer.from(bytes).toString('latin1'));
}

async function started(emit: Emit = keep, listen = '127.0.0.1:0'): Promise<number> {
  collector = createSyslogCollector({
    options: { listen },
    context: {
      header: { cluster: 'c', host: 'kvm-a', zone: 'UTC' },
      now: () => AT,
      report: (status) => statuses.push(status),
    },
    emit,
  });
  await collector.start();
  return collector.address()?.port ?? 0;
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

async function sendUdp(port: number, messages: readonly string[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const message of messages) {
    await new Promise((resolve) => socket.send(Buffer.from(message, 'latin1'), port, '127.0.0.1', resolve));
  }
  await new Promise<void>((resolve) => void socket.close(resolve));
}

const WAIT = { timeout: 5000, interval: 10 };

test('messages over UDP and TCP are told apart by their hosts; who names none goes by its address', async () => {
  const port = await started();
  await sendUdp(port, ['<13>Oct 11 22:14:15 tor-1 lldp: up', 'plain \u00e4']);
  const socket = await connected(port);
  socket.end('30 <13>Oct 11 22:14:15 tor-2 a: b<13>Oct 11 22:14:16 tor-1 lldp: down\nlast');
  await vi.waitFor(() => {
    expect(lines.get('tor-1')?.split('\n').toSorted()).toEqual([
      '',
      'Oct 11 22:14:15 tor-1 lldp: up',
      'Oct 11 22:14:16 tor-1 lldp: down',
    ]);
    expect(lines.get('tor-2')).toBe('Oct 11 22:14:15 tor-2 a: b\n');
    expect(lines.get('127.0.0.1')).toBe(`${NOW} 127.0.0.1 plain \u00e4\n${NOW} 127.0.0.1 last\n`);
  }, WAIT);
  expect(statuses).toEqual([{ collector: 'syslog', state: 'running', problem: null }]);
});

test('senders over TCP wait while the stream is slow, and lose nothing', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const port = await started(async (host, bytes) => {
    await gate;
    await keep(host, bytes);
  });
  const socket = await connected(port);
  const message = `<13>Oct 11 22:14:15 tor-1 p: ${'x'.repeat(1000)}\n`;
  const count = 30_000;
  let stalled = false;
  socket.on('drain', () => undefined);
  const sent = (async () => {
    for (let n = 0; n < count; n += 1) {
      if (!socket.write(message)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    socket.end();
  })();
  await vi.waitFor(() => {
    stalled ||= socket.writableNeedDrain;
    expect(stalled).toBe(true);
  }, WAIT);
  open();
  await sent;
  await vi.waitFor(() => expect(lines.get('tor-1')?.length).toBe(count * (message.length - 4)), { ...WAIT, timeout: 15_000 });
  expect(statuses.filter(({ state }) => state === 'failing')).toEqual([]);
}, 30_000);

test('datagrams for which there is no room are counted and told', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const port = await started(() => gate);
  const big = 'x'.repeat(60_000);
  await vi.waitFor(async () => {
    await sendUdp(
      port,
      Array.from({ length: 20 }, () => big),
    );
    expect(statuses.at(-1)?.problem).toMatch(/^\d+ datagrams? were lost, for the stream is slower/);
  }, WAIT);
  open();
});

test('a slow sender of half a message, and one that breaks off, hold up nobody', async () => {
  const port = await started();
  const slow = await connected(port);
  slow.write('50 <13>half');
  const broken = await connected(port);
  broken.write('<13>Oct 11 22:14:15 tor-9 broken');
  const well = await connected(port);
  well.write('<13>Oct 11 22:14:15 tor-1 well\n');
  await vi.waitFor(() => expect(lines.get('tor-1')).toBe('Oct 11 22:14:15 tor-1 well\n'), WAIT);
  broken.resetAndDestroy();
  await vi.waitFor(() => expect(lines.get('tor-9') ?? '').toMatch(/^$|broken/), WAIT);
});

test('what is in hand is stored when it stops, and nothing after that; a second stop does nothing', async () => {
  const port = await started();
  const socket = await connected(port);
  socket.write('<13>Oct 11 22:14:15 tor-1 whole\n<13>Oct 11 22:14:15 tor-1 half');
  await sendUdp(port, ['<13>Oct 11 22:14:15 tor-2 one']);
  await vi.waitFor(() => expect(lines.get('tor-2')).toBeDefined(), WAIT);
  await collector?.stop();
  expect(lines.get('tor-1')).toBe('Oct 11 22:14:15 tor-1 whole\nOct 11 22:14:15 tor-1 half\n');
  await collector?.stop();
  expect(statuses.map(({ state }) => state)).toEqual(['running', 'stopped']);
});

test('messages of too many hosts are kept under this one, and told', async () => {
  const port = await started();
  const socket = await connected(port);
  const count = MAX_HOSTS + 500;
  socket.end(Array.from({ length: count }, (_, n) => `<13>Oct 11 22:14:15 host-${n} hello\n`).join(''));
  await vi.waitFor(() => expect([...lines.values()].join('').match(/hello/g)).toHaveLength(count), WAIT);
  expect(lines.size).toBe(MAX_HOSTS + 1);
  expect(lines.get('kvm-a')).toContain(`Oct 11 22:14:15 host-${count - 1} hello`);
  expect(statuses.at(-1)).toMatchObject({ state: 'failing', problem: expect.stringContaining('beyond the first 1000') });
});

test('connections beyond the bound are refused and told', async () => {
  const port = await started();
  for (let n = 0; n < 256; n += 1) await connected(port);
  const refused = await connected(port);
  await new Promise((resolve) => refused.once('close', resolve));
  expect(statuses.at(-1)?.problem).toBe('1 connection beyond the first 256 were refused');
});

test('what the stream refuses is told, and the next is taken', async () => {
  let fails = true;
  const port = await started(async (host, bytes) => {
    if (fails) throw new Error('disk full');
    await keep(host, bytes);
  });
  await sendUdp(port, ['<13>Oct 11 22:14:15 tor-1 one']);
  await vi.waitFor(() => expect(statuses.at(-1)?.problem).toBe('1 message could not be stored: Error: disk full'), WAIT);
  fails = false;
  await sendUdp(port, ['<13>Oct 11 22:14:15 tor-1 two']);
  await vi.waitFor(() => expect(lines.get('tor-1')).toContain('two'), WAIT);
});

test('an address in use, one of nobody, and IPv6', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const error: unknown = await started(keep, `127.0.0.1:${port}`).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: 'locked', message: `cannot listen for syslog on 127.0.0.1:${port}: EADDRINUSE` });
  await new Promise((resolve) => void other.close(resolve));
  await expect(started(keep, '192.0.2.1:5514')).rejects.toMatchObject({ code: 'not-found' });
  await expect(started(keep, '[::1]:0')).resolves.toBeGreaterThan(0);
});
