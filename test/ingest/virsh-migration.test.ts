import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVirshCollector } from '../../src/ingest/virsh.ts';
import type { Collector } from '../../src/ingest/collector.ts';
import { collecting, have, unmasked, until, type Collecting } from './collecting.ts';
import { startLibvirtd, type Libvirtd } from './libvirtd.ts';

const VM = 'i-2-7-VM';
/** Without an operating system: its firmware runs, and that is memory enough for a few seconds at 1 MiB/s. */
const XML = `<domain type='qemu'><name>${VM}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/></devices></domain>`;

const canRun = have('virsh', 'libvirtd', 'qemu-system-x86_64', 'unshare', 'ip') && process.getuid?.() === 0;

describe.runIf(canRun)('a migration between two real libvirtds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-migration-'));
  const namespace = `precopy-mig-${process.pid}`;
  const daemons: Libvirtd[] = [];
  const collectors: Collector[] = [];

  beforeAll(async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    daemons.push(
      ...(await Promise.all([
        startLibvirtd(join(folder, 'a'), namespace, '11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa'),
        startLibvirtd(join(folder, 'b'), namespace, '22222222-bbbb-4bbb-8bbb-bbbbbbbbbbbb'),
      ])),
    );
    writeFileSync(join(folder, 'vm.xml'), XML);
  }, 30_000);
  afterAll(async () => {
    await Promise.all(collectors.map((collector) => collector.stop()));
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    execFileSync('ip', ['netns', 'del', namespace]);
    rmSync(folder, { recursive: true });
  });

  const uriOf = (host: 'a' | 'b'): string => `qemu+unix:///system?socket=${join(folder, host, 'libvirt-sock')}`;

  async function reads(host: 'a' | 'b'): Promise<Collecting> {
    const collected = collecting();
    const options = { uri: uriOf(host), every: '200ms', timeout: '5s' };
    const collector = createVirshCollector(collected.context, { options, mask: unmasked });
    collectors.push(collector);
    await collector.start();
    await until('events are listened to', () => collected.states('virsh-events').includes('running'));
    return collected;
  }

  test('is told pass by pass with its counters on the source, and with its downtime on the destination', async () => {
    execFileSync('virsh', ['-c', uriOf('a'), 'create', join(folder, 'vm.xml')]);
    const [source, destination] = [await reads('a'), await reads('b')];
    const args = ['-c', uriOf('a'), 'migrate', '--live', '--bandwidth', '1', VM, uriOf('b'), 'tcp://127.0.0.1:49200'];
    const code = await new Promise((resolve) =>
      spawn('ip', ['netns', 'exec', namespace, 'virsh', ...args], { stdio: 'inherit' }).once('exit', resolve),
    );
    expect(code).toBe(0);
    await until('the destination knows the downtime', () => destination.bodies(`virsh-jobs:${uriOf('b')}`).length > 0);
    const kinds = source.bodies(`virsh-events:${uriOf('a')}`).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['migration-pass', 'guest-run-state', 'job-completed']));
    const samples = source.bodies(`virsh-jobs:${uriOf('a')}`);
    expect(samples[0]).toMatchObject({ kind: 'job-sample', vm: VM, direction: 'outgoing', status: 'active' });
    expect(destination.bodies(`virsh-jobs:${uriOf('b')}`)).toContainEqual(
      expect.objectContaining({ kind: 'job-completed', vm: VM, direction: 'incoming', downtimeMs: expect.any(Number) }),
    );
  }, 60_000);
});
