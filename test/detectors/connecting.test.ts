import { expect, test } from 'vitest';
import { migrationAborted } from '../../src/detectors/migration-aborted.ts';
import { migrationFailed } from '../../src/detectors/migration-failed.ts';
import { begins, booted, completes, fails, tell } from '../../src/detectors/story.ts';

/** What is told of a migration that failed so, and what to type. */
function told(error: string): { readonly summary: string; readonly commands: string } {
  const [migration] = tell([...booted(), ...begins(), ...fails(2, error)]).migrations;
  const [conclusion] = migration === undefined ? [] : migrationFailed.run(migration);
  return {
    summary: conclusion?.summary ?? '',
    commands: (conclusion?.remedies ?? []).map(({ what, command }) => command ?? what).join('\n'),
  };
}

const quoted = 'internal error: qemu unexpectedly closed the monitor: 2026-01-05T00:00:01.844818Z qemu-system-x86_64:';
const refused = "Failed to connect to '10.0.0.2:49152': Connection refused";
const hostname = "operation failed: job 'migration out' failed: Certificate does not match the hostname 10.0.0.2";

test.each([
  [
    'a console on an address that the destination lacks is no unreachable host',
    `${quoted} -vnc 10.77.0.1:0,audiodev=audio1: Failed to bind socket: Cannot assign requested address`,
    { why: 'QEMU on kvm-b cannot listen for the console of the VM', command: 'ip -br address', wrong: 'ip route get' },
  ],
  [
    "a console's port that is taken is none of those for memory streams",
    `${quoted} -vnc 0.0.0.0:4: Failed to find an available port: Address already in use`,
    { why: 'QEMU on kvm-b cannot listen for the console of the VM', command: 'ss -ltnp', wrong: 'migration_port' },
  ],
  [
    'QEMU cannot wait for a migration on an address that its host lacks',
    "internal error: unable to execute QEMU command 'migrate-incoming': Failed to bind socket: Cannot assign requested address",
    { why: 'QEMU on kvm-b cannot listen where it is told to', command: 'migration_(address|host)', wrong: 'graphics' },
  ],
  [
    'TLS without certificates has a cause, and they are not those of libvirt',
    "internal error: unable to execute QEMU command 'object-add': Unable to access credentials /etc/pki/qemu/ca-cert.pem: No such file or directory",
    {
      why: 'TLS was asked for, and a host has no certificates for QEMU',
      command: '/etc/pki/qemu/server-cert.pem',
      wrong: '/etc/pki/libvirt',
    },
  ],
  [
    "QEMU's certificates are not those of libvirt",
    hostname,
    { why: 'a TLS certificate was not accepted', command: 'qemu.conf', wrong: '/etc/pki/libvirt' },
  ],
  [
    "libvirt's certificates are not those of QEMU",
    "authentication failed: Failed to verify peer's certificate",
    { why: 'a TLS certificate was not accepted', command: '/etc/pki/libvirt/servercert.pem', wrong: '/etc/pki/qemu' },
  ],
  [
    'a refused memory stream: libvirt has answered, and a firewall has not let QEMU',
    `operation failed: job 'migration out' failed: ${refused}`,
    { why: 'kvm-b refused the connection', command: 'nft list ruleset', wrong: 'systemctl status libvirtd' },
  ],
  [
    "a refused connection of libvirt's own",
    "unable to connect to server at '10.0.0.2:16509': Connection refused",
    { why: 'kvm-b refused the connection', command: 'systemctl status libvirtd', wrong: 'nft' },
  ],
  [
    'an ISO that the destination has not got can be detached',
    "Cannot access storage file '/mnt/5e1/203-2-a5d1.iso': No such file or directory",
    { why: 'kvm-b cannot use a disk of the VM', command: 'detach it in CloudStack', wrong: 'virsh pool-list' },
  ],
  [
    'a bridge that the destination has not got',
    "Cannot get interface MTU on 'brvm-117': No such device",
    { why: "'brvm-117': No such device", command: 'ip -br link show brvm-117', wrong: 'journalctl' },
  ],
  [
    'a bridge of Open vSwitch',
    'internal error: Unable to add port vnet3 to OVS bridge cloudbr1',
    { why: 'OVS bridge cloudbr1', command: 'ip -br link show cloudbr1', wrong: 'journalctl' },
  ],
  [
    'a name that the destination has already: whether that is the same VM',
    "operation failed: domain 'i-2-10-VM' already exists with uuid 3bb9a2cc-4167-44a4-9097-0a3ce0fd24a3",
    { why: 'already exists', command: 'virsh -c qemu+ssh://kvm-b/system domuuid i-2-10-VM', wrong: 'journalctl' },
  ],
])('%s', (_name, error, { why, command, wrong }) => {
  const { summary, commands } = told(error);
  expect(summary).toContain(why);
  expect(commands).toContain(command);
  expect(commands).not.toContain(wrong);
});

test('where a VM that was cancelled has moved since, its old host is not asked for a job', () => {
  const canceled = fails(5, "operation aborted: job 'migration out' canceled by client");
  const again = [...begins(), ...completes(10, 40)].map((one) => ({ ...one, seconds: one.seconds + 60 }));
  const asked = [canceled, [...canceled, ...again]].map((events) => {
    const [first] = tell([...booted(), ...begins(), ...events]).migrations;
    return first === undefined
      ? []
      : migrationAborted.run(first).flatMap(({ remedies }) => remedies.map(({ command }) => command));
  });
  expect(asked.map((commands) => commands.some((command) => command?.includes('domjobinfo')))).toEqual([true, false]);
});
