import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { follow, record, records, temporaryFolder, textsOf, until, untilLines } from './following.ts';

function expected(from: number, to: number): readonly string[] {
  return records(from, to).split('\n').slice(0, -1);
}

function fileIds(following: { readonly chunks: readonly { readonly header: { readonly fileId: string } }[] }): readonly string[] {
  return [...new Set(following.chunks.map(({ header }) => header.fileId))];
}

describe('a running collector', () => {
  test('reads what is there and what comes', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    writeFileSync(log, records(0, 10));
    const following = await follow(folder, 'agent.log');
    await untilLines(10, following);
    appendFileSync(log, records(10, 20));
    await untilLines(20, following);
    expect(textsOf(following)).toEqual(expected(0, 20));
    const [first, last] = [following.chunks[0], following.chunks.at(-1)];
    expect(first?.header).toMatchObject({ offset: 0, line: 0, host: 'kvm1', cluster: 'c1', zone: 'UTC', path: log, vm: null });
    expect((last?.header.line ?? 0) + (last?.bytes.filter((byte) => byte === 10).length ?? 0)).toBe(20);
  });

  test('reads a renamed log to its end, what is written to it afterwards too, and the new one from its beginning', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    writeFileSync(log, records(0, 10));
    const following = await follow(folder, 'agent.log');
    await untilLines(10, following);
    renameSync(log, `${log}.1`);
    appendFileSync(`${log}.1`, records(10, 12));
    writeFileSync(log, records(12, 20));
    appendFileSync(`${log}.1`, records(20, 22));
    await untilLines(22, following);
    expect(textsOf(following).toSorted()).toEqual(expected(0, 22).toSorted());
    expect(fileIds(following)).toHaveLength(2);
  });

  test('knows the copy that copytruncate made, and reads from it what was not read before', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    writeFileSync(log, records(0, 10));
    const following = await follow(folder, 'agent.log');
    await untilLines(10, following);
    appendFileSync(log, records(10, 20));
    copyFileSync(log, `${log}.1`);
    truncateSync(log);
    appendFileSync(log, records(20, 25));
    await untilLines(25, following);
    expect(textsOf(following).toSorted()).toEqual(expected(0, 25).toSorted());
    expect(fileIds(following)).toHaveLength(2);
  });

  test('sees that a log was emptied although it is longer than before when it is looked at again', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    writeFileSync(log, records(0, 10));
    const following = await follow(folder, 'agent.log');
    await untilLines(10, following);
    copyFileSync(log, `${log}.1`);
    writeFileSync(log, records(100, 130));
    await untilLines(40, following);
    expect(textsOf(following)).toEqual([...expected(0, 10), ...expected(100, 130)]);
  });

  test('reads the rest of a log that was compressed meanwhile', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'agent.log');
    writeFileSync(log, records(0, 10));
    const first = await follow(folder, 'agent.log');
    await untilLines(10, first);
    await first.stop();
    writeFileSync(`${log}.1.gz`, gzipSync(records(0, 30)));
    rmSync(log);
    writeFileSync(log, records(30, 40));
    const second = await follow(folder, 'agent.log');
    await untilLines(40, first, second);
    expect(textsOf(first, second).toSorted()).toEqual(expected(0, 40).toSorted());
    expect(fileIds(second)).toContain(fileIds(first)[0]);
  });
});

test('a line written in two halves is one line', async () => {
  const folder = temporaryFolder();
  const log = join(folder, 'agent.log');
  const [head, tail] = [record(3).slice(0, 40), record(3).slice(40)];
  writeFileSync(log, records(0, 3) + head);
  const following = await follow(folder, 'agent.log');
  await untilLines(3, following);
  await until(() => statSync(log).size > 0);
  appendFileSync(log, tail);
  await untilLines(4, following);
  expect(textsOf(following)).toEqual(expected(0, 4));
});
