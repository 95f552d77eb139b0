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

test('4.19: a hung heartbeat counts down to the reset of the host', async () => {
  const { findings } = await analysedFolder(hosts({ 'kvm-a': 'heartbeat-4.19.log' }));
  expect(findings.map(({ detector, severity }) => [detector, severity])).toEqual([['storage-heartbeat-spike', 'critical']]);
});
