import { describe, expect, test } from 'vitest';
import type { EventBody, ParsedEvent } from '../../src/model/event.ts';
import type { FileSpan, Span, Stamp } from '../../src/model/source.ts';
import { placeInTime, type ZoneSettings } from '../../src/timeline/clock.ts';
import { zoneNamed } from '../../src/timeline/zone.ts';

const NO_ZONES: ZoneSettings = { all: null, hosts: new Map() };

function stamp(text: string, clock: Stamp['clock'], missing: Stamp['missing'] = 'nothing'): Stamp {
  return { ms: Date.parse(`${text}Z`), clock, missing };
}

function event(host: string, time: Stamp, body: EventBody): ParsedEvent {
  const source = time.clock === 'utc' ? 'libvirt-qemu' : 'cloudstack-agent';
  return {
    body,
    stamp: time,
    origin: {
      file: { host, source, path: `${host}/${source}`, vm: null },
      line: 1,
      offset: time.ms,
      text: '',
      messageAt: 0,
      written: '',
    },
  };
}

function spans(events: readonly ParsedEvent[]): readonly Span[] {
  return events.flatMap(({ origin, stamp: time }) =>
    time === null ? [] : [{ host: origin.file.host, source: origin.file.source, first: time, last: time, modifiedAt: 0 }],
  );
}

function placed(events: readonly ParsedEvent[], zones = NO_ZONES) {
  return placeInTime(events, spans(events), zones);
}

const requested = (vm: string): EventBody => ({
  kind: 'migrate-requested',
  vm,
  address: '10.0.0.2',
  transport: 'tcp',
  uuid: null,
  macs: [],
  cpu: null,
});
const initiated = (vm: string): EventBody => ({ kind: 'migrate-initiated', vm, resumed: false });
const incoming = (vm: string): EventBody => ({
  kind: 'domain-started',
  vm,
  incoming: true,
  libvirtVersion: null,
  qemuVersion: null,
  hostname: null,
  uuid: null,
  macs: [],
  machine: null,
  cpu: null,
  memoryBytes: null,
});
const ended = (vm: string): EventBody => ({ kind: 'migrate-thread-ended', vm });

describe('the zone of local times', () => {
  test.each([
    ['2026-11-23T09:15:00', 'UTC+4:30'],
    ['2026-11-23T10:15:00', 'UTC+5:30'],
    ['2026-11-22T23:45:00', 'UTC-5'],
    ['2026-11-23T17:30:00', 'UTC+12:45'],
    ['2026-11-23T04:45:00', 'UTC'],
  ])('%s beside the same migration at 04:45 UTC is %s', (local, zone) => {
    const { clocks, events } = placed([
      event('kvm-a', stamp(local, 'local'), requested('i-2-1-VM')),
      event('kvm-a', stamp('2026-11-23T04:45:03', 'utc'), initiated('i-2-1-VM')),
    ]);
    expect(clocks).toMatchObject([{ host: 'kvm-a', zone, zoneFrom: 'same-migration' }]);
    expect(new Date(events[0]?.at ?? 0).toISOString()).toBe('2026-11-23T04:45:00.000Z');
  });

  test('one migration cannot mislead many', () => {
    const pairs = [1, 2, 3, 4].flatMap((day) => [
      event('kvm-a', stamp(`2026-11-0${day}T12:00:00`, 'local'), requested('i-2-1-VM')),
      event('kvm-a', stamp(`2026-11-0${day}T11:00:01`, 'utc'), initiated('i-2-1-VM')),
      // another migration of the same VM, some hours later, of which agent.log tells nothing
      event('kvm-a', stamp(`2026-11-0${day}T${12 + day}:00:01`, 'utc'), initiated('i-2-1-VM')),
    ]);
    expect(placed(pairs).clocks).toMatchObject([{ zone: 'UTC+1' }]);
  });

  test('daylight saving that ends between two migrations is followed', () => {
    const { clocks, events } = placed([
      event('kvm-a', stamp('2026-10-24T12:00:00', 'local'), requested('i-2-1-VM')),
      event('kvm-a', stamp('2026-10-24T10:00:01', 'utc'), initiated('i-2-1-VM')),
      event('kvm-a', stamp('2026-10-26T12:00:00', 'local'), requested('i-2-2-VM')),
      event('kvm-a', stamp('2026-10-26T11:00:01', 'utc'), initiated('i-2-2-VM')),
    ]);
    expect(clocks[0]?.zone).toBe('UTC+2 then UTC+1');
    expect(events.filter(({ body }) => body.kind === 'migrate-requested').map(({ at }) => new Date(at).getUTCHours())).toEqual([
      10, 11,
    ]);
  });

  test('logs of one short period fit one offset only', () => {
    const { clocks } = placed([
      event('kvm-a', stamp('2026-11-23T05:42:00', 'local'), ended('i-2-1-VM')),
      event('kvm-b', stamp('2026-11-23T04:42:30', 'utc'), initiated('i-3-9-VM')),
    ]);
    expect(clocks).toMatchObject([
      { host: 'kvm-a', zone: 'UTC+1', zoneFrom: 'same-period' },
      { host: 'kvm-b', zoneFrom: 'utc-only' },
    ]);
  });

  test('a host whose logs go on after the last in UTC has the zone of the others, where that fits', () => {
    const { clocks } = placed([
      event('kvm-a', stamp('2026-11-23T03:00:00', 'utc'), initiated('i-3-9-VM')),
      event('kvm-a', stamp('2026-11-23T04:42:00', 'local'), requested('i-2-1-VM')),
      event('kvm-a', stamp('2026-11-23T04:42:01', 'utc'), initiated('i-2-1-VM')),
      event('kvm-b', stamp('2026-11-23T04:30:00', 'local'), ended('i-2-7-VM')),
      event('kvm-b', stamp('2026-11-23T05:10:00', 'local'), { kind: 'host-booted', kernel: '6.1.0' }),
    ]);
    expect(clocks).toMatchObject([
      { host: 'kvm-a', zone: 'UTC', zoneFrom: 'same-migration' },
      { host: 'kvm-b', zone: 'UTC', zoneFrom: 'other-hosts' },
    ]);
  });

  test('a host of another zone than the others has the one in which its logs are of the same period', () => {
    const { clocks } = placed([
      event('kvm-a', stamp('2026-11-23T04:42:00', 'local'), requested('i-2-1-VM')),
      event('kvm-a', stamp('2026-11-23T04:42:01', 'utc'), initiated('i-2-1-VM')),
      event('kvm-b', stamp('2026-11-23T05:42:00', 'local'), ended('i-2-7-VM')),
    ]);
    expect(clocks[1]).toMatchObject({ host: 'kvm-b', zone: 'UTC+1', zoneFrom: 'same-period' });
  });

  test('where nothing tells, UTC is assumed and said to be', () => {
    expect(placed([event('kvm-a', stamp('2026-11-23T05:42:00', 'local'), ended('i-2-1-VM'))]).clocks).toMatchObject([
      { zone: 'UTC', zoneFrom: 'assumed' },
    ]);
  });

  test('the hour that comes twice is told apart by the order of the file', () => {
    const berlin = zoneNamed('Europe/Berlin');
    const zones: ZoneSettings = { all: berlin, hosts: new Map() };
    const times = [
      '2026-10-25T02:10:00',
      '2026-10-25T02:50:00',
      '2026-10-25T02:20:00',
      '2026-10-25T02:40:00',
      '2026-10-25T03:05:00',
    ];
    const { events } = placed(
      times.map((time) => event('kvm-a', stamp(time, 'local'), ended('i-2-1-VM'))),
      zones,
    );
    expect(events.map(({ at }) => new Date(at).toISOString().slice(11, 16))).toEqual([
      '00:10',
      '00:50',
      '01:20',
      '01:40',
      '02:05',
    ]);
  });
});

describe('an event alone in the hour that comes twice', () => {
  const zones: ZoneSettings = { all: zoneNamed('Europe/Berlin'), hosts: new Map() };
  const at = stamp('2026-10-25T02:30:00', 'local');
  const alone = event('kvm-a', at, ended('i-2-1-VM'));
  const { path, host, source } = alone.origin.file;

  /** The hour in UTC of the event, in a file of this period beside others. */
  function hourIn(span: Partial<FileSpan>, others: readonly FileSpan[] = []): number {
    const own: FileSpan = { path, host, source, first: at, last: at, modifiedAt: 0, ...span };
    return new Date(placeInTime([alone], [own, ...others], zones).events[0]?.at ?? 0).getUTCHours();
  }

  function utc(first: string, last: string): FileSpan {
    return { host: 'kvm-a', source: 'libvirtd', first: stamp(first, 'utc'), last: stamp(last, 'utc'), modifiedAt: 0 };
  }

  const offset = alone.origin.offset;
  const back = stamp('2026-10-25T02:00:00', 'local');
  const eve = stamp('2026-10-24T12:00:00', 'local');

  test.each([
    ['behind the step back', offset - 100, back, 1],
    ['that is the step back', offset, at, 1],
    ['before the step back', offset + 100, back, 0],
    ['after a step back of another night', offset - 100, stamp('2026-10-24T02:00:00', 'local'), 0],
  ])('%s', (...[, stepAt, time, hour]) => {
    expect(hourIn({ first: eve, stepsBack: [{ offset: stepAt, stamp: time }] })).toBe(hour);
  });

  test('is of the hour of the logs in UTC, where its file begins in it', () => {
    expect(hourIn({}, [utc('2026-10-25T01:25:00', '2026-10-25T01:31:00')])).toBe(1);
    expect(hourIn({}, [utc('2026-10-25T00:25:00', '2026-10-25T00:31:00')])).toBe(0);
  });

  test('is of the first where nothing tells', () => {
    expect(hourIn({})).toBe(0);
    expect(hourIn({}, [utc('2026-10-24T00:00:00', '2026-10-25T23:00:00')])).toBe(0);
    expect(hourIn({ first: eve }, [utc('2026-10-25T01:25:00', '2026-10-25T01:31:00')])).toBe(0);
  });
});

describe('a system log with records in UTC among its own', () => {
  const utc = stamp('2026-11-23T04:00:00', 'utc');
  const local = stamp('2026-11-23T05:00:01', 'local');
  const parsed = [event('kvm-a', utc, initiated('i-2-1-VM')), event('kvm-a', local, requested('i-2-1-VM'))];

  test.each([
    ['first', utc, local],
    ['last', local, utc],
    ['first and last', utc, utc],
  ])('%s: its local times have a zone', (_, first, last) => {
    const span = { host: 'kvm-a', source: 'journal', first, last, modifiedAt: 0 } as const;
    const { events, clocks } = placeInTime(parsed, [span], NO_ZONES);
    expect(clocks[0]).toMatchObject({ zone: 'UTC+1', zoneFrom: 'same-migration' });
    expect(events.map(({ at }) => new Date(at).toISOString())).toEqual(['2026-11-23T04:00:00.000Z', '2026-11-23T04:00:01.000Z']);
  });
});

describe('what a time leaves out', () => {
  test('the year comes from the nearest full time, over new year too', () => {
    const { events } = placed([
      event('kvm-a', { ...stamp('2000-12-31T23:59:00', 'local', 'year') }, ended('i-2-1-VM')),
      event('kvm-a', stamp('2027-01-01T00:01:00', 'utc'), initiated('i-2-2-VM')),
    ]);
    expect(new Date(events[0]?.at ?? 0).getUTCFullYear()).toBe(2026);
  });

  test('the date comes from the nearest full time', () => {
    const { events } = placed([
      event('switch', { ...stamp('2000-01-01T23:59:00', 'local', 'date') }, { kind: 'frame-seen', mac: '02:00:00:00:00:01' }),
      event('kvm-a', stamp('2026-11-23T00:01:00', 'utc'), initiated('i-2-2-VM')),
    ]);
    expect(new Date(events[0]?.at ?? 0).toISOString()).toBe('2026-11-22T23:59:00.000Z');
  });
});

describe('clock skew', () => {
  test('is estimated from both sides of migrations, and corrected', () => {
    const pairs = [0, 20, 40].flatMap((minute) => [
      event('kvm-a', stamp(`2026-11-23T04:${String(minute).padStart(2, '0')}:10`, 'utc'), initiated(`i-2-${minute}-VM`)),
      // kvm-b's clock is 30 s ahead: its QEMU seems to start after the source began
      event('kvm-b', stamp(`2026-11-23T04:${String(minute).padStart(2, '0')}:39.6`, 'utc'), incoming(`i-2-${minute}-VM`)),
    ]);
    const { clocks, events } = placed(pairs);
    expect(clocks).toMatchObject([
      { host: 'kvm-a', skewMs: 0 },
      { host: 'kvm-b', skewMs: 30_000, skewAgainst: 'kvm-a' },
    ]);
    expect(events[0]?.body.kind).toBe('domain-started');
  });

  test('of clocks that agree is 0', () => {
    const { clocks } = placed([
      event('kvm-b', stamp('2026-11-23T04:00:09.8', 'utc'), incoming('i-2-1-VM')),
      event('kvm-a', stamp('2026-11-23T04:00:10', 'utc'), initiated('i-2-1-VM')),
    ]);
    expect(clocks).toMatchObject([{ skewMs: 0 }, { skewMs: 0 }]);
  });
});
