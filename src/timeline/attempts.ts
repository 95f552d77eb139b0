import type { Event, EventBody } from '../model/event.ts';
import { hostOf } from './of-kind.ts';

/** One attempt to migrate one VM, as the events about it fall together; hosts may still be unknown. */
export interface Attempt {
  readonly vm: string;
  readonly source: string | null;
  readonly destination: string | null;
  /** The first sign of it, and the client's last word (`null` where that was not seen). */
  readonly openedAt: number;
  readonly closedAt: number | null;
  readonly events: readonly Event[];
  /** Everything that names the VM, of all its attempts and between them. */
  readonly vmEvents: readonly Event[];
}

/** An opener this long after the last sign of an attempt begins another one: preparing a destination takes seconds, at worst minutes. */
export const MAX_PREPARE_MS = 10 * 60_000;
/** A migration of a large, busy VM can go on for hours, and without agent.log and statistics nothing is heard of it meanwhile. */
export const MAX_SILENCE_MS = 24 * 3_600_000;
/** What both sides still print after the client's last word: clean-up, statistics, the exception's own record. */
const TRAIL_MS = 30_000;
/** Records of one moment on two hosts, by clocks that agree. */
export const JITTER_MS = 2000;
/** An error this long after the end of an attempt is of another one. */
const ERROR_TRAIL_MS = 15_000;

/** Events that begin an attempt, or one side of it, and on which side they are printed. */
const OPENERS: Readonly<Partial<Record<EventBody['kind'], 'source' | 'destination'>>> = {
  'migrate-requested': 'source',
  'destination-prepared': 'destination',
  'domain-started': 'destination',
  'migrate-initiated': 'source',
  'migrate-progress': 'source',
  'job-sample': 'source',
};

/** Openers that an attempt has at most once. */
const ONCE = new Set<EventBody['kind']>(['migrate-requested', 'destination-prepared', 'domain-started', 'migrate-initiated']);

/** Kinds of which an attempt's side follows though they open none. */
const SIDES: Readonly<Partial<Record<EventBody['kind'], 'source' | 'destination'>>> = {
  'migrate-thread-ended': 'source',
  'migrate-error': 'source',
  'migrate-succeeded': 'source',
  'abort-requested': 'source',
  'guest-pause-requested': 'source',
};

/** Kinds by which a host tells that a VM is no longer there. */
const LEAVING = new Set<EventBody['kind']>(['domain-stopped', 'domain-missing']);

interface OpenAttempt {
  vm: string;
  source: string | null;
  destination: string | null;
  openedAt: number;
  closedAt: number | null;
  lastAt: number;
  failed: boolean;
  /** Of the last sample that begins or joins an attempt: when its job began, and how long it ran then. */
  job: { readonly beganAt: number; readonly elapsedMs: number } | null;
  once: Set<EventBody['kind']>;
  events: Event[];
}

/** Events of one VM, in the order of time → its attempts, in the order of their beginning. */
export function attemptsOf(vm: string, events: readonly Event[]): readonly Attempt[] {
  const attempts: OpenAttempt[] = [];
  let loose: Event[] = [];
  for (const event of events) {
    const known = attempts.length;
    const attempt = isOpener(event) ? openOrJoin(vm, attempts, event) : attemptFor(vm, attempts, event);
    if (attempt === null) {
      loose.push(event);
      continue;
    }
    if (attempts.length > known) {
      // one daemon may refuse what another has not yet said that it asked for
      attempt.events.push(...loose.filter(({ body, at }) => body.kind === 'daemon-message' && event.at - at <= JITTER_MS));
      loose = [];
    }
    attempt.events.push(event);
    note(attempt, event);
  }
  return attempts.map(({ source, destination, openedAt, closedAt, events: own }) => ({
    vm,
    source,
    destination,
    openedAt,
    closedAt,
    events: own,
    vmEvents: events,
  }));
}

function isOpener({ body }: Event): boolean {
  if (body.kind === 'domain-started') return body.incoming === true;
  if (body.kind === 'migrate-initiated') return !body.resumed;
  // the monitor's counters are of either side; a poller's are the source's
  if (body.kind === 'job-sample') return body.monitor === null && body.direction !== 'incoming' && isRunning(body.status);
  return OPENERS[body.kind] !== undefined;
}

/** QEMU's words for a migration that goes on. A stale `cancelled` of an earlier attempt begins nothing. */
function isRunning(status: string | null): boolean {
  return (
    status === null ||
    status === 'active' ||
    status === 'setup' ||
    status === 'device' ||
    status === 'pre-switchover' ||
    status.startsWith('postcopy')
  );
}

function openOrJoin(vm: string, attempts: OpenAttempt[], event: Event): OpenAttempt {
  const latest = attempts.at(-1);
  return latest !== undefined && joins(latest, event) ? latest : open(vm, attempts, event);
}

function open(vm: string, attempts: OpenAttempt[], event: Event): OpenAttempt {
  const latest = attempts.at(-1);
  const { at } = event;
  const opened: OpenAttempt = {
    vm,
    source: null,
    destination: null,
    openedAt: Math.max(at - ranFor(event), latest?.closedAt ?? Number.NEGATIVE_INFINITY),
    closedAt: null,
    lastAt: at,
    failed: false,
    job: null,
    once: new Set(),
    events: [],
  };
  attempts.push(opened);
  return opened;
}

function joins(attempt: OpenAttempt, event: Event): boolean {
  const { body, at } = event;
  // a poller's last samples may come after the client's last word
  const grace = body.kind === 'job-sample' || body.kind === 'migrate-progress' ? JITTER_MS : 0;
  if (attempt.closedAt !== null && at > attempt.closedAt + grace) return false;
  if (isAnotherJob(attempt, event)) return false;
  if (ONCE.has(body.kind) && attempt.once.has(body.kind)) return false;
  if (at - ranFor(event) - attempt.lastAt > MAX_PREPARE_MS && !awaits(attempt, event)) return false;
  const host = hostOf(event);
  return OPENERS[body.kind] === 'destination'
    ? fits(host, attempt.destination, attempt.source)
    : fits(host, attempt.source, attempt.destination);
}

/** How long its migration runs already, or ran, as the event itself tells: of a long wait only the first and the last word are kept. */
export function ranFor({ body }: Event): number {
  if (body.kind === 'migrate-progress') return body.waitedMs;
  return body.kind === 'job-sample' || body.kind === 'job-completed' ? (body.elapsedMs ?? 0) : 0;
}

/** Disks are copied between the start of the destination's QEMU and that of the memory stream, which takes hours. */
function awaits({ once, events, destination, lastAt }: OpenAttempt, { body, at }: Event): boolean {
  if (body.kind !== 'migrate-initiated' || at - lastAt > MAX_SILENCE_MS) return false;
  const ended = events.some((event) => event.body.kind === 'domain-stopped' && hostOf(event) === destination);
  return !ended && (once.has('domain-started') || once.has('migrate-requested'));
}

/** The job's clock began anew: this sample is of a later attempt. At 0 it does not run: libvirt says so of one that is just over, too. */
function isAnotherJob({ job }: OpenAttempt, { body, at }: Event): boolean {
  if (job === null || body.kind !== 'job-sample' || body.elapsedMs === null || body.elapsedMs === 0) return false;
  return body.elapsedMs < job.elapsedMs && at - body.elapsedMs > job.beganAt + JITTER_MS;
}

/** A host can be one side of an attempt: it is known to be, or no other is, and it is not the other side. */
function fits(host: string, side: string | null, otherSide: string | null): boolean {
  return host !== otherSide && (side === null || side === host);
}

/** The attempt that an event without a beginning of its own belongs to; a client's error without any opens one. */
function attemptFor(vm: string, attempts: OpenAttempt[], event: Event): OpenAttempt | null {
  const latest = attempts.findLast((attempt) => attempt.openedAt - JITTER_MS <= event.at);
  const elsewhere = latest !== undefined && isOfAnotherSource(latest, event);
  if (event.body.kind === 'migrate-error' && (latest === undefined || elsewhere || isOver(latest, event.at)))
    return openOrJoin(vm, attempts, event);
  if (elsewhere) return null;
  if (latest !== undefined && arrivesElsewhere(latest, event)) return hasLeft(latest) ? open(vm, attempts, event) : null;
  return latest === undefined || event.at - latestSign(latest, event) > TRAIL_MS ? null : latest;
}

/** What only a source's agent says comes from another host than this attempt's source: the VM migrates on from where it came. */
function isOfAnotherSource({ source }: OpenAttempt, event: Event): boolean {
  return source !== null && SIDES[event.body.kind] === 'source' && hostOf(event) !== source;
}

/** Statistics of an arrival on another host than this attempt's destination, above all on its source: the VM came there in another one. */
function arrivesElsewhere({ source, destination }: OpenAttempt, event: Event): boolean {
  const { body } = event;
  if (body.kind !== 'job-completed' || body.direction !== 'incoming') return false;
  return hostOf(event) === source || (destination !== null && hostOf(event) !== destination);
}

/** It is over, so an arrival on another host is later. While it goes on, statistics of one are what is left of the one before. */
function hasLeft({ closedAt, events, source }: OpenAttempt): boolean {
  if (closedAt !== null) return true;
  return events.some((event) => LEAVING.has(event.body.kind) && hostOf(event) === source);
}

/** The client has had its last word on this attempt, so another error is of another one. */
function isOver({ closedAt, failed }: OpenAttempt, at: number): boolean {
  if (closedAt === null || at - closedAt <= JITTER_MS) return false;
  return failed || at - closedAt > ERROR_TRAIL_MS;
}

/** Until when an attempt may be heard of: as long as it is open, but a VM that ends on the destination long after had arrived there. */
function latestSign({ closedAt, lastAt, destination }: OpenAttempt, event: Event): number {
  if (closedAt !== null) return closedAt;
  const silence = event.body.kind === 'domain-stopped' && hostOf(event) === destination ? MAX_PREPARE_MS : MAX_SILENCE_MS;
  return event.at - lastAt <= silence ? event.at : lastAt;
}

function note(attempt: OpenAttempt, event: Event): void {
  const { body, at } = event;
  const side = sideOf(event, attempt);
  if (side === 'source') attempt.source ??= hostOf(event);
  if (side === 'destination') attempt.destination ??= hostOf(event);
  if (ONCE.has(body.kind)) attempt.once.add(body.kind);
  if (body.kind === 'migrate-thread-ended' || (body.kind === 'migrate-error' && attempt.closedAt === null)) attempt.closedAt = at;
  if (body.kind === 'migrate-error') attempt.failed = true;
  attempt.job = jobOf(event) ?? attempt.job;
  attempt.lastAt = Math.max(attempt.lastAt, at);
}

/** The job's clock, once its counters come from QEMU: libvirt's own begins earlier. */
function jobOf(event: Event): OpenAttempt['job'] {
  const { body, at } = event;
  if (body.kind !== 'job-sample' || body.elapsedMs === null || body.remainingBytes === null || !isOpener(event)) return null;
  return { beganAt: at - body.elapsedMs, elapsedMs: body.elapsedMs };
}

/** Which side of an attempt an event shows its host to be. */
function sideOf(event: Event, { source, destination }: OpenAttempt): 'source' | 'destination' | undefined {
  const { body } = event;
  if (isOpener(event)) return OPENERS[body.kind];
  if (body.kind === 'domain-stopped') return body.reason === 'migrated' && hostOf(event) !== destination ? 'source' : undefined;
  if (body.kind === 'job-completed') return body.direction === 'incoming' && hostOf(event) !== source ? 'destination' : undefined;
  return SIDES[body.kind];
}
