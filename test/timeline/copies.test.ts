import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toDocument } from '../../src/reports/json.ts';
import { analysedFolder } from '../recording.ts';

test.each(['healthy', 'cpu-incompatible', 'retry'])(
  'logs of %s that were collected twice tell of the same migrations',
  async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'precopy-copies-'));
    for (const run of ['first', 'second'])
      cpSync(join('recordings/libvirt-9.0', name, 'hosts'), join(folder, run, 'hosts'), { recursive: true });
    const twice = toDocument(await analysedFolder(folder));
    const once = toDocument(await analysedFolder(join(folder, 'first')));
    expect(twice.migrations).toEqual(once.migrations);
    expect(twice.findings.map(({ id }) => id)).toEqual(once.findings.map(({ id }) => id));
  },
);
