import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAlert } from '../../src/commands/test-alert.ts';
import { openProxy } from '../notify/proxy.ts';
import { faults, openReceiver, status, type Receiver } from '../notify/receiver.ts';
import { testTerminal } from './terminal.ts';

let folder: string;
let receiver: Receiver;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-test-alert-'));
  receiver = await openReceiver();
});
afterAll(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

let env: NodeJS.ProcessEnv = {};

async function told(...args: readonly string[]): Promise<readonly [number, string]> {
  const file = join(folder, 'precopy.yaml');
  const notifiers = [
    { name: 'hook', type: 'webhook', url: `${receiver.url}/x`, secret: 'hush' },
    { name: 'far', type: 'webhook', url: 'http://hooks.example.org/x' },
    { name: 'screen', type: 'stdout' },
  ];
  writeFileSync(file, JSON.stringify({ data: join(folder, 'data'), timezone: 'UTC', alerts: { notifiers } }));
  const terminal = testTerminal();
  const context = { terminal, env, note: () => {} };
  return [await testAlert([...args, '-c', file], context), terminal.printed()];
}

test('a receiver that takes it is named with its answer, before anything was ever stored', async () => {
  const [code, text] = await told('hook');
  expect(code).toBe(0);
  expect(text).toMatch(/^hook \(webhook\) took it after \d+ ms: 200 OK\n$/);
  expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({ kind: 'test' });
});

test('one that does not is status 1, and no secret is printed', async () => {
  receiver.answer(status(403));
  const [code, text] = await told('hook');
  expect(code).toBe(1);
  expect(text).toContain('hook (webhook) did not take it: 403');
  expect(text).not.toContain('hush');
});

test('one that only the proxy of the environment reaches is told by it', async () => {
  const proxy = await openProxy();
  proxy.does({ leadsTo: { 'hooks.example.org': receiver.port }, wants: 'me:hush' });
  receiver.answer(faults.ok);
  env = { http_proxy: `http://me:hush@127.0.0.1:${proxy.port}` };
  expect(await told('far')).toEqual([0, expect.stringMatching(/^far \(webhook\) took it after \d+ ms: 200 OK\n$/)]);
  await proxy.close();
  const [code, text] = await told('far');
  env = {};
  expect(code).toBe(1);
  expect(text).toContain(`far (webhook) did not take it: nothing listens at the proxy 127.0.0.1:${proxy.port}\n`);
});

test('standard output shows what an alert would look like', async () => {
  const [code, text] = await told('screen');
  expect(code).toBe(0);
  expect(text).toContain('Nothing is wrong, and nothing has to be done.');
});

test.each([
  [['hok'], 'not-found', 'no notifier has the name hok'],
  [[], 'usage', 'name one notifier'],
  [['hook', 'screen'], 'usage', 'name one notifier'],
])('%j is refused', async (args, code, message) => {
  await expect(told(...args)).rejects.toMatchObject({ code, message });
});
