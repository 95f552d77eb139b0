import { mkdtempSync, mkdirSync, cpSync, writeFileSync } from 'node:fs';
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
