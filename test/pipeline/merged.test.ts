import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Analysis } from '../../src/reports/analysis.ts';
import { lengthOf, merge, type Part } from '../merged.ts';
import { analysedFolder, recordings } from '../recording.ts';
import { arrivalsOf, falseAlarms, followed, late } from './in-time.ts';
import { analysedOf } from './told.ts';

const NOON = Date.UTC(2026, 10, 27, 12);

function mergedFolder(parts: readonly Part[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-merged-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  merge(folder, parts);
  return folder;
}

/** What is said of each migration; of one alone that memory crossed in plain TCP is said once for all of a host. */
function saidOf({ findings, migrations }: Analysis): readonly string[] {
  const found = findings
    .filter(({ detector }) => detector !== 'unencrypted-stream')
    .map(({ detector, severity, vm, host }) => `${vm}: ${severity} ${detector} ${host}`);
  const ended = migrations.map(
    ({ vm, source, destination, startedAt, outcome, cause }) =>
      `${vm}: ${source} ${destination} ${startedAt} ${outcome} ${cause?.kind}`,
  );
  return [...found, ...ended].toSorted();
}

/** What is said of each part where nobody knows of the others. */
async function saidAlone(parts: readonly Part[]): Promise<readonly string[]> {
  const each = await Promise.all(parts.map(async (part) => saidOf(await analysedFolder(mergedFolder([part])))));
  return each.flat().toSorted();
}

/** Recordings by the second at which they begin; those with `~` from kvm-b to kvm-a. */
function at(seconds: Readonly<Record<string, number>>): readonly Part[] {
  return Object.entries(seconds).map(([name, second], i) => ({
    folder: `recordings/${name.replace('~', '')}`,
    at: NOON + second * 1000,
    vms: i + 1,
    swapped: name.startsWith('~'),
  }));
}

/** Recordings in which a word that names no VM was once taken for another's. */
const MISTAKEN: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'post-copy breaks while others are cancelled': {
    '~libvirt-7.0/monitored-not-converging-cancelled': 7,
    '~libvirt-7.0/post-copy-destination-died': 10,
    'libvirt-7.0/aborted': 0,
  },
  'a QEMU is killed as another says why it ends': {
    '~libvirt-9.0/destination-died': 24,
    '~libvirt-9.0/two-one-cancelled': 21,
  },
  'a QEMU of the source dies as one of a destination is destroyed': {
    'libvirt-9.0/destination-destroyed': 8,
    '~libvirt-9.0/source-died': 21,
    'libvirt-11.3/source-died': 14,
  },
  'a CPU is refused just after a QEMU was killed': {
    'libvirt-7.0/cpu-incompatible': 16,
    'libvirt-11.3/two-one-destination-died': 0,
  },
  'one is cancelled while three complete': {
    'libvirt-11.3/three-at-once': 72,
    '~libvirt-9.0/not-converging': 0,
  },
};

describe.each(Object.entries(MISTAKEN))('%s', (_, seconds) => {
  const parts = at(seconds);

  test('of each is said what is said of it alone', async () => {
    expect(saidOf(await analysedFolder(mergedFolder(parts)))).toEqual(await saidAlone(parts));
  });

  test('people are told what holds', async () => {
    const course = await followed(await arrivalsOf(mergedFolder(parts)));
    expect(falseAlarms(course)).toEqual([]);
  }, 60_000);
});

/** Faults of a host or a link bear on all that migrates there. */
const SHARED =
  /split-brain|power-loss|libvirtd|network|storage|name-unresolvable|address|port|blip|refused|paused|slow-link|saturated|bridge|broken|client-killed/;

test('migrations that know nothing of each other are told as each alone', async () => {
  const names = recordings()
    .map(({ name }) => name)
    .filter((name) => !SHARED.test(name));
  const part = fc.record({ folder: fc.constantFrom(...names), second: fc.nat(120), swapped: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 2, maxLength: 5 }), async (chosen) => {
      const parts = chosen.map(({ folder, second, swapped }, i): Part => ({
        folder: `recordings/${folder}`,
        at: NOON + second * 1000,
        vms: i + 1,
        swapped,
      }));
      expect(saidOf(await analysedFolder(mergedFolder(parts)))).toEqual(await saidAlone(parts));
    }),
    { numRuns: Number(process.env['PRECOPY_RUNS'] ?? 8), seed: 20_261_127, interruptAfterTimeLimit: 240_000 },
  );
}, 300_000);

describe('one VM that migrates again and again', () => {
  const as = { name: 'i-2-999-VM', mac: '02:00:4c:99:00:1f' };

  /** One after the other, so many seconds between them. */
  function oneAfterAnother(names: readonly string[], gapS: number): readonly Part[] {
    let next = NOON;
    return names.map((name) => {
      const folder = `recordings/${name.replace('~', '')}`;
      const part = { folder, at: next, vms: 1, as, swapped: name.startsWith('~') };
      next += lengthOf(folder) + gapS * 1000;
      return part;
    });
  }

  test('is told of each what analyze tells, though an hour is between them', async () => {
    const folder = mergedFolder(
      oneAfterAnother(['libvirt-9.0/healthy', '~libvirt-9.0/aborted', '~libvirt-9.0/small-set', 'libvirt-11.3/healthy'], 3600),
    );
    const { migrations } = await followed(await arrivalsOf(folder));
    expect(migrations).toEqual((await analysedOf(folder)).migrations);
  });

  test('is not forgotten of the refused attempt when the next one begins on the destination first', async () => {
    const folder = mergedFolder(oneAfterAnother(['libvirt-9.0/refused', 'libvirt-9.0/healthy'], 5));
    const course = await followed(late(await arrivalsOf(folder), 'kvm-a'));
    expect(course.migrations).toEqual((await analysedOf(folder)).migrations);
    expect(course.changes.filter(({ change }) => change === 'withdrawn')).toEqual([]);
  });
});
