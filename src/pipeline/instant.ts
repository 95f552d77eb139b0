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
/** What was read this soon after it can have been written was written then. */
const PROMPT_MS = 2 * MINUTE_MS;
/** Times further from their reading than this are none: no log is kept so long, and no clock is so far ahead. */
const MAX_AGE_MS = 400 * DAY_MS;
const MAX_AHEAD_MS = 2 * DAY_MS;

/** Unix ms of a stamp; `null` where it can be no time of this file. */
export type Instants = (stamp: Stamp | null) => number | null;

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
 * Brings the stamps of one chunk, in its order, to UTC. What it says depends on nothing but the chunk, so that a chunk that comes
 * again gives the same. Of the hour that comes twice it is the second where that has just been when the chunk was read, else what
 * the order within the chunk tells, else the first.
 */
export function createInstants(zone: Zone, observedAt: number): Instants {
  let last = Number.NEGATIVE_INFINITY;
  return (stamp) => {
    if (stamp === null) return observedAt;
    const ms = complete(stamp, observedAt);
    const at = stamp.clock === 'utc' ? ms : chosen(ms, { offsets: zone.offsetsMs(ms), observedAt, last });
    if (Number.isNaN(at) || at < observedAt - MAX_AGE_MS || at > observedAt + MAX_AHEAD_MS) return null;
    last = at;
    return at;
  };
}

interface Choice {
  readonly offsets: readonly number[];
  readonly observedAt: number;
  /** Of the record before, Unix ms. */
  readonly last: number;
}

function chosen(localMs: number, { offsets, observedAt, last }: Choice): number {
  const [only] = offsets;
  if (only !== undefined && offsets.length === 1) return localMs - only;
  const choices = offsets.map((offset) => localMs - offset);
  const first = Math.min(...choices);
  const second = Math.max(...choices);
  if (first === second || second > observedAt + AHEAD_MS) return first;
  if (second > observedAt - PROMPT_MS) return second;
  return first >= last - 1000 ? first : second;
}
