import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replayDeadLetters } from '../../src/commands/replay-dead.ts';
import { encodeChunk } from '../../src/pipeline/chunk-message.ts';
import { openEmbeddedStream } from '../../src/stream/embedded.ts';
import { DEAD_LETTERS_TOPIC, RECORDS_TOPIC, type StreamMessage } from '../../src/stream/stream.ts';
import { testTerminal } from './terminal.ts';

let folder: string;
let config: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'precopy-replay-'));
  config = join(folder, 'precopy.yaml');
  await writeFile(config, `data: ${folder}\n`);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const chunk = encodeChunk({
  header: {
    cluster: 'c1',
    host: 'kvm1',
    source: 'journal',
    path: 'journal:kernel',
    fileId: 'f',
    vm: null,
    offset: 0,
    line: 0,
    zone: 'UTC',
    observedAt: 0,
  },
  bytes: Buffer.from('a line\n'),
});

async function bury(messages: readonly StreamMessage[]): Promise<void> {
  const stream = await openEmbeddedStream({ folder: join(folder, 'stream') });
  await (await stream.producer()).send(DEAD_LETTERS_TOPIC, messages);
  await stream.close();
}

async function held(topic: string): Promise<readonly StreamMessage[]> {
  const stream = await openEmbeddedStream({ folder: join(folder, 'stream') });
  const messages: StreamMessage[] = [];
  await stream.scan(topic, async (batch) => void messages.push(...batch.messages));
  await stream.close();
  return messages;
}

async function replay(...args: readonly string[]): Promise<string> {
  const terminal = testTerminal();
  expect(await replayDeadLetters(['-c', config, ...args], { terminal, env: {} })).toBe(0);
  return terminal.printed();
}

test('what can be read by now is put back as it was, the rest is counted by its reason', async () => {
  const reason = encodeURIComponent('header source: unknown');
  await bury([
    { ...chunk, headers: { ...chunk.headers, reason } },
    { ...chunk, headers: { ...chunk.headers, schema: '99', reason } },
    { key: 'x', headers: { schema: '%', reason }, value: Buffer.from('?') },
  ]);
  expect(await replay('--dry-run')).toContain('1 message can be put back\n2 messages still cannot be read\n');
  expect(await held(RECORDS_TOPIC)).toEqual([]);
  const said = await replay();
  expect(said).toContain('1 message put back\n2 messages still cannot be read\n');
  expect(said).toContain('  1  header schema: not 1');
  expect(said).toContain('  1  header schema: not percent-encoded');
  expect(await held(RECORDS_TOPIC)).toMatchObject([{ key: chunk.key, headers: chunk.headers }]);
  expect(await held(DEAD_LETTERS_TOPIC)).toHaveLength(3);
});

test('without dead letters there is nothing to do', async () => {
  expect(await replay()).toBe('0 messages put back\n0 messages still cannot be read\n');
});
