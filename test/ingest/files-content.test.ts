import {
  appendFileSync,
  chmodSync,
  openSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Chunk } from '../../src/model/chunk.ts';
import { cloudstackAgent } from '../../src/parsers/cloudstack-agent.ts';
import { createMasker } from '../../src/ingest/mask.ts';
import { createScanner } from '../../src/parsers/scan.ts';
import {
  expected,
  FAST,
  fileIds,
  follow,
  record,
  records,
  someLooks,
  temporaryFolder,
  textsOf,
  until,
  untilLines,
  type Following,
} from './following.ts';

const MIB = 1 << 20;

async function followText(text: string | Buffer): Promise<{ readonly log: string; readonly following: Following }> {
  const log = join(temporaryFolder(), 'agent.log');
  writeFileSync(log, text);
  return { log, following: await follow(join(log, '..'), 'agent.log') };
}

function bytesOf({ chunks }: Following): Buffer {
  return Buffer.concat(chunks.map(({ bytes }) => bytes));
}

/** What the parser makes of each chunk by itself. */
function rejectedOf({ header, bytes }: Chunk): Readonly<Record<string, number>> {
  const scanner = createScanner(cloudstackAgent, { ...header }, () => undefined);
  scanner.push(Buffer.from(bytes).toString('latin1'));
  return { ...scanner.end().rejected };
}

describe('a line', () => {
  test('written in two halves is one line', async () => {
    const { log, following } = await followText(records(0, 3) + record(3).slice(0, 40));
    await untilLines(3, following);
    await someLooks();
    expect(textsOf(following)).toEqual(expected(0, 3));
    appendFileSync(log, record(3).slice(40));
    await untilLines(4, following);
    expect(textsOf(following)).toEqual(expected(0, 4));
  });

  test('without an end, in a file that was rotated away, goes out as it is', async () => {
    const { log, following } = await followText(records(0, 3) + record(3).trimEnd());
    await untilLines(3, following);
    renameSync(log, `${log}.1`);
    await untilLines(4, following);
    expect(textsOf(following)).toEqual(expected(0, 4));
  });

  test('without an end, the only one of a file that was deleted, goes out as it is', async () => {
    const { log, following } = await followText('2026-11-23 half a li');
    await someLooks();
    expect(following.chunks).toEqual([]);
    rmSync(log);
    await untilLines(1, following);
    expect(textsOf(following)).toEqual(['2026-11-23 half a li']);
  });

  test('that is the first and not complete tells no identity yet', async () => {
    const { log, following } = await followText(record(0).slice(0, 30));
    await someLooks();
    appendFileSync(log, record(0).slice(30));
    await untilLines(1, following);
    const again = await followText(record(0));
    await untilLines(1, again.following);
    expect(textsOf(following)).toEqual(expected(0, 1));
    expect(following.chunks).toHaveLength(1);
  });

  test('that is the first and empty is a line', async () => {
    const { log, following } = await followText(`\n${records(0, 3)}`);
    await untilLines(4, following);
    renameSync(log, `${log}.1`);
    writeFileSync(log, `\n${records(3, 5)}`);
    await untilLines(7, following);
    expect(fileIds(following)).toHaveLength(2);
  });

  test('of 10 MB goes out in pieces, which the parser rejects, and the next record is read', async () => {
    const long = `${record(0).trimEnd()} ${'x'.repeat(10 * MIB)}\n`;
    const { following } = await followText(records(0, 2) + long + records(2, 4));
    await until(() => bytesOf(following).length === long.length + records(0, 4).length || 'not all');
    expect(bytesOf(following).toString('latin1')).toBe(records(0, 2) + long + records(2, 4));
    let offset = 0;
    for (const { header, bytes } of following.chunks) {
      expect(header.offset).toBe(offset);
      expect(bytes.length).toBeLessThanOrEqual(MIB + 1);
      offset += bytes.length;
    }
    const rejected = following.chunks.map(rejectedOf);
    expect(rejected.filter((counts) => counts['too-long'] === 1)).toHaveLength(10);
    const last = following.chunks.at(-1);
    expect((last?.header.line ?? 0) + (last?.bytes.filter((byte) => byte === 10).length ?? 0)).toBe(5);
  });

  test('that never ends goes out in pieces', async () => {
    const { log, following } = await followText(record(0));
    for (let i = 0; i < 8; i += 1) appendFileSync(log, 'y'.repeat(MIB / 2));
    await until(() => bytesOf(following).length > 3 * MIB || `${bytesOf(following).length}`);
    expect(Math.max(...following.chunks.map(({ bytes }) => bytes.length))).toBe(MIB + 1);
  });
});

describe('bytes', () => {
  test('that are not UTF-8, and NUL bytes, pass untouched', async () => {
    const bytes = Buffer.concat([
      Buffer.from(record(0)),
      Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x00, 0x0a]),
      Buffer.alloc(5000),
      Buffer.from(record(1)),
    ]);
    const { following } = await followText(bytes);
    await until(() => bytesOf(following).length === bytes.length);
    expect(bytesOf(following).equals(bytes)).toBe(true);
  });

  test('of a hole are not sent where no record is in them, and what follows keeps its place', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    writeFileSync(log, record(0));
    const following = await follow(folder, 'agent.log');
    await untilLines(1, following);
    // a program that does not append goes on at its old place after copytruncate
    truncateSync(log);
    const file = openSync(log, 'r+');
    ftruncateSync(file, 100 * MIB);
    writeSync(file, records(1, 3), 100 * MIB);
    closeSync(file);
    await until(() => bytesOf(following).includes(expected(2, 3)[0] ?? '') || 'not there');
    expect(bytesOf(following).length).toBeLessThan(2 * MIB + 1000);
    const last = following.chunks.at(-1);
    expect((last?.header.offset ?? 0) + (last?.bytes.length ?? 0)).toBe(100 * MIB + records(1, 3).length);
  });
});

describe('a record of several lines', () => {
  const trace = Array.from({ length: 60 }, (_, i) => `\tat com.cloud.agent.Agent.method${i}(Agent.java:${i})\n`).join('');

  test('is not cut where chunks end', async () => {
    let text = '';
    for (let i = 0; i < 400; i += 1) text += record(i) + trace;
    const { following } = await followText(text);
    await until(() => bytesOf(following).length === text.length || 'not all');
    expect(following.chunks.length).toBeGreaterThan(4);
    for (const { bytes } of following.chunks) expect(Buffer.from(bytes).toString('latin1')).toMatch(/^2026-/);
  });

  test('is not cut where its lines come one by one', async () => {
    const { log, following } = await followText(record(0));
    for (const line of trace.split(/(?<=\n)/).slice(0, 8)) {
      appendFileSync(log, line);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    appendFileSync(log, record(1));
    await untilLines(10, following);
    expect(following.chunks.map(({ header }) => header.line)).toEqual([0, 9]);
  });
});

test('a file that may not be read is told, and read when it may', async () => {
  const folder = temporaryFolder();
  chmodSync(folder, 0o777);
  const log = join(folder, 'agent.log');
  writeFileSync(log, records(0, 3), { mode: 0o600 });
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  else chmodSync(log, 0);
  try {
    const following = await follow(folder, 'agent.log');
    await until(() => following.statuses.at(-1)?.state === 'missing');
    expect(following.statuses.at(-1)?.problem).toMatch(/cannot read .*agent\.log: permission denied; run as root/);
    if (root) process.seteuid?.(0);
    else chmodSync(log, 0o600);
    await untilLines(3, following);
    await until(() => following.statuses.at(-1)?.problem === null);
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('what the sink refuses is kept, told, and written when it takes it', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'agent.log'), records(0, 5));
  const taken: Chunk[] = [];
  let refusals = 3;
  const following = await follow(folder, 'agent.log', {
    sink: {
      async write(chunks) {
        if (refusals > 0) {
          refusals -= 1;
          throw new Error('disk is full');
        }
        taken.push(...chunks);
      },
    },
  });
  await untilLines(5, { chunks: taken });
  expect(following.statuses).toContainEqual({
    collector: 'files',
    state: 'failing',
    problem: expect.stringContaining('disk is full') as string,
  });
  await until(() => following.statuses.at(-1)?.problem === null);
});

test('a huge file does not keep others waiting, and little of it is in hand', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a.log'), records(0, 200_000));
  const order: string[] = [];
  let most = 0;
  await follow(folder, '*.log', {
    sink: {
      async write(chunks) {
        most = Math.max(
          most,
          chunks.reduce((sum, { bytes }) => sum + bytes.length, 0),
        );
        order.push(...chunks.map(({ header }) => header.path.slice(-5)));
        if (order.length === 5) writeFileSync(join(folder, 'b.log'), records(0, 5));
        await new Promise((resolve) => setTimeout(resolve, 10));
      },
    },
  });
  await until(() => order.includes('b.log'));
  expect(order.indexOf('b.log')).toBeLessThan(30);
  expect(most).toBeLessThan(1.3 * MIB);
});

test('secrets are masked before anything reaches the sink', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'agent.log'), `${record(0, 'password=hunter2')}${record(1)}`);
  const following = await follow(folder, 'agent.log', {
    mask: (bytes) => Buffer.from(Buffer.from(bytes).toString('latin1').replace('hunter2', '*******'), 'latin1'),
  });
  await untilLines(2, following);
  expect(textsOf(following).join()).toContain('password=*******');
});

test('host and zone come from the options, the VM from the command that started it', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'qemu'));
  writeFileSync(
    join(folder, 'qemu/odd-name.log'),
    '2026-11-23 05:42:38.409+0000: starting up libvirt version: 9.0.0\nLC_ALL=C \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=i-2-31-VM,debug-threads=on\n',
  );
  const following = await follow(folder, 'qemu/*.log', {
    options: { source: 'libvirt-qemu', host: 'kvm7', timezone: 'Europe/Berlin' },
  });
  await untilLines(4, following);
  expect(following.chunks[0]?.header).toMatchObject({ vm: 'i-2-31-VM', host: 'kvm7', zone: 'Europe/Berlin' });
});

test('a secret that lies where a line of megabytes is cut is masked as a whole', async () => {
  const log = join(temporaryFolder(), 'agent.log');
  const begin = `${record(0).trimEnd()} `;
  const secret = '"password":"hunter2-and-more"';
  // the cut at 1 MiB falls on the fifth letter of it
  const text = `${begin}${'x'.repeat(MIB + 1 - begin.length - '"password":"hunt'.length)}${secret}${'y'.repeat(MIB / 2)}\n`;
  writeFileSync(log, text);
  const following = await follow(join(log, '..'), 'agent.log', { mask: createMasker() });
  await until(() => bytesOf(following).length === text.length || 'not all');
  expect(following.chunks.length).toBeGreaterThan(1);
  expect(bytesOf(following).toString()).toBe(text.replace('hunter2-and-more', '*'.repeat(16)));
});

test('a record of several lines that is longer than a chunk is not cut while it is being written', async () => {
  const log = join(temporaryFolder(), 'agent.log');
  const lines = '\tat java.base/java.lang.Thread.run(Thread.java:833)\n'.repeat(1500);
  const whole = record(0) + lines.repeat(8) + record(1);
  writeFileSync(log, record(0));
  // the tail waits for longer than the writer pauses
  const following = await follow(join(log, '..'), 'agent.log', { timings: { ...FAST, tailMs: 1000 } });
  for (let part = 0; part < 8; part += 1) {
    appendFileSync(log, lines);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  appendFileSync(log, record(1));
  await until(() => bytesOf(following).length === whole.length || 'not all');
  expect(following.chunks.map(({ header }) => header.line)).toEqual([0, 1 + 8 * 1500]);
});
