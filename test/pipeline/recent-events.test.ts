import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Interval } from '../../src/pipeline/interval.ts';
import { createRecentEvents } from '../../src/pipeline/recent-events.ts';
import type { StoredEvent } from '../../src/store/rows.ts';

function eventAt(at: number, offset: number): StoredEvent {
  const file = { host: 'kvm-a', source: 'libvirtd', path: 'libvirtd.log', vm: null } as const;
  return {
    cluster: 'c1',
    fileId: 'f',
    n: 0,
    event: { at, body: { kind: 'daemon-started' } as never, origin: { file, offset, line: 1, text: '' } as never },
  };
}

function offsets(events: readonly StoredEvent[]): readonly number[] {
  return events.map(({ event }) => event.origin.offset).toSorted((a, b) => a - b);
}

test('memory and store together tell of every event, whatever was dropped from memory', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(times, fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 300 }), async (ats, from, length) => {
      const stored: StoredEvent[] = [];
      const within = ({ from: first, to }: Interval) => stored.filter(({ event }) => event.at >= first && event.at <= to);
      const recent = createRecentEvents({
        cluster: 'c1',
        max: 20,
        known: { events: [], from: Number.NEGATIVE_INFINITY },
        read: (_, intervals) => Promise.resolve(intervals.flatMap(within)),
      });
      for (const [i, at] of ats.entries()) {
        stored.push(eventAt(at, i));
        recent.add(stored.slice(-1));
        expect(recent.size()).toBeLessThanOrEqual(20);
      }
      const asked = { from, to: from + length };
      expect(offsets(await recent.within([asked]))).toEqual(offsets(within(asked)));
    }),
  );
});

test('an event that comes again is there once', async () => {
  const recent = createRecentEvents({
    cluster: 'c1',
    max: 10,
    known: { events: [eventAt(5, 1)], from: 0 },
    read: () => Promise.reject(new Error('no store')),
  });
  recent.add([eventAt(5, 1), eventAt(5, 1)]);
  expect(await recent.within([{ from: 0, to: 10 }])).toHaveLength(1);
});

test('a record that comes again and says more takes the place of what it said before', async () => {
  const recent = createRecentEvents({
    cluster: 'c1',
    max: 10,
    known: { events: [eventAt(5, 1)], from: 0 },
    read: () => Promise.reject(new Error('no store')),
  });
  const before = eventAt(5, 1);
  const longer = { ...before, event: { ...before.event, origin: { ...before.event.origin, text: 'longer' } } };
  recent.add([longer]);
  expect(await recent.within([{ from: 0, to: 10 }])).toEqual([longer]);
});

test('many events of one moment are all kept or all read from the store', async () => {
  const stored = Array.from({ length: 30 }, (_, i) => eventAt(7, i));
  const recent = createRecentEvents({
    cluster: 'c1',
    max: 10,
    known: { events: [], from: Number.NEGATIVE_INFINITY },
    read: () => Promise.resolve(stored),
  });
  recent.add(stored);
  expect(await recent.within([{ from: 7, to: 7 }])).toHaveLength(30);
});
