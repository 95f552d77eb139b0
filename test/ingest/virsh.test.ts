import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Collector } from '../../src/ingest/collector.ts';
import { createVirshCollector } from '../../src/ingest/virsh.ts';
import { createVirshSession, quoted, type VirshSession } from '../../src/ingest/virsh-session.ts';
import { collecting, have, unmasked, until, type Collecting } from './collecting.ts';

const sessions: VirshSession[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

function sessionOf(command: string, ...args: readonly string[]): VirshSession {
  const session = createVirshSession({ command, args, debianPackage: 'libvirt-clients' });
  sessions.push(session);
  return session;
}

describe.runIf(have('virsh'))('one virsh for many commands', () => {
  test('answers each with what that command printed, and its errors', async () => {
    const session = sessionOf('virsh', '-q', '-r', '-c', 'test:///default');
    expect(await session.ask('list --name', 5000)).toEqual({ kind: 'answered', text: 'test\n', errorText: '' });
    const wrong = await session.ask(`domstate ${quoted("no'such; quit")}`, 5000);
    expect(wrong).toMatchObject({ kind: 'answered', text: '', errorText: "error: failed to get domain 'no'such; quit'" });
    expect(await session.ask('domstate test', 5000)).toEqual({ kind: 'answered', text: 'running\n', errorText: '' });
  });

  test('whose connection fails says why, and tries anew', async () => {
    const session = sessionOf('virsh', '-q', '-r', '-c', 'qemu+unix:///system?socket=/nowhere/libvirt-sock');
    const answers = [await session.ask('list --name', 5000), await session.ask('list --name', 5000)];
    for (const answer of answers) expect(JSON.stringify(answer)).toMatch(/Failed to connect socket/);
  });

  test('that is missing is told from one that does not answer in time', async () => {
    expect(await sessionOf('/nowhere/virsh').ask('list', 5000)).toEqual({ kind: 'missing' });
    const silent = sessionOf('sleep', '1000');
    expect(await silent.ask('list', 100)).toEqual({ kind: 'timed-out' });
  });
});

describe.runIf(have('virsh', 'libvirtd') && process.getuid?.() === 0)('a libvirtd with one VM of its test driver', () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-virsh-'));
  const socket = join(folder, 'run', 'libvirt-sock');
  const uri = `test+unix:///default?socket=${socket}`;
  let daemon: ChildProcess | null = null;
  let collector: Collector | null = null;

  async function startDaemon(): Promise<void> {
    rmSync(join(folder, 'run'), { recursive: true, force: true });
    mkdirSync(join(folder, 'run'));
    const settings = `unix_sock_dir = "${folder}/run"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\nlog_outputs = "3:file:${folder}/log"\n`;
    writeFileSync(join(folder, 'libvirtd.conf'), settings);
    // with state and network of its own: a machine has one system libvirtd
    const own = 'mkdir -p /run/libvirt; mount -t tmpfs none /run/libvirt; mount -t tmpfs none /var/lib/libvirt';
    const start = `${own}; exec libvirtd -f ${folder}/libvirtd.conf -p ${folder}/pid`;
    daemon = spawn('unshare', ['-m', '-n', 'sh', '-c', start], { stdio: 'ignore' });
    await until('libvirtd listens', () => existsSync(socket));
  }

  async function killDaemon(): Promise<void> {
    const gone = new Promise((resolve) => daemon?.once('exit', resolve));
    daemon?.kill('SIGKILL');
    await gone;
  }

  beforeAll(startDaemon, 20_000);
  afterEach(async () => {
    daemon?.kill('SIGCONT');
    await collector?.stop();
  });
  afterAll(async () => {
    await killDaemon();
    rmSync(folder, { recursive: true });
  });

  async function reads(): Promise<Collecting> {
    const collected = collecting();
    collector = createVirshCollector(collected.context, { options: { uri, every: '50ms', timeout: '300ms' }, mask: unmasked });
    await collector.start();
    return collected;
  }

  test('what happens to a VM is printed as it happens', async () => {
    const collected = await reads();
    await until('events are listened to', () => collected.states('virsh-events').includes('running'));
    spawnSync('virsh', ['-c', uri, 'destroy', 'test']);
    spawnSync('virsh', ['-c', uri, 'start', 'test']);
    await until('both are there', () => collected.text(`virsh-events:${uri}`).includes('Started Booted'));
    expect(collected.text(`virsh-events:${uri}`)).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: event 'lifecycle' for domain 'test': Stopped Destroyed\n/,
    );
  });

  test('a libvirtd that hangs is reported as such, and as running when it answers again', async () => {
    const collected = await reads();
    await until('it answers', () => collected.states('virsh-jobs').includes('running'));
    daemon?.kill('SIGSTOP');
    await until('it is reported', () => collected.states('virsh-jobs').at(-1) === 'timed-out');
    const report = collected.bodies('collector:virsh-jobs').at(-1);
    expect(report).toMatchObject({ kind: 'collector-report', text: expect.stringMatching(/no answer to .* within 300 ms/) });
    daemon?.kill('SIGCONT');
    await until('it answers again', () => collected.states('virsh-jobs').at(-1) === 'running', 12_000);
  }, 25_000);

  test('a libvirtd that is started anew is listened to again', async () => {
    const collected = await reads();
    await until('events are listened to', () => collected.states('virsh-events').includes('running'));
    await killDaemon();
    await until('its end is seen', () =>
      ['virsh-events', 'virsh-jobs'].every((name) => collected.states(name).includes('failing')),
    );
    await startDaemon();
    await until(
      'it answers again',
      () => ['virsh-events', 'virsh-jobs'].every((name) => collected.states(name).at(-1) === 'running'),
      15_000,
    );
    spawnSync('virsh', ['-c', uri, 'destroy', 'test']);
    await until('events come again', () => collected.text(`virsh-events:${uri}`).includes('Stopped Destroyed'));
    expect(collected.text(`virsh-events:${uri}`)).toMatch(/^events received: \d+\n2/);
  }, 40_000);

  test('stopping does not wait for a libvirtd that hangs', async () => {
    await reads();
    daemon?.kill('SIGSTOP');
    const begunAt = performance.now();
    await collector?.stop();
    expect(performance.now() - begunAt).toBeLessThan(5000);
  });
});
