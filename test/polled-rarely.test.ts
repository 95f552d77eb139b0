import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { analysedFolder, recordings, type Recording } from './recording.ts';

/** A recording as it would be had its VMs been asked for their job only every so many seconds. */
function polled({ folder }: Recording, everyMs: number): string {
  const copy = mkdtempSync(join(tmpdir(), 'precopy-polled-'));
  cpSync(folder, copy, { recursive: true });
  for (const host of ['kvm-a', 'kvm-b']) {
    const file = join(copy, 'hosts', host, 'domjobinfo.jsonl');
    if (existsSync(file)) writeFileSync(file, everyOf(readFileSync(file, 'utf8'), everyMs));
  }
  return copy;
}

/** Half a poll early is in time. */
const EARLY_MS = 250;

function everyOf(text: string, everyMs: number): string {
  const lastOf = new Map<string, number>();
  const lines = text.split('\n').filter((line) => {
    if (!line.endsWith('}')) return true;
    const { at, vm } = JSON.parse(line) as { at: string; vm: string };
    const isDue = Date.parse(at) >= (lastOf.get(vm) ?? 0) + everyMs - EARLY_MS;
    if (isDue) lastOf.set(vm, Date.parse(at));
    return isDue;
  });
  return lines.join('\n');
}

const polls = recordings().filter(({ folder }) =>
  ['kvm-a', 'kvm-b'].some((host) => existsSync(join(folder, 'hosts', host, 'domjobinfo.jsonl'))),
);

describe.each([1000, 2000, 5000])('asked for their job every %i ms', (everyMs) => {
  test.each(polls.map((recording) => [recording.name, recording] as const))(
    '%s gives no wrong finding',
    async (_name, recording) => {
      const folder = polled(recording, everyMs);
      const { findings } = await analysedFolder(folder);
      rmSync(folder, { recursive: true });
      const { expect: must, may } = recording.label;
      const wrong = findings.filter(({ severity, detector }) => severity !== 'info' && ![...must, ...may].includes(detector));
      expect(wrong.map(({ summary }) => summary)).toEqual([]);
    },
  );
});

test('a migration that never ends is found out though passes began and ended between two polls', async () => {
  const hopeless = polls.filter(({ label }) => label.expect.includes('not-converging'));
  expect(hopeless.length).toBeGreaterThan(10);
  for (const recording of hopeless) {
    const folder = polled(recording, 2000);
    const { findings } = await analysedFolder(folder);
    rmSync(folder, { recursive: true });
    expect({ name: recording.name, found: findings.map(({ detector }) => detector) }).toEqual({
      name: recording.name,
      found: expect.arrayContaining(['not-converging']),
    });
  }
});

test('passes that began and ended between two polls do not make the next one larger', async () => {
  const shrinking = recordings().filter(({ name }) => name.endsWith('shrinking-080'));
  expect(shrinking).toHaveLength(2);
  for (const recording of shrinking) {
    const folder = polled(recording, 5000);
    const [rarely] = (await analysedFolder(folder)).migrations;
    const [often] = (await analysedFolder(recording.folder)).migrations;
    rmSync(folder, { recursive: true });
    const both = rarely?.passes.flatMap((pass) => {
      const same = often?.passes.find((other) => other.pass === pass.pass);
      return same === undefined ? [] : [{ pass, same }];
    });
    expect(both?.length).toBeGreaterThanOrEqual(5);
    for (const { pass, same } of both ?? []) {
      expect(Math.abs(pass.startedAt - same.startedAt)).toBeLessThanOrEqual(1000);
      expect(Math.abs(pass.remainingBytes - same.remainingBytes)).toBeLessThanOrEqual(0.25 * same.remainingBytes);
    }
  }
});
