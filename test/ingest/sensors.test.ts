import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Collector } from '../../src/ingest/collector.ts';
import { createSensorsCollector } from '../../src/ingest/sensors.ts';
import { collecting, have, unmasked, until, type Collecting } from './collecting.ts';

const DATA = resolve('test/data/sensors');

let folder = '';
let collector: Collector | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-sensors-'));
});
afterEach(async () => {
  await collector?.stop();
  rmSync(folder, { recursive: true });
});

async function reads(command: string): Promise<Collecting> {
  const collected = collecting();
  collector = createSensorsCollector(collected.context, { options: { every: '50ms' }, mask: unmasked, command });
  await collector.start();
  return collected;
}

/** A `sensors` that prints what the real one printed: one file for `-j`, another without. */
function printing(json: string, text: string): string {
  const path = join(folder, 'sensors');
  writeFileSync(path, `#!/bin/sh\n[ "$1" = -j ] && exec ${json}\nexec ${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('sensors', () => {
  test.each(['360-j', '362-j', '362-J'])(
    'what lm-sensors printed as JSON (%s) arrives to the letter and becomes temperatures',
    async (name) => {
      const file = join(DATA, `${name}.stdout`);
      const collected = await reads(printing(`cat ${file}`, 'false'));
      await until('two looks', () => collected.text('sensors').split('\n').length > 2);
      const [first = ''] = collected.text('sensors').split('\n');
      expect(JSON.parse(first)).toEqual({ at: expect.stringMatching(/^20.*Z$/), sensors: readFileSync(file, 'utf8') });
      expect(collected.bodies('sensors')).toContainEqual(
        expect.objectContaining({
          kind: 'temperature',
          chip: 'coretemp-isa-0000',
          sensor: 'Package id 0',
          celsius: 97,
          alarm: true,
        }),
      );
      expect(collected.states('sensors')).toEqual(['starting', 'running']);
    },
  );

  test('its text is read where it prints no JSON', async () => {
    const collected = await reads(printing('sh -c "echo usage >&2; exit 1"', `cat ${join(DATA, '360-text.stdout')}`));
    await until('a look', () => collected.text('sensors') !== '');
    expect(collected.bodies('sensors')).toContainEqual(expect.objectContaining({ chip: 'coretemp-isa-0000', celsius: 97 }));
  });

  test('one that hangs is ended when we stop', async () => {
    const collected = await reads(printing('sleep 1000', 'sleep 1000'));
    const begunAt = performance.now();
    await collector?.stop();
    expect(performance.now() - begunAt).toBeLessThan(2000);
    expect(collected.text('sensors')).toBe('');
  });

  test('a program that is missing is said with its package', async () => {
    const collected = await reads(join(folder, 'sensors'));
    await until('it is said', () => collected.statuses.some(({ state }) => state === 'missing'));
    expect(collected.statuses.at(-1)?.problem).toMatch(/is not installed: apt-get install lm-sensors$/);
  });

  test.runIf(have('sensors'))('the real program either finds sensors, or is said to find none', async () => {
    const collected = await reads('sensors');
    await until('a look', () => collected.statuses.length > 1);
    const { state, problem } = collected.statuses.at(-1) ?? {};
    expect(state === 'running' ? collected.text('sensors') : problem).toMatch(/^\{"at":"|^No sensors found! /);
  });
});
