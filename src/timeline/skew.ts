import type { Event } from '../model/event.ts';

/** Clocks further apart than this are not compared: the pairs could be of different migrations. */
const MAX_SKEW_MS = 10 * 60_000;
/** Pairs of one skew agree within this. */
const AGREEMENT_MS = 3000;
/**
 * libvirt on the destination starts the incoming QEMU a little before the source's "initiating migration": 0.2 to 1.2 s in
 * recordings of libvirt 7.0, 9.0 and 11.3.
 */
const TYPICAL_LEAD_MS = 400;
/** The lead is never negative, and hardly ever above this. */
const MAX_LEAD_MS = 6000;

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
  /** Destination's start of the incoming QEMU, minus the source's "initiating migration", by their own clocks. */
  readonly differenceMs: number;
}

/**
 * Clock skew between hosts, from pairs of events whose order is certain: the incoming QEMU of a migration is started before the
 * source initiates it. The host that took part in most migrations counts as right.
 */
export function estimateSkews(events: readonly Event[]): ReadonlyMap<string, Skew> {
  const pairs = migrationPairs(events);
  const links = new Map<string, Map<string, { skewMs: number; pairs: number }>>();
  for (const [key, list] of groupByHosts(pairs)) {
    const [a = '', b = ''] = key.split('\u0000');
    const estimate = skewOf(list, a);
    if (estimate === null) continue;
    linksOf(links, a).set(b, estimate);
    linksOf(links, b).set(a, { skewMs: -estimate.skewMs, pairs: estimate.pairs });
  }
  return spread(links, pairs);
}

function linksOf<T>(links: Map<string, Map<string, T>>, host: string): Map<string, T> {
  const known = links.get(host) ?? new Map<string, T>();
  links.set(host, known);
  return known;
}

function migrationPairs(events: readonly Event[]): readonly Pair[] {
  const starts = new Map<string, Event[]>();
  for (const event of events) {
    if (event.body.kind !== 'domain-started' || !event.body.incoming) continue;
    starts.set(event.body.vm, [...(starts.get(event.body.vm) ?? []), event]);
  }
  return events.flatMap((event): readonly Pair[] => {
    const { body, origin, at } = event;
    if (body.kind !== 'migrate-initiated') return [];
    return (starts.get(body.vm) ?? [])
      .filter((start) => start.origin.file.host !== origin.file.host && Math.abs(start.at - at) <= MAX_SKEW_MS)
      .map((start) => ({ source: origin.file.host, destination: start.origin.file.host, differenceMs: start.at - at }));
  });
}

function groupByHosts(pairs: readonly Pair[]): ReadonlyMap<string, readonly Pair[]> {
  const groups = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const key = [pair.source, pair.destination].toSorted().join('\u0000');
    groups.set(key, [...(groups.get(key) ?? []), pair]);
  }
  return groups;
}

/** How far the second host's clock is ahead of the first's; the value on which most pairs agree, 0 where that explains them. */
function skewOf(pairs: readonly Pair[], first: string): { readonly skewMs: number; readonly pairs: number } | null {
  const signed = pairs.map(({ source, differenceMs }) =>
    source === first ? differenceMs + TYPICAL_LEAD_MS : -(differenceMs + TYPICAL_LEAD_MS),
  );
  if (signed.length === 0) return null;
  if (pairs.some(({ differenceMs }) => differenceMs <= 0 && differenceMs >= -MAX_LEAD_MS))
    return { skewMs: 0, pairs: signed.length };
  const support = (value: number): number => signed.filter((other) => Math.abs(other - value) <= AGREEMENT_MS).length;
  const best = signed.reduce((a, b) =>
    support(b) > support(a) || (support(b) === support(a) && Math.abs(b) < Math.abs(a)) ? b : a,
  );
  const agreeing = signed.filter((other) => Math.abs(other - best) <= AGREEMENT_MS).toSorted((a, b) => a - b);
  return { skewMs: Math.round(agreeing[Math.floor(agreeing.length / 2)] ?? best), pairs: agreeing.length };
}

type Links = ReadonlyMap<string, ReadonlyMap<string, { readonly skewMs: number; readonly pairs: number }>>;

/** Carries the skews from the reference host over all hosts that share a migration with it, directly or by others. */
function spread(links: Links, pairs: readonly Pair[]): ReadonlyMap<string, Skew> {
  const share = (host: string): number =>
    pairs.filter(({ source, destination }) => source === host || destination === host).length;
  const skews = new Map<string, Skew>();
  for (const root of [...links.keys()].toSorted((a, b) => share(b) - share(a) || (a < b ? -1 : 1))) {
    if (!skews.has(root)) spreadFrom({ host: root, against: root, skewMs: 0, pairs: 0 }, links, skews);
  }
  return skews;
}

function spreadFrom(from: Skew, links: Links, skews: Map<string, Skew>): void {
  skews.set(from.host, from);
  for (const [host, { skewMs, pairs }] of links.get(from.host) ?? []) {
    if (!skews.has(host)) spreadFrom({ host, against: from.against, skewMs: from.skewMs + skewMs, pairs }, links, skews);
  }
}
