import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectorNeeds, folderNeed, portNeed, type Need } from '../../src/ingest/needs.ts';
import { collectOptions } from '../../src/ingest/options.ts';
import { patternFiles } from '../../src/ingest/pattern-files.ts';

let folder = '';
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-needs-'));
  for (const name of ['bin', 'net/cloudbr0', 'logs/deep/er']) mkdirSync(join(folder, name), { recursive: true });
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true });
});

function place(path: string, text = ''): string {
  writeFileSync(join(folder, path), text);
  return join(folder, path);
}

function program(name: string, script: string): void {
  chmodSync(place(`bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755);
}

const OFF = { files: [], virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, syslog: null, hostFacts: null };

/** What one collector lacks, or has, on a machine whose only programs are those that the test placed. */
async function needs(options: object): Promise<readonly string[]> {
  const machine = { programPath: join(folder, 'bin'), interfacesFolder: join(folder, 'net'), mountsFile: join(folder, 'mounts') };
  const found = await collectorNeeds(collectOptions.parse({ ...OFF, ...options }), machine);
  return found.map(line);
}

function line({ state, of, found }: Need): string {
  return `${state} ${of}: ${found.replaceAll(folder, '')}`;
}

describe('a log file', () => {
  test('that is there, is not there yet, or is a folder', async () => {
    place('logs/a.log');
    const files = ['a.log', 'b.log', 'deep'].map((name) => ({ path: join(folder, 'logs', name), source: 'journal' }));
    expect(await needs({ files })).toEqual([
      'ok file journal: /logs/a.log',
      'warn file journal: /logs/b.log is not there yet',
      'fail file journal: /logs/deep is a folder',
    ]);
  });

  test('named by a pattern that matches some or nothing', async () => {
    for (const name of ['a.log', 'b.log', 'c.txt', 'deep/d.log']) place(`logs/${name}`);
    const files = ['logs/*.log', 'logs/?.txt', 'logs/**.log', 'logs/*.gz'].map((path) => ({
      path: join(folder, path),
      source: 'journal',
    }));
    expect(await needs({ files })).toEqual([
      'ok file journal: /logs/*.log: 2 files',
      'ok file journal: /logs/?.txt: 1 file',
      'ok file journal: /logs/**.log: 3 files',
      'warn file journal: /logs/*.gz matches nothing yet',
    ]);
  });

  test.skipIf(userInfo().uid === 0)('that may not be read, or stands in a folder that may not be looked into', async () => {
    chmodSync(place('logs/a.log'), 0o000);
    chmodSync(join(folder, 'logs/deep'), 0o000);
    const files = ['logs/a.log', 'logs/deep/b.log', 'logs/deep/*.log'].map((path) => ({
      path: join(folder, path),
      source: 'journal',
    }));
    expect(await needs({ files })).toEqual([
      'fail file journal: /logs/a.log cannot be read by this user',
      'fail file journal: /logs/deep cannot be looked into by this user',
      'fail file journal: /logs/deep cannot be looked into by this user',
    ]);
    chmodSync(join(folder, 'logs/deep'), 0o755);
  });
});

test('patterns match in folders between, and only there', () => {
  for (const name of ['deep/a.log', 'deep/er/a.log', 'a.log']) place(`logs/${name}`);
  expect(patternFiles(join(folder, 'logs/*/a.log'))).toEqual([join(folder, 'logs/deep/a.log')]);
  expect(patternFiles(join(folder, 'nowhere/*.log'))).toEqual([]);
});

describe('a program', () => {
  test('that is there, or has to be installed', async () => {
    program('sensors', 'exit 0');
    expect(await needs({ sensors: {}, journal: {} })).toEqual([
      'ok sensors: /bin/sensors',
      'warn journal: there is no program journalctl',
    ]);
  });

  test('a file of its name that nobody may run is none', async () => {
    chmodSync(place('bin/sensors'), 0o644);
    expect(await needs({ sensors: {} })).toEqual(['warn sensors: there is no program sensors']);
  });

  test('virsh that reaches libvirt, and one that does not', async () => {
    program('virsh', 'echo qemu:///system');
    expect(await needs({ virsh: {} })).toEqual(['ok virsh: qemu:///system answers']);
    program('virsh', 'echo "error: failed to connect to the hypervisor" >&2; echo "error: no socket" >&2; exit 1');
    expect(await needs({ virsh: {} })).toEqual(['warn virsh: qemu:///system: error: no socket']);
    program('virsh', 'while :; do :; done');
    expect(await needs({ virsh: { timeout: '100ms' } })).toEqual(['warn virsh: qemu:///system: no answer within 100ms']);
  });
});

test('bridges that are there and that are not', async () => {
  program('tcpdump', '');
  program('bridge', '');
  const found = await needs({ arp: { interfaces: ['cloudbr0', 'cloudbr9'] } });
  expect(found.slice(0, 4)).toEqual([
    'ok arp: /bin/tcpdump',
    'ok arp: /bin/bridge',
    'ok arp: interface cloudbr0',
    'warn arp: there is no interface cloudbr9',
  ]);
});

describe('heartbeats', () => {
  test('of every mount that has a KVMHA folder, also where its name has a blank', async () => {
    mkdirSync(join(folder, 'mnt a/KVMHA'), { recursive: true });
    mkdirSync(join(folder, 'mnt-b'));
    place('mounts', ['mnt\\040a', 'mnt-b'].map((name) => `server:/x ${folder}/${name} nfs rw 0 0\n`).join(''));
    expect(await needs({ heartbeat: {} })).toEqual(['ok heartbeat: /mnt a/KVMHA']);
  });

  test('where no pool is mounted, or the one named has none', async () => {
    expect(await needs({ heartbeat: {} })).toEqual(['warn heartbeat: no mount has a KVMHA folder']);
    expect(await needs({ heartbeat: { pools: [join(folder, 'mnt')] } })).toEqual(['warn heartbeat: /mnt/KVMHA is not there']);
  });
});

describe('a port', () => {
  test('that another program has is not free', async () => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const listen = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    expect(line(await portNeed('api', listen, ['tcp']))).toBe(`fail api: ${listen} cannot be listened on (EADDRINUSE)`);
    expect(line(await portNeed('syslog', listen, ['udp']))).toBe(`ok syslog: ${listen} is free`);
  });

  test('of an address that this machine has not', async () => {
    expect((await portNeed('api', '192.0.2.1:0', ['tcp'])).state).toBe('fail');
  });
});

describe('the data folder', () => {
  const plenty = { bytes: 2e10, wanted: 1e10 };

  test('that is there, or will be made', () => {
    expect(line(folderNeed('data', join(folder, 'logs'), plenty))).toBe('ok data: /logs: 20 GB free');
    expect(line(folderNeed('data', join(folder, 'a/b'), plenty))).toBe('ok data: /a/b (will be made): 20 GB free');
  });

  test('below a file is none', () => {
    place('a');
    expect(line(folderNeed('data', join(folder, 'a/b'), plenty))).toBe('fail data: /a is no folder');
  });

  test('with less room than the stream may take', () => {
    expect(line(folderNeed('data', folder, { bytes: 5e9, wanted: 1e10 }))).toBe(
      'warn data: : 5.0 GB free, and the stream alone may take 10 GB',
    );
  });
});
