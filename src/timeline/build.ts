import { stableId } from '../lib/hash.ts';
import type { DomainStarted, DowntimeLimitSet, Event, EventBody } from '../model/event.ts';
import type { Source } from '../model/source.ts';
import type { Downtime, HostHistory, Migration, Phase } from '../model/timeline.ts';
import { announcementOf, observersOf, type Observer } from './announce.ts';
import type { Attempt } from './attempts.ts';
import type { HostClock } from './clock.ts';
import { DEFAULT_DOWNTIME_LIMIT_MS, predict } from './convergence.ts';
import { addressOf, correlate, hypervisorsOf } from './correlate.ts';
import { endingOf, type Ending } from './outcome.ts';
import { passesOf } from './passes.ts';
import { presenceOf, type Move } from './presence.ts';

/** What there is to build timelines from, besides the events. */
export interface Inputs {
  /** Which programs' output was read, of which hosts. */
  readonly files: readonly { readonly host: string; readonly source: Source }[];
  readonly clocks: readonly HostClock[];
  /** The last moment that any log covers, Unix ms. */
  readonly logsEndAt: number;
}

export interface Timelines {
  readonly migrations: readonly Migration[];
  readonly hosts: readonly HostHistory[];
}

/** Events in the order of time → one timeline per migration, and the history of each host. Pure: the same events give the same. */
export function buildTimelines(events: readonly Event[], inputs: Inputs): Timelines {
  const attempts = correlate(events, hypervisorsOf(inputs.files));
  const observers = observersOf(events, new Set(inputs.clocks.filter(({ zoneFrom }) => zoneFrom === 'assumed').map(({ host }) => host)));
  const ended = attempts.map((attempt) => ({ attempt, ending: endingOf(attempt, inputs.logsEndAt) }));
  const migrations = ended.map(({ attempt, ending }) => {
    const moves = ended.filter((other) => other.attempt.vm === attempt.vm).map((other) => moveOf(other.attempt, other.ending));
    return migrationOf({ attempt, ending, observers, inputs, moves });
  });
  return { migrations, hosts: hostsOf(events, migrations, inputs) };
}

interface Context {
  readonly attempt: Attempt;
  readonly ending: Ending;
  readonly observers: readonly Observer[];
  readonly inputs: Inputs;
  readonly moves: readonly Move[];
}

function migrationOf({ attempt, ending, observers, inputs, moves }: Context): Migration {
  const { events, source, destination, vmEvents } = attempt;
  const samples = ofKind(events, 'job-sample').filter(({ body, origin }) => body.direction !== 'incoming' && origin.file.host === source);
  const startedAt = startOf(attempt);
  const limitAt = downtimeLimits(ofKind(events, 'downtime-limit-set'));
  const starts = ofKind(events, 'migration-pass').filter(({ origin }) => origin.file.host === source);
  const passes = passesOf(samples, { starts, limitSeconds: (at) => limitAt(at) / 1000 });
  const postcopy = postcopyOf(events);
  const arrivedAt = arrivalOf(attempt, ending, postcopy[0]?.at ?? null);
  const macs = macsOf(vmEvents);
  const initiatedAt = ofKind(events, 'migrate-initiated')[0]?.at ?? startedAt;
  const announced = announcementOf({ macs, startedAt: initiatedAt, arrivedAt }, observers);
  const lastSeenAt = ending.endedAt ?? events.at(-1)?.at ?? attempt.openedAt;
  const domain = (host: string | null): DomainStarted | null => ofKind(vmEvents, 'domain-started').findLast(({ origin, at }) => origin.file.host === host && at <= lastSeenAt)?.body ?? null;
  const base = {
    id: stableId('migration', attempt.vm, source ?? '', String(startedAt)),
    vm: attempt.vm,
    macs,
    source,
    destination,
    destinationAddress: addressOf(attempt),
    startedAt,
    endedAt: ending.endedAt,
    lastSeenAt,
    outcome: ending.outcome,
    outcomeCertainty: ending.certainty,
    outcomeEvidence: ending.evidence,
    cause: ending.cause,
    samples,
    passes,
    predictions: predict(passes, limitAt),
    iterations: ofKind(events, 'job-completed')[0]?.body.passes ?? passes.at(-1)?.pass ?? null,
    downtime: downtimeOf(attempt, ending),
    downtimeLimitMs: limitAt(lastSeenAt),
    announcement: ending.outcome === 'completed' || announced.state === 'yes' ? announced : { ...announced, state: 'unobserved' as const, because: 'the guest did not move' },
    postcopyAt: postcopy[0]?.at ?? null,
    postcopyEvidence: postcopy,
    throttlePercent: highest(samples.map(({ body }) => body.throttlePercent)),
    pausedAt: ofKind(events, 'guest-pause-requested')[0]?.at ?? null,
    after: presenceOf(vmEvents, moves),
    sourceDomain: domain(source),
    destinationDomain: domain(destination),
    events,
  };
  return { ...base, phases: phasesOf({ ...base, arrivedAt }), unobserved: unobservedOf(base, inputs) };
}

/** Events of one kind. */
function ofKind<K extends EventBody['kind']>(events: readonly Event[], kind: K): readonly Event<Extract<EventBody, { kind: K }>>[] {
  return events.filter((event): event is Event<Extract<EventBody, { kind: K }>> => event.body.kind === kind);
}

/** The client's request, or the earliest sign on either host. Preparing the destination comes before. */
function startOf({ openedAt, events }: Attempt): number {
  const requested = ofKind(events, 'migrate-requested')[0];
  if (requested !== undefined) return requested.at;
  const signs = events.filter(({ body }) => body.kind !== 'destination-prepared');
  const sampled = ofKind(signs, 'job-sample')[0];
  const bySample = sampled?.body.elapsedMs === null || sampled === undefined ? Number.POSITIVE_INFINITY : sampled.at - (sampled.body.elapsedMs ?? 0);
  return Math.min(bySample, signs[0]?.at ?? openedAt);
}

function moveOf(attempt: Attempt, ending: Ending): Move {
  const paused = ofKind(attempt.events, 'guest-pause-requested').length > 0;
  const resumed = attempt.events.some(({ body }) => body.kind === 'guest-resume-requested' || (body.kind === 'guest-run-state' && body.running));
  return {
    source: attempt.source,
    destination: attempt.destination,
    startedAt: attempt.openedAt,
    outcome: ending.outcome,
    postcopy: postcopyOf(attempt.events).length > 0,
    sourceDied: ending.cause?.kind === 'source-died',
    leftPaused: paused && !resumed,
  };
}

/** Where QEMU or libvirt says that post-copy began: the guest runs on the destination from then on. */
function postcopyOf(events: readonly Event[]): readonly Event[] {
  return events.filter(({ body }) => {
    if ('status' in body && body.status !== null) return body.status.startsWith('postcopy');
    return body.kind === 'daemon-message' && /post-copy/.test(body.text) && !/not supported|recover/.test(body.text);
  });
}

function macsOf(events: readonly Event[]): readonly string[] {
  const macs = events.flatMap(({ body }) => (body.kind === 'domain-started' || body.kind === 'migrate-requested' ? body.macs : []));
  return [...new Set(macs)].toSorted();
}

function downtimeLimits(changes: readonly Event<DowntimeLimitSet>[]): (at: number) => number {
  return (at) => changes.findLast((change) => change.at <= at)?.body.downtimeMs ?? DEFAULT_DOWNTIME_LIMIT_MS;
}

/** libvirt's client hears of the end about this long after the guest runs on the destination (recordings: 1.0–1.8 s). */
const CLIENT_DELAY_MS = 1500;

function arrivalOf({ events, source, destination }: Attempt, { endedAt }: Ending, postcopyAt: number | null): number {
  const resumed = ofKind(events, 'guest-run-state').find(({ body, origin }) => body.running && origin.file.host === destination);
  const left = ofKind(events, 'domain-stopped').find(({ body, origin }) => body.reason === 'migrated' && origin.file.host === source);
  return postcopyAt ?? resumed?.at ?? left?.at ?? (endedAt === null ? (events.at(-1)?.at ?? 0) : endedAt - CLIENT_DELAY_MS);
}

function downtimeOf({ events, source, destination }: Attempt, { outcome }: Ending): Downtime | null {
  if (outcome !== 'completed') return null;
  const completed = ofKind(events, 'job-completed').find(({ body }) => body.downtimeMs !== null);
  if (completed !== undefined) return { ms: completed.body.downtimeMs ?? 0, from: 'statistics', evidence: [completed] };
  const final = ofKind(events, 'job-sample').findLast(({ body }) => body.downtimeMs !== null && (body.status === 'completed' || body.status?.startsWith('postcopy') === true));
  if (final !== undefined) return { ms: final.body.downtimeMs ?? 0, from: 'statistics', evidence: [final] };
  const states = ofKind(events, 'guest-run-state');
  const stopped = states.findLast(({ body, origin }) => !body.running && origin.file.host === source);
  const resumed = states.find(({ body, origin, at }) => body.running && origin.file.host === destination && at >= (stopped?.at ?? at + 1));
  if (stopped !== undefined && resumed !== undefined) return { ms: resumed.at - stopped.at, from: 'events', evidence: [stopped, resumed] };
  const paused = ofKind(events, 'guest-pause-requested')[0];
  const left = ofKind(events, 'domain-stopped').find(({ origin }) => origin.file.host === source);
  if (paused === undefined || left === undefined || left.at <= paused.at) return null;
  return { ms: left.at - paused.at, from: 'at-least', evidence: [paused, left] };
}

function highest(values: readonly (number | null)[]): number | null {
  return values.reduce((max, value) => (value !== null && value > (max ?? 0) ? value : max), null);
}

type PhaseInput = Pick<Migration, 'startedAt' | 'endedAt' | 'lastSeenAt' | 'events' | 'outcome' | 'postcopyAt' | 'announcement'> & { readonly arrivedAt: number };

function phasesOf(of: PhaseInput): readonly Phase[] {
  const initiatedAt = ofKind(of.events, 'migrate-initiated')[0]?.at ?? of.startedAt;
  const moved = of.outcome === 'completed' || of.postcopyAt !== null;
  const copiedAt = moved ? of.arrivedAt : of.lastSeenAt;
  const frames = of.announcement.evidence.filter(({ body }) => body.kind === 'announced').map(({ at }) => at);
  const phases: Phase[] = [
    { name: 'prepare', from: of.startedAt, to: Math.max(of.startedAt, initiatedAt) },
    { name: 'pre-copy', from: Math.max(of.startedAt, initiatedAt), to: Math.max(initiatedAt, copiedAt) },
  ];
  if (of.postcopyAt !== null) phases.push({ name: 'post-copy', from: of.postcopyAt, to: of.lastSeenAt });
  if (frames.length > 0) phases.push({ name: 'announce', from: Math.min(...frames), to: Math.max(...frames) });
  if (moved && of.postcopyAt === null && of.endedAt !== null) phases.push({ name: 'cleanup', from: of.arrivedAt, to: Math.max(of.arrivedAt, of.endedAt) });
  return phases;
}

type Observed = Pick<Migration, 'source' | 'destination' | 'samples' | 'announcement' | 'downtime' | 'outcome'>;

function unobservedOf({ source, destination, samples, announcement, downtime, outcome }: Observed, { files }: Inputs): readonly string[] {
  const has = (host: string | null, kind: Source): boolean => files.some((file) => file.host === host && file.source === kind);
  const missing: string[] = [];
  if (!has(source, 'cloudstack-agent')) missing.push(`agent.log of ${source ?? 'the source'}`);
  if (!has(source, 'libvirt-qemu')) missing.push(`QEMU log of ${source ?? 'the source'}`);
  if (!has(destination, 'libvirt-qemu')) missing.push(`QEMU log of ${destination ?? 'the destination'}`);
  if (!has(source, 'libvirtd')) missing.push(`libvirtd log of ${source ?? 'the source'}`);
  if (!has(destination, 'libvirtd')) missing.push(`libvirtd log of ${destination ?? 'the destination'}`);
  if (samples.length === 0) missing.push('job statistics (virsh domjobinfo, or the QEMU monitor in libvirtd.log): dirty rate, bandwidth');
  if (outcome === 'completed' && downtime === null) missing.push('downtime (virsh domjobinfo --completed on the destination)');
  if (outcome === 'completed' && announcement.state === 'unobserved') missing.push(`announcement: ${announcement.because}`);
  return missing;
}

function hostsOf(events: readonly Event[], migrations: readonly Migration[], { clocks }: Inputs): readonly HostHistory[] {
  return clocks.map(({ host, skewMs, skewAgainst }) => {
    const own = events.filter(({ origin }) => origin.file.host === host);
    return {
      host,
      probes: ofKind(own, 'heartbeat-probe'),
      writeFailures: ofKind(own, 'heartbeat-write-failed'),
      resets: ofKind(own, 'host-resetting'),
      events: own,
      migrations: migrations.filter(({ source, destination }) => source === host || destination === host),
      skewMs,
      skewAgainst,
    };
  });
}

