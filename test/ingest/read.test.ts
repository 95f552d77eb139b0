import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { discover } from '../../src/ingest/discover.ts';
import { readAll } from '../../src/ingest/read-all.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { Readings } from '../../src/model/input.ts';
import { parsers } from '../../src/parsers/index.ts';

const LINE =
  '2024-09-03 02:11:40,934 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Migration thread of VM [i-5-77-VM] finished.\n';

/** A folder with these files. */
function folder(files: Readonly<Record<string, string | Buffer>>): string {
  const root = mkdtempSync(join(tmpdir(), 'precopy-read-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

async function gather(paths: readonly string[], stdin = Readable.from([])): Promise<Readings> {
  return readAll(await discover(paths), { parsers, hints: { hosts: [], sources: [] }, stdin, progress: () => {} });
}

/** What a file descriptor of this process stands for; nothing where it is closed meanwhile. */
function linkOf(fd: string): readonly string[] {
  try {
    return [readlinkSync(`/proc/self/fd/${fd}`)];
  } catch {
    return [];
  }
}

function told({ inputs }: Readings, root: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    inputs.map(({ path, skipped, problem, tally }) => [
      path.replace(`${root}/`, ''),
      skipped ?? problem ?? `${tally?.lines} lines`,
    ]),
  );
}

const QEMU =
  '2026-03-10 10:00:00.000+0000: starting up libvirt version: 9.0.0, package: 9.0.0-4 (Debian), qemu version: 7.2.22, kernel: 6.1.0, hostname: ';

function hostsIn({ inputs }: Readings, root: string): Readonly<Record<string, string | null>> {
  return Object.fromEntries(inputs.map(({ path, host }) => [path.replace(`${root}/`, ''), host]));
}

describe('the host of files whose paths do not tell it', () => {
  test('is the one that libvirt names in the logs beside them, for their events too', async () => {
    const root = folder({
      'a_logs/agent.log': LINE,
      'a_logs/qemu/i-2-31-VM.log': `${QEMU}kvm-a.example.com\n`,
      'b_logs/agent.log': LINE,
      'b_logs/qemu/i-2-31-VM.log': `${QEMU}kvm-b\n`,
    });
    const gathered = await gather([root]);
    expect(hostsIn(gathered, root)).toEqual({
      'a_logs/agent.log': 'kvm-a.example.com',
      'a_logs/qemu/i-2-31-VM.log': 'kvm-a.example.com',
      'b_logs/agent.log': 'kvm-b',
      'b_logs/qemu/i-2-31-VM.log': 'kvm-b',
    });
    expect(new Set(gathered.events.map(({ origin }) => origin.file.host))).toEqual(new Set(['kvm-a.example.com', 'kvm-b']));
    expect(new Set(gathered.spans.map(({ host }) => host))).toEqual(new Set(['kvm-a.example.com', 'kvm-b']));
  });

  test('stays that of the folder where the logs beside them are of several', async () => {
    const root = folder({
      'both/agent.log': LINE,
      'both/qemu/i-2-31-VM.log': `${QEMU}kvm-a\n`,
      'both/qemu/i-2-32-VM.log': `${QEMU}kvm-b\n`,
    });
    expect(hostsIn(await gather([root]), root)['both/agent.log']).toBe('both');
  });
});

describe('reading', () => {
  test('names every file that is not read, and why', async () => {
    const root = folder({
      'agent.log': LINE,
      'empty.log': '',
      'core.bin': Buffer.from([0, 1, 2, 0, 0, 0, 255, 0]),
      'notes.txt': 'buy milk\n',
      'logs.tar': Buffer.concat([Buffer.alloc(257, 'a'), Buffer.from('ustar'), Buffer.alloc(300)]),
      'label.json': '{"scenario": "x"}',
    });
    expect(told(await gather([root]), root)).toEqual({
      'agent.log': '1 lines',
      'empty.log': 'empty',
      'core.bin': 'binary',
      'notes.txt': 'unknown format',
      'logs.tar': 'archive',
      'label.json': 'not a log',
    });
  });

  test('a file of several MiB is the same text, compressed or not, UTF-8 where it stands', async () => {
    const numbered = Array.from({ length: 30_000 }, (_, i) =>
      LINE.replace('i-5-77-VM', `i-5-${i}-${i % 9000 === 7 ? 'Ü' : 'VM'}`),
    );
    const root = folder({
      'plain/agent.log': numbered.join(''),
      'packed/agent.log.gz': gzipSync(numbered.join(''), { level: 0 }),
    });
    const texts = async (path: string): Promise<readonly string[]> =>
      (await gather([join(root, path)])).events.map(({ origin }) => `${origin.text}\n`);
    expect(await texts('plain')).toEqual(numbered);
    expect(await texts('packed')).toEqual(numbered);
  });

  test('holds no file open, read or not', async () => {
    const root = folder({ 'agent.log': LINE, 'core.bin': Buffer.alloc(3e6), 'notes.txt': 'buy milk\n'.repeat(3e5) });
    const open = (): readonly string[] =>
      readdirSync('/proc/self/fd')
        .flatMap((fd) => linkOf(fd))
        .filter((path) => path.startsWith(root));
    await gather([root]);
    expect(open()).toEqual([]);
  });

  test('decompresses, rotated siblings too', async () => {
    const root = folder({ 'agent.log.2024-09-02.gz': gzipSync(LINE.repeat(3)), 'agent.log': LINE });
    const gathered = await gather([root]);
    expect(gathered.events).toHaveLength(4);
    expect(told(gathered, root)).toEqual({ 'agent.log': '1 lines', 'agent.log.2024-09-02.gz': '3 lines' });
  });

  test('keeps what a broken gzip file holds up to its break, and says so', async () => {
    const whole = gzipSync(
      Array.from({ length: 20_000 }, (_, i) => LINE.replace('0c77d3e2', i.toString(16).padStart(8, '0'))).join(''),
    );
    const root = folder({ 'agent.log.gz': whole.subarray(0, whole.length / 2) });
    const { events, inputs } = await gather([root]);
    expect(events.length).toBeGreaterThan(1000);
    expect(inputs[0]?.problem).toMatch(/^broken gzip/);
    expect(inputs[0]?.skipped).toBeNull();
  });

  test('names a gzip file that breaks before its first line', async () => {
    const root = folder({ 'agent.log.gz': Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1]) });
    const { inputs } = await gather([root]);
    expect(inputs[0]).toMatchObject({ skipped: 'unreadable' });
  });

  test('reads standard input', async () => {
    const { events } = await gather(['-'], Readable.from([Buffer.from(LINE)]));
    expect(events.map(({ body }) => body.kind)).toEqual(['migrate-thread-ended']);
  });

  test('decompresses standard input, however it arrives', async () => {
    const bytes = gzipSync(LINE.repeat(3));
    const byByte = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect((await gather(['-'], Readable.from([bytes]))).events).toHaveLength(3);
    expect((await gather(['-'], Readable.from(byByte))).events).toHaveLength(3);
  });

  test('reads a small log in which a reset of the host left NUL bytes', async () => {
    const nuls = '\0'.repeat(400);
    const root = folder({
      'tail/agent.log': LINE + nuls,
      'between/agent.log': LINE + nuls + LINE,
      'nothing-else/agent.log': nuls,
      'scattered/agent.log': LINE + 'a\0'.repeat(200),
    });
    expect(told(await gather([root]), root)).toEqual({
      'tail/agent.log': '2 lines',
      'between/agent.log': '2 lines',
      'nothing-else/agent.log': 'binary',
      'scattered/agent.log': 'binary',
    });
    expect((await gather([join(root, 'between')])).events).toHaveLength(2);
  });

  test('notes where local times go back by an hour, by plain records too, and passes it on with the file', async () => {
    const plain = '2026-10-25 02:59:46,100 INFO  [cloud.agent.Agent] (main:null) (logid:) Nothing of interest\n';
    const root = folder({ 'agent.log': plain + LINE.replace('2024-09-03 02:11:40', '2026-10-25 02:00:00') });
    const { spans } = await gather([root]);
    expect(spans).toMatchObject([
      {
        path: join(root, 'agent.log'),
        stepsBack: [{ offset: plain.length, stamp: { ms: Date.UTC(2026, 9, 25, 2, 0, 0, 934) } }],
      },
    ]);
  });

  test('reads a file once, however often and by whatever link it is named', async () => {
    const root = folder({ 'a/agent.log': LINE });
    symlinkSync(join(root, 'a'), join(root, 'b'));
    symlinkSync(root, join(root, 'a', 'loop'));
    expect((await gather([root, join(root, 'a/agent.log'), root])).events).toHaveLength(1);
  });

  test('a path that does not exist is an error with a hint', async () => {
    const failure = await discover(['/nowhere/at/all']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AppError);
    expect(failure).toMatchObject({ code: 'no-input', message: 'cannot read /nowhere/at/all: no such file or folder' });
  });
});

test('of "still waiting" the first and the last of a run are kept', async () => {
  const waiting = (seconds: number): string =>
    `2024-09-03 02:11:${String(seconds).padStart(2, '0')},000 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Waiting for migration of i-5-77-VM to complete, waited ${seconds}000ms\n`;
  const root = folder({ 'agent.log': Array.from({ length: 40 }, (_, i) => waiting(i + 1)).join('') + waiting(1) });
  const { events } = await gather([root]);
  expect(events.map(({ body }) => (body.kind === 'migrate-progress' ? body.waitedMs : null))).toEqual([1000, 40_000, 1000]);
});
