import type { EventBody, ParsedEvent } from '../model/event.ts';
import type { Span, Stamp } from '../model/source.ts';
import { macsByVm } from './macs.ts';

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const MONTH_MS = 28 * 24 * HOUR_MS;
/** The two sides of one step of a migration are never further apart than this, so a quarter of an hour is told from the next. */
const MAX_LAG_MS = 2 * MINUTE_MS;
/** How far two logs of one incident may miss each other and still be of one incident. */
const SPAN_SLACK_MS = MINUTE_MS;

/** Every offset from UTC in use, daylight saving included (IANA 2026), hours. */
export const OFFSETS_MS: readonly number[] = [
  -12, -11, -10, -9.5, -9, -8, -7, -6, -5, -4, -3.5, -3, -2.5, -2, -1, 0, 1, 2, 3, 3.5, 4, 4.5, 5, 5.5, 5.75, 6, 6.5, 7, 8, 8.75,
  9, 9.5, 10, 10.5, 11, 12, 12.75, 13, 13.75, 14,
].map((hours) => hours * HOUR_MS);

/** A local time whose offset is known. */
export interface Anchor {
  readonly localMs: number;
  readonly offsetMs: number;
}

/** How a host's offset was found. */
export interface InferredOffset {
  /** In the order of time; more than one offset where daylight saving changed. */
  readonly anchors: readonly Anchor[];
  readonly from: 'same-migration' | 'same-period';
}

/** A moment that a UTC log states, by what it is about. */
interface Reference {
  readonly subject: string;
  readonly ms: number;
}

/** Whose migration began, and how long before. */
interface Started {
  readonly vm: string;
  readonly agoMs: number;
}

function startedBy(body: EventBody, vmOfFile: string | null): Started | null {
  if (body.kind === 'job-sample') {
    const vm = body.vm ?? vmOfFile;
    return vm === null || body.elapsedMs === null ? null : { vm, agoMs: body.elapsedMs };
  }
  // in UTC where the agent's line is in the journal
  if (body.kind === 'migrate-initiated' || body.kind === 'migrate-requested' || (body.kind === 'domain-started' && body.incoming))
    return { vm: body.vm, agoMs: 0 };
  return null;
}

/** What else a UTC event can be aligned with: `end VM`, `error TEXT`, `announce MAC`. */
function referencesOf(body: EventBody, ms: number, macs: ReadonlyMap<string, readonly string[]>): readonly Reference[] {
  switch (body.kind) {
    case 'job-completed':
      return [{ subject: `end ${body.vm}`, ms }];
    case 'domain-stopped':
      // a guest's own end is hours after its migration, and may lie a whole number of quarters of an hour after it
      if (body.reason === 'shutdown' || body.reason === 'saved') return NONE;
      return [{ subject: `end ${body.vm}`, ms }, ...(macs.get(body.vm) ?? []).map((mac) => ({ subject: `announce ${mac}`, ms }))];
    case 'daemon-message':
      return [{ subject: `error ${body.text}`, ms }];
    default:
      return NONE;
  }
}

const NONE: readonly Reference[] = [];

function subjectOf(body: EventBody): string | null {
  if (body.kind === 'migrate-requested') return `start ${body.vm}`;
  if (body.kind === 'migrate-thread-ended') return `end ${body.vm}`;
  if (body.kind === 'migrate-error') return `error ${body.text}`;
  if (body.kind === 'announced') return `announce ${body.mac}`;
  return null;
}

/** UTC moments of all events, by subject; made once for all hosts. */
export function referenceIndex(events: readonly ParsedEvent[]): ReadonlyMap<string, readonly number[]> {
  const macs = macsByVm(events);
  const index = new Map<string, number[]>();
  // by VM alone: samples are most of what there is, and each would be given its subject's name
  const starts = new Map<string, number[]>();
  for (const event of events) {
    const { body, stamp, origin } = event;
    if (stamp === null || stamp.clock !== 'utc' || stamp.missing !== 'nothing') continue;
    const started = startedBy(body, origin.file.vm);
    if (started !== null) noteAt(starts, started.vm, stamp.ms - started.agoMs);
    else for (const { subject, ms } of referencesOf(body, stamp.ms, macs)) noteAt(index, subject, ms);
  }
  for (const [vm, moments] of starts) index.set(`start ${vm}`, moments);
  return index;
}

function noteAt(moments: Map<string, number[]>, of: string, ms: number): void {
  const list = moments.get(of);
  if (list === undefined) moments.set(of, [ms]);
  else list.push(ms);
}

/** A local time of something that a UTC log states, too. */
export interface Alignable {
  readonly subject: string;
  readonly localMs: number;
}

/** The local times that each host's logs can be aligned by; made once for all hosts. */
export function alignableByHost(
  events: readonly ParsedEvent[],
  complete: (stamp: Stamp) => number,
): ReadonlyMap<string, readonly Alignable[]> {
  const byHost = new Map<string, Alignable[]>();
  for (const { body, stamp, origin } of events) {
    const subject = stamp?.clock === 'local' ? subjectOf(body) : null;
    if (stamp === null || subject === null) continue;
    const own = byHost.get(origin.file.host) ?? [];
    own.push({ subject, localMs: complete(stamp) });
    byHost.set(origin.file.host, own);
  }
  return byHost;
}

/**
 * The offset under which a host's local times lie beside UTC times of the same steps of the same migrations: every local event
 * votes for the offsets that bring it to such a moment, and the offset with most votes wins. Votes for one hour beside it are
 * daylight saving.
 */
export function offsetFromMigrations(
  local: readonly Alignable[],
  references: ReadonlyMap<string, readonly number[]>,
): InferredOffset | null {
  const ballots = local.map(({ subject, localMs }) => ({ localMs, offsets: candidates(references.get(subject) ?? [], localMs) }));
  const votes = new Map<number, { count: number; lag: number }>();
  for (const { offsets } of ballots) {
    for (const [offset, lag] of offsets) {
      const vote = votes.get(offset) ?? { count: 0, lag: 0 };
      votes.set(offset, { count: vote.count + 1, lag: vote.lag + lag });
    }
  }
  const [best] = [...votes].toSorted(([a, x], [b, y]) => y.count - x.count || x.lag / x.count - y.lag / y.count || a - b);
  if (best === undefined) return null;
  const near = [best[0], best[0] + HOUR_MS, best[0] - HOUR_MS];
  const anchors = ballots.flatMap(({ localMs, offsets }) => {
    const offset = near.find((value) => offsets.has(value));
    return offset === undefined ? [] : [{ localMs, offsetMs: offset }];
  });
  const sorted = anchors.toSorted((a, b) => a.localMs - b.localMs);
  return { anchors: changesOf(withoutChance(sorted, best[0])), from: 'same-migration' };
}

/** Daylight saving does not come and go within a month: an anchor for it between two of the other offset is another migration's, met by chance. */
function withoutChance(anchors: readonly Anchor[], bestMs: number): readonly Anchor[] {
  const sure = anchors.filter(({ offsetMs }) => offsetMs === bestMs).map(({ localMs }) => localMs);
  let next = 0;
  return anchors.filter(({ localMs, offsetMs }) => {
    while (next < sure.length && (sure[next] ?? 0) <= localMs) next += 1;
    return (
      offsetMs === bestMs || (sure[next] ?? Number.POSITIVE_INFINITY) - (sure[next - 1] ?? Number.NEGATIVE_INFINITY) > MONTH_MS
    );
  });
}

/** Of neighbours with the same offset the first and the last: between them nothing changes. */
function changesOf(anchors: readonly Anchor[]): readonly Anchor[] {
  return anchors.filter(
    ({ offsetMs }, index) => anchors[index - 1]?.offsetMs !== offsetMs || anchors[index + 1]?.offsetMs !== offsetMs,
  );
}

/** Offsets that bring a local time within the lag of a reference, each with the smallest lag. */
function candidates(references: readonly number[], localMs: number): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const ms of references) {
    const offset = Math.round((localMs - ms) / QUARTER_MS) * QUARTER_MS;
    const lag = Math.abs(localMs - ms - offset);
    if (lag > MAX_LAG_MS || !OFFSETS_MS.includes(offset)) continue;
    found.set(offset, Math.min(lag, found.get(offset) ?? Number.POSITIVE_INFINITY));
  }
  return found;
}

/**
 * The one offset under which a host's local logs and the UTC logs are of the same period; `null` where several would do, as
 * with logs of whole days.
 */
export function offsetFromPeriod(local: readonly Span[], utc: readonly Span[]): InferredOffset | null {
  if (local.length === 0 || utc.length === 0) return null;
  const { first, fits } = periodOf(utc);
  const fitting = OFFSETS_MS.filter((offset) => local.every((span) => fits(span, offset)));
  const [offset] = fitting;
  if (offset === undefined || fitting.length > 1) return null;
  return { anchors: [{ localMs: first + offset, offsetMs: offset }], from: 'same-period' };
}

/** The time from the first of the UTC logs to the last, and whether a local log touches it under an offset. */
export function periodOf(utc: readonly Span[]): { readonly first: number; fits(local: Span, offset: number): boolean } {
  const first = Math.min(...utc.map((span) => span.first.ms)) - SPAN_SLACK_MS;
  const last = Math.max(...utc.map((span) => span.last.ms)) + SPAN_SLACK_MS;
  return { first, fits: (local, offset) => local.first.ms - offset <= last && local.last.ms - offset >= first };
}

/** The offset at a local time: that of the anchor next to it. */
export function offsetAt(anchors: readonly Anchor[], localMs: number): number {
  return anchors.reduce(
    (a, b) => (Math.abs(b.localMs - localMs) < Math.abs(a.localMs - localMs) ? b : a),
    anchors[0] ?? { localMs: 0, offsetMs: 0 },
  ).offsetMs;
}
