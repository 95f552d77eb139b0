import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Chunk } from '../../src/model/chunk.ts';
import {
  expected,
  fileIds,
  follow,
  linesOf,
  record,
  records,
  someLooks,
  temporaryFolder,
  textsOf,
  until,
  untilLines,
  type Following,
} from './following.ts';

interface Stopped {
  readonly folder: string;
  readonly log: string;
  readonly checkpoints: string;
  readonly before: Following;
}

/** A log of a hundred records that were read before the collector was stopped. */
async function stopped(): Promise<Stopped> {
  const folder = temporaryFolder();
  const log = join(folder, 'agent.log');
  writeFileSync(log, records(0, 100));
  const before = await follow(folder, '*.log*');
  await untilLines(100, before);
  await before.stop();
  return { folder, log, before, checkpoints: join(folder, 'checkpoints.json') };
}

/** After the next start exactly these lines have come, before and after. */
async function expectAfterStart({ folder, before }: Stopped, lines: readonly string[]): Promise<Following> {
  const after = await follow(folder, '*.log*');
  await untilLines(lines.length, before, after);
  await someLooks();
  expect(textsOf(before, after).toSorted()).toEqual(lines.toSorted());
  return after;
}

describe('while the collector was stopped', () => {
  test('nothing happened: nothing is read again', async () => {
    const stop = await stopped();
    const after = await expectAfterStart(stop, expected(0, 100));
    expect(after.chunks).toEqual([]);
  });

  test('the log went on', async () => {
    const stop = await stopped();
    appendFileSync(stop.log, records(100, 110));
    const after = await expectAfterStart(stop, expected(0, 110));
    expect(after.chunks[0]?.header).toMatchObject({
      line: 100,
      offset: Buffer.byteLength(records(0, 100)),
      fileId: fileIds(stop.before)[0],
    });
  });

  test('it was rotated several times, in all ways', async () => {
    const stop = await stopped();
    const { log } = stop;
    appendFileSync(log, records(100, 110));
    writeFileSync(`${log}.2026-11-20.gz`, gzipSync(readFileSync(log)));
    writeFileSync(log, records(110, 120));
    renameSync(log, `${log}-20261121`);
    writeFileSync(log, records(120, 130));
    copyFileSync(log, `${log}.2`);
    truncateSync(log);
    appendFileSync(log, records(130, 140));
    renameSync(log, `${log}.1`);
    writeFileSync(log, records(140, 150));
    const after = await expectAfterStart(stop, expected(0, 150));
    expect(fileIds(after)).toHaveLength(5);
  });

  test('it was deleted, and another file took its place on the disk', async () => {
    const stop = await stopped();
    const { log, checkpoints } = stop;
    const before = statSync(log);
    rmSync(log);
    writeFileSync(log, records(200, 400));
    const now = statSync(log);
    writeFileSync(checkpoints, readFileSync(checkpoints, 'utf8').replaceAll(`:${before.ino}"`, `:${now.ino}"`));
    const after = await expectAfterStart(stop, [...expected(0, 100), ...expected(200, 400)]);
    expect(fileIds(after)).not.toEqual(fileIds(stop.before));
  });

  test('the host was reset, which turned the end of the log into NUL bytes', async () => {
    const stop = await stopped();
    const { log } = stop;
    const text = readFileSync(log);
    text.fill(0, text.length - 1500);
    writeFileSync(log, text);
    appendFileSync(log, `${'\0'.repeat(3000)}${records(100, 105)}`);
    const after = await follow(stop.folder, '*.log*');
    await untilLines(105, stop.before, after);
    expect(fileIds(after)).toEqual(fileIds(stop.before));
    expect(textsOf(stop.before, after).map((line) => line.replaceAll('\0', ''))).toEqual(expected(0, 105));
  });

  test('it was deleted before all was read: the loss is told with its place', async () => {
    const { folder, log } = await stopped();
    const sink = { write: () => new Promise<void>((_resolve, reject) => setTimeout(() => reject(new Error('no room')), 20)) };
    appendFileSync(log, records(100, 110));
    const blocked = await follow(folder, '*.log*', { sink });
    await until(() => blocked.statuses.some(({ problem }) => problem?.includes('no room') === true));
    await blocked.stop();
    rmSync(log);
    const after = await follow(folder, '*.log*');
    await until(() => after.statuses.at(-1)?.state === 'failing' || 'nothing is told');
    const [from, to] = [records(0, 100), records(0, 110)].map((text) => Buffer.byteLength(text));
    expect(after.statuses.at(-1)?.problem).toContain(`bytes ${from} to ${to} of ${log}`);
    await after.stop();
    const again = await follow(folder, '*.log*');
    await someLooks();
    expect(again.statuses.map(({ problem }) => problem ?? '').join('')).not.toContain('lost');
  });
});

test('a compressed file of which a part was read is read on', async () => {
  const folder = temporaryFolder();
  const log = join(folder, 'agent.log');
  writeFileSync(`${log}.1.gz`, gzipSync(records(0, 10_000)));
  const taken: Chunk[] = [];
  const first = await follow(folder, '*.log*', {
    sink: {
      async write(chunks) {
        if (taken.length >= 2) throw new Error('no more');
        taken.push(...chunks);
      },
    },
  });
  await until(() => first.statuses.some(({ problem }) => problem?.includes('no more') === true));
  await first.stop();
  expect(taken.length).toBe(2);
  const second = await follow(folder, '*.log*');
  await untilLines(10_000, { chunks: taken }, second);
  expect(textsOf({ chunks: taken }, second)).toEqual(expected(0, 10_000));
});

test('a compressed file that breaks off is read so far, which is told', async () => {
  const folder = temporaryFolder();
  const whole = gzipSync(records(0, 5000));
  writeFileSync(join(folder, 'agent.log.1.gz'), whole.subarray(0, whole.length / 2));
  const following = await follow(folder, '*.log*');
  await until(() => following.statuses.at(-1)?.state === 'failing');
  expect(following.statuses.at(-1)?.problem).toMatch(/agent\.log\.1\.gz breaks off at byte \d+/);
  const texts = textsOf(following);
  expect(texts.length).toBeGreaterThan(500);
  expect(texts).toEqual(expected(0, texts.length));
  writeFileSync(join(folder, 'agent.log.1.gz'), whole);
  await untilLines(5000, following);
  expect(textsOf(following)).toEqual(expected(0, 5000));
});

test('a log that has only begun is no reason to take an older one that begins alike for its copy', async () => {
  const folder = temporaryFolder();
  const log = join(folder, 'agent.log');
  // the oldest is looked at first
  writeFileSync(`${log}.1`, '=== begin ===\n');
  utimesSync(`${log}.1`, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  writeFileSync(`${log}.2`, `=== begin ===\n${records(0, 5)}`);
  writeFileSync(`${log}.3.gz`, gzipSync(`=== begin ===\n${records(5, 10)}`));
  writeFileSync(log, '=== begin ===\n');
  const following = await follow(folder, '*.log*');
  await untilLines(14, following);
  expect(fileIds(following)).toHaveLength(4);
});

test('what was acknowledged after the last checkpoint comes again with the same identities', async () => {
  const { folder, log, checkpoints } = await stopped();
  const old = readFileSync(checkpoints);
  appendFileSync(log, records(100, 120));
  const first = await follow(folder, '*.log*');
  await untilLines(20, first);
  await first.stop();
  writeFileSync(checkpoints, old);
  appendFileSync(log, records(120, 130));
  const second = await follow(folder, '*.log*');
  await untilLines(30, second);
  const again = linesOf(second.chunks);
  for (const [identity, line] of linesOf(first.chunks)) expect(again.get(identity)).toBe(line);
});

test('without checkpoints a log has the same identity again', async () => {
  const { folder, checkpoints, before, log } = await stopped();
  rmSync(checkpoints);
  renameSync(log, `${log}.1`);
  const again = await follow(folder, '*.log*');
  await untilLines(100, again);
  expect(linesOf(again.chunks)).toEqual(linesOf(before.chunks));
});

describe('at the very first start', () => {
  test('rotated files are read too, whatever the pattern says of them', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    writeFileSync(`${log}.2.gz`, gzipSync(records(0, 10)));
    writeFileSync(`${log}.1`, records(10, 20));
    writeFileSync(log, records(20, 30));
    const following = await follow(folder, 'agent.log');
    await untilLines(30, following);
    await someLooks();
    expect(textsOf(following).toSorted()).toEqual(expected(0, 30));
  });

  test('what was not written to for long is not read, nor at the second start; what comes is', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    const old = new Date(Date.now() - 8 * 86_400_000);
    writeFileSync(`${log}.2.gz`, gzipSync(records(0, 10)));
    writeFileSync(`${log}.1`, records(10, 20));
    writeFileSync(log, records(20, 30));
    for (const path of [`${log}.2.gz`, `${log}.1`, log]) utimesSync(path, old, old);
    const first = await follow(folder, '*.log*');
    await someLooks();
    appendFileSync(log, records(30, 32));
    await untilLines(2, first);
    await first.stop();
    renameSync(`${log}.2.gz`, `${log}.3.gz`);
    const second = await follow(folder, '*.log*');
    await someLooks();
    expect(textsOf(first, second)).toEqual(expected(30, 32));
    expect(first.chunks[0]?.header).toMatchObject({ line: 10, offset: Buffer.byteLength(records(20, 30)) });
  });
});

describe('checkpoints', () => {
  test.each([
    ['cut', '{"version":1,"files":[', 'not JSON'],
    ['of a newer release', '{"version":2,"files":[],"more":1}', 'version 2'],
    ['of something else', '{"version":1,"files":[{"path":1}]}', 'not checkpoints of files'],
  ])('that are %s are refused and left as they are', async (_what, text, problem) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'agent.log'), record(0));
    writeFileSync(join(folder, 'checkpoints.json'), text);
    await expect(follow(folder, 'agent.log')).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining(problem) as string,
    });
    expect(readFileSync(join(folder, 'checkpoints.json'), 'utf8')).toBe(text);
  });

  test('hold no text of the logs', async () => {
    const { checkpoints } = await stopped();
    expect(readFileSync(checkpoints, 'utf8')).not.toContain('Agent-Handler');
  });

  test('keep logs that are not followed now', async () => {
    const stop = await stopped();
    const other = await follow(stop.folder, 'other.log');
    await other.stop();
    appendFileSync(stop.log, records(100, 105));
    await expectAfterStart(stop, expected(0, 105));
  });

  test('forget a file that was read and is gone for a week, and not before', async () => {
    const { folder, log, checkpoints } = await stopped();
    rmSync(log);
    const day = 86_400_000;
    for (const [days, kept] of [
      [0, true],
      [6, true],
      [8, false],
    ] as const) {
      const following = await follow(folder, '*.log*', { now: () => Date.now() + days * day });
      await someLooks();
      await following.stop();
      expect(readFileSync(checkpoints, 'utf8').includes('agent.log')).toBe(kept);
    }
  });
});
