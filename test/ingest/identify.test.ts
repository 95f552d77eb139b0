import { describe, expect, test } from 'vitest';
import { hintPattern, hostOfPath, identify, unrotated, vmOfPath } from '../../src/ingest/identify.ts';
import { parsers } from '../../src/parsers/index.ts';

describe('the host of a file', () => {
  test.each([
    ['/tmp/x/hosts/kvm-a/var/log/libvirt/libvirtd.log', 'kvm-a'],
    ['/tmp/kvm-07.example.org/var/log/cloudstack/agent/agent.log', 'kvm-07.example.org'],
    ['/tmp/sosreport-kvm-a-2026-11-23-abcdefg/var/log/libvirt/qemu/i-2-3-VM.log', 'kvm-a'],
    ['/tmp/sosreport-kvm-a-case123-2026-11-23-abcdefg/var/log/messages', 'kvm-a'],
    ['/tmp/sosreport-kvm07.20261123101010/var/log/messages', 'kvm07'],
    ['/tmp/logs/kvm-b-agent.log', 'kvm-b'],
    ['/tmp/logs/kvm-b-agent.log.2026-11-20.gz', 'kvm-b'],
    ['/tmp/logs/kvm-b-i-11-343-VM.log', 'kvm-b'],
    ['/tmp/logs/kvm-b.example.org_r-4-VM.log.1', 'kvm-b.example.org'],
    ['/tmp/logs/kvm-a-i-2-31-VM-domjobinfo.jsonl', 'kvm-a'],
    ['/tmp/logs/kvm-a-qemu-s-2-VM.log', 'kvm-a'],
    ['/tmp/hosts/kvm-c/kvm-b-v-1-VM.log', 'kvm-c'],
    ['/tmp/logs/i-11-343-VM.log', null],
    ['/tmp/logs/qemu-i-11-343-VM.log', null],
    ['/tmp/logs/i-2-31-VM-domjobinfo.jsonl', null],
    ['/tmp/logs/my-vm.log', null],
    ['/tmp/x/switch/tcpdump.log', 'switch'],
    ['/tmp/x/hosts/kvm-a/heartbeat.jsonl', 'kvm-a'],
    ['/var/log/cloudstack/agent/agent.log', null],
    ['/tmp/logs/agent.log', null],
  ])('%s is %s', (path, host) => {
    expect(hostOfPath(path)).toBe(host);
  });
});

describe('a hint', () => {
  test.each([
    ['*/a/*', '/x/a/agent.log', true],
    ['*/a/*', '/x/a/b/agent.log', false],
    ['a/**', '/x/a/b/agent.log', true],
    ['agent.log', '/x/agent.log', true],
    ['agent.log', '/x/my-agent.log', false],
    ['agent?.log', '/x/agent1.log', true],
    ['a.b', '/x/aXb', false],
  ])('%s matches %s: %s', (glob, path, matches) => {
    expect(hintPattern(glob).test(path)).toBe(matches);
  });
});

test.each([
  ['agent.log.2026-11-20.gz', 'agent.log'],
  ['i-2-3-VM.log.0', 'i-2-3-VM.log'],
  ['libvirtd.log-20261120.gz', 'libvirtd.log'],
  ['agent.log', 'agent.log'],
])('%s is a part of %s', (path, log) => {
  expect(unrotated(path)).toBe(log);
});

test.each([
  ['/x/qemu/i-2-3-VM.log.1', 'libvirt-qemu', 'i-2-3-VM'],
  ['/x/qemu/web server.log', 'libvirt-qemu', 'web server'],
  ['/x/my-vm.log', 'libvirt-qemu', 'my-vm'],
  ['/x/kvm-b-i-11-343-VM.log', 'libvirt-qemu', 'i-11-343-VM'],
  ['/x/kvm_b_s-2-VM.log', 'libvirt-qemu', 's-2-VM'],
  ['/x/r-12-VM.domjobinfo', 'domjobinfo', 'r-12-VM'],
  ['/x/agent.log', 'cloudstack-agent', null],
] as const)('%s of %s is about %s', (path, source, vm) => {
  expect(vmOfPath(path, source)).toBe(vm);
});

describe('the VM of a QEMU log', () => {
  const banner =
    '2026-11-24 07:00:44.800+0000: starting up libvirt version: 9.0.0, package: 9.0.0-4+deb12u2 (Debian), qemu version: 7.2.22, kernel: 6.18.44, hostname: kvm-b\n';

  test.each([
    ['kvm-b-i-11-343-VM.log', '-name guest=i-11-343-VM,debug-threads=on \\\n', 'i-11-343-VM'],
    ['kvm-b-my-vm.log', '-name guest=my-vm,debug-threads=on \\\n', 'my-vm'],
    ['x.log', "-name 'guest=web server,debug-threads=on' \\\n", 'web server'],
    ['x.log', 'LC_ALL=C /usr/libexec/qemu-kvm -name guest=a,,b,debug-threads=on -S\n', 'a,b'],
    ['kvm-b-i-11-343-VM.log', '', 'i-11-343-VM'],
    ['kvm-b-my-vm.log', '', 'kvm-b-my-vm'],
  ])('of %s with %j is %s', (path, command, vm) => {
    const file = { path, absolute: `/tmp/logs/${path}`, head: `${banner}${command}` };
    expect(identify(file, parsers, { hosts: [], sources: [] })?.context).toMatchObject({
      vm,
      host: 'kvm-b',
      source: 'libvirt-qemu',
    });
  });
});

describe('the program of a file', () => {
  const agentLine =
    '2024-09-03 02:11:40,934 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Migration thread of VM [i-5-77-VM] finished.\n';
  const libvirtdLine = '2026-11-23 04:42:24.393+0000: 29324: info : hostname: kvm-a\n';
  const hints = { hosts: [], sources: [] };

  test('is told by its content where its name says nothing', () => {
    expect(identify({ path: 'x.txt', absolute: '/tmp/kvm-a/x.txt', head: agentLine }, parsers, hints)?.context).toEqual({
      host: 'kvm-a',
      source: 'cloudstack-agent',
      path: 'x.txt',
      vm: null,
    });
  });

  test('is not taken from a name that lies', () => {
    expect(
      identify({ path: 'agent.log', absolute: '/tmp/x/agent.log', head: libvirtdLine }, parsers, hints)?.context,
    ).toMatchObject({ source: 'libvirtd', host: 'kvm-a' });
  });

  test('is what the user says', () => {
    const said = {
      hosts: [{ pattern: hintPattern('x.txt'), value: 'kvm-z' }],
      sources: [{ pattern: hintPattern('*.txt'), value: 'journal' as const }],
    };
    expect(identify({ path: 'x.txt', absolute: '/tmp/x.txt', head: 'nothing known\n' }, parsers, said)?.context).toMatchObject({
      source: 'journal',
      host: 'kvm-z',
    });
  });

  test('is unknown where no line reads like any', () => {
    expect(identify({ path: 'notes.txt', absolute: '/tmp/notes.txt', head: 'call Bob\nbuy milk\n' }, parsers, hints)).toBeNull();
  });
});
