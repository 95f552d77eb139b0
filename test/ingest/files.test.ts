import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Chunk } from '../../src/model/chunk.ts';
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

/** A followed log of ten records that are read. */
async function followed(): Promise<{ readonly log: string; readonly following: Following }> {
  const log = join(temporaryFolder(), 'agent.log');
  writeFileSync(log, records(0, 10));
  const following = await follow(join(log, '..'), '*.log*');
  await untilLines(10, following);
  return { log, following };
}

/** Exactly these came, and go on being all that came. */
async function expectLines(lines: readonly string[], following: Following): Promise<void> {
  await untilLines(lines.length, following);
  await someLooks();
  expect(textsOf(following).toSorted()).toEqual(lines.toSorted());
}

test('what is there is read, and what comes, with places and line numbers', async () => {
  const { log, following } = await followed();
  appendFileSync(log, records(10, 20));
  await expectLines(expected(0, 20), following);
  const [first, last] = [following.chunks[0], following.chunks.at(-1)];
  expect(first?.header).toMatchObject({ offset: 0, line: 0, host: 'kvm1', cluster: 'c1', zone: 'UTC', path: log, vm: null });
  expect((last?.header.line ?? 0) + (last?.bytes.filter((byte) => byte === 10).length ?? 0)).toBe(20);
  expect(following.statuses.at(-1)).toEqual({ collector: 'files', state: 'running', problem: null });
});

test('what comes after a long silence is read, and what follows it', async () => {
  const log = join(temporaryFolder(), 'agent.log');
  writeFileSync(log, '');
  const following = await follow(join(log, '..'), '*.log*', { timings: { ...FAST, quietMs: 0 } });
  for (const [from, to] of [
    [0, 1],
    [1, 2],
    [2, 10],
  ] as const) {
    await someLooks();
    appendFileSync(log, records(from, to));
    await expectLines(expected(0, to), following);
  }
});

test('of a long log several chunks are given at once, and those of others among them', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'agent.log'), records(0, 20_000));
  writeFileSync(join(folder, 'other.log'), records(20_000, 20_010));
  const writes: (readonly Chunk[])[] = [];
  await follow(folder, '*.log', { sink: { write: async (written) => void writes.push(written) } });
  await until(() => writes.flat().reduce((sum, { bytes }) => sum + bytes.length, 0) === records(0, 20_010).length);
  expect(textsOf({ chunks: writes.flat() }).toSorted()).toEqual(expected(0, 20_010).toSorted());
  expect(writes[0]?.map(({ header: { path } }) => basename(path))).toEqual([
    'agent.log',
    'other.log',
    'agent.log',
    'agent.log',
    'agent.log',
  ]);
});

describe('a log that is rotated while it is followed', () => {
  test('by rename: what is written to the old file afterwards comes too, and the new one from its beginning', async () => {
    const { log, following } = await followed();
    renameSync(log, `${log}.1`);
    appendFileSync(`${log}.1`, records(10, 12));
    writeFileSync(log, records(12, 20));
    appendFileSync(`${log}.1`, records(20, 22));
    await expectLines(expected(0, 22), following);
    expect(fileIds(following)).toHaveLength(2);
  });

  test('by rename to a name that tells nothing: the old file is read to its end', async () => {
    const { log, following } = await followed();
    appendFileSync(log, records(10, 12));
    renameSync(log, join(log, '../old'));
    appendFileSync(join(log, '../old'), records(12, 14));
    await expectLines(expected(0, 14), following);
  });

  test('by copytruncate: the copy is known, and what was not read before is read from it', async () => {
    const { log, following } = await followed();
    appendFileSync(log, records(10, 20));
    copyFileSync(log, `${log}.1`);
    truncateSync(log);
    appendFileSync(log, records(20, 25));
    await expectLines(expected(0, 25), following);
    expect(fileIds(following)).toHaveLength(2);
  });

  test('by copytruncate: a copy that takes long is no log of its own', async () => {
    const { log, following } = await followed();
    const text = readFileSync(log);
    for (const share of [0.05, 0.3, 0.6, 1]) {
      writeFileSync(`${log}.1`, text.subarray(0, text.length * share));
      await someLooks();
    }
    truncateSync(log);
    appendFileSync(log, records(20, 25));
    await expectLines([...expected(0, 10), ...expected(20, 25)], following);
  });

  test('by copytruncate, and longer than before when it is looked at again', async () => {
    const { log, following } = await followed();
    copyFileSync(log, `${log}.1`);
    writeFileSync(log, records(100, 130));
    await expectLines([...expected(0, 10), ...expected(100, 130)], following);
  });

  test('by copytruncate, and exactly as long as before when it is looked at again', async () => {
    const { log, following } = await followed();
    copyFileSync(log, `${log}.1`);
    const others = records(0, 10).replaceAll('a record', 'b record');
    writeFileSync(log, others);
    await expectLines([...expected(0, 10), ...others.split('\n').slice(0, -1)], following);
  });

  test('by copy over the copy of before', async () => {
    const { log, following } = await followed();
    copyFileSync(log, `${log}.1`);
    writeFileSync(log, records(10, 13));
    await untilLines(13, following);
    copyFileSync(log, `${log}.1`);
    writeFileSync(log, records(13, 20));
    await expectLines(expected(0, 20), following);
    expect(fileIds(following)).toHaveLength(3);
  });

  test('and compressed: nothing comes twice, and what was not read comes from the compressed one', async () => {
    const { log, following } = await followed();
    renameSync(log, `${log}.1`);
    writeFileSync(log, records(20, 25));
    await untilLines(15, following);
    writeFileSync(`${log}.1.gz`, gzipSync(records(0, 10)));
    rmSync(`${log}.1`);
    await expectLines([...expected(0, 10), ...expected(20, 25)], following);
    appendFileSync(log, records(25, 30));
    writeFileSync(`${log}.2.gz`, gzipSync(records(20, 30)));
    writeFileSync(log, records(30, 32));
    await expectLines([...expected(0, 10), ...expected(20, 32)], following);
    expect(fileIds(following)).toHaveLength(3);
  });

  test('by deletion: what was not read yet is read, and the new one is another file, even if it begins alike', async () => {
    const { log, following } = await followed();
    appendFileSync(log, records(10, 20));
    rmSync(log);
    writeFileSync(log, record(0) + records(20, 30));
    await untilLines(31, following);
    await someLooks();
    expect(textsOf(following).toSorted()).toEqual([...expected(0, 30), ...expected(0, 1)].toSorted());
    expect(fileIds(following)).toHaveLength(2);
  });
});

test('a log whose end was cut off is not read again, and goes on as another file', async () => {
  const { log, following } = await followed();
  appendFileSync(log, records(10, 40));
  await untilLines(40, following);
  truncateSync(log, Buffer.byteLength(records(0, 20)));
  await someLooks();
  appendFileSync(log, records(50, 55));
  await expectLines([...expected(0, 40), ...expected(50, 55)], following);
  expect(fileIds(following)).toHaveLength(2);
});

test('a log that is written anew, shorter, is read from its beginning', async () => {
  const { log, following } = await followed();
  writeFileSync(log, records(50, 53));
  await expectLines([...expected(0, 10), ...expected(50, 53)], following);
  expect(fileIds(following)).toHaveLength(2);
});

test('files and folders that appear later are read', async () => {
  const folder = temporaryFolder();
  const following = await follow(folder, 'hosts/**/*.log');
  expect(following.statuses.at(-1)).toMatchObject({
    state: 'missing',
    problem: expect.stringContaining('hosts/**/*.log') as string,
  });
  mkdirSync(join(folder, 'hosts/a/b'), { recursive: true });
  writeFileSync(join(folder, 'hosts/a/b/agent.log'), records(0, 5));
  writeFileSync(join(folder, 'hosts/agent.log'), records(5, 10));
  await expectLines(expected(0, 10), following);
  await until(() => following.statuses.at(-1)?.state === 'running');
});

test('a link is followed, also when it points elsewhere', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real/1'), records(0, 5));
  symlinkSync('real/1', join(folder, 'agent.log'));
  const following = await follow(folder, 'agent.log');
  await untilLines(5, following);
  writeFileSync(join(folder, 'real/2'), records(5, 10));
  rmSync(join(folder, 'agent.log'));
  symlinkSync('real/2', join(folder, 'agent.log'));
  appendFileSync(join(folder, 'real/1'), records(10, 12));
  await expectLines(expected(0, 12), following);
});

test('a log that has two names is read once', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'agent.log'), records(0, 5));
  symlinkSync('agent.log', join(folder, 'a.log'));
  const following = await follow(folder, '*.log');
  await expectLines(expected(0, 5), following);
});

test('two files that begin alike are two files', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a.log'), record(0) + records(1, 5));
  writeFileSync(join(folder, 'a.log.1'), record(0) + records(5, 10));
  writeFileSync(join(folder, 'b.log'), record(0) + records(10, 15));
  const following = await follow(folder, '*.log');
  await untilLines(17, following);
  expect(fileIds(following)).toHaveLength(3);
});
