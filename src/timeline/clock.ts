import type { Event, Origin, ParsedEvent } from '../model/event.ts';
import type { FileSpan, Span, Stamp } from '../model/source.ts';
import {
  alignableByHost,
  offsetAt,
  offsetFromMigrations,
  offsetFromPeriod,
  periodOf,
  referenceIndex,
  type InferredOffset,
} from './infer-zone.ts';
import { withRestored } from './restored.ts';
import { estimateSkews, type Skew } from './skew.ts';
import { complete, fixedZone, offsetName, type Zone } from './zone.ts';

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
  /** The last moment that the files of each host cover, records that mean nothing included; Unix ms. */
  readonly ends: ReadonlyMap<string, number>;
}

interface HostZone {
  readonly zone: Zone;
  readonly from: ZoneOrigin;
}

/** Brings every event to UTC: zones, missing years and dates, and the clock skew between hosts. */
export function placeInTime(parsed: readonly ParsedEvent[], spans: readonly FileSpan[], settings: ZoneSettings): Placed {
  const nearMs = referenceMoment(parsed, spans);
  const zones = zonesOf(parsed, spans, { settings, nearMs });
  const skewless = withRestored(toUtc(parsed, spans, { zones, nearMs }));
  const hosts = [...new Set([...spans.map(({ host }) => host), ...parsed.map(({ origin }) => origin.file.host)])].toSorted();
  const skews = estimateSkews(skewless);
  const clocks = hosts.map((host) => clockOf(host, zones.get(host), skews.get(host)));
  const offs = new Map([...skews].flatMap(([host, skew]) => (correction(skew) === 0 ? [] : [[host, correction(skew)] as const])));
  const events = offs.size === 0 ? skewless : skewless.map((event) => corrected(event, offs.get(event.origin.file.host) ?? 0));
  const ends = endsOf(spans, { zones, nearMs }, (host) => correction(skews.get(host)));
  return { events: events.toSorted(inOrder), clocks, ends };
}

function corrected(event: Event, off: number): Event {
  return off === 0 ? event : { body: event.body, origin: event.origin, at: event.at - off };
}

function endsOf(
  spans: readonly FileSpan[],
  { zones, nearMs }: Places,
  off: (host: string) => number,
): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const { host, last } of spans) {
    const ms = complete(last, nearMs);
    const offsets = offsetsOf(last, ms, zones.get(host));
    const end = ms - Math.min(...offsets) - off(host);
    ends.set(host, Math.max(end, ends.get(host) ?? end));
  }
  return ends;
}

/** Skew below this is left alone, ms: the estimate itself is not better. */
export const SKEW_IGNORED_MS = 1500;

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
  const latest = { utc: 0, local: 0 };
  const note = (stamp: Stamp | null): void => {
    if (stamp?.missing === 'nothing') latest[stamp.clock] = Math.max(latest[stamp.clock], stamp.ms);
  };
  for (const { first, last } of spans) for (const stamp of [first, last]) note(stamp);
  for (const { stamp } of parsed) note(stamp);
  return latest.utc || latest.local || spans.reduce((max, { modifiedAt }) => Math.max(max, modifiedAt), 0);
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
  const utc = full.filter(isBy('utc'));
  const local = full.filter(isBy('local'));
  const references = referenceIndex(parsed);
  const alignable = alignableByHost(parsed, (stamp) => complete(stamp, nearMs));
  const hosts = hostsInLocalTime(parsed, spans);
  const zones = new Map<string, HostZone>();
  for (const host of hosts) {
    const given = settings.hosts.get(host) ?? settings.all;
    const inferred = offsetFromMigrations(alignable.get(host) ?? [], references);
    if (given !== null) zones.set(host, { zone: given, from: 'given' });
    else if (inferred !== null) zones.set(host, { zone: inferredZone(inferred), from: inferred.from });
  }
  const other = [...zones.values()].find(({ from }) => from === 'same-migration')?.zone ?? null;
  for (const host of hosts) {
    const own = local.filter((span) => span.host === host);
    if (!zones.has(host)) zones.set(host, zoneByPeriod(own, utc, other));
  }
  return zones;
}

/** Logs go on after the last of those in UTC, so their period tells a zone only where that of the other hosts cannot be it. */
function zoneByPeriod(local: readonly Span[], utc: readonly Span[], other: Zone | null): HostZone {
  const inferred = offsetFromPeriod(local, utc);
  const period = periodOf(utc);
  const fits = other !== null && local.some((span) => period.fits(span, Math.min(...other.offsetsMs(span.first.ms))));
  if (inferred !== null && !fits) return { zone: inferredZone(inferred), from: inferred.from };
  return { zone: other ?? fixedZone(0), from: other === null ? 'assumed' : 'other-hosts' };
}

/** A system log may hold both: its own local time, and records that state theirs in UTC. */
function isBy(clock: Stamp['clock']): (span: Span) => boolean {
  return ({ first, last }) => first.clock === clock && last.clock === clock;
}

function hostsInLocalTime(parsed: readonly ParsedEvent[], spans: readonly Span[]): readonly string[] {
  const hosts = new Set(spans.filter((span) => !isBy('utc')(span)).map(({ host }) => host));
  for (const { stamp, origin } of parsed) if (stamp?.clock === 'local') hosts.add(origin.file.host);
  return [...hosts].toSorted();
}

function inferredZone({ anchors }: InferredOffset): Zone {
  const names = [...new Set(anchors.map(({ offsetMs }) => offsetName(offsetMs)))];
  return { name: names.join(' then '), offsetsMs: (localMs) => [offsetAt(anchors, localMs)] };
}

interface Places {
  readonly zones: ReadonlyMap<string, HostZone>;
  readonly nearMs: number;
}

/** What a time written may be ahead of UTC; `ms`: the stamp with its year and date. */
function offsetsOf({ clock }: Stamp, ms: number, zone: HostZone | undefined): readonly number[] {
  return clock === 'utc' ? [0] : (zone?.zone.offsetsMs(ms) ?? [0]);
}

/** Places events one file after the other, so that the hour which comes twice is told apart by its order. */
function toUtc(parsed: readonly ParsedEvent[], spans: readonly FileSpan[], places: Places): readonly Event[] {
  const { zones, nearMs } = places;
  const before = new Map<string, number>();
  const hours = hoursOf(spans, places);
  const timed = parsed.every(hasTime) ? parsed : parsed.filter(hasTime);
  return timed.map(({ body, origin, stamp }) => {
    const ms = complete(stamp, nearMs);
    const offsets = offsetsOf(stamp, ms, zones.get(origin.file.host));
    if (offsets.length === 1) {
      // no doubt, which is nearly always
      const at = ms - (offsets[0] ?? 0);
      before.set(origin.file.path, at);
      return { body, origin, at };
    }
    const last = before.get(origin.file.path) ?? Number.NEGATIVE_INFINITY;
    const choices = offsets.map((offset) => ms - offset).toSorted((a, b) => a - b);
    const told = choices.length > 1 ? hours(origin, { ms, choices }) : null;
    const at = told ?? choices.find((choice) => choice >= last - 1000) ?? choices.at(-1) ?? ms;
    before.set(origin.file.path, at);
    return { body, origin, at };
  });
}

function hasTime(event: ParsedEvent): event is ParsedEvent & { readonly stamp: Stamp } {
  return event.stamp !== null;
}

/** A local time of the hour that comes twice. */
interface Twice {
  readonly ms: number;
  /** What it may be in UTC, earlier first. */
  readonly choices: readonly number[];
}

/** Time around a change of offset in which a step back is that change, ms. */
const CHANGE_MS = 3 * 3_600_000;
/** Logs gathered together begin and end within this, ms. */
const PERIOD_SLACK_MS = 600_000;

/**
 * Says which of the two hours a time is of: the one that the file's step back tells; or, for a file that begins within that
 * hour, the only one within the period of the logs in UTC. `null` where nothing tells.
 */
function hoursOf(spans: readonly FileSpan[], { zones, nearMs }: Places): (origin: Origin, time: Twice) => number | null {
  const byPath = new Map(spans.flatMap((span) => (span.path === undefined ? [] : [[span.path, span] as const])));
  const utc = spans.filter((span) => isBy('utc')(span) && span.first.missing === 'nothing');
  const from = utc.reduce((min, { first }) => Math.min(min, first.ms), Number.POSITIVE_INFINITY) - PERIOD_SLACK_MS;
  const to = utc.reduce((max, { last }) => Math.max(max, last.ms), Number.NEGATIVE_INFINITY) + PERIOD_SLACK_MS;

  return ({ file, offset }, { ms, choices }) => {
    const span = byPath.get(file.path);
    if (span === undefined) return null;
    const step = span.stepsBack?.find(({ stamp }) => Math.abs(complete(stamp, nearMs) - ms) < CHANGE_MS);
    if (step !== undefined) return (offset < step.offset ? choices[0] : choices.at(-1)) ?? null;
    const begins = zones.get(file.host)?.zone.offsetsMs(complete(span.first, nearMs)) ?? [];
    const within = choices.filter((choice) => choice >= from && choice <= to);
    return begins.length > 1 && within.length === 1 ? (within[0] ?? null) : null;
  };
}
