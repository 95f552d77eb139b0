import { mkdtempSync, mkdirSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Analysis } from '../src/reports/analysis.ts';
import { analysedFolder } from './recording.ts';

/** A folder with these sequences as the agent.log of hosts. */
function hosts(logs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-sequence-'));
  for (const [host, file] of Object.entries(logs)) {
    const to = join(folder, host, 'var/log/cloudstack/agent');
    mkdirSync(to, { recursive: true });
    cpSync(`test/data/sequences/${file}`, join(to, 'agent.log'));
  }
  return folder;
}

function verdict({ migrations }: Analysis): readonly (readonly [string, string, string | null])[] {
  return migrations.map(({ vm, outcome, cause }) => [vm, outcome, cause?.kind ?? null]);
}

test('4.17: the agent alone does not tell success from failure', async () => {
  expect(verdict(await analysedFolder(hosts({ 'kvm-a': 'success-4.17.log' })))).toEqual([['i-2-31-VM', 'unknown', null]]);
});

test("4.17: QEMU's log of the source tells", async () => {
  const folder = hosts({ 'kvm-a': 'success-4.17.log' });
  mkdirSync(join(folder, 'kvm-a/var/log/libvirt/qemu'), { recursive: true });
  writeFileSync(
    join(folder, 'kvm-a/var/log/libvirt/qemu/i-2-31-VM.log'),
    '2023-02-14 15:15:02.611+0000: initiating migration\n2023-02-14 15:15:03.902+0000: shutting down, reason=migrated\n',
  );
  const analysis = await analysedFolder(folder);
  expect(verdict(analysis)).toEqual([['i-2-31-VM', 'completed', null]]);
  expect(analysis.clocks).toMatchObject([{ host: 'kvm-a', zone: 'UTC-5', zoneFrom: 'same-migration' }]);
});

test.each([
  ['started and did not end', '', 'unknown'],
  ['ended at once', '2023-02-14 15:15:05.100+0000: shutting down, reason=failed\n', 'failed'],
  ['ended with its guest an hour later', '2023-02-14 16:15:05.100+0000: shutting down, reason=shutdown\n', 'completed'],
  ['migrated on', '2023-02-14 16:35:05.100+0000: initiating migration\n', 'completed'],
])("4.17: QEMU's log of the destination tells, where it %s", async (_, end, outcome) => {
  const folder = hosts({ 'kvm-a': 'success-4.17.log' });
  mkdirSync(join(folder, 'kvm-b/var/log/libvirt/qemu'), { recursive: true });
  writeFileSync(
    join(folder, 'kvm-b/var/log/libvirt/qemu/i-2-31-VM.log'),
    `2023-02-14 15:15:02.301+0000: starting up libvirt version: 8.0.0, qemu version: 6.2.0, hostname: kvm-b
/usr/bin/qemu-system-x86_64 \\
-name guest=i-2-31-VM,debug-threads=on \\
-incoming defer \\
-msg timestamp=on
${end}`,
  );
  expect((await analysedFolder(folder)).migrations[0]?.outcome).toBe(outcome);
});

test('4.19: a CPU mismatch', async () => {
  const analysis = await analysedFolder(hosts({ 'kvm-a': 'cpu-4.19.log' }));
  expect(verdict(analysis)).toEqual([['i-5-77-VM', 'failed', 'cpu-incompatible']]);
  expect(analysis.findings[0]?.summary).toContain('avx512f, avx512dq');
});

test('4.20.2: vm.migrate.wait ran out', async () => {
  const analysis = await analysedFolder(hosts({ 'kvm-a': 'time-limit-4.20.2.log' }));
  expect(verdict(analysis)).toEqual([['i-4-912-VM', 'aborted', 'timed-out']]);
});

test('4.22.1: paused to finish, resumed on the destination, told as one migration', async () => {
  const analysis = await analysedFolder(hosts({ 'kvm-a': 'paused-source-4.22.1.log', 'kvm-b': 'paused-destination-4.22.1.log' }));
  expect(verdict(analysis)).toEqual([['i-9-1204-VM', 'completed', null]]);
  expect(analysis.migrations[0]).toMatchObject({ source: 'kvm-a', destination: 'kvm-b' });
});

test('a heartbeat that failed once counts down no longer where the log goes on, though with nothing that tells of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-sequence-'));
  const line = (time: string, rest: string): string => `2024-09-03 ${time},000 ${rest}\n`;
  const pool = '8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001';
  writeFileSync(
    join(folder, 'kvm-a-agent.log'),
    [
      line(
        '03:01:00',
        `WARN  [kvm.storage.LibvirtStoragePool] (Thread-1:null) (logid:) Write heartbeat for pool [${pool}] failed: timeout; try: 1 of 5.`,
      ),
      line(
        '03:09:00',
        `INFO  [kvm.storage.LibvirtStorageAdaptor] (agentRequest-Handler-2:null) (logid:0c77d3e2) Trying to fetch storage pool ${pool} from libvirt`,
      ),
    ].join(''),
  );
  const { findings } = await analysedFolder(folder);
  expect(findings.map(({ summary }) => summary)).toEqual([
    expect.stringMatching(/1 of 5 tries failed .* No further try failed\.$/),
  ]);
});

test('4.19: a hung heartbeat counts down to the reset of the host', async () => {
  const { findings } = await analysedFolder(hosts({ 'kvm-a': 'heartbeat-4.19.log' }));
  expect(findings.map(({ detector, severity }) => [detector, severity])).toEqual([['storage-heartbeat-spike', 'critical']]);
});

test("what libvirt's daemon prints to its standard error is read in the system log, which is its log then", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-sequence-'));
  const file = (path: string, lines: readonly string[]): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), `${lines.join('\n')}\n`);
  };
  file('kvm-a/var/log/libvirt/qemu/i-2-31-VM.log', ['2026-11-23 04:00:00.100+0000: initiating migration']);
  file('kvm-a/syslog', [
    'Nov 23 05:00:02 kvm-a libvirtd[811]: 2026-11-23 04:00:02.350+0000: 811: error : virKeepAliveTimerInternal:137 : internal error: connection closed due to keepalive timeout',
    "Nov 23 05:00:02 kvm-a libvirtd[811]: 2026-11-23 04:00:02.351+0000: 815: error : qemuMigrationJobCheckStatus:1745 : operation failed: job 'migration out' unexpectedly failed",
  ]);
  const { migrations } = await analysedFolder(folder);
  expect(migrations).toMatchObject([{ outcome: 'failed', cause: { kind: 'network-interrupted' } }]);
  expect(migrations[0]?.unobserved).not.toContain('libvirtd log of kvm-a');
});

test.each([
  ['quoted in a mail', (line: string) => `> ${line}`],
  ['quoted twice, as HTML writes it', (line: string) => `&gt;&gt; ${line}`],
  ['indented', (line: string) => `    ${line}`],
  ['indented by a tab', (line: string) => `\t${line}`],
  ['printed by docker compose', (line: string) => `cloudstack-agent-1  | ${line}`],
  ['found by grep -H', (line: string) => `/var/log/cloudstack/agent/agent.log.2024-09-03.gz:${line}`],
  ['found by grep -n', (line: string, i: number) => `${i + 1}:${line}`],
  ['found by grep -Hn', (line: string, i: number) => `agent.log:${i + 1}:${line}`],
  ['saved with a byte order mark', (line: string, i: number) => (i === 0 ? `\uFEFF${line}` : line)],
])('a log that was %s is read as it was printed', async (_, worn) => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-sequence-'));
  const lines = readFileSync('test/data/sequences/cpu-4.19.log', 'utf8').trimEnd().split('\n');
  const told = async (name: string, text: string): Promise<unknown> => {
    const path = join(folder, name, 'hosts/kvm-a/pasted.txt');
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    const { migrations, findings } = await analysedFolder(join(folder, name));
    return migrations.map(({ vm, outcome, cause, destinationAddress, startedAt, events }) => ({
      attempt: [vm, outcome, cause?.text, destinationAddress, startedAt],
      findings: findings.map(({ summary }) => summary),
      events: events.map(({ body, origin }) => ({ body, line: origin.line, text: origin.text })),
    }));
  };
  const plain = await told('plain', lines.join('\n'));
  expect(plain).toHaveLength(1);
  expect(await told('pasted', lines.map(worn).join('\n'))).toEqual(plain);
});

test('notes that quote some lines of a log are none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-sequence-'));
  const lines = readFileSync('test/data/sequences/cpu-4.19.log', 'utf8').trimEnd().split('\n').slice(0, 3);
  const notes = [
    'What to do where a CPU lacks features',
    'The log says',
    ...lines.map((line) => `    ${line}`),
    'Then',
    'call',
    'us',
  ];
  writeFileSync(join(folder, 'notes.md'), notes.join('\n'));
  expect((await analysedFolder(folder)).migrations).toEqual([]);
});

/** A folder with the agent.log of a migration of 40 s that ended without an error, and one more file of its host. */
function endedWell(thread: string, path: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-sequence-'));
  const line = (time: string, said: string): string =>
    `2024-09-03 ${time} INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:null) (logid:0c77d3e4) ${said}`;
  const agent = [
    line('03:11:00,733', 'Live migration of instance i-5-77-VM initiated to destination host: qemu+tcp://10.10.0.14/system'),
    line('03:11:40,735', 'Waiting for migration of i-5-77-VM to complete, waited 40000ms'),
    line('03:11:41,100', thread),
    line('03:31:41,100', 'Nothing of interest'),
  ];
  for (const [name, lines] of [
    ['agent.log', agent.join('\n')],
    [path, text],
  ] as const) {
    mkdirSync(join(folder, 'hosts/kvm-a', name, '..'), { recursive: true });
    writeFileSync(join(folder, 'hosts/kvm-a', name), `${lines}\n`);
  }
  return folder;
}

const daemonError = (second: string, text: string): string =>
  `2024-09-03 03:11:${second}.000+0000: 900: error : virX:1 : ${text}`;
const REFUSED = "unable to connect to server at '10.10.0.99:16514': Connection refused";

test.each([
  [
    'of a disk',
    'libvirtd.log',
    daemonError('40', "Cannot access storage file '/mnt/x' (as uid:107, gid:107): No such file or directory"),
  ],
  ['of another connection', 'libvirtd.log', daemonError('41', REFUSED)],
  ['of a call that waited', 'libvirtd.log', daemonError('40', 'Timed out during operation: cannot acquire state change lock')],
  ['of ping', 'messages', 'Sep  3 03:11:40 kvm-a check[2]: From 10.0.0.9 icmp_seq=2 Destination Host Unreachable'],
  ['of another tool', 'messages', 'Sep  3 03:11:40 kvm-a vpxa[2]: Timed out waiting for migration'],
])('from 4.18 on an agent that tells of no error had none, with errors %s beside', async (_, path, text) => {
  const { migrations, findings } = await analysedFolder(endedWell('Migration thread of VM [i-5-77-VM] finished.', path, text));
  expect(migrations.map(({ outcome }) => outcome)).toEqual(['completed']);
  expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
});

test.each([
  ['long before the end', daemonError('10', REFUSED.replace('.99', '.14')), 'unknown'],
  ['beside the end', daemonError('41', REFUSED.replace('.99', '.14')), 'failed'],
  ['of another connection, beside the end', daemonError('41', REFUSED), 'unknown'],
])('up to 4.17, what an error of the daemon %s tells', async (_, text, outcome) => {
  const { migrations } = await analysedFolder(endedWell('Migration thread for i-5-77-VM is done', 'libvirtd.log', text));
  expect(migrations.map((one) => one.outcome)).toEqual([outcome]);
});
