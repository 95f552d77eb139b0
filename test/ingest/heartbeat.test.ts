import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Collector, CollectorStatus } from '../../src/ingest/collector.ts';
import { createAgeTeller } from '../../src/ingest/heartbeat-age.ts';
import { createHeartbeatCollector } from '../../src/ingest/heartbeat.ts';
import { poolMounts } from '../../src/ingest/pool-mounts.ts';
import type { EventBody, HeartbeatAge, HeartbeatProbe } from '../../src/model/event.ts';
import { heartbeat } from '../../src/parsers/heartbeat.ts';
import { readText } from '../parsers/read-file.ts';

/** As built, for `node` to run. */
const PROBE = pathToFileURL(resolve('dist/ingest/pool-probe.js'));

let folder: string;
let running: Collector[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'precopy-pools-'));
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map(({ stop }) => stop()));
  rmSync(folder, { recursive: true, force: true });
});

function pool(name: string): string {
  const mount = join(folder, name);
  mkdirSync(join(mount, 'KVMHA'), { recursive: true });
  return mount;
}

interface Watched {
  readonly collector: Collector;
  readonly statuses: CollectorStatus[];
  text(): string;
  events(): readonly EventBody[];
  of<K extends EventBody['kind']>(kind: K): readonly (EventBody & { readonly kind: K })[];
}

function collect(pools: readonly string[] | 'auto', of: { readonly probe?: boolean; readonly mountinfo?: string } = {}): Watched {
  const statuses: CollectorStatus[] = [];
  let text = '';
  const collector = createHeartbeatCollector({
    options: { pools: pools === 'auto' ? pools : [...pools], every: '20ms', probe: of.probe ?? false },
    context: {
      header: { cluster: 'c', host: 'kvm-a', zone: 'UTC' },
      now: () => Date.now(),
      report: (status) => statuses.push(status),
    },
    emit: async (lines) => {
      expect(lines.endsWith('\n')).toBe(true);
      text += lines;
    },
    node: process.execPath,
    entry: PROBE,
    ...(of.mountinfo === undefined ? {} : { mountinfo: of.mountinfo }),
  });
  running.push(collector);
  const events = (): readonly EventBody[] => {
    const { tally, bodies } = readText(heartbeat, text);
    expect(tally).toMatchObject({ plain: 0, rejected: {} });
    return bodies;
  };
  return {
    collector,
    statuses,
    text: () => text,
    events,
    of: (kind) => events().filter((body): body is EventBody & { readonly kind: typeof kind } => body.kind === kind),
  };
}

const WAIT = { timeout: 9000, interval: 10 };

/** Pids of processes of the program that are our children. */
function children(): readonly number[] {
  const tasks = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
  return tasks
    .split(' ')
    .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('pool-probe'))
    .map(Number);
}

test('each write of a heartbeat is one line with its age, and nothing is written to the pool', async () => {
  const mount = pool('p');
  const file = join(mount, 'KVMHA/hb-10.0.0.1');
  const writtenAt = Math.floor(Date.now() / 1000) - 30;
  writeFileSync(file, `${writtenAt}\n`);
  const watched = collect([mount]);
  await watched.collector.start();
  await vi.waitFor(() => expect(watched.of('heartbeat-age')).toHaveLength(1), WAIT);
  writeFileSync(file, `${writtenAt + 29}\n`);
  await vi.waitFor(() => expect(watched.of('heartbeat-age')).toHaveLength(2), WAIT);
  const [first, second] = watched.of('heartbeat-age') as readonly [HeartbeatAge, HeartbeatAge];
  expect(first).toMatchObject({ address: '10.0.0.1' });
  expect(first.ageMs).toBeGreaterThanOrEqual(30_000);
  expect(first.ageMs).toBeLessThan(45_000);
  expect(second.ageMs).toBeLessThan(15_000);
  expect(watched.statuses.at(-1)).toEqual({ collector: 'heartbeat', state: 'running', problem: null });
  expect(readFileSync(file, 'utf8')).toBe(`${writtenAt + 29}\n`);
  expect(watched.of('heartbeat-probe')).toEqual([]);
});

test('a write of our own goes beside the heartbeats, is timed, and touches none of them', async () => {
  const mount = pool('p');
  writeFileSync(join(mount, 'KVMHA/hb-10.0.0.1'), 'not a number');
  const watched = collect([mount], { probe: true });
  await watched.collector.start();
  await vi.waitFor(() => expect(watched.of('heartbeat-probe').length).toBeGreaterThan(2), WAIT);
  expect(watched.of('heartbeat-probe')[0]).toMatchObject({ address: 'kvm-a', pending: false, errorText: null });
  expect(readFileSync(join(mount, 'KVMHA/precopy-kvm-a'), 'utf8')).toMatch(/^\d{10}\n$/);
  expect(readFileSync(join(mount, 'KVMHA/hb-10.0.0.1'), 'utf8')).toBe('not a number');
  expect(watched.of('heartbeat-age')[0]?.ageMs).toBeLessThan(15_000);
});

test('a write that fails is a line with its error', async () => {
  const mount = pool('p');
  mkdirSync(join(mount, 'KVMHA/precopy-kvm-a'));
  const watched = collect([mount], { probe: true });
  await watched.collector.start();
  await vi.waitFor(() => expect(watched.of('heartbeat-probe').length).toBeGreaterThan(0), WAIT);
  expect(watched.of('heartbeat-probe')[0]).toMatchObject({ pending: false, errorText: expect.stringMatching(/^EISDIR/) });
});

describe('storage that hangs (a FIFO: opening it blocks)', () => {
  test('is told as pending with the time the write began, by one process, while other pools are read on, and stop does not wait', async () => {
    const [hung, well] = [pool('hung'), pool('well')];
    execFileSync('mkfifo', [join(hung, 'KVMHA/precopy-kvm-a')]);
    const watched = collect([hung, well], { probe: true });
    await watched.collector.start();
    const pending = (): readonly HeartbeatProbe[] => watched.of('heartbeat-probe').filter(({ pending: waits }) => waits);
    await vi.waitFor(() => expect(pending().length).toBeGreaterThan(2), { ...WAIT, timeout: 15_000 });
    const latencies = pending().map(({ latencyMs }) => latencyMs);
    expect(latencies).toEqual(latencies.toSorted((a, b) => a - b));
    expect(latencies[0]).toBeGreaterThan(900);
    const starts = watched.text().match(/"at":"[^"]+"(?=[^\n]*still waiting)/g);
    expect(new Set(starts).size, 'all of one write').toBe(1);
    expect(children()).toHaveLength(2);
    const answered = (): number => watched.of('heartbeat-probe').length - pending().length;
    await vi.waitFor(() => expect(answered(), 'the other pool').toBeGreaterThan(20), WAIT);

    const before = performance.now();
    await watched.collector.stop();
    expect(performance.now() - before).toBeLessThan(6000);
    const text = watched.text();
    await vi.waitFor(() => expect(children()).toEqual([]), WAIT);
    expect(watched.text(), 'nothing after stop').toBe(text);
  }, 40_000);

  test('is reported once, and again when it is well', async () => {
    const mount = pool('p');
    const fifo = join(mount, 'KVMHA/hb-10.0.0.1');
    execFileSync('mkfifo', [fifo]);
    const watched = collect([mount]);
    await watched.collector.start();
    await vi.waitFor(() => expect(watched.statuses.at(-1)?.state).toBe('failing'), { ...WAIT, timeout: 15_000 });
    expect(watched.statuses.filter(({ state }) => state === 'failing')).toHaveLength(1);
    expect(watched.statuses.at(-1)?.problem).toContain('has not answered for more than 4 s');
    expect(watched.text(), 'no write was tried, so none is told').toBe('');
    // a writer lets the process go on
    execFileSync('sh', ['-c', `echo 1700000000 > '${fifo}'; rm '${fifo}'`], { timeout: 5000 });
    await vi.waitFor(() => expect(watched.statuses.at(-1)?.state).toBe('running'), WAIT);
  }, 30_000);
});

test('a process that is killed is told, and another one takes its place', async () => {
  const mount = pool('p');
  writeFileSync(join(mount, 'KVMHA/hb-10.0.0.1'), '1700000000\n');
  const watched = collect([mount]);
  await watched.collector.start();
  await vi.waitFor(() => expect(watched.text()).not.toBe(''), WAIT);
  const [child = 0] = children();
  process.kill(child, 'SIGKILL');
  await vi.waitFor(() => expect(watched.statuses.map(({ problem }) => problem).join()).toContain('signal SIGKILL'), WAIT);
  await vi.waitFor(() => expect(watched.statuses.at(-1)?.state).toBe('running'), WAIT);
});

test('a pool that cannot be stored is told as a problem, and the collector lives', async () => {
  const mount = pool('p');
  writeFileSync(join(mount, 'KVMHA/hb-10.0.0.1'), '1700000000\n');
  const statuses: CollectorStatus[] = [];
  const collector = createHeartbeatCollector({
    options: { pools: [mount], every: '20ms', probe: true },
    context: {
      header: { cluster: 'c', host: 'kvm-a', zone: 'UTC' },
      now: () => Date.now(),
      report: (status) => statuses.push(status),
    },
    emit: () => Promise.reject(new Error('no room')),
    node: process.execPath,
    entry: PROBE,
  });
  running.push(collector);
  await collector.start();
  await vi.waitFor(
    () => expect(statuses.at(-1)).toMatchObject({ state: 'failing', problem: expect.stringContaining('no room') }),
    WAIT,
  );
});

test('pools are found among the mounts; without any the collector waits for them', async () => {
  const mount = pool('p');
  writeFileSync(join(mount, 'KVMHA/hb-10.0.0.1'), '1700000000\n');
  const mountinfo = join(folder, 'mountinfo');
  writeFileSync(
    mountinfo,
    `36 35 0:50 / ${mount} rw - nfs4 10.0.0.5:/e rw\n37 35 0:51 / ${folder}/none rw - nfs 10.0.0.5:/f rw\n`,
  );
  const found = collect('auto', { mountinfo });
  await found.collector.start();
  await vi.waitFor(() => expect(found.of('heartbeat-age')).toHaveLength(1), WAIT);
  expect(children()).toHaveLength(2);
  writeFileSync(mountinfo, '');
  const none = collect('auto', { mountinfo });
  await none.collector.start();
  expect(none.statuses.at(-1)).toMatchObject({ state: 'missing' });
});

test('shared file systems and what CloudStack mounts are pools; nothing else is', () => {
  const mountinfo = [
    '22 27 0:21 / /proc rw,relatime - proc proc rw',
    String.raw`40 27 0:41 / /srv/a\040b rw shared:1 - nfs4 10.0.0.5:/x rw`,
    '41 27 0:42 / /mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5 rw - ext4 /dev/vdb rw',
    '41 27 0:42 / /mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5 rw - ext4 /dev/vdb rw',
    '42 27 0:43 / /mnt/usb rw - ext4 /dev/vdc rw',
    '43 27 0:44 / /gl rw - fuse.glusterfs h:/v rw',
    '',
  ].join('\n');
  expect(poolMounts(mountinfo)).toEqual(['/srv/a b', '/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5', '/gl']);
});

test('a heartbeat that is never written again costs few lines, and more often at first', () => {
  const tell = createAgeTeller('/mnt/p/KVMHA');
  const ages = Array.from({ length: 400 }, (_, second) => tell([{ name: 'hb-a', writtenAt: 0 }], second * 1000))
    .join('')
    .match(/(?<="age_ms":)\d+/g)
    ?.map(Number);
  expect(ages).toEqual([0, 90_000, 113_000, 142_000, 178_000, 223_000, 279_000, 349_000]);
});
