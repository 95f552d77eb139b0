import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Collector, CollectorStatus } from '../../src/ingest/collector.ts';
import type { Run } from '../../src/ingest/fact-readers.ts';
import { addressFacts, agentFacts, cpuFacts, packageFacts, serviceFacts } from '../../src/ingest/fact-texts.ts';
import { createHostFactsCollector } from '../../src/ingest/host-facts.ts';
import { createMasker } from '../../src/ingest/mask.ts';
import { hostFacts } from '../../src/parsers/host-facts.ts';
import { readText } from '../parsers/read-file.ts';

const DATA = join(import.meta.dirname, '../data/host-facts');
const WAIT = { timeout: 8000, interval: 10 };

let root: string;
let collector: Collector | null;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'precopy-facts-'));
  collector = null;
});

afterEach(async () => {
  await collector?.stop();
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const missing: Run = () => Promise.resolve({ status: null, stdout: '', stderr: '' });

/** Programs of this machine. */
const real: Run = (command, args, timeoutMs) => {
  const { status, stdout, stderr } = spawnSync(command, args, { timeout: timeoutMs, encoding: 'utf8' });
  return Promise.resolve({ status, stdout: stdout ?? '', stderr: stderr ?? '' });
};

/** virsh of libvirt 9.0 with QEMU 7.2, as recorded. */
const recorded: Run = (command, args) => {
  if (command !== 'virsh') return missing(command, args, 0);
  const stdout = readFileSync(join(DATA, `virsh-${args[2]}-9.0.txt`), 'utf8');
  return Promise.resolve({ status: 0, stdout, stderr: '' });
};

interface Collected {
  readonly statuses: CollectorStatus[];
  facts(): readonly (readonly [string, string])[];
}

async function collect(run: Run, of: { readonly root?: string; readonly fails?: () => boolean } = {}): Promise<Collected> {
  const statuses: CollectorStatus[] = [];
  let text = '';
  collector = createHostFactsCollector({
    options: { every: '20ms' },
    context: { now: () => Date.UTC(2026, 10, 24), report: (status) => statuses.push(status) },
    emit: (lines) => {
      if (of.fails?.() === true) return Promise.reject(new Error('no room'));
      text += lines;
      return Promise.resolve();
    },
    root: of.root ?? root,
    uri: 'qemu:///system',
    run,
    mask: createMasker(),
  });
  await collector.start();
  return {
    statuses,
    facts: () => {
      const { tally, bodies } = readText(hostFacts, text);
      expect(tally).toMatchObject({ plain: 0, rejected: {} });
      return bodies.flatMap((body) => (body.kind === 'host-fact' ? [[body.name, body.value] as const] : []));
    },
  };
}

test('facts are told once, then those that changed, and empty those that are gone', async () => {
  write('proc/sys/kernel/osrelease', '6.1.0-1\n');
  write('sys/class/net/cloudbr0/mtu', '9000\n');
  write('sys/class/net/vnet3/mtu', '1500\n');
  write('etc/cloudstack/agent/agent.properties', 'guest.cpu.mode=host-model\nkeystore.passphrase=s3cret\n');
  const { facts, statuses } = await collect(missing);
  await vi.waitFor(() => expect(facts()).toHaveLength(3), WAIT);
  expect(new Map(facts())).toEqual(
    new Map([
      ['version.kernel', '6.1.0-1'],
      ['mtu.cloudbr0', '9000'],
      ['agent.guest.cpu.mode', 'host-model'],
    ]),
  );
  write('sys/class/net/cloudbr0/mtu', '1500\n');
  await vi.waitFor(() => expect(facts()[3]).toEqual(['mtu.cloudbr0', '1500']), WAIT);
  rmSync(join(root, 'sys/class/net/cloudbr0'), { recursive: true });
  await vi.waitFor(() => expect(facts()[4]).toEqual(['mtu.cloudbr0', '']), WAIT);
  rmSync(join(root, 'etc'), { recursive: true });
  await vi.waitFor(() => expect(facts()[5]).toEqual(['agent.guest.cpu.mode', '']), WAIT);
  await collector?.stop();
  expect(facts()).toHaveLength(6);
  expect(statuses.map(({ state }) => state)).toEqual(['starting', 'running', 'stopped']);
});

test('what libvirt knows of the CPU is told; while libvirtd does not answer, it holds', async () => {
  let answers = true;
  const { facts } = await collect((...call) => (answers ? recorded(...call) : missing(...call)));
  await vi.waitFor(() => expect(facts().length).toBeGreaterThan(5), WAIT);
  const told = new Map(facts());
  expect(told.get('version.libvirt')).toBe('9.0.0');
  expect(told.get('version.qemu')).toBe('7.2.22');
  expect(told.get('libvirt.cpu.model')).toBe('Broadwell');
  expect(told.get('libvirt.cpu.features')).toMatch(/^vme ss ht .*avx512f /);
  expect(told.get('libvirt.host-model')).toBe('kvm64');
  expect(told.get('libvirt.host-model.features')).toMatch(/ taa-no -pni$/);
  expect(told.get('libvirt.machine')).toMatch(/^pc-/);
  answers = false;
  write('proc/sys/kernel/osrelease', '6.1.0-2\n');
  await vi.waitFor(() => expect(facts().at(-1)).toEqual(['version.kernel', '6.1.0-2']), WAIT);
  expect(facts()).toHaveLength(told.size + 1);
});

test("addresses are told of every interface that is no guest's", () => {
  const text = [
    '4: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever',
    '4: eth0    inet6 fd00::2/64 scope global nodad \\       valid_lft forever preferred_lft forever',
    '7: cloudbr0.210@cloudbr0    inet 10.77.0.2/24 scope global cloudbr0.210\\       valid_lft forever preferred_lft forever',
    '9: vnet4    inet 10.1.1.1/24 scope global vnet4\\       valid_lft forever preferred_lft forever',
  ].join('\n');
  expect(addressFacts(text)).toEqual(
    new Map([
      ['address.eth0', '192.0.2.2 fd00::2'],
      ['address.cloudbr0.210', '10.77.0.2'],
    ]),
  );
});

test('facts that the stream refused come again', async () => {
  write('proc/sys/kernel/osrelease', '6.1.0-1\n');
  let fails = true;
  const { facts, statuses } = await collect(missing, { fails: () => fails });
  await vi.waitFor(
    () => expect(statuses.at(-1)).toMatchObject({ state: 'failing', problem: expect.stringContaining('no room') }),
    WAIT,
  );
  fails = false;
  await vi.waitFor(() => expect(facts()).toEqual([['version.kernel', '6.1.0-1']]), WAIT);
  await vi.waitFor(() => expect(statuses.at(-1)?.state).toBe('running'), WAIT);
});

test('a file that cannot be read is a problem that is told once, and the others are told', async () => {
  mkdirSync(join(root, 'etc/cloudstack/agent/agent.properties'), { recursive: true });
  write('proc/sys/kernel/osrelease', '6.1.0-1\n');
  const { facts, statuses } = await collect(missing);
  await vi.waitFor(() => expect(statuses.at(-1)?.state).toBe('failing'), WAIT);
  expect(statuses.at(-1)?.problem).toMatch(/agent\.properties: EISDIR/);
  await vi.waitFor(() => expect(facts()).toHaveLength(1), WAIT);
  expect(statuses).toHaveLength(2);
});

test('this machine tells its kernel, CPU and MTUs, with its own programs', async () => {
  const { facts } = await collect(real, { root: '/' });
  await vi.waitFor(() => expect(facts().length).toBeGreaterThan(4), WAIT);
  const told = new Map(facts());
  expect(told.get('version.kernel')).toBe(release());
  expect(Number(told.get('cpu.count'))).toBeGreaterThan(0);
  expect([...told.keys()].filter((name) => name.startsWith('mtu.'))).not.toContain('mtu.lo');
});

describe('texts', () => {
  test('of agent.properties no secret is told, commented settings are none, the last value counts', () => {
    const text = [
      '# vm.migrate.downtime=100',
      '! x=1',
      'guest.cpu.mode = custom ',
      'guest.cpu.features=vmx -vme',
      'vm.migrate.speed=1',
      'vm.migrate.speed=2',
      'host.reserved.mem.mb=1024',
      'keystore.passphrase=abc',
      'db.password: abc',
      'guid=',
    ].join('\n');
    expect(Object.fromEntries(agentFacts(text, createMasker()))).toEqual({
      'agent.guest.cpu.mode': 'custom',
      'agent.guest.cpu.features': 'vmx -vme',
      'agent.vm.migrate.speed': '2',
      'agent.host.reserved.mem.mb': '1024',
    });
  });

  test('of unlike CPUs all models are told', () => {
    const cpu = (n: number, model: string): string =>
      `processor\t: ${n}\nmodel name\t: ${model}\nmicrocode\t: 0x1\nflags\t\t: fpu vme\n\n`;
    expect(Object.fromEntries(cpuFacts(`${cpu(0, 'A')}${cpu(1, 'B')}${cpu(2, 'A')}`))).toEqual({
      'cpu.model': 'A | B',
      'cpu.flags': 'fpu vme',
      'cpu.microcode': '0x1',
      'cpu.count': '3',
    });
  });

  test('packages that were removed or never installed have no version', () => {
    const text =
      'libvirt-daemon\t9.0.0-4+deb12u2\tinstalled\nntp\t1:4.2\tconfig-files\nqemu-kvm\t\tnot-installed\npackage x is not installed\nqemu-kvm-core\t9.0.0-10.el9\n';
    expect(Object.fromEntries(packageFacts(text))).toEqual({
      'package.libvirt-daemon': '9.0.0-4+deb12u2',
      'package.qemu-kvm-core': '9.0.0-10.el9',
    });
  });

  test('services that a host does not have have no state', () => {
    const text =
      'Id=libvirtd.service\nLoadState=loaded\nActiveState=active\n\nId=ntpd.service\nLoadState=not-found\nActiveState=inactive\n\nActiveState=failed\nId=chrony.service\nLoadState=loaded\n';
    expect(Object.fromEntries(serviceFacts(text))).toEqual({ 'service.libvirtd': 'active', 'service.chrony': 'failed' });
  });
});

test('how pools are mounted is told without the password of a share', async () => {
  write(
    'proc/self/mountinfo',
    '50 20 0:60 / /mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5 rw,relatime - nfs4 10.0.0.5:/e rw,vers=4.2,soft\n51 20 0:61 / /srv/s rw - cifs //nas/s rw,username=u,password=abc,vers=3\n',
  );
  const { facts } = await collect(missing);
  await vi.waitFor(() => expect(facts()).toHaveLength(2), WAIT);
  expect(facts()).toEqual([
    ['pool.5ca1759a-88e2-4b65-9134-bfd3159528f5', 'nfs4 10.0.0.5:/e rw,relatime,rw,vers=4.2,soft'],
    ['pool.s', 'cifs //nas/s rw,rw,username=u,password=***,vers=3'],
  ]);
});
