import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { terminalReport } from '../../src/reports/terminal.ts';
import { analysedFolder } from '../recording.ts';

const RECORDINGS = [
  'libvirt-9.0/healthy',
  'libvirt-9.0/cpu-incompatible',
  'libvirt-9.0/not-converging',
  'libvirt-9.0/split-brain',
  'libvirt-9.0/storage-spike',
  'libvirt-9.0/post-copy-broken',
  'libvirt-11.3/missing-garp',
];

describe.each(RECORDINGS)('%s', (recording) => {
  test.each([80, 160])('reads as reviewed at %i columns (UPDATE_GOLDEN=1 rewrites it)', async (width) => {
    const text = terminalReport(await analysedFolder(`recordings/${recording}`), { width, color: false, allEvidence: false });
    const path = `test/reports/golden/${recording.replace('/', '-')}-${width}.txt`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
    expect(existsSync(path) ? readFileSync(path, 'utf8') : '').toBe(text);
  });
});
