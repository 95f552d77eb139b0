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

/** Whole excerpts (test/data/sequences), and the kinds of event they hold in their order. */
const SEQUENCES: readonly (readonly [string, string, readonly EventBody['kind'][]])[] = [
  [
    'a 4.17 source that succeeds (and one that fails looks the same at INFO)',
    'success-4.17.log',
    ['migrate-requested', 'migrate-progress', 'migrate-progress', 'migrate-thread-ended'],
  ],
  ['a 4.19 source refused for its CPU', 'cpu-4.19.log', ['migrate-requested', 'migrate-thread-ended', 'migrate-error']],
  [
    'a 4.20.2 source that vm.migrate.wait aborts, at midnight',
    'time-limit-4.20.2.log',
    ['migrate-progress', 'abort-requested', 'migrate-thread-ended', 'migrate-error'],
  ],
  [
    'a 4.22.1 source that pauses, resumes and succeeds',
    'paused-source-4.22.1.log',
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
  ['the destination of the same migration', 'paused-destination-4.22.1.log', ['destination-prepared']],
  [
    'a 4.19 host whose NFS hangs until it resets itself',
    'heartbeat-4.19.log',
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

function sequence(file: string): string {
  return readFileSync(`test/data/sequences/${file}`, 'utf8');
}

describe('sequences', () => {
  test.each(SEQUENCES)('%s', (_name, file, kinds) => {
    const { events, tally } = scan(sequence(file));
    expect(events.map((event) => event.body.kind)).toEqual(kinds);
    expect(tally.rejected).toEqual({});
  });

  test('the record of a failure keeps its stack trace and ends at the next record', () => {
    const failure = scan(sequence('time-limit-4.20.2.log')).events.at(-1);
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
  const killed = /\/(?:client-killed|source-power-loss)\/hosts\/kvm-a\//.test(path);
  expect(ends.length).toBe(killed ? 0 : starts.length);
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
