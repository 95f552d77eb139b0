import { describe, expect, test } from 'vitest';
import type { CollectorReport, Event, EventBody } from '../../src/model/event.ts';
import type { Announcement } from '../../src/model/timeline.ts';
import { announcementOf, observersOf } from '../../src/timeline/announce.ts';

const MAC = '02:00:00:00:00:0a';
const ARRIVED_S = 1000;

function event(seconds: number, place: string, body: EventBody): Event {
  const [host = '', path = ''] = place.split('/');
  const file = { host, source: body.kind === 'collector-report' ? ('collector' as const) : ('tcpdump' as const), path, vm: null };
  return { at: seconds * 1000, body, origin: { file, line: 1, offset: seconds, text: '', messageAt: 0, written: '' } };
}

function said(seconds: number, state: CollectorReport['state'] = 'listening', name = 'cloudbr0'): Event {
  return event(seconds, `kvm-b/collector:arp:${name}`, { kind: 'collector-report', collector: `arp:${name}`, state, text: '' });
}

function frame(seconds: number, name = 'cloudbr0', host = 'kvm-b'): Event {
  return event(seconds, `${host}/tcpdump:${name}`, { kind: 'frame-seen', mac: MAC });
}

/** What is concluded of an arrival at second 1000, of which nothing was heard. */
function judged(...events: readonly Event[]): Announcement {
  const sorted = events.toSorted((a, b) => a.at - b.at);
  const arrival = {
    macs: [MAC],
    startedAt: 990_000,
    arrivedAt: ARRIVED_S * 1000,
    otherArrivals: [],
    bystanders: new Set<string>(),
  };
  return announcementOf({ ...arrival, doubt: { laterMs: [], compared: new Set() } }, observersOf(sorted, new Set()));
}

describe('an observer that says that it listens', () => {
  test('has listened between two such words, though it heard nothing', () => {
    const marks = [said(970), said(1030)];
    const silence = judged(frame(1), ...marks);
    expect(silence).toMatchObject({ state: 'no', missing: [MAC], because: 'kvm-b listened and saw none' });
    expect(silence.evidence).toEqual([frame(1), ...marks]);
  });

  test.each([
    ['the word after has not come yet', [said(910), said(970)]],
    ['the words are too far apart', [said(960), said(1030)]],
    ['the second word came before an announcement is over', [said(960), said(1010)]],
    ['it failed in between', [said(970), said(990, 'failing'), said(1030)]],
    ['it stopped in between', [said(970), said(990, 'stopped'), said(1030)]],
    ['its interface was gone in between', [said(970), said(990, 'missing'), said(1030)]],
    [
      'it was killed and started anew in between',
      [said(970), said(1005, 'starting'), said(1005, 'running'), said(1006), said(1030)],
    ],
    ['another interface was listened on', [said(970, 'listening', 'cloudbr1'), said(1030, 'listening', 'cloudbr1')]],
    [
      'the failing one was on the network of the address',
      [said(970), said(990, 'failing'), said(1030), said(970, 'listening', 'cloudbr1'), said(1030, 'listening', 'cloudbr1')],
    ],
    [
      'only another collector says anything',
      [
        event(970, 'kvm-b/collector:virsh', { kind: 'collector-report', collector: 'virsh', state: 'listening', text: '' }),
        event(1030, 'kvm-b/collector:virsh', { kind: 'collector-report', collector: 'virsh', state: 'listening', text: '' }),
      ],
    ],
  ])('proves nothing where %s', (_, words) => {
    expect(judged(frame(1), ...words).state).toBe('unobserved');
  });

  test('does not lend its word to frames before and after: it may have been away', () => {
    expect(judged(frame(980), frame(1060), said(940), said(950, 'stopped'), said(1050), said(1070)).state).toBe('unobserved');
    expect(judged(frame(980), frame(1060)).state).toBe('no');
  });

  test('watches the network of its bridge: the address was heard on one of that name on another host', () => {
    expect(judged(frame(1, 'cloudbr0', 'kvm-a'), said(970), said(1030)).state).toBe('no');
    expect(judged(frame(1, 'cloudbr1', 'kvm-a'), said(970), said(1030)).state).toBe('unobserved');
  });

  test('goes on listening through words that it runs', () => {
    expect(judged(frame(1), said(970), said(985, 'running'), said(1030)).state).toBe('no');
  });

  test('still tells of what it heard', () => {
    const rarp = event(1000.1, 'kvm-b/tcpdump:cloudbr0', { kind: 'announced', mac: MAC, how: 'rarp' });
    expect(judged(frame(1), rarp, said(970), said(1030))).toMatchObject({ state: 'yes', firstAt: 1_000_100 });
  });
});
