import { groupBy } from '../lib/group.ts';
import { countUpTo } from '../lib/overlap-index.ts';
import type { Event, EventKind, ForwardingChanged } from '../model/event.ts';
import type { Announcement } from '../model/timeline.ts';
import type { HostClock } from './clock.ts';
import { capturesOf, wordsAround, type Capture } from './listening.ts';
import { hostOf } from './of-kind.ts';

/** An observer that printed something this long before the window still listens in it. */
const ALIVE_MS = 60_000;
/** QEMU's five frames go out within 0.8 s, the guest's own within a few seconds more. */
export const ANNOUNCE_MS = 15_000;
/** A bridge that learns the new port later than this learned it from what the guest sent by itself: the announcement was lost. */
const MOVED_MS = 5000;
/** The first frames may leave before the guest resumes, and clocks differ a little. */
const EARLY_MS = 2500;

/** Hosts whose clocks are further apart than this leave in doubt when, by an observer's clock, the guest arrived. */
const IN_DOUBT_MS = 2000;

/** How far the clock of a machine that watches the network may be off. */
const CLOCK_OFF_MS = 10 * 60_000;

/** One machine on which tcpdump or a bridge monitor ran. */
export interface Observer {
  readonly host: string;
  /** Its clock's zone is known; without that, silence proves nothing. */
  readonly trusted: boolean;
  /** Everything it printed about any MAC address, in the order of time. */
  readonly events: readonly Event[];
  /** What it says of its own listening; empty where nothing does, and only what it printed shows that it lived. */
  readonly captures: readonly Capture[];
  /** The last moment at which it printed any of that. */
  readonly lastSignAt: number;
  /** The longest time of which one of its events tells, ms. */
  readonly longestMs: number;
  /** The same, by MAC address. */
  readonly byMac: ReadonlyMap<string, readonly Event[]>;
}

/** What is known of a migration when its announcement is judged. */
export interface Arrival {
  readonly macs: readonly string[];
  /** The memory stream began. */
  readonly startedAt: number;
  /** The guest began to run on the destination, as far as known. */
  readonly arrivedAt: number;
  /** Arrivals of the VM in its other migrations. */
  readonly otherArrivals: readonly number[];
  /** Hypervisors that the VM neither left nor came to: both hosts are behind their uplink. */
  readonly bystanders: ReadonlySet<string>;
  /** Which clock these moments are by, and which others they could be by. */
  readonly doubt: ClockDoubt;
}

/** Of two hosts whose clocks differ, nobody knows for certain which one is right. */
export interface ClockDoubt {
  /** How much later everything was where the clock of a host of the migration, and not the reference, is right, ms. */
  readonly laterMs: readonly number[];
  /** Hosts whose clocks were compared: what they saw themselves is in step with the migration, whichever is right. */
  readonly compared: ReadonlySet<string>;
}

/** What the clock skews leave in doubt about a migration between these hosts. */
export function doubtOf(clocks: readonly HostClock[], hosts: readonly (string | null)[]): ClockDoubt {
  const known = clocks.filter(({ skewMs }) => skewMs !== null);
  const later = known.filter(({ host }) => hosts.includes(host)).map(({ skewMs }) => skewMs ?? 0);
  return {
    laterMs: [...new Set(later)].filter((ms) => Math.abs(ms) >= IN_DOUBT_MS),
    compared: new Set(known.map(({ host }) => host)),
  };
}

/** What an observer of the network prints. */
const OBSERVED = new Set<EventKind>(['announced', 'frame-seen', 'forwarding-changed']);

/** The machines that watched the network: those that printed something, and those that say that they listened. */
export function observersOf(events: readonly Event[], untrusted: ReadonlySet<string>): readonly Observer[] {
  const seen = groupBy(
    events.filter(({ body }) => OBSERVED.has(body.kind)),
    hostOf,
  );
  const captures = capturesOf(events);
  const silent = [...captures.keys()].filter((host) => !seen.has(host)).map((host) => [host, []] as const);
  return [...seen, ...silent].map(([host, own]: readonly [string, readonly Event[]]) => ({
    host,
    captures: captures.get(host) ?? [],
    trusted: !untrusted.has(host),
    events: own,
    lastSignAt: own.reduce(
      (latest, event) => Math.max(latest, event.at + (againOf(event).at(-1) ?? 0)),
      Number.NEGATIVE_INFINITY,
    ),
    longestMs: own.reduce((longest, event) => Math.max(longest, againOf(event).at(-1) ?? 0), 0),
    byMac: groupBy(own, ({ body }) => ('mac' in body ? body.mac : '')),
  }));
}

/**
 * Whether the network learned that the VM moved: by RARP, gratuitous ARP, or a bridge that moved its address to another port. Where
 * the hosts' clocks differ, an announcement by either counts, and silence only if it holds by both.
 */
export function announcementOf(arrival: Arrival, observers: readonly Observer[]): Announcement {
  const { laterMs, compared } = arrival.doubt;
  const judged = judge(arrival, observers);
  const apart = observers.filter(({ host }) => !compared.has(host));
  if (judged.state === 'yes' || laterMs.length === 0 || apart.length === 0) return judged;
  const others = laterMs.map((ms) => sooner(judge(byLaterClock(arrival, ms), apart), ms));
  const seen = others.find(({ state }) => state === 'yes');
  if (seen !== undefined) return seen;
  const inStep = judge(
    arrival,
    observers.filter(({ host }) => compared.has(host)),
  );
  return judged.state === 'no' && inStep.state !== 'no' ? agreed(judged, others) : judged;
}

/** The arrival by a clock that shows a later time. */
function byLaterClock(arrival: Arrival, ms: number): Arrival {
  return {
    ...arrival,
    startedAt: arrival.startedAt + ms,
    arrivedAt: arrival.arrivedAt + ms,
    otherArrivals: arrival.otherArrivals.map((at) => at + ms),
  };
}

function sooner(announcement: Announcement, ms: number): Announcement {
  return { ...announcement, firstAt: announcement.firstAt === null ? null : announcement.firstAt - ms };
}

/** Silence by one clock, if it is silence by the others too; how long it lasted depends on the clock. */
function agreed(silence: Announcement, others: readonly Announcement[]): Announcement {
  const missing = silence.missing.filter((mac) => others.every((other) => other.missing.includes(mac)));
  if (missing.length === 0)
    return unobserved("the hosts' clocks differ, and the network capture does not cover the moment by each of them");
  return { ...silence, missing, outageMs: null };
}

function judge(arrival: Arrival, observers: readonly Observer[]): Announcement {
  const { macs, arrivedAt } = arrival;
  const evidence = macs.map((mac) => ({ mac, events: observers.flatMap((observer) => announcing(observer, mac, arrival)) }));
  const seen = evidence.flatMap(({ events }) => events).toSorted((a, b) => a.at - b.at);
  const missing = evidence.filter(({ events }) => events.length === 0).map(({ mac }) => mac);
  const firstAt = seen[0]?.at ?? null;
  if (macs.length > 0 && missing.length === 0) {
    return {
      state: 'yes',
      because: 'seen on the network',
      missing: [],
      firstAt,
      resumedAt: null,
      outageMs: firstAt === null ? null : Math.max(0, firstAt - arrivedAt),
      evidence: seen,
    };
  }
  if (macs.length === 0) return unobserved("the VM's MAC address is in none of the logs");
  const judging = observers.filter((observer) => observer.trusted && missing.some((mac) => couldSee(observer, mac, arrival)));
  if (judging.length === 0) return unobserved(whyNot(observers, arrivedAt, missing));
  const concluded = missing.filter((mac) => judging.some((observer) => couldSee(observer, mac, arrival)));
  const later = firstSignAfter(judging, concluded, arrivedAt);
  return {
    state: 'no',
    because: `${judging.map(({ host }) => host).join(', ')} listened and saw none`,
    missing: concluded,
    firstAt,
    resumedAt: null,
    outageMs: later === null ? null : later.at - arrivedAt,
    evidence: [
      ...judging.flatMap((observer) => lastSight(observer, concluded, arrivedAt)),
      ...(later === null ? [] : [later.event]),
      ...judging.flatMap(({ captures }) => captures.flatMap((capture) => listened(capture, arrivedAt))),
    ],
  };
}

/** Nobody could have seen it, for this reason. */
export function unobserved(because: string): Announcement {
  return { state: 'unobserved', because, missing: [], firstAt: null, resumedAt: null, outageMs: null, evidence: [] };
}

function whyNot(observers: readonly Observer[], arrivedAt: number, macs: readonly string[]): string {
  if (observers.length === 0) return 'no tcpdump or bridge monitor output';
  if (observers.every((observer) => !observer.trusted)) return 'the time zone of the network capture is unknown';
  if (!observers.some((observer) => isListening(observer, arrivedAt))) return 'no network capture covers that moment';
  return `the network capture never saw ${macs.join(', ')} move or send, so it may not watch the VM's network`;
}

function announcing(observer: Observer, mac: string, arrival: Arrival): readonly Event[] {
  const own = observer.byMac.get(mac) ?? [];
  const { startedAt, arrivedAt } = arrival;
  const near = between(own, Math.min(startedAt, arrivedAt - EARLY_MS), arrivedAt + ANNOUNCE_MS);
  const inTime = new Set(near.filter((event) => isTimely(own, event, arrival)));
  // an address that goes on moving after its announcement is of two senders
  if (inTime.size > 0) return near.filter((event) => inTime.has(event) || (event.at >= startedAt && movedPort(own, event)));
  // an observer's clock may be off: a RARP of the guest's address is QEMU's, and of the arrival that it is nearest to
  const about = between(own, arrivedAt - CLOCK_OFF_MS, arrivedAt + CLOCK_OFF_MS);
  return about.filter((event) => isRarp(event) && isNearest(event.at, arrival));
}

/** Of events in the order of time, those of a stretch of it, and maybe some within 1 ms before. A busy guest has thousands. */
function between(events: readonly Event[], from: number, to: number): readonly Event[] {
  return events.slice(countUpTo(events, from - 1, atOf), countUpTo(events, to, atOf));
}

function atOf({ at }: Event): number {
  return at;
}

function isTimely(own: readonly Event[], event: Event, { startedAt, arrivedAt }: Arrival): boolean {
  const { body, at } = event;
  if (at > arrivedAt + ANNOUNCE_MS) return false;
  // only QEMU sends RARP for a guest, and only on arrival
  if (body.kind === 'announced') return at >= (body.how === 'rarp' ? startedAt : arrivedAt - EARLY_MS);
  return body.kind === 'forwarding-changed' && at >= startedAt && at <= arrivedAt + MOVED_MS && movedPort(own, event);
}

function isRarp({ body }: Event): boolean {
  return body.kind === 'announced' && body.how === 'rarp';
}

function isNearest(at: number, { arrivedAt, otherArrivals }: Arrival): boolean {
  const distance = Math.abs(at - arrivedAt);
  return distance <= CLOCK_OFF_MS && otherArrivals.every((other) => Math.abs(at - other) > distance);
}

/** A bridge's entry for the address names another port than before. */
function movedPort(own: readonly Event[], event: Event): boolean {
  const { body } = event;
  if (body.kind !== 'forwarding-changed' || body.deleted) return false;
  const before = own.findLast(
    (other): other is Event<ForwardingChanged> =>
      other.body.kind === 'forwarding-changed' && !other.body.deleted && other.at < event.at,
  );
  return before !== undefined && before.body.port !== body.port;
}

/** It would have printed an announcement of this address at that moment: it listened, on a network where the address was heard. */
function couldSee(observer: Observer, mac: string, { arrivedAt: at, bystanders }: Arrival): boolean {
  const { captures, byMac } = observer;
  if (captures.length === 0) return isAlive(observer, at) && showsMoves(byMac.get(mac) ?? [], bystanders.has(observer.host));
  return captures.some((capture) => capture.macs.has(mac) && listened(capture, at).length > 0);
}

/** A capture that heard the address hears it announced; the bridge of a bystander has one entry for it before and after. */
function showsMoves(own: readonly Event[], onBystander: boolean): boolean {
  return own.some(({ body }) => !onBystander || body.kind !== 'forwarding-changed');
}

function isListening(observer: Observer, at: number): boolean {
  const { captures } = observer;
  return captures.length === 0 ? isAlive(observer, at) : captures.some((capture) => listened(capture, at).length > 0);
}

/** The words by which a capture says that it listened for as long as an announcement takes. */
function listened(capture: Capture, at: number): readonly Event[] {
  return wordsAround(capture, at - EARLY_MS, at + ANNOUNCE_MS);
}

/** It printed something shortly before that moment, or before and after it. */
function isAlive({ events, lastSignAt }: Observer, at: number): boolean {
  const first = events[0];
  if (first === undefined || first.at > at) return false;
  return lastSignAt > at || at - lastSignAt <= ALIVE_MS;
}

function lastSight(observer: Observer, macs: readonly string[], arrivedAt: number): readonly Event[] {
  return macs.flatMap((mac) => observer.byMac.get(mac)?.findLast(({ at }) => at < arrivedAt) ?? []);
}

interface Sign {
  readonly at: number;
  readonly event: Event;
}

/** When the guest was first heard again, and the event that tells it. */
function firstSignAfter(observers: readonly Observer[], macs: readonly string[], after: number): Sign | null {
  const signs = observers.flatMap(({ byMac, longestMs }) =>
    macs.flatMap((mac) => firstSign(byMac.get(mac) ?? [], { after, longestMs }) ?? []),
  );
  return signs.toSorted((a, b) => a.at - b.at)[0] ?? null;
}

function firstSign(
  events: readonly Event[],
  { after, longestMs }: { readonly after: number; readonly longestMs: number },
): Sign | null {
  const heard = countUpTo(events, after, atOf);
  const next = events[heard];
  let first: Sign | null = next === undefined ? null : { at: next.at, event: next };
  // backwards, so that of equal moments the earlier event tells, as it came first
  for (let i = heard - 1; i >= 0; i -= 1) {
    const event = events[i];
    // what began before that was over by then
    if (event === undefined || event.at + longestMs <= after) break;
    const ms = againOf(event).find((passed) => event.at + passed > after);
    if (ms !== undefined && (first === null || event.at + ms <= first.at)) first = { at: event.at + ms, event };
  }
  return first;
}

function againOf({ body }: Event): readonly number[] {
  return body.kind === 'frame-seen' ? (body.againAfterMs ?? []) : [];
}
