import type { LogState, Tables } from './database.ts';

/** How long messages are kept that every group has read. */
export interface Retention {
  /** Bytes of all topics together: the file stays about as large. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** A group that has not read the oldest message of a partition. */
export interface Straggler {
  readonly topic: string;
  readonly partition: number;
  readonly group: string;
}

/** A partition from its begin to the first message that some group has yet to read. */
interface Prefix {
  readonly topic: string;
  readonly partition: number;
  log: LogState;
  /** Messages before it may be dropped. */
  readonly floor: number;
}

/** Drops the oldest messages that all known groups have read until `needed` more bytes fit. Within a transaction. @returns whether they fit. */
export function makeRoom(tables: Tables, needed: number, { maxBytes }: Retention): boolean {
  if (needed > maxBytes) return false;
  const prefixes = prefixesOf(tables);
  let total = prefixes.reduce((sum, { log }) => sum + log.bytes, 0);
  while (total + needed > maxBytes) {
    const oldest = oldestOf(tables, prefixes);
    if (oldest === null) return false;
    total -= dropFirst(tables, oldest);
  }
  return true;
}

/** Whether `dropOld` would find something. */
export function holdsOld(tables: Tables, before: number): boolean {
  return prefixesOf(tables).some((prefix) => firstStoredAt(tables, prefix) < before);
}

/** Messages that one transaction drops at most, so that nobody waits for it long. */
const MOST_DROPPED = 1_000;

/** Drops messages stored before an instant that all known groups have read. Within a transaction. @returns how many. */
export function dropOld(tables: Tables, before: number): number {
  let dropped = 0;
  for (const prefix of prefixesOf(tables)) {
    while (dropped < MOST_DROPPED && firstStoredAt(tables, prefix) < before) {
      dropFirst(tables, prefix);
      dropped += 1;
    }
  }
  return dropped;
}

/** The group that is in the way of dropping the oldest message; `null` where none is. */
export function stragglerOf(tables: Tables): Straggler | null {
  let found: (Straggler & { readonly storedAt: number }) | null = null;
  for (const { key, value } of tables.groups.getRange({})) {
    const [topic, partition, group] = key as [string, number, string];
    const log = tables.logs.get([topic, partition]);
    if (log === undefined || (value.offset ?? log.begin) > log.begin) continue;
    const storedAt = tables.heads.get([topic, partition, log.begin])?.storedAt;
    if (storedAt !== undefined && (found === null || storedAt < found.storedAt)) found = { topic, partition, group, storedAt };
  }
  return found;
}

function prefixesOf(tables: Tables): readonly Prefix[] {
  return [...tables.logs.getRange({})].map(({ key, value }) => {
    const [topic, partition] = key as [string, number];
    return { topic, partition, log: value, floor: floorOf(tables, topic, partition, value) };
  });
}

// oxlint-disable-next-line max-params -- where, and what is there
function floorOf({ groups }: Tables, topic: string, partition: number, { begin, end }: LogState): number {
  let floor = end;
  for (const { value } of groups.getRange({ start: [topic, partition], end: [topic, partition, '\uffff'] })) {
    floor = Math.min(floor, value.offset ?? begin);
  }
  return floor;
}

function oldestOf(tables: Tables, prefixes: readonly Prefix[]): Prefix | null {
  let oldest: Prefix | null = null;
  let since = Number.POSITIVE_INFINITY;
  for (const prefix of prefixes) {
    const storedAt = firstStoredAt(tables, prefix);
    if (storedAt < since) [oldest, since] = [prefix, storedAt];
  }
  return oldest;
}

/** Infinity where nothing may be dropped. */
function firstStoredAt({ heads }: Tables, { topic, partition, log, floor }: Prefix): number {
  if (log.begin >= floor) return Number.POSITIVE_INFINITY;
  return heads.get([topic, partition, log.begin])?.storedAt ?? Number.NEGATIVE_INFINITY;
}

function dropFirst({ heads, values, logs }: Tables, prefix: Prefix): number {
  const { topic, partition, log } = prefix;
  const bytes = heads.get([topic, partition, log.begin])?.bytes ?? 0;
  heads.removeSync([topic, partition, log.begin]);
  values.removeSync([topic, partition, log.begin]);
  prefix.log = { begin: log.begin + 1, end: log.end, bytes: log.bytes - bytes };
  logs.putSync([topic, partition], prefix.log);
  return bytes;
}
