import { expect, test } from 'vitest';
import { createInstance } from '../../src/commands/instance.ts';
import { loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/lib/log.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

test.runIf(process.platform === 'linux')('an instance whose data folder cannot be made says so and does not start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-instance-folder-'));
  const file = join(folder, 'precopy.yaml');
  writeFileSync(file, 'cluster: c1\ndata: /proc/precopy/data\n');
  const log = createLog({ level: 'error', pretty: false });
  const roles = { collect: true, process: true };
  const instance = createInstance(loadConfig(file, { TZ: 'UTC' }), {
    roles,
    log,
    metrics: createMetrics(),
    node: process.execPath,
    out() {},
  });
  await expect(instance.start()).rejects.toMatchObject({
    code: 'not-allowed',
    message: 'the data folder cannot be made or written: /proc/precopy/data (ENOENT)',
    hint: expect.stringContaining('name another folder'),
  });
  rmSync(folder, { recursive: true });
});
