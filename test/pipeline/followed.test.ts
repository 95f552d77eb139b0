import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { merge } from '../merged.ts';
import { recordings } from '../recording.ts';
import { arrivalsOf, falseAlarms, followed, late, type Arrival, type Course } from './in-time.ts';
import { analysedOf } from './told.ts';

/** In which ways the lines of a recording come. */
const WAYS = ['as they are written', 'the source a little late', 'the destination a little late', 'killed five times'] as const;
type Way = (typeof WAYS)[number];

async function cameBy(folder: string, way: Way): Promise<Course> {
  const arrivals = await arrivalsOf(folder);
  if (way === 'the source a little late') return followed(late(arrivals, 'kvm-a'));
  if (way === 'the destination a little late') return followed(late(arrivals, 'kvm-b'));
  if (way === 'as they are written') return followed(arrivals);
  const [first, last] = [arrivals[0]?.at ?? 0, arrivals.at(-1)?.at ?? 0];
  return followed(
    arrivals,
    [0.2, 0.4, 0.6, 0.8, 1].map((part) => first + part * (last - first)),
  );
}

/** Dangers that were real when people were told of them, and passed: a guest in two parts until the rest was copied, one that calmed down, or was throttled. */
const PASSED: Readonly<Partial<Record<string, readonly string[]>>> = {
  'libvirt-9.0/post-copy-taken-up': ['split-brain-risk i-2-511-VM'],
  'libvirt-9.0/auto-converge-strong': ['not-converging i-8-262-VM'],
  'libvirt-9.0/dirty-rate-falls': ['not-converging i-5-802-VM'],
  'libvirt-9.0/post-copy-ended-unattended': ['split-brain-risk i-2-561-VM'],
};

/** Recordings in which something looked wrong for a moment. */
const DOUBTFUL = [
  ['libvirt-9.0/one-after-another', 'as they are written'],
  ['libvirt-9.0/two-one-destination-died', 'the destination a little late'],
  ['libvirt-9.0/post-copy-destination-died', 'as they are written'],
  ['libvirt-7.0/monitored-not-converging-cancelled', 'the source a little late'],
] as const satisfies readonly (readonly [string, Way])[];

/** Each recording in one of the ways. */
const all = recordings().map(({ name }, i): readonly [string, Way] => [name, WAYS[i % WAYS.length] ?? WAYS[0]]);

test.each([...all, ...DOUBTFUL])(
  '%s, %s: people are told what holds, and in the end it is what analyze tells',
  async (name, way) => {
    const folder = `recordings/${name}`;
    const course = await cameBy(folder, way);
    expect({ migrations: course.migrations, findings: course.findings }).toEqual(await analysedOf(folder));
    expect(falseAlarms(course).filter((alarm) => PASSED[name]?.includes(alarm) !== true)).toEqual([]);
  },
  60_000,
);

/** A healthy migration of i-2-31-VM of whose destination nothing is heard but its addresses, so many minutes after it began. */
function onlyAddressesAfter(minutes: number): string {
  const folder = healthyAnd({});
  rmSync(join(folder, 'hosts/kvm-b'), { recursive: true });
  mkdirSync(join(folder, 'hosts/kvm-c'), { recursive: true });
  const at = new Date(Date.parse('2026-11-23T04:54:43Z') + minutes * 60_000).toISOString();
  const fact = (address: string): string => `${JSON.stringify({ at, name: 'address.cloudbr0', value: address })}\n`;
  for (const [host, address] of [
    ['kvm-b', '10.77.0.2 fd00::2'],
    ['kvm-c', '10.77.0.3'],
  ] as const) {
    mkdirSync(join(folder, 'hosts', host), { recursive: true });
    appendFileSync(join(folder, 'hosts', host, 'host-facts.jsonl'), fact(address));
  }
  return folder;
}

/** A healthy migration of i-2-31-VM to kvm-b, with more lines of kvm-b than were recorded. */
function healthyAnd(more: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-followed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync('recordings/libvirt-9.0/healthy', folder, { recursive: true });
  for (const [path, text] of Object.entries(more)) appendFileSync(join(folder, 'hosts/kvm-b/var/log', path), text);
  return folder;
}

const BOOTED = {
  messages:
    '2026-11-23T05:40:31.118204+00:00 kvm-b kernel: [    0.000000] Linux version 6.1.0-41-amd64 (debian-kernel@lists.debian.org)\n',
};

describe('what is told of a host an hour after a migration', () => {
  const hourLater = Date.parse('2026-11-23T05:40:00Z');
  const isLater = ({ at }: Arrival): boolean => at >= hourLater;

  test('tells where its VMs are', async () => {
    const folder = healthyAnd(BOOTED);
    const arrivals = await arrivalsOf(folder);
    const began = arrivals[0]?.at ?? 0;
    const { migrations } = await followed(arrivals.map((one) => (isLater(one) ? { ...one, at: began + 60_000 } : one)));
    expect(migrations[0]?.after).toContainEqual(expect.objectContaining({ host: 'kvm-b', state: 'absent' }));
    expect(migrations).toEqual((await analysedOf(folder)).migrations);
  });

  test('counts where the lines of the migration come later', async () => {
    const folder = healthyAnd(BOOTED);
    const arrivals = await arrivalsOf(folder);
    const began = arrivals[0]?.at ?? 0;
    const reversed = arrivals.map((one) => (isLater(one) ? { ...one, at: began - 5000 } : one));
    const { migrations } = await followed(reversed.toSorted((a, b) => a.at - b.at));
    expect(migrations).toEqual((await analysedOf(folder)).migrations);
  });
});

test.each(['cpu-incompatible', 'missing-garp', 'split-brain', 'storage-spike'])(
  '%s, read a day later: it is told as analyze tells it, and alarms nobody',
  async (name) => {
    const folder = `recordings/libvirt-9.0/${name}`;
    const arrivals = await arrivalsOf(folder);
    const began = arrivals[0]?.at ?? 0;
    const { migrations, findings, notifications } = await followed(
      arrivals.map((one) => ({ ...one, at: began + 86_400_000 + (one.at - began) / 100 })),
    );
    expect({ migrations, findings }).toEqual(await analysedOf(folder));
    expect(notifications).toEqual([]);
  },
);

describe('a host that one source calls by its domain', () => {
  /** What QEMU and libvirt of kvm-b write is of kvm-b.example.com, as a shipper calls it. */
  function withDomain(arrivals: readonly Arrival[]): readonly Arrival[] {
    return arrivals.map((one) => {
      const { header } = one.chunk;
      const is = header.host === 'kvm-b' && header.source.startsWith('libvirt');
      return is ? { ...one, chunk: { ...one.chunk, header: { ...header, host: 'kvm-b.example.com' } } } : one;
    });
  }

  const names = ['cpu-incompatible', 'missing-garp', 'split-brain', 'storage-spike', 'two-one-destination-died'];

  test.each(names)('%s: is one', async (name) => {
    const folder = `recordings/libvirt-9.0/${name}`;
    const course = await followed(withDomain(await arrivalsOf(folder)));
    expect({ migrations: course.migrations, findings: course.findings }).toEqual(await analysedOf(folder));
  });

  test.each(names)(
    '%s: is one also where the other name comes an hour later, and the processor was killed before',
    async (name) => {
      const folder = `recordings/libvirt-9.0/${name}`;
      const arrivals = withDomain(await arrivalsOf(folder));
      const [first, last] = [arrivals[0]?.at ?? 0, arrivals.at(-1)?.at ?? 0];
      const hourLater = arrivals.map((one) =>
        one.host === 'kvm-b' && one.chunk.header.host === 'kvm-b' ? { ...one, at: one.at + 3_600_000 } : one,
      );
      const course = await followed(
        hourLater.toSorted((a, b) => a.at - b.at),
        [first + (last - first) / 2, last + 1_800_000],
      );
      expect({ migrations: course.migrations, findings: course.findings }).toEqual(await analysedOf(folder));
    },
  );
});

test.each([-180, -1, 90])('whose address it was is known from facts told %i minutes after it began', async (minutes) => {
  const folder = onlyAddressesAfter(minutes);
  const arrivals = await arrivalsOf(folder);
  const { migrations, findings } = await followed(arrivals, [arrivals[1]?.at ?? 0, (arrivals.at(-1)?.at ?? 0) - 1000]);
  expect(migrations).toMatchObject([{ source: 'kvm-a', destination: 'kvm-b', destinationAddress: '10.77.0.2' }]);
  expect({ migrations, findings }).toEqual(await analysedOf(folder));
});

describe('a guest that arrived paused and is resumed twenty minutes later', () => {
  const ARP =
    '1e:00:4d:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.77.0.2 tell 10.77.0.1, length 28';
  const RARP =
    '02:00:58:88:00:58 > ff:ff:ff:ff:ff:ff, ethertype Reverse ARP (0x8035), length 60: Reverse Request who-is 02:00:58:88:00:58 tell 02:00:58:88:00:58, length 46';

  function resumedLater(frame: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'precopy-paused-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync('recordings/libvirt-11.3/missing-garp', folder, { recursive: true });
    appendFileSync(
      join(folder, 'hosts/kvm-b/virsh-event.log'),
      [
        "2026-11-23 21:29:27.714+0000: event 'lifecycle' for domain 'i-2-88-VM': Suspended Paused",
        "2026-11-23 21:49:27.571+0000: event 'lifecycle' for domain 'i-2-88-VM': Resumed Unpaused",
        '',
      ].join('\n'),
    );
    const frames = [
      `2026-11-23 21:49:10.000000 ${ARP}`,
      `2026-11-23 21:49:27.700000 ${frame}`,
      `2026-11-23 21:49:55.000000 ${ARP}`,
      '',
    ];
    appendFileSync(join(folder, 'switch/tcpdump.log'), frames.join('\n'));
    return folder;
  }

  test.each([
    ['announced', RARP, []],
    ['not announced', ARP, ['missing-garp']],
  ] as const)('is %s then', async (_, frame, found) => {
    const folder = resumedLater(frame);
    const arrivals = await arrivalsOf(folder);
    const { migrations, findings } = await followed(arrivals, [(arrivals.at(-1)?.at ?? 0) + 30_000]);
    expect(findings.filter(({ severity }) => severity !== 'info').map(({ detector }) => detector)).toEqual(found);
    expect({ migrations, findings }).toEqual(await analysedOf(folder));
  });
});

describe('a heartbeat over an hour', () => {
  const POOL = '9534216b-f021-4caa-b6b4-f5b133751716';
  const BEGAN = Date.parse('2026-11-23T03:54:00Z');
  const iso = (second: number): string => new Date(BEGAN + second * 1000).toISOString();
  const path = `/mnt/${POOL}/KVMHA/hb-10.77.0.1`;

  /** Quick writes every second that become slower from minute to minute, but for those that hang. */
  function heartbeat(hanging: ReadonlyMap<number, number>): string {
    let until = 0;
    return Array.from({ length: 3600 }, (_, second) => {
      if (second < until) return '';
      const latencyMs = hanging.get(second) ?? 2 + Math.floor(second / 300) + (second % 7);
      until = second + latencyMs / 1000;
      return `${JSON.stringify({ at: iso(second), path, latency_ms: latencyMs, error: null })}\n`;
    }).join('');
  }

  function writing(hanging: ReadonlyMap<number, number>): string {
    const folder = healthyAnd({});
    writeFileSync(join(folder, 'hosts/kvm-a/heartbeat.jsonl'), heartbeat(hanging));
    return folder;
  }

  test('is usual as it was before each hang, live and afterwards', async () => {
    const folder = writing(
      new Map([
        [20, 3000],
        [700, 4000],
        [2000, 20_000],
        [3500, 2000],
      ]),
    );
    const { findings } = await followed(await arrivalsOf(folder));
    const told = findings.filter(({ detector }) => detector === 'storage-heartbeat-spike');
    expect(told.map(({ summary }) => /usually (\S+ ms)/.exec(summary)?.[1] ?? '').toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      '10 ms',
      '16 ms',
      '4 ms',
      '6 ms',
    ]);
    expect(findings).toEqual((await analysedOf(folder)).findings);
  });
});

test('that memory crosses in plain TCP is said once of two hosts, by the first VM that moved, whichever way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-plain-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const at = Date.UTC(2026, 10, 27, 12);
  merge(folder, [
    { folder: 'recordings/libvirt-9.0/healthy', at, vms: 1, swapped: true },
    { folder: 'recordings/libvirt-9.0/small-set', at: at + 3_600_000, vms: 2 },
    { folder: 'recordings/libvirt-11.3/healthy', at: at + 7_200_000, vms: 3, swapped: true },
  ]);
  const { findings } = await followed(await arrivalsOf(folder), [at + 5_400_000]);
  expect(findings.filter(({ detector }) => detector === 'unencrypted-stream')).toMatchObject([
    { host: 'kvm-a', vm: 'i-21-31-VM' },
  ]);
  expect(findings).toEqual((await analysedOf(folder)).findings);
});

describe('what two collectors send of one host', () => {
  const twoHangs = 'recordings/libvirt-9.0/storage-spike';

  test('is told once where both read the same files', async () => {
    const arrivals = await arrivalsOf(twoHangs);
    const shipped = arrivals.map((one) => {
      const { header, bytes } = one.chunk;
      return { ...one, at: one.at + 700, chunk: { bytes, header: { ...header, fileId: `shipped ${header.fileId}` } } };
    });
    const course = await followed([...arrivals, ...shipped].toSorted((a, b) => a.at - b.at));
    expect({ migrations: course.migrations, findings: course.findings }).toEqual(await analysedOf(twoHangs));
    expect(falseAlarms(course)).toEqual([]);
  });
});
