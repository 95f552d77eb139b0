import type { Event, ParsedEvent } from '../model/event.ts';
import type { Span, Stamp } from '../model/source.ts';
import { offsetAt, offsetFromMigrations, offsetFromPeriod, referenceIndex, type InferredOffset } from './infer-zone.ts';
import { estimateSkews, type Skew } from './skew.ts';
import { fixedZone, offsetName, withDate, withYear, type Zone } from './zone.ts';

/** How a host's zone is known. */
export type ZoneOrigin = 'given' | 'same-migration' | 'same-period' | 'other-hosts' | 'utc-only' | 'assumed';

/** What is known of a host's clock. */
export interface HostClock {
  readonly host: string;
  /** `Europe/Berlin` where given, `UTC+1` where inferred. */
  readonly zone: string;
  readonly zoneFrom: ZoneOrigin;
  /** How far the clock is ahead of the reference host's, ms; `null` where nothing tells. */
  readonly skewMs: number | null;
  /** Host whose clock counts as right. */
  readonly skewAgainst: string | null;
}

/** Zones that the user named. */
export interface ZoneSettings {
  readonly all: Zone | null;
  readonly hosts: ReadonlyMap<string, Zone>;
}

/** Events with their time in UTC, and what is known of the hosts' clocks. */
export interface Placed {
  /** In the order of time, evidence of equal times in the order of hosts, paths and offsets. */
  readonly events: readonly Event[];
  readonly clocks: readonly HostClock[];
}

interface HostZone {
  readonly zone: Zone;
  readonly from: ZoneOrigin;
}

/** Brings every event to UTC: zones, missing years and dates, and the clock skew between hosts. */
export function placeInTime(parsed: readonly ParsedEvent[], spans: readonly Span[], settings: ZoneSettings): Placed {
  const nearMs = referenceMoment(parsed, spans);
  const zones = zonesOf(parsed, spans, { settings, nearMs });
  const skewless = toUtc(parsed, zones, nearMs);
  const hosts = [...new Set([...spans.map(({ host }) => host), ...parsed.map(({ origin }) => origin.file.host)])].toSorted();
  const skews = estimateSkews(skewless);
  const clocks = hosts.map((host) => clockOf(host, zones.get(host), skews.get(host)));
  const events = skewless.map((event) => {
    const off = correction(skews.get(event.origin.file.host));
    return off === 0 ? event : { ...event, at: event.at - off };
  });
  return { events: events.toSorted(inOrder), clocks };
}

/** Skew below this is left alone: the estimate itself is not better. */
const SKEW_IGNORED_MS = 1500;

function correction(skew: Skew | undefined): number {
  return skew === undefined || Math.abs(skew.skewMs) < SKEW_IGNORED_MS ? 0 : skew.skewMs;
}

function clockOf(host: string, zone: HostZone | undefined, skew: Skew | undefined): HostClock {
  return {
    host,
    zone: zone?.zone.name ?? 'UTC',
    zoneFrom: zone?.from ?? 'utc-only',
    skewMs: skew?.skewMs ?? null,
    skewAgainst: skew?.against ?? null,
  };
}

/** Order of time; ties by where the record stands, so that the order of reading never shows. */
function inOrder(a: Event, b: Event): number {
  return (
    a.at - b.at ||
    compare(a.origin.file.host, b.origin.file.host) ||
    compare(a.origin.file.path, b.origin.file.path) ||
    a.origin.offset - b.origin.offset
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** A moment near which times without a year or a date lie. */
function referenceMoment(parsed: readonly ParsedEvent[], spans: readonly Span[]): number {
  const stamps = [
    ...spans.flatMap(({ first, last }) => [first, last]),
    ...parsed.flatMap(({ stamp }) => (stamp === null ? [] : [stamp])),
  ];
  const full = stamps.filter(({ missing }) => missing === 'nothing');
  const utc = full.filter(({ clock }) => clock === 'utc');
  const latest = (list: readonly Stamp[]): number => list.reduce((max, { ms }) => Math.max(max, ms), 0);
  return latest(utc) || latest(full) || spans.reduce((max, { modifiedAt }) => Math.max(max, modifiedAt), 0);
}

function complete(stamp: Stamp, nearMs: number): number {
  if (stamp.missing === 'year') return withYear(stamp, nearMs);
  return stamp.missing === 'date' ? withDate(stamp, nearMs) : stamp.ms;
}

interface ZoneInput {
  readonly settings: ZoneSettings;
  readonly nearMs: number;
}

/** The zone of every host that wrote local times. */
function zonesOf(
  parsed: readonly ParsedEvent[],
  spans: readonly Span[],
  { settings, nearMs }: ZoneInput,
): ReadonlyMap<string, HostZone> {
  const full = spans.map((span) => ({
    ...span,
    first: { ...span.first, ms: complete(span.first, nearMs) },
    last: { ...span.last, ms: complete(span.last, nearMs) },
  }));
  const utc = full.filter(({ first }) => first.clock === 'utc');
  const references = referenceIndex(parsed);
  const hosts = [...new Set(full.filter(({ first }) => first.clock === 'local').map(({ host }) => host))].toSorted();
  const zones = new Map<string, HostZone>();
  for (const host of hosts) {
    const given = settings.hosts.get(host) ?? settings.all;
    const local = parsed.flatMap(({ body, stamp, origin }) =>
      origin.file.host === host && stamp?.clock === 'local' ? [{ body, localMs: complete(stamp, nearMs) }] : [],
    );
    const inferred =
      offsetFromMigrations(local, references) ??
      offsetFromPeriod(
        full.filter((span) => span.host === host && span.first.clock === 'local'),
        utc,
      );
    if (given !== null) zones.set(host, { zone: given, from: 'given' });
    else if (inferred !== null) zones.set(host, { zone: inferredZone(inferred), from: inferred.from });
  }
  const others = [...zones.values()].filter(({ from }) => from === 'same-migration');
  for (const host of hosts) {
    if (!zones.has(host))
      zones.set(host, { zone: others[0]?.zone ?? fixedZone(0), from: others.length > 0 ? 'other-hosts' : 'assumed' });
  }
  return zones;
}

function inferredZone({ anchors }: InferredOffset): Zone {
  const names = [...new Set(anchors.map(({ offsetMs }) => offsetName(offsetMs)))];
  return { name: names.join(' then '), offsetsMs: (localMs) => [offsetAt(anchors, localMs)] };
}

/** Places events one file after the other, so that the hour which comes twice is told apart by its order. */
function toUtc(parsed: readonly ParsedEvent[], zones: ReadonlyMap<string, HostZone>, nearMs: number): readonly Event[] {
  const before = new Map<string, number>();
  const events: Event[] = [];
  for (const { body, origin, stamp } of parsed) {
    if (stamp === null) {
      events.push({ body, origin, at: Number.NaN });
      continue;
    }
    const ms = complete(stamp, nearMs);
    const offsets = stamp.clock === 'utc' ? [0] : (zones.get(origin.file.host)?.zone.offsetsMs(ms) ?? [0]);
    const last = before.get(origin.file.path) ?? Number.NEGATIVE_INFINITY;
    const choices = offsets.map((offset) => ms - offset).toSorted((a, b) => a - b);
    const at = choices.find((choice) => choice >= last - 1000) ?? choices.at(-1) ?? ms;
    before.set(origin.file.path, at);
    events.push({ body, origin, at });
  }
  return events.filter(({ at }) => !Number.isNaN(at));
}
