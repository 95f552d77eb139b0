import { describe, expect, test } from 'vitest';
import type { Event, EventBody } from '../../src/model/event.ts';
import type { Source } from '../../src/model/source.ts';
import type { Announcement } from '../../src/model/timeline.ts';
import { announcementOf, doubtOf, observersOf } from '../../src/timeline/announce.ts';
import type { HostClock } from '../../src/timeline/clock.ts';
import { NO_COUNTERS } from '../../src/parsers/no-counters.ts';
import { estimateSkews } from '../../src/timeline/skew.ts';

const MAC = '02:00:00:00:00:01';
const VM = 'i-2-1-VM';

/** An event at a second by its host's own clock. */
function at(host: string, seconds: number, body: EventBody): Event {
  const source: Source = body.kind === 'announced' || body.kind === 'frame-seen' ? 'tcpdump' : 'libvirt-qemu';
  const file = { host, source, path: `${host}/${source}`, vm: null };
  return { body, at: seconds * 1000, origin: { file, line: 1, offset: 0, text: '', messageAt: 0, written: '' } };
}

const requested = (vm = VM): EventBody => ({
  kind: 'migrate-requested',
  vm,
  address: '10.0.0.2',
  transport: 'tcp',
  uuid: null,
  macs: [MAC],
  cpu: null,
});
const initiated = (vm = VM): EventBody => ({ kind: 'migrate-initiated', vm, resumed: false });
const incoming = (vm = VM): EventBody => ({
  kind: 'domain-started',
  vm,
  incoming: true,
  libvirtVersion: null,
  qemuVersion: null,
  hostname: null,
  uuid: null,
  macs: [MAC],
  machine: null,
  cpu: null,
  memoryBytes: null,
});
const prepared = (vm = VM): EventBody => ({ kind: 'destination-prepared', vm });
const refused = (vm = VM): EventBody => ({ kind: 'migrate-error', vm, text: 'unable to connect to server' });
const migrated = (vm = VM): EventBody => ({ kind: 'domain-stopped', vm, reason: 'migrated' });
const failed = (vm = VM): EventBody => ({ kind: 'domain-stopped', vm, reason: 'failed' });
const rarp: EventBody = { kind: 'announced', mac: MAC, how: 'rarp' };
const frame: EventBody = { kind: 'frame-seen', mac: MAC };

function skewOf(events: readonly Event[], host: string): number {
  return Math.round((estimateSkews(events).get(host)?.skewMs ?? Number.NaN) / 1000);
}

/** A migration from kvm-a to kvm-b whose switchover is at second 10, by clocks that are ahead by so many seconds. */
function moved({ a = 0, b = 0 }: { readonly a?: number; readonly b?: number }): readonly Event[] {
  return [at('kvm-b', 0 + b, incoming()), at('kvm-a', 0.3 + a, initiated()), at('kvm-a', 11 + a, migrated())];
}

describe('clock skew', () => {
  test.each([7, -7, 95, -95])('of %d s is known from a migration that was begun', (b) => {
    expect(skewOf(moved({ b }), 'kvm-b')).toBe(b);
  });

  test.each([3600, -7200, 19_800])('of a zone (%d s) is known, too: a clock was set to local time', (b) => {
    expect(skewOf(moved({ b }), 'kvm-b')).toBe(b);
  });

  test('is not made of two migrations, by way of a host without logs, forty minutes apart', () => {
    expect(estimateSkews(moved({ b: 2400 })).size).toBe(0);
  });

  test.each([7, -7, 95, -95])('of %d s is known from a migration that failed before it began', (b) => {
    expect(skewOf([at('kvm-a', 0, requested()), at('kvm-b', 0.1 + b, incoming())], 'kvm-b')).toBe(b);
  });

  test.each([7, 95, -95])('of %d s is known where libvirt refused before it started a QEMU', (b) => {
    expect(skewOf([at('kvm-b', b, prepared()), at('kvm-a', 0.3, requested())], 'kvm-b')).toBe(b);
  });

  test("of a destination that starts after the client's error is known from that", () => {
    expect(skewOf([at('kvm-b', 95, incoming()), at('kvm-b', 95.4, failed()), at('kvm-a', 0.3, refused())], 'kvm-b')).toBe(95);
  });

  test('is none where the order of events allows that', () => {
    expect(skewOf([at('kvm-b', 0, incoming()), at('kvm-a', 4, initiated())], 'kvm-b')).toBe(0);
    expect(skewOf([at('kvm-a', 0, requested()), at('kvm-b', 5, incoming())], 'kvm-b')).toBe(0);
    expect(skewOf([at('kvm-b', 0, prepared()), at('kvm-a', 8, requested())], 'kvm-b')).toBe(0);
    expect(skewOf([at('kvm-b', 0, incoming()), at('kvm-b', 130, failed()), at('kvm-a', 130, refused())], 'kvm-b')).toBe(0);
  });

  test('is not concluded from an attempt that was refused and the start of the next, which lives', () => {
    const skews = (...events: readonly Event[]): number => estimateSkews(events).size;
    expect(skews(at('kvm-a', 0, refused()), at('kvm-b', 19, incoming()))).toBe(0);
    expect(skews(at('kvm-a', 0, requested()), at('kvm-a', 0.3, refused()), at('kvm-b', 19, incoming()))).toBe(0);
  });

  test('is none where retries follow each other', () => {
    const retries = [0, 60, 120].flatMap((s) => [at('kvm-a', s, requested()), at('kvm-b', s + 0.1, incoming())]);
    expect(skewOf(retries, 'kvm-b')).toBe(0);
  });

  test('that explains all retries is not given up for one that explains some', () => {
    const retries = [0, 15, 45].flatMap((s) => [at('kvm-b', s + 15, incoming()), at('kvm-a', s + 0.3, initiated())]);
    expect(skewOf(retries, 'kvm-b')).toBe(15);
  });

  test('is none where disks are copied between the start and the memory stream', () => {
    expect(skewOf([at('kvm-a', 0, requested()), at('kvm-b', 0.1, incoming()), at('kvm-a', 180, initiated())], 'kvm-b')).toBe(0);
  });

  test('is none where a job copies disks, by its statistics', () => {
    const copying: EventBody = {
      kind: 'job-sample',
      vm: VM,
      monitor: null,
      direction: 'outgoing',
      status: null,
      ...NO_COUNTERS,
      elapsedMs: 178_000,
    };
    const events = [at('kvm-b', 0.1, incoming()), at('kvm-a', 178, copying), at('kvm-a', 180, initiated())];
    expect(skewOf(events, 'kvm-b')).toBeNaN();
  });

  test.each([95, -95])('of %d s is known where disks are copied, too', (b) => {
    const events = [at('kvm-a', 0, requested()), at('kvm-b', 0.1 + b, incoming()), at('kvm-a', 180, initiated())];
    expect(skewOf(events, 'kvm-b')).toBe(b);
  });

  test('is not made of requests hours apart', () => {
    expect(estimateSkews([at('kvm-a', 0, requested()), at('kvm-b', 3600, incoming())]).size).toBe(0);
  });

  test.each([
    [{ a: 95 }, 'kvm-b'],
    [{ a: -95 }, 'kvm-b'],
    [{ b: 95 }, 'kvm-a'],
    [{ b: -95 }, 'kvm-a'],
  ])('of hosts ahead by %o is against %s, by whose clock the switch saw the RARP', (ahead, right) => {
    const skews = estimateSkews([...moved(ahead), at('switch', 10.1, rarp)]);
    expect(skews.get('kvm-a')?.against).toBe(right);
    expect(skews.get(right)).toMatchObject({ skewMs: 0, pairs: 0 });
    expect([...skews.values()].reduce((sum, { pairs }) => sum + pairs, 0)).toBe(1);
  });

  test('a capture on one of the hosts does not tell which clock is right', () => {
    expect(estimateSkews([...moved({ b: 95 }), at('kvm-b', 105, rarp)]).get('kvm-b')?.against).toBe('kvm-a');
  });
});

describe('an announcement where clocks differ', () => {
  const clock = (host: string, skewMs: number | null): HostClock => ({
    host,
    zone: 'UTC',
    zoneFrom: 'utc-only',
    skewMs,
    skewAgainst: skewMs === null ? null : 'kvm-a',
  });

  /** Announcement of an arrival on kvm-b at second 10 by kvm-a's clock, kvm-b's being ahead by so many seconds. */
  function judged(skew: number, seen: readonly Event[]): Announcement {
    const clocks = [clock('kvm-a', 0), clock('kvm-b', skew * 1000), clock('switch', null)];
    const doubt = doubtOf(clocks, ['kvm-a', 'kvm-b']);
    return announcementOf(
      { macs: [MAC], startedAt: 0, arrivedAt: 10_000, otherArrivals: [100_000], bystanders: new Set(), doubt },
      observersOf(seen, new Set()),
    );
  }
  const frames = (...seconds: readonly number[]): readonly Event[] => seconds.map((s) => at('switch', s, frame));

  test('counts by either clock', () => {
    // by kvm-a's clock the frame is nearer to the other arrival
    const seen = [...frames(-10), at('switch', 105.1, rarp), ...frames(150)];
    expect(judged(0, seen).state).toBe('no');
    expect(judged(95, seen)).toMatchObject({ state: 'yes', firstAt: 10_100, outageMs: 100 });
  });

  test('is missing if a capture that covers both moments has none', () => {
    expect(judged(95, frames(-10, 60, 150))).toMatchObject({ state: 'no', missing: [MAC], outageMs: null });
    expect(judged(-95, frames(-100, 60, 150)).state).toBe('no');
  });

  test('is unobserved if the capture covers one of the moments only', () => {
    expect(judged(95, frames(-10, 30)).state).toBe('unobserved');
    expect(judged(-95, frames(-10, 30)).state).toBe('unobserved');
    expect(judged(1, frames(-10, 30)).state).toBe('no');
  });

  test('is missing by a capture of one of the hosts, whichever clock is right', () => {
    const own = [-10, 30].map((s) => at('kvm-b', s, frame));
    expect(judged(95, own).state).toBe('no');
    expect(judged(95, [...own, ...frames(-10, 30)]).state).toBe('no');
  });
});
