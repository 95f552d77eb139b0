import { groupBy } from '../lib/group.ts';
import type { CollectorReport, Event } from '../model/event.ts';
import { hostOf, ofKind } from './of-kind.ts';

/** A collector says every minute that it listens, and a little late where the machine is busy. */
const MARK_APART_MS = 65_000;

/** A capture by a collector of ours, which says when it listens. */
export interface Capture {
  readonly host: string;
  /** Words by which it says that it was at work since the word before, in the order of time, apart where it was not. */
  readonly stretches: readonly Stretch[];
  /** MAC addresses of the network that it watches: what was heard there, by it or by a capture on a bridge of that name elsewhere. */
  readonly macs: ReadonlySet<string>;
}

/** Uninterrupted listening: its words, one or more. */
type Stretch = readonly Event<CollectorReport>[];

/** The captures that say when they listen, by host. A migrated VM keeps the name of its bridge, so a name stands for a network. */
export function capturesOf(events: readonly Event[]): ReadonlyMap<string, readonly Capture[]> {
  const reports = ofKind(events, 'collector-report').filter(({ body }) => interfaceOf(body.collector) !== null);
  // most logs are of no collector of ours: what was heard is then of no interest
  if (reports.length === 0) return new Map();
  const heard = macsByPlace(events);
  const captures = [...groupBy(reports, (event) => `${hostOf(event)}\n${event.body.collector}`).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const host = hostOf(first);
    const places = [`tcpdump:${interfaceOf(first.body.collector) ?? ''}`, `host:${host}`];
    return [{ host, stretches: stretchesOf(own), macs: new Set(places.flatMap((place) => [...(heard.get(place) ?? [])])) }];
  });
  return groupBy(captures, ({ host }) => host);
}

/** The words between which the capture listened all the time from one moment to another; none where it did not. */
export function wordsAround({ stretches }: Capture, from: number, to: number): readonly Event[] {
  for (const stretch of stretches) {
    const before = stretch.findLast(({ at }) => at <= from);
    const after = stretch.find(({ at }) => at >= to);
    if (before !== undefined && after !== undefined) return before === after ? [before] : [before, after];
  }
  return [];
}

/** `arp:cloudbr0` listens on `cloudbr0`; other collectors are no captures. */
function interfaceOf(collector: string): string | null {
  return collector.startsWith('arp:') ? collector.slice('arp:'.length) : null;
}

/** What frames were heard of: on a bridge of a name (`tcpdump:cloudbr0`, as the collector calls its output), or by a host somewhere. */
function macsByPlace(events: readonly Event[]): ReadonlyMap<string, ReadonlySet<string>> {
  const places = new Map<string, Set<string>>();
  for (const event of events) {
    const { body, origin } = event;
    if (body.kind !== 'announced' && body.kind !== 'frame-seen') continue;
    const place = origin.file.path.startsWith('tcpdump:') ? origin.file.path : `host:${hostOf(event)}`;
    const macs = places.get(place) ?? new Set();
    places.set(place, macs.add(body.mac));
  }
  return places;
}

function stretchesOf(reports: readonly Event<CollectorReport>[]): readonly Stretch[] {
  const stretches: Event<CollectorReport>[][] = [];
  let open: Event<CollectorReport>[] | null = null;
  for (const report of reports) {
    const { state } = report.body;
    // `running` comes with the first word of a stretch; any other state ends one
    if (state === 'running') continue;
    const last: Event | undefined = open?.at(-1);
    if (state !== 'listening') open = null;
    else if (open !== null && last !== undefined && report.at - last.at <= MARK_APART_MS) open.push(report);
    else stretches.push((open = [report]));
  }
  return stretches;
}
