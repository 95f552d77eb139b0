import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EventBody, ParsedEvent } from '../../src/model/event.ts';
import { cloudstackAgent } from '../../src/parsers/cloudstack-agent.ts';
import { domainXml } from '../../src/parsers/domain-xml.ts';
import type { Tally } from '../../src/model/input.ts';
import { createScanner } from '../../src/parsers/scan.ts';

function scan(text: string): { readonly events: readonly ParsedEvent[]; readonly tally: Tally } {
  const events: ParsedEvent[] = [];
  const file = { host: 'kvm-a', source: cloudstackAgent.source, path: 'agent.log', vm: null };
  const scanner = createScanner(cloudstackAgent, file, (event) => events.push(event));
  scanner.push(Buffer.from(text).toString('latin1'));
  return { events, tally: scanner.end() };
}

function recordings(): readonly string[] {
  return readdirSync('recordings', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/agent.log'))
    .map((path) => `recordings/${path}`);
}

/** Whole excerpts, and the kinds of event they hold in their order. */
const SEQUENCES: readonly (readonly [string, string, readonly EventBody['kind'][]])[] = [
  [
    'a 4.17 source that succeeds (and one that fails looks the same at INFO)',
    `2023-02-14 10:15:02,311 INFO  [kvm.resource.LibvirtComputingResource] (agentRequest-Handler-3:null) (logid:5f2c91ab) Setting backing file format of /mnt/8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001/2b7f6c1e-90aa-4a55-8a55-0d5bb1f3e210
2023-02-14 10:15:02,498 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-3:null) (logid:5f2c91ab) Live migration of instance i-2-31-VM initiated to destination host: qemu+tcp://10.10.0.12/system
2023-02-14 10:15:03,500 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-3:null) (logid:5f2c91ab) Waiting for migration of i-2-31-VM to complete, waited 1000ms
2023-02-14 10:15:04,502 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-3:null) (logid:5f2c91ab) Waiting for migration of i-2-31-VM to complete, waited 2000ms
2023-02-14 10:15:05,005 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-3:null) (logid:5f2c91ab) Migration thread for i-2-31-VM is done
`,
    ['migrate-requested', 'migrate-progress', 'migrate-progress', 'migrate-thread-ended'],
  ],
  [
    'a 4.19 source refused for its CPU',
    `2024-09-03 02:11:40,120 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Current CPU shares [1000] is equal in both hosts; therefore, there is no need to update the CPU shares for the new host.
2024-09-03 02:11:40,733 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Starting live migration of instance [i-5-77-VM] to destination host [qemu+tls://10.10.0.13/system] having the final XML configuration: [<domain type='kvm' id='12'>
  <name>i-5-77-VM</name>
</domain>
].
2024-09-03 02:11:40,934 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Migration thread of VM [i-5-77-VM] finished.
2024-09-03 02:11:40,936 ERROR [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e2) Can't migrate domain [i-5-77-VM] due to: [org.libvirt.LibvirtException: unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq].
java.util.concurrent.ExecutionException: org.libvirt.LibvirtException: unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq
	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
	at java.base/java.util.concurrent.FutureTask.get(FutureTask.java:205)
	at com.cloud.hypervisor.kvm.resource.wrapper.LibvirtMigrateCommandWrapper.execute(LibvirtMigrateCommandWrapper.java:309)
Caused by: org.libvirt.LibvirtException: unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq
	at org.libvirt.ErrorHandler.processError(Unknown Source)
	... 4 more
2024-09-03 02:11:41,010 INFO  [kvm.storage.LibvirtStorageAdaptor] (agentRequest-Handler-4:null) (logid:0c77d3e2) Trying to fetch storage pool 8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001 from libvirt
`,
    ['migrate-requested', 'migrate-thread-ended', 'migrate-error'],
  ],
  [
    'a 4.20.2 source that vm.migrate.wait aborts, at midnight',
    `2025-12-01 23:58:10,004 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-2:[]) (logid:) Waiting for migration of i-4-912-VM to complete, waited 120000ms
2025-12-01 23:58:10,108 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-2:[]) (logid:) Aborting migration of VM [i-4-912-VM] with domain job [type:2
timeElapsed:120231
timeRemaining:0
dataTotal:68728872960
dataProcessed:141733920768
dataRemaining:1207959552
memTotal:68728872960
memProcessed:141733920768
memRemaining:1207959552
fileTotal:0
fileProcessed:0
fileRemaining:0
] due to time out after 120 seconds.
2025-12-01 23:58:10,131 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-2:[]) (logid:) Migration thread of VM [i-4-912-VM] finished.
2025-12-01 23:58:10,190 ERROR [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-2:[]) (logid:) Can't migrate domain [i-4-912-VM] due to: [org.libvirt.LibvirtException: operation aborted: migration out job: canceled by client]. java.util.concurrent.ExecutionException: org.libvirt.LibvirtException: operation aborted: migration out job: canceled by client
	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
	at java.base/java.util.concurrent.FutureTask.get(FutureTask.java:205)
Caused by: org.libvirt.LibvirtException: operation aborted: migration out job: canceled by client
	... 4 more

2025-12-02 00:00:00,412 INFO  [kvm.storage.LibvirtStorageAdaptor] (AgentRequest-Handler-5:[]) (logid:) Trying to fetch storage pool 8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001 from libvirt
`,
    ['migrate-progress', 'abort-requested', 'migrate-thread-ended', 'migrate-error'],
  ],
  [
    'a 4.22.1 source that pauses, resumes and succeeds',
    `2026-08-10 14:00:00,100 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Starting live migration of instance i-9-1204-VM to destination host qemu+tls://10.20.0.8/system having the final XML configuration: <domain type="kvm">
  <name>i-9-1204-VM</name>
</domain>
.
2026-08-10 14:00:00,131 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) vm.migrate.wait value set to: 3600 secs for VM: i-9-1204-VM
2026-08-10 14:00:00,131 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) vm.migrate.pauseafter value set to: 2000 ms for VM: i-9-1204-VM
2026-08-10 14:00:01,134 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Waiting for migration of i-9-1204-VM to complete, waited 1000ms
2026-08-10 14:00:02,137 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Waiting for migration of i-9-1204-VM to complete, waited 2000ms
2026-08-10 14:00:02,238 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) VM domain state when trying to pause VM for migration: VIR_DOMAIN_RUNNING
2026-08-10 14:00:02,238 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Pausing VM i-9-1204-VM due to property vm.migrate.pauseafter setting to 2000ms to complete migration
2026-08-10 14:00:02,344 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) VM domain state when trying to pause VM for migration: VIR_DOMAIN_PAUSED
2026-08-10 14:00:02,446 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Migration thread of VM [i-9-1204-VM] finished.
2026-08-10 14:00:02,449 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Resuming VM i-9-1204-VM on destination after migration
2026-08-10 14:00:02,531 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Post-migration cleanup for VM i-9-1204-VM:${' '}
`,
    [
      'migrate-requested',
      'migrate-progress',
      'migrate-progress',
      'guest-pause-requested',
      'migrate-thread-ended',
      'guest-resume-requested',
      'migrate-succeeded',
    ],
  ],
  [
    'the destination of the same migration',
    `2026-08-10 13:59:59,610 INFO  [kvm.storage.LibvirtStorageAdaptor] (AgentRequest-Handler-1:[]) (logid:9a0be4f7) Trying to fetch storage pool 8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001 from libvirt
2026-08-10 13:59:59,803 INFO  [resource.wrapper.LibvirtPrepareForMigrationCommandWrapper] (AgentRequest-Handler-1:[]) (logid:9a0be4f7) Successfully prepared destination host for migration of VM i-9-1204-VM
`,
    ['destination-prepared'],
  ],
  [
    'a 4.19 host whose NFS hangs until it resets itself',
    `2024-09-03 03:00:41,002 WARN  [kvm.storage.LibvirtStoragePool] (Script-4:null) (logid:) Interrupting script.
2024-09-03 03:00:41,003 WARN  [kvm.storage.LibvirtStoragePool] (Thread-1:null) (logid:) Process [90211] for command [/usr/share/cloudstack-common/scripts/vm/hypervisor/kvm/kvmheartbeat.sh -i 10.30.0.5 -p /export/primary1 -m /mnt/8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001 -h 10.10.0.11 ] timed out. Output is [].
2024-09-03 03:00:41,004 WARN  [kvm.resource.KVMHAMonitor] (Thread-1:null) (logid:) Write heartbeat for pool [8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001] failed: timeout; try: 1 of 5.
2024-09-03 03:01:51,010 WARN  [kvm.resource.KVMHAMonitor] (Thread-1:null) (logid:) Write heartbeat for pool [8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001] failed: timeout; try: 2 of 5.
2024-09-03 03:03:01,016 WARN  [kvm.resource.KVMHAMonitor] (Thread-1:null) (logid:) Write heartbeat for pool [8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001] failed: timeout; try: 3 of 5.
2024-09-03 03:04:11,021 WARN  [kvm.resource.KVMHAMonitor] (Thread-1:null) (logid:) Write heartbeat for pool [8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001] failed: timeout; try: 4 of 5.
2024-09-03 03:05:21,027 WARN  [kvm.resource.KVMHAMonitor] (Thread-1:null) (logid:) Write heartbeat for pool [8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001] failed: timeout; try: 5 of 5.
2024-09-03 03:05:31,028 WARN  [kvm.resource.KVMHAMonitor] (Thread-1:null) (logid:) Write heartbeat for pool [8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001] failed: timeout; stopping cloudstack-agent.
`,
    [
      'heartbeat-write-failed',
      'heartbeat-write-failed',
      'heartbeat-write-failed',
      'heartbeat-write-failed',
      'heartbeat-write-failed',
      'host-resetting',
    ],
  ],
];

describe('sequences', () => {
  test.each(SEQUENCES)('%s', (_name, text, kinds) => {
    const { events, tally } = scan(text);
    expect(events.map((event) => event.body.kind)).toEqual(kinds);
    expect(tally.rejected).toEqual({});
  });

  test('the record of a failure keeps its stack trace and ends at the next record', () => {
    const [, text = ''] = SEQUENCES[2] ?? [];
    const failure = scan(text).events.at(-1);
    expect(failure?.origin.text).toContain('Caused by: org.libvirt.LibvirtException: operation aborted');
    expect(failure?.origin.text).not.toContain('Trying to fetch');
  });
});

describe('record beginnings', () => {
  const message = 'Migration thread of VM [i-5-77-VM] finished.';
  const wrapper = '[resource.wrapper.LibvirtMigrateCommandWrapper]';

  test.each([
    ['log4j 1', `2024-09-03 02:11:40,934 INFO  ${wrapper} (agentRequest-Handler-1:null) (logid:0c77d3e2) ${message}`],
    ['log4j 1 without a logid column', `2016-05-18 22:41:05,330 INFO  ${wrapper} (agentRequest-Handler-1:null) ${message}`],
    [
      'log4j 1 with a nested context',
      `2024-09-03 02:11:40,934 INFO  ${wrapper} (agentRequest-Handler-1:ctx-1a2b job-67/job-68 ctx-3c4d) (logid:) ${message}`,
    ],
    ['log4j 2', `2026-08-10 14:00:02,446 INFO  ${wrapper} (AgentRequest-Handler-4:[]) (logid:9a0be4f7) ${message}`],
    [
      'log4j 2 with a nested context',
      `2026-08-10 14:00:02,446 INFO  ${wrapper} (AgentRequest-Handler-4:[ctx-1a2b, job-67/job-68]) (logid:) ${message}`,
    ],
    [
      'a snapshot of 2024 with T between date and time',
      `2024-06-10T14:00:02,446 INFO  ${wrapper} (AgentRequest-Handler-4:[]) (logid:) ${message}`,
    ],
    [
      'a thread name with spaces',
      `2024-09-03 02:11:40,934 INFO  ${wrapper} (Certificate Renewal Timer:null) (logid:) ${message}`,
    ],
    ['a nested class', `2024-09-03 02:11:40,934 ERROR [cloud.agent.Agent$ServerHandler] (Thread-1:null) (logid:) ${message}`],
  ])('%s', (_name, record) => {
    expect(scan(record).events.map((event) => event.body)).toEqual([{ kind: 'migrate-thread-ended', vm: 'i-5-77-VM' }]);
  });

  test("lines that begin with libvirt's, QEMU's or a script's own time continue the record before them", () => {
    const { tally } = scan(`2024-09-03 02:11:40,934 INFO  ${wrapper} (agentRequest-Handler-1:null) (logid:0c77d3e2) text
2026-06-26T10:16:38.428482Z qemu-system-x86_64: load of migration failed: Input/output error
2026-04-21 08:20:25.095+0000: shutting down, reason=failed
2026-01-02 03-04-05> nasbackup.sh
`);
    expect(tally).toMatchObject({ lines: 4, records: 1, plain: 1 });
  });
});

describe('lines that are no event', () => {
  test.each([
    'VM domain state when trying to pause VM for migration: VIR_DOMAIN_PAUSED',
    'VM domain state when trying to abort migration : VIR_DOMAIN_RUNNING',
    'vm.migrate.wait value set to: 3600 secs for VM: i-9-1204-VM',
    'Migration of VM [i-4-912-VM] was cancelled by CloudStack due to time out after 120 seconds.',
    'Failed to set max downtime for migration, perhaps migration completed? Error: Requested operation is not valid: domain is not being migrated',
    'Timed out waiting for domain i-9-1204-VM to shutdown gracefully',
    'Aborted migration job for i-9-1204-VM',
    'Interrupted volume migration of i-9-1204-VM',
    'Checking heart beat for host IP 10.10.0.12 with KVMHAChecker command [kvmheartbeat.sh -r] succeeded.',
  ])('%s', (message) => {
    const { events, tally } = scan(
      `2026-08-10 14:00:02,446 INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:) ${message}`,
    );
    expect(events).toEqual([]);
    expect(tally.plain).toBe(1);
  });
});

test('a heartbeat failure whose reason spans lines is one record', () => {
  const [event] =
    scan(`2024-09-03 03:00:41,004 WARN  [kvm.resource.KVMHAMonitor] (Thread-1:null) (logid:) Write heartbeat for pool [p] failed: mount.nfs: Connection timed out
mount.nfs: access denied; try: 4 of 5.
`).events;
  expect(event?.body).toEqual({
    kind: 'heartbeat-write-failed',
    pool: 'p',
    reason: 'mount.nfs: Connection timed out\nmount.nfs: access denied',
    attempt: 4,
    attempts: 5,
  });
});

describe('the text of a failure', () => {
  test.each([
    ['brackets of its own', '[bad path [/mnt/a].qcow2].', 'bad path [/mnt/a].qcow2'],
    ['no end, where the file ends', '[operation failed: migration', 'operation failed: migration'],
    ['more lines, then a stack trace', '[one\ntwo]. java.lang.Exception: one\ntwo\n\tat a.b(Unknown Source)\n', 'one\ntwo'],
  ])('may have %s', (_name, rest, text) => {
    const [event] = scan(
      `2026-08-10 14:00:02,446 ERROR [resource.wrapper.LibvirtMigrateCommandWrapper] (AgentRequest-Handler-4:[]) (logid:) Can't migrate domain [i-9-1204-VM] due to: ${rest}`,
    ).events;
    expect(event?.body).toEqual({ kind: 'migrate-error', vm: 'i-9-1204-VM', text });
  });
});

describe('domain XML', () => {
  test.each([
    [
      "<cpu mode='custom' match='exact'><model fallback='allow'>Skylake-Server</model><feature policy='require' name='vaes'/></cpu>",
      'Skylake-Server',
    ],
    ['<cpu mode="host-model"><model fallback="allow"></model></cpu>', 'host-model'],
    ["<cpu mode='host-model' check='partial'/>\n<video><model type='cirrus'>x</model></video>", 'host-model'],
    ["<cpu mode='host-passthrough' check='none' migratable='on'>\n<topology sockets='1'/></cpu>", 'host-passthrough'],
    ['<cputune><shares>1000</shares></cputune>', null],
    ["<cpu mode='cus", null],
  ])('%s', (xml, cpu) => {
    expect(domainXml(xml).cpu).toBe(cpu);
  });

  test('is read in linear time, whatever the text', () => {
    const started = performance.now();
    for (const piece of ['<cpu', '<cpu ', '<cpu>', "<mac address='", '<uuid>', '<model>'])
      domainXml(piece.repeat(65_536 / piece.length));
    expect(performance.now() - started).toBeLessThan(500);
  });
});

test.each(recordings())('%s is read whole', (path) => {
  const { events, tally } = scan(readFileSync(path, 'utf8'));
  expect(tally.rejected).toEqual({});
  const bodies = events.map((event) => event.body);
  const starts = bodies.flatMap((body) => (body.kind === 'migrate-requested' ? [body] : []));
  const ends = bodies.filter((body) => body.kind === 'migrate-thread-ended');
  expect(ends.length).toBe(starts.length);
  // agents up to 4.17 print no XML
  for (const { uuid, macs, cpu } of starts.filter((start) => start.uuid !== null)) {
    expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
    expect(macs).toEqual([expect.stringMatching(/^(?:02|1e):/)]);
    expect(cpu).toMatch(/^(?:qemu64|EPYC|host-model)$/);
  }
});

test('there are recordings', () => {
  expect(recordings().length).toBeGreaterThan(0);
});
