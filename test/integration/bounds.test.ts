import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { gapsOf } from '../../src/forensics/coverage.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { asked, eventually, pause, startProgram, testFolder, writeConfig } from './program.ts';

/** How long the store is away. */
const AWAY_MS = Number(process.env['PRECOPY_AWAY_SECONDS'] ?? 20) * 1000;
const LINES_PER_SECOND = 5000;
/** Measured over 60 s at 5,000 lines/s: see the test's own word on standard error. */
const MOST_COLLECTOR_BYTES = 100e6;
const TMPFS_BYTES = 24 << 20;
const MIB = 1 << 20;

/** Appends numbered lines at a steady rate until it is ended; returns how many there are. */
function writingTo(log: string, linesPerSecond: number): { written(): number; end(): number } {
  let number = 0;
  const began = Date.now();
  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - began) * linesPerSecond) / 1000);
    let text = '';
    for (; number < due; number += 1) text += lineOf(number, Date.now());
    appendFileSync(log, text);
  }, 20);
  return {
    written: () => number,
    end() {
      clearInterval(timer);
      return number;
    },
  };
}

function lineOf(number: number, at: number): string {
  const time = new Date(at).toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
  return `${time} DEBUG [kvm.resource.LibvirtComputingResource] (agentRequest-Handler-2:null) (logid:7507b59f) Executing: /usr/share/cloudstack-common/scripts/vm/network/security_group.py number ${number}\n`;
}

const COUNT = "SELECT uniqExact(text) FROM lines FINAL WHERE source = 'cloudstack-agent'";

test(
  `a store that is away for ${AWAY_MS / 1000} s costs the collector no memory, and is caught up with`,
  { timeout: 120_000 + 4 * AWAY_MS },
  async () => {
    const folder = testFolder();
    const [data, log] = [join(folder, 'data'), join(folder, 'agent.log')];
    const config = writeConfig(join(folder, 'c.yaml'), { data, collect: { files: [{ path: log, source: 'cloudstack-agent' }] } });
    writeFileSync(log, '');
    const collector = startProgram('collect', config);
    const processor = startProgram('process', config);
    const writing = writingTo(log, LINES_PER_SECOND);
    onTestFinished(() => void writing.end());
    await eventually(async () => Number((await asked(data, COUNT))[0]?.[0]) > 5000);
    processor.signal('SIGSTOP');
    const sizes: number[] = [];
    let most = 0;
    const until = Date.now() + AWAY_MS;
    while (Date.now() < until) {
      await pause(500);
      const { bytes, withFiles } = collector.resident();
      sizes.push(bytes);
      most = Math.max(most, withFiles);
    }
    processor.signal('SIGCONT');
    const written = writing.end();
    const began = Date.now();
    await eventually(
      async () => {
        const stored = Number((await asked(data, COUNT))[0]?.[0]);
        return stored === written || `${stored} of ${written} lines`;
      },
      { withinMs: 60_000 + AWAY_MS, everyMs: 250 },
    );
    const third = Math.floor(sizes.length / 3);
    const mean = (part: readonly number[]): number => part.reduce((sum, size) => sum + size, 0) / part.length;
    const growth = mean(sizes.slice(-third)) - mean(sizes.slice(third, 2 * third));
    process.stderr.write(
      `collector: ${Math.round(Math.max(...sizes) / 1e6)} MB at most (${Math.round(most / 1e6)} MB with mapped files), ${(growth / 1e6).toFixed(1)} MB more in the last third; ` +
        `${written} lines, caught up in ${Date.now() - began} ms\n`,
    );
    expect(Math.max(...sizes)).toBeLessThan(MOST_COLLECTOR_BYTES);
    expect(growth).toBeLessThan(10e6);
    expect(await collector.stop()).toBe(0);
    expect(await processor.stop()).toBe(0);
  },
);

/** A small file system of its own, gone after the test; `null` where this user cannot have one. */
function mounted(folder: string): string | null {
  const mount = join(folder, 'small');
  mkdirSync(mount);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${TMPFS_BYTES}`, 'tmpfs', mount], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    process.stderr.write(`skipped, a full disk takes root: ${stderr.trim()}\n`);
    return null;
  }
  // before the folder is removed, for what is registered last is done first
  onTestFinished(() => void execFileSync('umount', ['-l', mount]));
  return mount;
}

test('a full disk is told, and no line is lost when there is room again', { timeout: 120_000 }, async ({ skip }) => {
  const folder = testFolder();
  const data = mounted(folder) ?? skip();
  const log = join(folder, 'agent.log');
  const config = writeConfig(join(folder, 'c.yaml'), { data, collect: { files: [{ path: log, source: 'cloudstack-agent' }] } });
  // something else fills the disk
  const ballast = join(data, 'ballast');
  writeFileSync(log, '');
  const collector = startProgram('collect', config);
  await eventually(() => collector.log().includes('collect runs'));
  const writing = writingTo(log, LINES_PER_SECOND);
  onTestFinished(() => void writing.end());
  await pause(500);
  fill(ballast);
  await eventually(() => /disk has|no room|disk-full|ENOSPC/.test(collector.log()) || collector.log(), { withinMs: 60_000 });
  expect(collector.status()).toBeNull();
  await pause(1000);
  rmSync(ballast);
  const written = writing.end();
  // into a larger folder: the store alone needs more than the small one
  await eventually(() => isAllSent(data, log) || collector.log().slice(-500), { withinMs: 40_000 });
  expect(await collector.stop()).toBe(0);
  const larger = join(folder, 'larger');
  execFileSync('cp', ['-r', data, larger]);
  const processor = startProgram('process', writeConfig(join(folder, 'p.yaml'), { data: larger, collect: {} }));
  await eventually(
    async () => {
      const stored = Number((await asked(larger, COUNT))[0]?.[0]);
      return stored === written || `${stored} of ${written} lines`;
    },
    { withinMs: 40_000 },
  );
  expect(await processor.stop()).toBe(0);
  const store = await openEmbeddedStore({ folder: join(larger, 'store') });
  try {
    expect(await gapsOf(store, { limit: 100 })).toEqual([]);
  } finally {
    await store.close();
  }
});

/** Writes until there is no room for a page. */
function fill(path: string): void {
  for (const size of [MIB, 4096, 1]) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

function isAllSent(data: string, log: string): boolean {
  const { files } = JSON.parse(readFileSync(join(data, 'files.checkpoint.json'), 'utf8')) as {
    readonly files: readonly { readonly offset: number }[];
  };
  return files.reduce((sum, { offset }) => sum + offset, 0) === statSync(log).size;
}
