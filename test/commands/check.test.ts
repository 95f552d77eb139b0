import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { check } from '../../src/commands/check.ts';
import { parsers } from '../../src/parsers/index.ts';
import { testTerminal } from './terminal.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-check-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Exit status and text of a check of this configuration. */
async function checked(yaml: string, args: readonly string[] = []): Promise<readonly [number, string]> {
  const file = join(folder, 'precopy.yaml');
  writeFileSync(file, yaml);
  const terminal = testTerminal();
  const status = await check(['-c', file, ...args], { terminal, env: { PATH: '/nowhere', CLUSTER: 'pod-1' } });
  return [status, terminal.printed()];
}

const QUIET = 'virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, hostFacts: null';

test('a machine that has everything: the configuration in force, a line for each need, status 0', async () => {
  writeFileSync(join(folder, 'a.log'), '');
  const [status, text] = await checked(
    `cluster: zone-\${CLUSTER}\ndata: ${folder}\ncollect: { files: [{ path: ${folder}/a.log, source: journal }], ${QUIET} }\napi: { listen: '127.0.0.1:0' }\nalerts: { notifiers: [{ name: ops, type: stdout }] }\n`,
  );
  expect(status).toBe(0);
  expect(text).toContain(`# ${folder}/precopy.yaml\ncluster: zone-pod-1\n`);
  expect(text).toContain('not-converging:\n    minPasses: 3\n');
  expect(text).toMatch(
    new RegExp(`^ok {4}parsers: ${parsers.length} parsers, \\d+ messages: all \\d+ samples yield what they must$`, 'm'),
  );
  expect(text).toMatch(/^ok {4}file journal: /m);
  expect(text).toMatch(/^ok {4}alerts: ops \(stdout\)/m);
  expect(text).toMatch(/^ok {4}api: 127\.0\.0\.1:0 is free$/m);
  expect(text).toMatch(/, 0 fail\n$/);
});

test('what is missing is a warning that says what to do, and no failure', async () => {
  const [status, text] = await checked(`data: ${folder}\ncollect: { files: [] }\napi: { listen: '127.0.0.1:0' }\n`);
  expect(status).toBe(0);
  expect(text).toMatch(
    /^warn {2}sensors: there is no program sensors\n {8}install lm-sensors, or turn it off: collect\.sensors: null$/m,
  );
  expect(text).toMatch(/^warn {2}alerts: nobody is told: alerts\.notifiers is empty$/m);
});

test('what cannot work is a failure, and status 1', async () => {
  const [status, text] = await checked(
    `data: ${folder}/precopy.yaml/x\ncollect: { files: [], ${QUIET} }\napi: { listen: '192.0.2.1:1' }\n`,
  );
  expect(status).toBe(1);
  expect(text).toMatch(
    /^fail {2}api: 192\.0\.2\.1:1 cannot be listened on \(EADDRNOTAVAIL\)\n {8}name an address of this machine$/m,
  );
  expect(text).toMatch(/^fail {2}data: /m);
});

test('an API that other machines reach is a warning: it has no password', async () => {
  const of = async (listen: string): Promise<string> =>
    (await checked(`data: ${folder}\ncollect: { files: [], ${QUIET} }\napi: { listen: '${listen}' }\n`))[1];
  expect(await of('0.0.0.0:0')).toMatch(/^warn {2}api: it has no password, and 0\.0\.0\.0:0 lets other machines reach it$/m);
  expect(await of('[::1]:0')).not.toContain('no password');
});

test('a server that nobody answers for is a warning, for it may come', async () => {
  const [, text] = await checked(
    `data: ${folder}\ncollect: { files: [], ${QUIET} }\nstore: { clickhouse: { url: 'http://127.0.0.1:1' } }\n`,
  );
  expect(text).toMatch(/^warn {2}store: [^]*ECONNREFUSED[^]*Nothing listens at http:\/\/127\.0\.0\.1:1/m);
});

test('a Kafka cluster that does not answer is a failure that names the broker, and its password is not shown', async () => {
  const kafka = `brokers: ['kafka.invalid:9092'], sasl: { mechanism: plain, username: u, password: hush }`;
  const [status, text] = await checked(
    `data: ${folder}\nstream: { kafka: { ${kafka} } }\ncollect: { files: [], ${QUIET} }\napi: { listen: '127.0.0.1:0' }\n`,
  );
  expect(status).toBe(1);
  expect(text).toMatch(/^fail {2}kafka: cannot connect to Kafka \(kafka\.invalid:9092\)/m);
  expect(text).toMatch(/password: "?\*\*\*/);
  expect(text).not.toContain('hush');
}, 30_000);

test('a configuration that is wrong is told problem by problem, and status 1', async () => {
  const [status, text] = await checked('clutser: a\napi: { listen: 1 }\n');
  expect(status).toBe(1);
  expect(text).toMatch(
    /^fail {2}\S+ has 2 problems:\n +1:1 clutser: no such key \(did you mean cluster\?\)\n +2:16 api\.listen: 1; expected an address/m,
  );
});

test('needs and problems fit into 80 columns', async () => {
  const [, text] = await checked(`data: ${folder}\n`);
  const [, problems] = await checked('log: { level: x }\ncollect: { files: [{ path: /a, source: b }] }\n');
  const lines = `${text.slice(text.indexOf('\nok '))}\n${problems}`.split('\n');
  expect(lines.filter((line) => Array.from(line).length > 80)).toEqual([]);
});

test('an unknown option is bad usage', async () => {
  await expect(checked('', ['--all'])).rejects.toMatchObject({ code: 'usage' });
});
