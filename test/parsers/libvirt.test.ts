import { describe, expect, test } from 'vitest';
import type { ParsedEvent } from '../../src/model/event.ts';
import { daemonMessage } from '../../src/parsers/libvirt/daemon-message.ts';
import { DAEMON_SAMPLES } from '../../src/parsers/libvirt/daemon-samples.ts';
import { DAEMON_TOPICS } from '../../src/parsers/libvirt/daemon-topics.ts';
import { libvirtQemu } from '../../src/parsers/libvirt-qemu.ts';
import { libvirtd } from '../../src/parsers/libvirtd.ts';
import type { Parser } from '../../src/parsers/parser.ts';
import { createScanner } from '../../src/parsers/scan.ts';

function scan(parser: Parser, text: string, vm: string | null = 'i-2-31-VM'): readonly ParsedEvent[] {
  const events: ParsedEvent[] = [];
  const file = { host: 'kvm-a', source: parser.source, path: 'sample', vm };
  const scanner = createScanner(parser, file, (event) => events.push(event));
  scanner.push(text);
  scanner.end();
  return events;
}

function times(events: readonly ParsedEvent[]): readonly (string | null)[] {
  return events.map(({ stamp }) => (stamp === null ? null : new Date(stamp.ms).toISOString()));
}

describe('QEMU logs', () => {
  test('a line without a time takes the time of the record before it, even of a plain one', () => {
    const events = scan(
      libvirtQemu,
      `2026-11-23 04:54:35.237+0000: initiating migration
2026-11-23 04:54:44.008+0000: Domain id=1 is tainted: custom-monitor
Unable to shutdown socket: Transport endpoint is not connected
`,
    );
    expect(events.map(({ body }) => body.kind)).toEqual(['migrate-initiated', 'qemu-message']);
    expect(times(events)).toEqual(['2026-11-23T04:54:35.237Z', '2026-11-23T04:54:44.008Z']);
  });

  test('what QEMU prints between the command dump and its first message belongs to neither', () => {
    const events = scan(
      libvirtQemu,
      `2026-11-23 04:54:35.237+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.22, kernel: 6.1, hostname: kvm-a
LC_ALL=C \\
/usr/bin/qemu-system-x86_64 \\
-name guest=i-2-31-VM,debug-threads=on \\
-msg timestamp=on
char device redirected to /dev/pts/1 (label charserial0)
warning: TCG doesn't support requested feature: CPUID.01H:ECX.vmx [bit 5]
2026-11-23T04:54:36Z qemu-system-x86_64: load of migration failed: Invalid argument
char device redirected to /dev/pts/1 (label charserial0)
2026-11-23 04:54:36.010+0000: shutting down, reason=failed
`,
    );
    expect(events.map(({ body }) => body)).toMatchObject([
      {
        kind: 'domain-started',
        incoming: false,
        libvirtVersion: '9.0.0',
        qemuVersion: '7.2.22',
        machine: null,
        memoryBytes: null,
      },
      { kind: 'qemu-message', level: 'warning', text: "TCG doesn't support requested feature: CPUID.01H:ECX.vmx [bit 5]" },
      { kind: 'qemu-message', level: 'error', text: 'load of migration failed: Invalid argument' },
      { kind: 'domain-stopped', reason: 'failed' },
    ]);
  });

  test.each([
    ['whole, of a new VM', '-device virtio-balloon \\\n-sandbox on \\\n-msg timestamp=on\n', false],
    ['whole, without the last options, in one line', '-device virtio-balloon\n', false],
    ['cut at the end of a line', '-device virtio-balloon \\\n', null],
    ['cut within a line', '-device virtio-balloon \\\n-dev', null],
    ['cut behind what tells', '-device virtio-balloon \\\n-incoming defer \\\n', true],
  ])('a command %s says whether its QEMU waits', (_what, rest, incoming) => {
    const command = `/usr/bin/qemu-system-x86_64 -name guest=i-2-31-VM,debug-threads=on ${rest}`;
    const text = `2026-11-23 04:54:35.237+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.22\n${command}`;
    expect(scan(libvirtQemu, text).map(({ body }) => body)).toMatchObject([{ kind: 'domain-started', incoming }]);
  });

  test('without a name in the file or in the command, a record is plain', () => {
    const text = `2026-11-23 04:54:35.237+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.22
2026-11-23 04:54:44.097+0000: initiating migration
2026-11-23T04:54:36Z qemu-system-x86_64: load of migration failed: Invalid argument
`;
    expect(scan(libvirtQemu, text, null)).toEqual([]);
  });

  test.each([
    ['-m 512', 512 * 2 ** 20],
    ['-m size=524288k,slots=16,maxmem=4194304k', 512 * 2 ** 20],
    ['-m 2G', 2 ** 31],
    ['-m 1T', 2 ** 40],
  ])('memory: %s', (option, bytes) => {
    const text = `2026-11-23 04:54:35.237+0000: starting up libvirt version: 9.0.0\n/usr/bin/kvm -S ${option} -smp 1\n`;
    expect(scan(libvirtQemu, text)[0]?.body).toMatchObject({ memoryBytes: bytes });
  });

  test.each([
    '/var/log/libvirt/qemu/i-2-31-VM.log',
    'hosts/kvm-a/var/log/libvirt/qemu/web server.log',
    'kvm-a-i-2-31-VM.log',
    'r-12-VM.log',
  ])('%s is a QEMU log', (path) => {
    expect(libvirtQemu.paths.test(path)).toBe(true);
  });

  test.each(['libvirtd.log', 'agent.log', 'security_group.log', 'qemu/i-2-31-VM.console'])('%s is none', (path) => {
    expect(libvirtQemu.paths.test(path)).toBe(false);
  });
});

describe('daemon logs', () => {
  test('every topic has a sample', () => {
    expect(DAEMON_TOPICS.map(({ name }) => name).toSorted()).toEqual(Object.keys(DAEMON_SAMPLES).toSorted());
  });

  test('start-up noise, guest agents, storage pools and lookups are plain', () => {
    const text = `2026-11-23 21:42:58.939+0000: 6079: info : hostname: kvm-a
2026-11-23 21:42:58.939+0000: 6079: error : virGDBusGetSystemBus:99 : internal error: Unable to get system bus connection: Could not connect: No such file or directory
2026-11-23 21:42:58.940+0000: 6079: warning : networkStateInitialize:795 : DBus not available, disabling firewalld support in bridge_network_driver: internal error: Unable to get system bus connection: Could not connect: No such file or directory
2026-11-23 21:42:58.957+0000: 6079: error : udevGetDMIData:1863 : internal error: Failed to get udev device for syspath '/sys/devices/virtual/dmi/id'
2026-11-23 21:42:59.013+0000: 6079: error : virCommandWait:2756 : internal error: Child process (/usr/sbin/dmidecode -q -t 0,1,2,3,4,11,17) unexpected exit status 1: /dev/mem: No such file or directory

2026-11-23 21:42:59.020+0000: 6079: error : virSocketAddrParseInternal:114 : Cannot parse socket address 'kvm-a': Name or service not known
2026-11-23 21:42:59.020+0000: 6079: warning : virSecurityManagerNew:194 : Configured security driver "none" disables default policy to create confined guests
2026-11-23 21:42:59.113+0000: 6047: warning : qemuDomainObjTaint:6180 : Domain id=1 name='i-2-31-VM' uuid=a2dd01dc-e9a3-4853-b882-20fe31dd36f5 is tainted: high-privileges
2026-11-23 21:43:00.000+0000: 6047: error : qemuDomainAgentAvailable:1 : Guest agent is not responding: QEMU guest agent is not connected
2026-11-23 21:43:00.000+0000: 6047: error : virStoragePoolObjSourceFindDuplicate:1 : operation failed: Storage source conflict with pool: 'x'
2026-11-23 21:43:00.000+0000: 6047: debug : qemuDomainGetJobStats:1 : Requested operation is not valid: domain is not running
2026-11-23 21:43:00.000+0000: 6047: debug : virThreadJobSet:93 : operation failed: job 'migration out' is not active
`;
    expect(scan(libvirtd, text)).toEqual([]);
  });

  test('a refusal that libvirt demotes to debug is an error', () => {
    const text =
      '2026-11-23 04:44:30.862+0000: 31445: debug : qemuMigrationSrcIsAllowed:1618 : Requested operation is not valid: domain has active block job';
    expect(scan(libvirtd, text).map(({ body }) => body)).toEqual([
      { kind: 'daemon-message', level: 'error', vm: null, text: 'Requested operation is not valid: domain has active block job' },
    ]);
  });

  test('a broken monitor record is rejected with a reason; other traffic is plain', () => {
    const head = '2026-11-24 06:49:57.077+0000: 22358: info : qemuMonitorJSONIOProcessLine:203 : QEMU_MONITOR_RECV_';
    const file = { host: 'kvm-a', source: libvirtd.source, path: 'sample', vm: null };
    const scanner = createScanner(libvirtd, file, () => {});
    scanner.push(`${head}EVENT: mon=0x7f13 event={"event": "MIGRATION", "data": {"sta
${head}EVENT: mon=0x7f13 event={"event": "MIGRATION_PASS", "data": {}}
${head}EVENT: mon=0x7f13 event={"event": "NIC_RX_FILTER_CHANGED", "data": {"name": "net0"}}
${head}REPLY: mon=0x7f13 reply={"return": {"status": "running", "singlestep": false, "running": true}, "id": "libvirt-3"}
${head}REPLY: mon=0x7f13 reply={"return": {}, "id": "libvirt-418"}
`);
    expect(scanner.end()).toMatchObject({ records: 5, withEvents: 0, plain: 3, rejected: { 'bad-json': 1, 'bad-shape': 1 } });
  });

  test('the downtime limit that libvirt restores after a migration is no change of a running one', () => {
    const text = `2026-11-24 06:50:31.404+0000: 22158: info : qemuMonitorSend:861 : QEMU_MONITOR_SEND_MSG: mon=0x7fc404005740 msg={"execute":"migrate-set-parameters","arguments":{"tls-creds":"","tls-hostname":"","max-bandwidth":134217728,"downtime-limit":300,"multifd-channels":2},"id":"libvirt-584"}\r
 fd=-1
`;
    expect(scan(libvirtd, text)).toEqual([]);
  });

  test.each([
    ['Could not cancel ongoing migration of domain i-2-31-VM', 'i-2-31-VM'],
    ['The connection which controls migration of domain web01 was closed', 'web01'],
    ["failed to re-activate block nodes after migration of VM 'web 01'", 'web 01'],
    ["internal error: End of file from qemu monitor (vm='web01')", 'web01'],
    ['Transitioned guest web01 to paused state due to IO error', 'web01'],
    ["Requested operation is not valid: another migration job is already running for domain 'web01'", 'web01'],
    ["operation failed: guest CPU doesn't match specification", null],
    ['internal error: guest unexpectedly quit', null],
  ])('%s is about %s', (text, vm) => {
    expect(daemonMessage(text, 'error')).toMatchObject({ vm });
  });
});
