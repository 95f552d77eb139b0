import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { discover } from '../../src/ingest/discover.ts';
import { readAll } from '../../src/ingest/read-all.ts';
import type { Readings } from '../../src/model/input.ts';
import { parsers } from '../../src/parsers/index.ts';
import type { Analysis } from '../../src/reports/analysis.ts';
import { analysedFolder } from '../recording.ts';

type Fields = Readonly<Record<string, string | readonly number[] | null>>;

let cursors = 0;
function entry(at: string, fields: Fields, host = 'kvm-a'): Fields {
  cursors += 1;
  return {
    __CURSOR: `s=9f;i=${cursors}`,
    __REALTIME_TIMESTAMP: `${Date.parse(at)}123`,
    _HOSTNAME: host,
    _MACHINE_ID: `id of ${host}`,
    PRIORITY: '6',
    ...fields,
  };
}

const LIBVIRTD = { _TRANSPORT: 'journal', _COMM: 'libvirtd', _PID: '811', PRIORITY: '3' };
const AGENT = { _TRANSPORT: 'stdout', SYSLOG_IDENTIFIER: 'java', _COMM: 'java', _PID: '2207' };
const KERNEL = { _TRANSPORT: 'kernel', SYSLOG_IDENTIFIER: 'kernel' };

const KEEPALIVE = entry('2026-11-23T04:40:14.105Z', {
  ...LIBVIRTD,
  MESSAGE: 'internal error: connection closed due to keepalive timeout',
});
const CLOSED = `internal error: QEMU unexpectedly closed the monitor (vm='i-2-91-VM'): first line\nsecond line, ä`;
const ENTRIES = [
  entry('2026-11-23T04:40:10.000Z', { SYSLOG_IDENTIFIER: 'sshd', MESSAGE: 'Accepted' }, 'localhost'),
  KEEPALIVE,
  entry('2026-11-23T04:40:15.000Z', { ...LIBVIRTD, MESSAGE: CLOSED }),
  entry('2026-11-23T04:40:16.000Z', { ...KERNEL, MESSAGE: 'nfs: server 10.30.0.5 not responding, still trying' }),
  entry('2026-11-23T04:40:17.000Z', {
    ...AGENT,
    MESSAGE:
      'INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:) (logid:0c77d3e2) Migration thread of VM [i-5-77-VM] finished.',
  }),
];

/** As journalctl prints what is not plain text: bytes. */
function bytesOf(fields: Fields): Fields {
  const { MESSAGE } = fields;
  return typeof MESSAGE === 'string' && MESSAGE.includes('\n') ? { ...fields, MESSAGE: [...Buffer.from(MESSAGE)] } : fields;
}

const json = (entries: readonly Fields[]): string => entries.map((fields) => `${JSON.stringify(bytesOf(fields))}\n`).join('');

function exported(fields: Fields): Buffer {
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    const bytes = Buffer.from(String(value));
    if (!bytes.includes(10)) return [Buffer.from(`${name}=`), bytes, Buffer.from('\n')];
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    return [Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')];
  });
  return Buffer.concat([...parts, Buffer.from('\n')]);
}

async function gather(files: Readonly<Record<string, string | Buffer>>): Promise<Readings> {
  const root = mkdtempSync(join(tmpdir(), 'precopy-envelope-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return readAll(await discover([root]), {
    parsers,
    hints: { hosts: [], sources: [] },
    stdin: Readable.from([]),
    progress: () => {},
  });
}

const KINDS = ['daemon-message', 'daemon-message', 'storage-message', 'migrate-thread-ended'];

describe('an export of the journal', () => {
  test.each([
    ['json', json(ENTRIES)],
    ['json, compressed', gzipSync(json(ENTRIES))],
    ['json-seq', ENTRIES.map((fields) => `\u001e${JSON.stringify(bytesOf(fields))}\n`).join('')],
    ['json-sse', ENTRIES.map((fields) => `data: ${JSON.stringify(bytesOf(fields))}\n\n`).join('')],
    ['export', Buffer.concat(ENTRIES.map(exported))],
  ])('%s is read as what it holds', async (_, content) => {
    const { events, inputs } = await gather({ 'case-4711/entries.out': content });
    expect(inputs).toMatchObject([{ host: 'kvm-a', source: 'journal', problem: null, tally: { records: 5, withEvents: 4 } }]);
    expect(events.map(({ body }) => body.kind)).toEqual(KINDS);
    expect(events[0]?.stamp).toEqual({ ms: Date.parse('2026-11-23T04:40:14.105Z'), clock: 'utc', missing: 'nothing' });
    expect(events[1]?.body).toEqual({ kind: 'daemon-message', level: 'error', vm: 'i-2-91-VM', text: CLOSED });
  });

  test('evidence names lines and bytes of the file', async () => {
    for (const content of [Buffer.from(json(ENTRIES)), Buffer.concat(ENTRIES.map(exported))]) {
      const { events } = await gather({ 'kvm-a/entries.out': content });
      for (const [i, { origin }] of events.entries()) {
        const before = content.subarray(0, origin.offset);
        expect(content.subarray(origin.offset).toString()).toMatch(
          new RegExp(`^(?:\\{")?__CURSOR(?:":"|=)s=9f;i=${String(ENTRIES[i + 1]?.['__CURSOR']).replace('s=9f;i=', '')}\\D`),
        );
        expect(origin.line).toBe(before.toString('latin1').split('\n').length);
      }
    }
  });

  test('of many entries each has its line, wherever the file is cut to read it', async () => {
    const many = Array.from({ length: 3000 }, (_, i) =>
      entry(new Date(Date.UTC(2026, 10, 23) + i * 1000).toISOString(), {
        ...LIBVIRTD,
        MESSAGE: `internal error: QEMU unexpectedly closed the monitor (vm='i-2-${i}-VM'): one\ntwo`,
      }),
    );
    const { events, inputs } = await gather({ 'kvm-a/entries.json': json(many) });
    expect(events.map(({ origin }) => origin.line)).toEqual(many.map((_, i) => i + 1));
    expect(inputs[0]?.tally?.lines).toBe(3000);
  });

  test('what is left out is told: other hosts, long messages, a line that is cut', async () => {
    const cut = entry('2026-11-23T04:41:00.000Z', { ...LIBVIRTD, MESSAGE: null });
    const { events, inputs } = await gather({
      'all.json': `${json([KEEPALIVE, { ...KEEPALIVE, _HOSTNAME: 'kvm-b', _MACHINE_ID: 'another' }, cut])}{"__CURSOR":"s`,
    });
    expect(events).toHaveLength(1);
    expect(inputs[0]?.problem).toBe(
      "entries of kvm-b are left out: a file is read as one host's, export each with journalctl _HOSTNAME=NAME; 1 entry has no text: export with journalctl --all",
    );
    expect(inputs[0]?.tally?.rejected).toEqual({ 'bad-json': 1 });
  });
});

test("a container's log is read as the log it is, long lines put together", async () => {
  const lines = [
    '2026-11-23 04:40:10.000+0000: 811: info : libvirt version: 9.0.0, package: 9.0.0-4+deb12u2 (Debian)\n',
    '2026-11-23 04:40:10.000+0000: 811: info : hostname: kvm-a\n',
    '2026-11-23 04:40:14.105+0000: 811: error : virKeepAliveTimerInternal:137 : internal error: ',
    'connection closed due to keepalive timeout\n',
    '2026-11-23 04:40:15.105+0000: 811: error : virKeepAliveTimerInternal:137 : internal error: connection closed due to keepalive timeout\n',
  ];
  const content = lines.map((log) => `${JSON.stringify({ log, stream: 'stderr', time: '2026-11-23T04:40:15.2Z' })}\n`).join('');
  const { events, inputs } = await gather({ 'containers/d0c5-json.log': content });
  expect(inputs).toMatchObject([{ host: 'kvm-a', source: 'libvirtd', tally: { lines: 5, records: 4 } }]);
  expect(events.map(({ body, origin }) => [body.kind, origin.line])).toEqual([
    ['daemon-started', 1],
    ['daemon-message', 3],
    ['daemon-message', 5],
  ]);
});

/** Warnings and errors of a libvirtd.log as its daemon sends them to the journal. */
function libvirtdEntries(log: string, host: string): readonly Fields[] {
  return log.split('\n').flatMap((line) => {
    const [, date, time, level, MESSAGE] = /^(\S+) (\S+)\+0000: \d+: (warning|error) : \w+:\d+ : (.*)/.exec(line) ?? [];
    if (MESSAGE === undefined) return [];
    return [entry(`${date}T${time}Z`, { ...LIBVIRTD, PRIORITY: level === 'error' ? '3' : '4', MESSAGE }, host)];
  });
}

/** An agent's log as up to 4.19 it prints it to its console, where journald makes an entry of each line. */
function agentEntries(log: string, host: string, offset: string): readonly Fields[] {
  let at = '';
  return log.split('\n').map((line) => {
    const [, date, time, ms, text] = /^(\S+) (\S+),(\d{3}) (.*)/.exec(line) ?? [];
    if (text !== undefined) at = `${date}T${time}.${ms}${offset}`;
    return entry(at, { ...AGENT, MESSAGE: (text ?? line).replace(':null)', ':)') }, host);
  });
}

function told({ migrations, findings }: Analysis): unknown {
  return {
    migrations: migrations.map(({ vm, source, destination, outcome, cause }) => [vm, source, destination, outcome, cause?.kind]),
    findings: findings.map(({ detector, severity, summary, evidence }) => [detector, severity, summary, evidence.length]),
  };
}

describe.each([
  ['destination-died', '+01:00'],
  ['cpu-incompatible', '+01:00'],
  ['healthy', '+01:00'],
  ['network-interrupted', '-05:00'],
  ['aborted', 'Z'],
])('%s', (name, offset) => {
  const folder = join('recordings/libvirt-9.0', name);

  function withJournal(): string {
    const root = mkdtempSync(join(tmpdir(), 'precopy-echo-'));
    cpSync(join(folder, 'hosts'), join(root, 'hosts'), { recursive: true });
    for (const host of ['kvm-a', 'kvm-b']) {
      const log = (path: string): string => readFileSync(join(root, 'hosts', host, 'var/log', path), 'utf8');
      const entries = [
        ...libvirtdEntries(log('libvirt/libvirtd.log'), host),
        ...agentEntries(log('cloudstack/agent/agent.log'), host, offset),
      ];
      const inOrder = entries.toSorted((a, b) => Number(a['__REALTIME_TIMESTAMP']) - Number(b['__REALTIME_TIMESTAMP']));
      writeFileSync(join(root, 'hosts', host, 'journal.json'), json(inOrder));
    }
    return root;
  }

  test('what the journal says besides counts once', async () => {
    expect(told(await analysedFolder(withJournal()))).toEqual(told(await analysedFolder(join(folder, 'hosts'))));
  });

  test('the journal tells as much as the logs that it stands for', async () => {
    const root = withJournal();
    for (const host of ['kvm-a', 'kvm-b']) {
      rmSync(join(root, 'hosts', host, 'var/log/libvirt/libvirtd.log'));
      rmSync(join(root, 'hosts', host, 'var/log/cloudstack'), { recursive: true });
    }
    const { migrations, findings } = await analysedFolder(root);
    const whole = await analysedFolder(join(folder, 'hosts'));
    expect(migrations.map(({ outcome, cause }) => [outcome, cause?.kind])).toEqual(
      whole.migrations.map(({ outcome, cause }) => [outcome, cause?.kind]),
    );
    expect(findings.map(({ detector }) => detector)).toEqual(whole.findings.map(({ detector }) => detector));
  });
});
