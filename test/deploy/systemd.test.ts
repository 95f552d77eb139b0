import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/schema.ts';

const run = promisify(execFile);
const UNITS = readdirSync('deploy/systemd').filter((file) => file.endsWith('.service'));
const ANALYZE = '/usr/bin/systemd-analyze';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'precopy-units-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function textOf(unit: string): string {
  return readFileSync(join('deploy/systemd', unit), 'utf8');
}

describe.each(UNITS)('%s', (unit) => {
  test.skipIf(!existsSync(ANALYZE))('systemd reads it, and has nothing to say', async () => {
    // the program is wherever it is here
    const text = textOf(unit).replaceAll('/usr/bin/precopy', process.execPath);
    const path = join(folder, unit.replace('@.', '@a.'));
    await writeFile(path, text);
    const { stdout, stderr } = await run(ANALYZE, ['verify', '--man=no', path]);
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('precopy'))).toEqual([]);
  });

  test('runs as its own user, and may no more than it needs', () => {
    const text = textOf(unit);
    expect(text).toMatch(/^User=precopy$/m);
    expect(text).toMatch(/^ProtectSystem=strict$/m);
    expect(text).toMatch(/^NoNewPrivileges=yes$/m);
    const rights = [...text.matchAll(/CAP_\w+/g)].map(([right]) => right);
    const needed = unit.includes('process') ? [] : ['CAP_NET_RAW', 'CAP_DAC_READ_SEARCH'];
    expect(new Set(rights)).toEqual(new Set(needed));
  });
});

test.each(readdirSync('deploy/config'))('the store of deploy/config/%s is one that the configuration takes', (file) => {
  const { store = {} } = parse(readFileSync(join('deploy/config', file), 'utf8')) as { readonly store?: object };
  expect(configSchema.shape.store.safeParse(store)).toMatchObject({ success: true });
});

test('deploy/compose.yaml is YAML, and mounts files that are there', () => {
  const { services } = parse(readFileSync('deploy/compose.yaml', 'utf8')) as {
    readonly services: Readonly<Record<string, { readonly volumes?: readonly unknown[] }>>;
  };
  const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.flatMap((volume) => (typeof volume === 'string' && volume.startsWith('./') ? [volume.split(':')[0] ?? ''] : [])),
  );
  expect(mounted).not.toEqual([]);
  expect(mounted.filter((path) => !existsSync(join('deploy', path)))).toEqual([]);
});
