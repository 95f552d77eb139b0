import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Stamp } from '../../src/model/source.ts';
import { createZoneCache, instantsOf } from '../../src/pipeline/instant.ts';
import { fixedZone } from '../../src/timeline/zone.ts';

const READ_AT = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

function local(ms: number): Stamp {
  return { ms, clock: 'local', missing: 'nothing' };
}

test('a time in UTC is what it says, whatever the zone', () => {
  const zone = createZoneCache().zone('Asia/Kolkata');
  fc.assert(
    fc.property(fc.integer({ min: READ_AT - 399 * DAY_MS, max: READ_AT + DAY_MS }), (ms) => {
      expect(instantsOf([{ ms, clock: 'utc', missing: 'nothing' }], zone, READ_AT)).toEqual([ms]);
    }),
  );
});

test('local times of every zone are those of the zone without a memory', () => {
  const ats = fc.array(fc.integer({ min: READ_AT - 300 * DAY_MS, max: READ_AT }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Australia/Adelaide', 'Asia/Kolkata'), ats, (name, all) => {
      const once = all.map((ms) => instantsOf([local(ms)], createZoneCache().zone(name), READ_AT));
      const cache = createZoneCache();
      expect(all.map((ms) => instantsOf([local(ms)], cache.zone(name), READ_AT))).toEqual(once);
    }),
  );
});

test('the same chunk read again gives the same instants', () => {
  const ats = fc.array(fc.integer({ min: Date.UTC(2026, 9, 25, 0), max: Date.UTC(2026, 9, 25, 5) }), { maxLength: 30 });
  const cache = createZoneCache();
  fc.assert(
    fc.property(ats, (all) => {
      const read = (): readonly (number | null)[] =>
        instantsOf(all.map(local), cache.zone('Europe/Berlin'), Date.UTC(2026, 9, 25, 4));
      expect(read()).toEqual(read());
    }),
  );
});

test.each([
  ['of 1970', Date.UTC(1970, 0, 1)],
  ['of 2100', Date.UTC(2100, 0, 1)],
  ['that is no number', Number.NaN],
])('a time %s is none', (_what, ms) => {
  expect(instantsOf([local(ms)], fixedZone(0), READ_AT)).toEqual([null]);
});

test('a record without a time has that of its reading', () => {
  expect(instantsOf([null], fixedZone(0), READ_AT)).toEqual([READ_AT]);
});

test('a zone that nobody knows is UTC, and any number of them is forgotten again', () => {
  const cache = createZoneCache();
  for (let i = 0; i < 5000; i += 1) expect(cache.zone(`Forged/${i}`).offsetsMs(READ_AT)).toEqual([0]);
  expect(cache.zone('Asia/Kolkata').offsetsMs(READ_AT)).toEqual([19_800_000]);
});

describe('the hour that comes twice', () => {
  /** In Berlin clocks went back from 03:00 to 02:00 at this moment. */
  const back = Date.UTC(2026, 9, 25, 1);
  const zone = createZoneCache().zone('Europe/Berlin');
  const halfPastTwo = local(Date.UTC(2026, 9, 25, 2, 30));
  const [first, second] = [back - 30 * 60_000, back + 30 * 60_000];

  test.each([
    ['the first, read as it was written', first + 1000, first],
    ['the second, read as it was written', second + 1000, second],
    // a chunk means the same whatever came before it: docs/configuration.md says so
    ['read a day later, without anything before it', back + DAY_MS, first],
  ])('is %s', (_what, observedAt, at) => {
    expect(instantsOf([halfPastTwo], zone, observedAt)).toEqual([at]);
  });

  test('is the second, read a day later, behind a record of the first that stands later in it', () => {
    const stamps = [local(Date.UTC(2026, 9, 25, 2, 50)), halfPastTwo];
    expect(instantsOf(stamps, zone, back + DAY_MS)).toEqual([first + 20 * MINUTE_MS, second]);
  });

  /** A record every minute, so many minutes from when clocks went back, as the host writes it. */
  function written(from: number, to: number): readonly { readonly at: number; readonly stamp: Stamp }[] {
    return Array.from({ length: to - from }, (_, n) => {
      const at = back + (from + n) * MINUTE_MS;
      return { at, stamp: local(at + (at < back ? 2 : 1) * 3_600_000) };
    });
  }

  test.each([
    ['both hours, from before the first', -90, 33, 33],
    ['both hours, from within the first', -30, 45, 45],
    ['the first, of which some minutes are as of now', -35, -5, 32],
    ['the second, for more minutes than a piece waits', 5, 25, 25],
    ['the second, which is over', 45, 70, 70],
    ['the second, minutes late', 20, 21, 30],
    ['the first and what was before, an hour late', -75, -49, 11],
    ['the second and what followed, a day later', 45, 200, 1440],
  ])('is told by all that a chunk holds: %s', (_what, ...[from, to, readAt]) => {
    const records = written(from, to);
    const stamps = records.map(({ stamp }) => stamp);
    expect(instantsOf(stamps, zone, back + readAt * MINUTE_MS)).toEqual(records.map(({ at }) => at));
  });

  test('is one where records of several threads stand out of order', () => {
    const clocks = [0, 3000, 1000, 4000];
    const stamps = clocks.map((ms) => local(Date.UTC(2026, 9, 25, 2, 30) + ms));
    expect(instantsOf(stamps, zone, second + 5000)).toEqual(clocks.map((ms) => second + ms));
    expect(instantsOf(stamps, zone, first + 5000)).toEqual(clocks.map((ms) => first + ms));
  });

  test('is the second where a record of what followed stands before one of it', () => {
    const stamps = [local(Date.UTC(2026, 9, 25, 3)), local(Date.UTC(2026, 9, 25, 2, 59, 59, 990))];
    const three = back + 60 * MINUTE_MS;
    expect(instantsOf(stamps, zone, three + 1000)).toEqual([three, three - 10]);
  });

  test('is told of each night, where a chunk holds two', () => {
    const lastYear = Date.UTC(2025, 9, 26, 1);
    const ats = [lastYear - 20 * MINUTE_MS, lastYear + 20 * MINUTE_MS, first, second - 5 * MINUTE_MS];
    const stamps = ats.map((at) => local(at + (at < lastYear || at === first ? 2 : 1) * 3_600_000));
    expect(instantsOf(stamps, zone, back + 2 * 3_600_000)).toEqual(ats);
  });
});
