import type { Stamp } from '../model/source.ts';
import { complete, fixedZone, zoneNamed, type Zone } from '../timeline/zone.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Offsets change on quarters of an hour at most, so that within one they are looked up once. */
const QUARTER_MS = 15 * MINUTE_MS;
/** Zones that are remembered: the IANA has fewer names, but anybody can write others into a header. */
const MAX_ZONES = 1000;
/** Quarters that are remembered of one zone. */
const MAX_QUARTERS = 10_000;
/** A record is not from later than it was read, but for clocks that are set. */
const AHEAD_MS = MINUTE_MS;
/** What was read this soon after it can have been written was written then: the other hour is an hour less soon. */
const PROMPT_MS = 30 * MINUTE_MS;
/** Records of several threads stand out of order, but not by as much. */
const STEP_MS = MINUTE_MS;
/** Times further from their reading than this are none: no log is kept so long, and no clock is so far ahead. */
const MAX_AGE_MS = 400 * DAY_MS;
const MAX_AHEAD_MS = 2 * DAY_MS;

/** Looks zones up by name, and remembers what it finds. */
export interface ZoneCache {
  /** UTC for a name that is none: a chunk is never lost for its zone. */
  zone(name: string): Zone;
}

/** A cache for a process. */
export function createZoneCache(): ZoneCache {
  const zones = new Map<string, Zone>();
  return {
    zone(name) {
      const known = zones.get(name);
      if (known !== undefined) return known;
      if (zones.size >= MAX_ZONES) zones.clear();
      const made = remembering(zoneNamed(name) ?? fixedZone(0));
      zones.set(name, made);
      return made;
    },
  };
}

function remembering(zone: Zone): Zone {
  const quarters = new Map<number, readonly number[]>();
  return {
    name: zone.name,
    offsetsMs(localMs) {
      const quarter = Math.floor(localMs / QUARTER_MS);
      const known = quarters.get(quarter);
      if (known !== undefined) return known;
      if (quarters.size >= MAX_QUARTERS) quarters.clear();
      const offsets = zone.offsetsMs(localMs);
      quarters.set(quarter, offsets);
      return offsets;
    },
  };
}

/**
 * Brings the stamps of the records of one chunk, in its order, to UTC; `null` where a stamp can be no time of this file. What it says
 * depends on nothing but the chunk, so that a chunk that comes again gives the same.
 */
export function instantsOf(stamps: readonly (Stamp | null)[], zone: Zone, observedAt: number): readonly (number | null)[] {
  const doubtful: Doubtful[] = [];
  let begins = -1;
  let ends = -1;
  const at = stamps.map((stamp, index) => {
    if (stamp === null) return observedAt;
    const ms = complete(stamp, observedAt);
    if (stamp.clock === 'utc') return ms;
    if (begins < 0) begins = index;
    ends = index;
    const [first = 0, second = first] = zone.offsetsMs(ms).map((offset) => ms - offset);
    if (second !== first) doubtful.push({ index, localMs: ms, first, second });
    return first;
  });
  const reading = { observedAt, begins: at[begins] ?? observedAt, ends: at[ends] ?? observedAt };
  for (const night of nightsOf(doubtful)) {
    const from = secondFrom(night, reading);
    for (const { index, second } of night.slice(from)) at[index] = second;
  }
  return at.map((ms) => (Number.isNaN(ms) || ms < observedAt - MAX_AGE_MS || ms > observedAt + MAX_AHEAD_MS ? null : ms));
}

/** A time of the hour that comes twice, Unix ms. */
interface Doubtful {
  /** Of its record in the chunk. */
  readonly index: number;
  readonly localMs: number;
  readonly first: number;
  readonly second: number;
}

/** A small log holds more than one night in which clocks went back. */
function nightsOf(doubtful: readonly Doubtful[]): readonly (readonly Doubtful[])[] {
  const nights: Doubtful[][] = [];
  for (const one of doubtful) {
    const night = nights.at(-1);
    const before = night?.at(-1);
    if (night === undefined || before === undefined || Math.abs(one.localMs - before.localMs) > DAY_MS) nights.push([one]);
    else night.push(one);
  }
  return nights;
}

interface Reading {
  readonly observedAt: number;
  /** The first and the last local time, the first of the two hours where it is doubtful; Unix ms. */
  readonly begins: number;
  readonly ends: number;
}

/**
 * Which of them is the first of the second hour. Times that step back are of both hours. Else all are of one: of the first where the
 * second was still to come, or where the chunk holds what was before; else of the second where the last was read soon, or where the
 * chunk holds what was after.
 */
function secondFrom(night: readonly Doubtful[], { observedAt, begins, ends }: Reading): number {
  const sure = night.findLastIndex(({ second }) => second > observedAt + AHEAD_MS);
  let latest = Number.NEGATIVE_INFINITY;
  for (const [n, { localMs }] of night.entries()) {
    if (n > sure && localMs < latest - STEP_MS) return n;
    latest = Math.max(latest, localMs);
  }
  const [first, last] = [night[0], night.at(-1)];
  if (sure >= 0 || first === undefined || last === undefined || begins < first.first) return night.length;
  return ends > last.second || last.second > observedAt - PROMPT_MS ? 0 : night.length;
}
