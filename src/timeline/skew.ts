import { groupBy } from '../lib/group.ts';
import { countUpTo } from '../lib/overlap-index.ts';
import { median } from '../lib/statistics.ts';
import type { Event, EventKind } from '../model/event.ts';
import { OFFSETS_MS } from './infer-zone.ts';
import { macsByVm } from './macs.ts';
import { ofKind } from './of-kind.ts';

/** Clocks further apart than this are not compared: the pairs could be of different migrations. */
const MAX_SKEW_MS = 10 * 60_000;
/** Zones are no further from UTC than this, and a second more. */
const MAX_ZONE_MS = 14 * 3_600_000 + 3000;
/** Pairs of one skew agree within this. */
const AGREEMENT_MS = 3000;
/** Weaker pairs further apart than this are not compared: a request alone may have had no start at all. */
const MAX_WEAK_SKEW_MS = 3 * 60_000;
/** Clocks this close are as good as equal: which of them is right does not matter. */
const SAME_CLOCK_MS = 1500;
/** QEMU's RARP frames go out within 0.8 s of the switchover, and libvirt ends the source's QEMU up to about 2 s after it. */
const BEFORE_STOP_MS = 4000;
const AFTER_STOP_MS = 1500;

/** Two kinds of records of one migration, and by how much the destination's comes after the source's, by one clock. */
interface Order {
  readonly typicalMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * libvirt on the destination starts the incoming QEMU a little before the source's "initiating migration": 0.2 to 1.2 s in
 * recordings of libvirt 7.0, 9.0 and 11.3. Never after it, and hardly ever 6 s before it.
 */
const START_TO_INITIATED: Order = { typicalMs: -400, fromMs: -6000, toMs: 0 };
/** The agent prints its request as it calls libvirt: the start is within 0.2 s in recordings, later where libvirt is slow. */
const START_TO_REQUEST: Order = { typicalMs: 0, fromMs: -2000, toMs: 6000 };
/** CloudStack prepares the destination before it asks the source. */
const PREPARED_TO_REQUEST: Order = { typicalMs: -300, fromMs: -10_000, toMs: 1000 };
/** A start comes before the error that ends the migration, by anything up to the time-outs of TCP. */
const START_TO_ERROR: Order = { typicalMs: -300, fromMs: -MAX_WEAK_SKEW_MS, toMs: 1000 };

/** libvirt ends the destination's QEMU about when the client is told of the error. */
const ENDED_WITH_ERROR_MS = 10_000;

/** Whoever polls a job's statistics does so more often than this. */
const POLLED_MS = 60_000;

/** How far a host's clock is ahead of another's. */
export interface Skew {
  readonly host: string;
  readonly against: string;
  readonly skewMs: number;
  /** Pairs of events it was estimated from. */
  readonly pairs: number;
}

interface Pair {
  readonly source: string;
  readonly destination: string;
  /** The destination's record minus the source's, by their own clocks. */
  readonly differenceMs: number;
  readonly order: Order;
}

/** Kinds that pairs or departures are made of. */
const TELLING = new Set<EventKind>([
  'domain-started',
  'domain-stopped',
  'destination-prepared',
  'migrate-initiated',
  'migrate-requested',
  'migrate-error',
  'announced',
]);

/**
 * Clock skew between hosts, from pairs of events whose order is certain: the incoming QEMU of a migration is started before the
 * source initiates it. Migrations that never got so far are paired by what was asked for. Which clock is right, the RARP frames on
 * the network tell; without them, the host that took part in most migrations counts as right.
 */
export function estimateSkews(all: readonly Event[]): ReadonlyMap<string, Skew> {
  // few of all events: samples, probes and frames are most of them
  const events = all.filter((event) => TELLING.has(event.body.kind) || isBeforeMemory(event));
  const byVm = groupByVm(events);
  const certain = [...byVm.values()].flatMap(pairsOf);
  const groups = groupByHosts(certain);
  const weak = [...groupByHosts([...byVm.values()].flatMap(errorPairs))].filter(([key]) => !groups.has(key));
  const links = new Map<string, Map<string, Estimate>>();
  for (const [key, list] of [...groups, ...weak]) {
    const [a = '', b = ''] = key.split('\u0000');
    const estimate = skewOf(list, a);
    if (estimate === null) continue;
    linksOf(links, a).set(b, estimate);
    linksOf(links, b).set(a, { skewMs: -estimate.skewMs, pairs: estimate.pairs });
  }
  return spread(links, [...certain, ...weak.flatMap(([, list]) => list)], departuresOf(events));
}

interface Estimate {
  readonly skewMs: number;
  readonly pairs: number;
}

function linksOf<T>(links: Map<string, Map<string, T>>, host: string): Map<string, T> {
  const known = links.get(host) ?? new Map<string, T>();
  links.set(host, known);
  return known;
}

/** What is paired of one VM, and what tells of the end. */
interface Records {
  readonly starts: readonly Event[];
  readonly prepared: readonly Event[];
  readonly initiated: readonly Event[];
  readonly requested: readonly Event[];
  readonly errors: readonly Event[];
  readonly stops: readonly Event[];
  /** Samples of jobs that copy no memory yet. */
  readonly waiting: readonly Event[];
}

function groupByVm(events: readonly Event[]): ReadonlyMap<string, Records> {
  const groups = new Map<string, { [Kind in keyof Records]: Event[] }>();
  for (const event of events) {
    const kind = recordKind(event);
    if (kind === null || !('vm' in event.body) || event.body.vm === null) continue;
    const own = groups.get(event.body.vm) ?? noRecords();
    own[kind].push(event);
    groups.set(event.body.vm, own);
  }
  return groups;
}

function noRecords(): { [Kind in keyof Records]: Event[] } {
  return { starts: [], prepared: [], initiated: [], requested: [], errors: [], stops: [], waiting: [] };
}

function recordKind({ body }: Event): keyof Records | null {
  if (body.kind === 'domain-started') return body.incoming ? 'starts' : null;
  if (body.kind === 'destination-prepared') return 'prepared';
  if (body.kind === 'migrate-initiated') return 'initiated';
  if (body.kind === 'migrate-requested') return 'requested';
  if (body.kind === 'job-sample') return 'waiting';
  if (body.kind === 'domain-stopped') return 'stops';
  return body.kind === 'migrate-error' ? 'errors' : null;
}

/** A job of the source that runs and copies no memory: it is young, or copies disks. */
function isBeforeMemory({ body }: Event): boolean {
  return body.kind === 'job-sample' && body.elapsedMs !== null && body.remainingBytes === null && body.direction !== 'incoming';
}

/** The pairs of one VM, of the most certain order that it has any of. */
function pairsOf(records: Records): readonly Pair[] {
  const { starts, prepared, requested } = records;
  const prompt = records.initiated.filter((event) => !isHeldUp(event, records));
  const heldUp = records.initiated.filter((event) => isHeldUp(event, records));
  const begun = paired(prompt, starts, { order: START_TO_INITIATED, withinMs: MAX_SKEW_MS });
  // a destination that was slow to start its QEMU held it up: clocks by which the one follows the other agree
  const atLast = paired(heldUp, starts, { order: START_TO_INITIATED, withinMs: MAX_SKEW_MS }).filter(isInOrder);
  if (begun.length + atLast.length > 0) return [...begun, ...atLast];
  const asked = requested.flatMap((request) =>
    paired([request], startsFor(request, records), { order: START_TO_REQUEST, withinMs: MAX_WEAK_SKEW_MS }),
  );
  if (asked.length > 0) return asked;
  const ready = paired(requested, prepared, { order: PREPARED_TO_REQUEST, withinMs: MAX_WEAK_SKEW_MS });
  if (ready.length > 0) return ready;
  return paired(prompt, starts, { order: START_TO_INITIATED, withinMs: MAX_ZONE_MS }).filter(isOfAnotherZone);
}

/** Starts that a request can have caused: where the client was told of an error, the QEMU ended with it, and one that lives is of a later request. */
function startsFor({ at, origin }: Event, { starts, stops, requested, errors }: Records): readonly Event[] {
  const isOfSource = (event: Event): boolean => event.origin.file.host === origin.file.host;
  const next = requested.find((other) => isOfSource(other) && other.at > at)?.at ?? Number.POSITIVE_INFINITY;
  const failed = errors.find((error) => isOfSource(error) && error.at >= at && error.at < next);
  if (failed === undefined) return starts;
  return starts.filter((start) => endedWithin(start, stops, failed.at - at + ENDED_WITH_ERROR_MS));
}

function endedWithin({ at, origin }: Event, stops: readonly Event[], withinMs: number): boolean {
  return stops.some((stop) => stop.origin.file.host === origin.file.host && stop.at >= at && stop.at - at <= withinMs);
}

/** A clock that was set to local time and is taken for UTC, or the other way round, is off by what a zone is, to the second. */
function isOfAnotherZone({ differenceMs, order }: Pair): boolean {
  const ahead = Math.abs(differenceMs - order.typicalMs);
  return OFFSETS_MS.some((offset) => offset > 0 && Math.abs(ahead - offset) <= AGREEMENT_MS);
}

/** Long after its job began: libvirt copies disks first, for hours maybe, and the destination's start is at the beginning then. */
function isHeldUp({ origin, at }: Event, { requested, waiting }: Records): boolean {
  const isBefore = (event: Event): boolean => event.origin.file.host === origin.file.host && event.at <= at;
  const asked = requested.findLast(isBefore);
  if (asked !== undefined) return at - asked.at > -START_TO_INITIATED.fromMs;
  const last = ofKind(waiting, 'job-sample').findLast((event) => isBefore(event) && at - event.at <= POLLED_MS);
  return last !== undefined && at - last.at + (last.body.elapsedMs ?? 0) > -START_TO_INITIATED.fromMs;
}

/** Where a client other than the agent was refused, its error alone is of the source. */
function errorPairs({ starts, stops, requested, initiated, errors }: Records): readonly Pair[] {
  if (requested.length > 0 || initiated.length > 0) return [];
  const ended = starts.filter((start) => endedWithin(start, stops, MAX_WEAK_SKEW_MS));
  return paired(errors, ended, { order: START_TO_ERROR, withinMs: MAX_WEAK_SKEW_MS });
}

function paired(
  sources: readonly Event[],
  destinations: readonly Event[],
  { order, withinMs }: { readonly order: Order; readonly withinMs: number },
): readonly Pair[] {
  return sources.flatMap(({ origin, at }) =>
    destinations
      .filter((other) => other.origin.file.host !== origin.file.host && Math.abs(other.at - at) <= withinMs)
      .map((other) => ({
        source: origin.file.host,
        destination: other.origin.file.host,
        differenceMs: other.at - at,
        order,
      })),
  );
}

function groupByHosts(pairs: readonly Pair[]): ReadonlyMap<string, readonly Pair[]> {
  return groupBy(pairs, ({ source, destination }) => [source, destination].toSorted().join('\u0000'));
}

/** Its order needs no clock to be wrong. */
function isInOrder({ differenceMs, order }: Pair): boolean {
  return differenceMs >= order.fromMs && differenceMs <= order.toMs;
}

/** How far the second host's clock is ahead of the first's; the value on which most pairs agree, 0 where that explains as many. */
function skewOf(pairs: readonly Pair[], first: string): Estimate | null {
  const signed = pairs.map(({ source, differenceMs, order }) => {
    const ahead = differenceMs - order.typicalMs;
    return source === first ? ahead : -ahead;
  });
  if (signed.length === 0) return null;
  const support = supportIn(signed);
  const best = signed.reduce((a, b) =>
    support(b) > support(a) || (support(b) === support(a) && Math.abs(b) < Math.abs(a)) ? b : a,
  );
  if (pairs.filter(isInOrder).length >= support(best)) return { skewMs: 0, pairs: signed.length };
  const agreeing = signed.filter((other) => Math.abs(other - best) <= AGREEMENT_MS);
  return { skewMs: Math.round(median(agreeing) ?? best), pairs: agreeing.length };
}

/** How many of the values agree with one of them. */
function supportIn(values: readonly number[]): (value: number) => number {
  const sorted = values.toSorted((a, b) => a - b);
  const upTo = (limit: number): number => countUpTo(sorted, limit, (value) => value);
  return (value) => upTo(value + AGREEMENT_MS) - upTo(value - AGREEMENT_MS - 1);
}

type Links = ReadonlyMap<string, ReadonlyMap<string, Estimate>>;

/** A VM left a host, by that host's clock, and the RARP frames of its addresses, by the clocks of the machines that saw them. */
interface Departure {
  readonly host: string;
  readonly at: number;
  readonly frames: readonly Event[];
}

function departuresOf(events: readonly Event[]): readonly Departure[] {
  const announced = ofKind(events, 'announced').filter(({ body }) => body.how === 'rarp');
  const frames = groupBy(announced, ({ body }) => body.mac);
  if (frames.size === 0) return [];
  const macs = macsByVm(events);
  return ofKind(events, 'domain-stopped')
    .filter(({ body }) => body.reason === 'migrated')
    .map(({ body, origin, at }) => ({
      host: origin.file.host,
      at,
      frames: (macs.get(body.vm) ?? []).flatMap((mac) => frames.get(mac) ?? []),
    }));
}

/** Carries the skews from the reference host over all hosts that share a migration with it, directly or by others. */
function spread(links: Links, pairs: readonly Pair[], departures: readonly Departure[]): ReadonlyMap<string, Skew> {
  const shares = new Map<string, number>();
  for (const host of pairs.flatMap(({ source, destination }) => [source, destination]))
    shares.set(host, (shares.get(host) ?? 0) + 1);
  const share = (host: string): number => shares.get(host) ?? 0;
  const skews = new Map<string, Skew>();
  for (const root of [...links.keys()].toSorted((a, b) => share(b) - share(a) || (a < b ? -1 : 1))) {
    if (skews.has(root)) continue;
    const linked = new Map<string, Skew>();
    spreadFrom({ host: root, against: root, skewMs: 0, pairs: 0 }, links, linked);
    for (const [host, skew] of against(rightOf(linked, root, departures), linked)) skews.set(host, skew);
  }
  return skews;
}

function spreadFrom(from: Skew, links: Links, skews: Map<string, Skew>): void {
  skews.set(from.host, from);
  for (const [host, { skewMs, pairs }] of links.get(from.host) ?? []) {
    if (!skews.has(host)) spreadFrom({ host, against: from.against, skewMs: from.skewMs + skewMs, pairs }, links, skews);
  }
}

/** The host whose clock is right: by it, the most VMs were announced as they left; `root` unless another has more. */
function rightOf(linked: ReadonlyMap<string, Skew>, root: string, departures: readonly Departure[]): string {
  if ([...linked.values()].every(({ skewMs }) => Math.abs(skewMs) < SAME_CLOCK_MS)) return root;
  const announced = (reference: number): number =>
    departures.filter(({ host, at, frames }) => {
      const skew = linked.get(host);
      if (skew === undefined) return false;
      const leftAt = at - skew.skewMs + reference;
      return frames.some(
        // a host of these that watches the network itself is in step with them whichever is right
        (frame) =>
          !linked.has(frame.origin.file.host) && frame.at >= leftAt - BEFORE_STOP_MS && frame.at <= leftAt + AFTER_STOP_MS,
      );
    }).length;
  let best = { host: root, count: announced(0) };
  for (const { host, skewMs } of linked.values()) {
    const count = announced(skewMs);
    if (count > best.count) best = { host, count };
  }
  return best.host;
}

/** The same skews, seen from another host. */
function against(reference: string, linked: ReadonlyMap<string, Skew>): ReadonlyMap<string, Skew> {
  const from = linked.get(reference);
  if (from === undefined || from.against === reference) return linked;
  return new Map(
    [...linked].map(([host, skew]) => {
      const pairs = host === from.against ? from.pairs : skew.pairs;
      return [host, { host, against: reference, skewMs: skew.skewMs - from.skewMs, pairs: host === reference ? 0 : pairs }];
    }),
  );
}
