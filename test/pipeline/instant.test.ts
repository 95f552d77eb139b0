import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Stamp } from '../../src/model/source.ts';
import { createInstants, createZoneCache } from '../../src/pipeline/instant.ts';
import { fixedZone } from '../../src/timeline/zone.ts';

const READ_AT = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;

function local(ms: number): Stamp {
  return { ms, clock: 'local', missing: 'nothing' };
}

test('a time in UTC is what it says, whatever the zone', () => {
  const zone = createZoneCache().zone('Asia/Kolkata');
  fc.assert(
    fc.property(fc.integer({ min: READ_AT - 399 * DAY_MS, max: READ_AT + DAY_MS }), (ms) => {
      expect(createInstants(zone, READ_AT)({ ms, clock: 'utc', missing: 'nothing' })).toBe(ms);
    }),
  );
});

test('local times of every zone are those of the zone without a memory', () => {
  const ats = fc.array(fc.integer({ min: READ_AT - 300 * DAY_MS, max: READ_AT }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Australia/Adelaide', 'Asia/Kolkata'), ats, (name, all) => {
      const once = all.map((ms) => createInstants(createZoneCache().zone(name), READ_AT)(local(ms)));
      const cache = createZoneCache();
      expect(all.map((ms) => createInstants(cache.zone(name), READ_AT)(local(ms)))).toEqual(once);
    }),
  );
});

test('the same chunk read again gives the same instants', () => {
  const ats = fc.array(fc.integer({ min: Date.UTC(2026, 9, 25, 0), max: Date.UTC(2026, 9, 25, 5) }), { maxLength: 30 });
  const cache = createZoneCache();
  fc.assert(
    fc.property(ats, (all) => {
      const read = (): readonly (number | null)[] => {
        const instants = createInstants(cache.zone('Europe/Berlin'), Date.UTC(2026, 9, 25, 4));
        return all.map((ms) => instants(local(ms)));
      };
      expect(read()).toEqual(read());
    }),
  );
});

test.each([
  ['of 1970', Date.UTC(1970, 0, 1)],
  ['of 2100', Date.UTC(2100, 0, 1)],
  ['that is no number', Number.NaN],
])('a time %s is none', (_what, ms) => {
  expect(createInstants(fixedZone(0), READ_AT)(local(ms))).toBeNull();
});

test('a record without a time has that of its reading', () => {
  expect(createInstants(fixedZone(0), READ_AT)(null)).toBe(READ_AT);
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
    expect(createInstants(zone, observedAt)(halfPastTwo)).toBe(at);
  });

  test('is the second, read a day later, behind a record of the first that stands later in it', () => {
    const instants = createInstants(zone, back + DAY_MS);
    expect(instants(local(Date.UTC(2026, 9, 25, 2, 50)))).toBe(first + 20 * 60_000);
    expect(instants(halfPastTwo)).toBe(second);
  });
});
