import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsers } from '../../src/parsers/index.ts';
import { eventsBetween } from './events-between.ts';
import { fromEventRow, toEventRow, type StoredEvent } from '../../src/store/rows.ts';
import { createWriter } from '../../src/store/writer.ts';
import { STORES, type TemporaryStore } from './temporary-store.ts';

describe.each(STORES)('$name', ({ open }) => {
  const AT = Date.UTC(2026, 10, 23, 10);
  let temporary: TemporaryStore;

  beforeAll(async () => {
    temporary = await open();
  }, 60_000);
  afterAll(() => temporary.remove());

  /** Every event of every sample of every parser. */
  function everyEvent(): readonly StoredEvent[] {
    let offset = 0;
    return parsers.flatMap(({ source, rules }) =>
      rules.flatMap(({ samples }) =>
        samples.flatMap(({ record, events }) => {
          offset += 1000;
          const own = offset;
          return (Array.isArray(events) ? events : []).map((body, n): StoredEvent => ({
            cluster: 'c1',
            fileId: `f-${source}`,
            n,
            event: {
              body,
              at: AT + own,
              origin: {
                file: { host: 'kvm-a', source, path: `/log/${source}`, vm: own % 2000 === 0 ? 'i-2-10-VM' : null },
                line: own,
                offset: own,
                text: record.slice(0, 1000),
                messageAt: 3,
                written: '2026-11-23 10:00:00,000',
              },
            },
          }));
        }),
      ),
    );
  }

  it('every event comes back as it was written, once, and in order', async () => {
    const events = everyEvent();
    expect(events.length).toBeGreaterThan(150);
    const { store } = temporary;
    const writer = createWriter(store);
    await writer.writeBatch({ chunks: [], events: events.toReversed() });
    await writer.writeBatch({ chunks: [], events });
    const found = await eventsBetween(store, { cluster: 'c1', from: AT, to: AT + 100_000_000 });
    expect(found).toEqual(events);
  });

  it('a row and back is the event', () => {
    for (const event of everyEvent()) expect(fromEventRow(toEventRow(event))).toEqual(event);
  });

  it('a period has its beginning, and not its end', async () => {
    const events = everyEvent();
    const { store } = temporary;
    const from = events[3]?.event.at ?? 0;
    const to = events[9]?.event.at ?? 0;
    const found = await eventsBetween(store, { cluster: 'c1', from, to });
    expect(found).toEqual(events.filter(({ event }) => event.at >= from && event.at < to));
    expect(await eventsBetween(store, { cluster: 'c2', from, to })).toEqual([]);
  });

  it('half a character comes back as U+FFFD, and stops nothing', async () => {
    const [first] = everyEvent();
    if (first === undefined) throw new Error('no events');
    const { event } = first;
    const cut = { ...first, cluster: 'cut', event: { ...event, origin: { ...event.origin, text: 'x\ud83d' } } };
    const { store } = temporary;
    await createWriter(store).writeBatch({ chunks: [], events: [cut] });
    const [found] = await eventsBetween(store, { cluster: 'cut', from: 0, to: AT * 2 });
    expect(found?.event.origin.text).toBe('x\ufffd');
  });
});
