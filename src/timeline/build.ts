import { groupBy } from '../lib/group.ts';
import { stableId } from '../lib/hash.ts';
import type { DomainStarted, Event, EventKind, JobSample } from '../model/event.ts';
import type { HostAddress } from '../model/source.ts';
import type { Announcement, HostHistory, HostState, Migration } from '../model/timeline.ts';
import { announcementOf, doubtOf, observersOf, unobserved, type Observer } from './announce.ts';
import type { Attempt } from './attempts.ts';
import type { HostClock } from './clock.ts';
import { predict } from './convergence.ts';
import { addressOf } from './addresses.ts';
import { correlate, hypervisorsOf } from './correlate.ts';
import { arrivalOf, downtimeLimits, downtimeOf, phasesOf, postcopyOf, startOf } from './measures.ts';
import { withoutEchoes } from './echoes.ts';
import { hostOf, isProcess, ofKind } from './of-kind.ts';
import { endingOf, type Ending } from './outcome.ts';
import { passesOf } from './passes.ts';
import { agentStartsOf, hostEndsOf, presenceOf, type Move } from './presence.ts';
import { takenUpOf, takesUp } from './taken-up.ts';
import { unobservedOf, type Coverage } from './unobserved.ts';

/** What there is to build timelines from, besides the events. */
export interface Inputs {
  readonly files: Coverage;
  readonly clocks: readonly HostClock[];
  /** The last moment that the logs of each host cover, Unix ms. */
  readonly ends: ReadonlyMap<string, number>;
  /** What was told at other times of the hosts' addresses. */
  readonly addresses: readonly HostAddress[];
}

/** One timeline per migration, in the order of their beginning, and the history of each host. */
export interface Timelines {
  readonly migrations: readonly Migration[];
  readonly hosts: readonly HostHistory[];
}

/** Events in the order of time → timelines. Pure: the same events give the same, however they arrived. */
export function buildTimelines(all: readonly Event[], inputs: Inputs): Timelines {
  const events = withoutEchoes(all);
  const hypervisors = hypervisorsOf(inputs.files);
  const hosts = new Set(inputs.files.map(({ host }) => host));
  const attempts = correlate(events, { hosts, hypervisors, addresses: inputs.addresses });
  const observers = observersOf(
    events,
    new Set(inputs.clocks.filter(({ zoneFrom }) => zoneFrom === 'assumed').map(({ host }) => host)),
  );
  const ended = attempts.map((attempt) => ({
    attempt,
    ending: endingOf(attempt, logsEndAt(attempt, inputs.ends)),
    postcopy: postcopyOf(attempt.events),
    takes: null,
  }));
  // what all migrations of a VM share is made once a VM: of one that moves to and fro there are many
  const byAttempt = new Map<Ended, Migration>();
  const lives = { ends: hostEndsOf(events), agentStarts: agentStartsOf(events), heardUntil: inputs.ends };
  for (const separate of groupBy(ended, ({ attempt }) => attempt.vm).values()) {
    const own = joined(separate);
    const arrivals = own.map(({ attempt, ending, postcopy }) => arrivalOf(attempt, ending, postcopy));
    const vmEvents = own[0]?.attempt.vmEvents ?? [];
    const shared = {
      observers,
      clocks: inputs.clocks,
      hypervisors: hypervisors.map(({ host }) => host),
      files: inputs.files,
      after: presenceOf(vmEvents, own.map(moveOf), lives),
      macs: macsOf(vmEvents),
      domains: ofKind(vmEvents, 'domain-started'),
    };
    for (const [index, one] of own.entries()) {
      const arrivedAt = arrivals[index] ?? 0;
      const otherArrivals = arrivals.toSpliced(index, 1).filter((at) => at !== arrivedAt);
      byAttempt.set(separate[index] ?? one, migrationOf({ ...one, ...shared, arrivedAt, otherArrivals }));
    }
  }
  const migrations = ended.flatMap((one) => byAttempt.get(one) ?? []);
  return { migrations, hosts: hostsOf(events, migrations, inputs) };
}

/** The last moment at which a host of the attempt could have been heard of it. */
function logsEndAt({ source, destination, events }: Attempt, ends: ReadonlyMap<string, number>): number {
  const lastAt = events.at(-1)?.at ?? 0;
  return Math.max(lastAt, ...[source, destination].map((host) => (host === null ? lastAt : (ends.get(host) ?? lastAt))));
}

/** An attempt that takes up one which had broken in post-copy: the guest has run on the destination since that. */
function joined(attempts: readonly Ended[]): readonly Ended[] {
  const known: Ended[] = [];
  for (const one of attempts) {
    const before = known.at(-1);
    const taken = before !== undefined && takesUp(one, before);
    known.push(taken ? { ...one, postcopy: before.postcopy, takes: before } : one);
  }
  return known;
}

interface Ended {
  readonly attempt: Attempt;
  readonly ending: Ending;
  /** Where post-copy is seen to be on, the first of it first. */
  readonly postcopy: readonly Event[];
  /** The broken one before it that it takes up. */
  readonly takes: Ended | null;
}

interface Context extends Ended {
  readonly observers: readonly Observer[];
  readonly clocks: readonly HostClock[];
  readonly hypervisors: readonly string[];
  readonly files: Coverage;
  readonly after: readonly HostState[];
  /** Every address that the VM is known to have had. */
  readonly macs: readonly string[];
  /** Every QEMU of the VM that was seen to start, in the order of time. */
  readonly domains: readonly Event<DomainStarted>[];
  readonly arrivedAt: number;
  /** Arrivals of the VM in its other migrations. */
  readonly otherArrivals: readonly number[];
}

function migrationOf(context: Context): Migration {
  const { attempt, ending, postcopy } = context;
  const { vm, source, destination, events } = attempt;
  const startedAt = startOf(attempt);
  const lastSeenAt = ending.endedAt ?? events.at(-1)?.at ?? attempt.openedAt;
  const samples = ofKind(events, 'job-sample').filter((event) => event.body.direction !== 'incoming' && hostOf(event) === source);
  const limitAt = downtimeLimits(ofKind(events, 'downtime-limit-set'), samples);
  const domainOf = (host: string | null): DomainStarted | null =>
    context.domains.findLast((event) => event.at <= lastSeenAt && hostOf(event) === host)?.body ?? null;
  const [sourceDomain, destinationDomain] = [domainOf(source), domainOf(destination)];
  const macs = macsThen(context, [sourceDomain, destinationDomain]);
  const base = {
    id: stableId('migration', vm, source ?? '', String(startedAt)),
    vm,
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
    ...countersOf(attempt, samples, limitAt),
    downtime: downtimeOf(attempt, ending),
    downtimeLimitMs: limitAt(lastSeenAt),
    announcement: announcedBy(context, startedAt, macs),
    postcopyAt: postcopy[0]?.at ?? null,
    postcopyEvidence: postcopy,
    takesUp: context.takes !== null,
    takenUp: takenUpOf(context),
    pausedAt: ofKind(events, 'guest-pause-requested')[0]?.at ?? null,
    after: context.after,
    sourceDomain,
    destinationDomain,
    events,
  };
  return {
    ...base,
    phases: phasesOf({ ...base, arrivedAt: context.arrivedAt }),
    unobserved: unobservedOf(base, context.files),
  };
}

type Counters = Pick<Migration, 'samples' | 'passes' | 'predictions' | 'iterations' | 'throttlePercent'>;

/** What the job's counters tell. */
function countersOf(
  { events, source }: Attempt,
  samples: readonly Event<JobSample>[],
  limitAt: (at: number) => number,
): Counters {
  const starts = ofKind(events, 'migration-pass').filter((event) => hostOf(event) === source);
  const passes = passesOf(samples, { starts, limitSeconds: (at) => limitAt(at) / 1000 });
  return {
    samples,
    passes,
    predictions: predict(passes, limitAt),
    iterations: highest([
      ...ofKind(events, 'job-completed').map(({ body }) => body.passes),
      ...samples.map(({ body }) => body.pass),
      ...starts.map(({ body }) => body.pass),
    ]),
    throttlePercent: highest(samples.map(({ body }) => body.throttlePercent)),
  };
}

function highest(values: readonly (number | null)[]): number | null {
  const told = values.filter((value): value is number => value !== null && value > 0);
  return told.length === 0 ? null : told.reduce((a, b) => Math.max(a, b));
}

/** A guest that did not move has nothing to announce. */
function announcedBy(context: Context, startedAt: number, macs: readonly string[]): Announcement {
  const { attempt, ending, postcopy, observers, clocks, arrivedAt, otherArrivals } = context;
  const doubt = doubtOf(clocks, [attempt.source, attempt.destination]);
  const bystanders = new Set(context.hypervisors.filter((host) => host !== attempt.source && host !== attempt.destination));
  const arrival = { macs, startedAt: initiatedAt(context, startedAt), otherArrivals, bystanders, doubt };
  const isPaused = arrivedPaused(attempt);
  const resumedAt = isPaused ? resumedLaterAt(attempt) : null;
  const announced = { ...announcementOf({ ...arrival, arrivedAt: resumedAt ?? arrivedAt }, observers), resumedAt };
  if (announced.state === 'no' && resumedAt === null && isPaused)
    return unobserved('the guest arrived paused, and its QEMU announces it when it is resumed');
  if (announced.state === 'no' && resumedAt === null && isMomentUnknown(context))
    return unobserved('nothing tells when the guest arrived');
  if (ending.outcome === 'completed' || postcopy.length > 0) return announced;
  return { ...announced, state: 'unobserved', because: 'the guest did not move' };
}

/** No log of the source, no word of an end: only what the guest did later on the destination says that it came. */
function isMomentUnknown({ attempt: { events, source }, ending }: Context): boolean {
  return ending.endedAt === null && !events.some((event) => hostOf(event) === source);
}

/** When its memory stream began, in the attempt in which the guest moved. */
function initiatedAt(context: Context, startedAt: number): number {
  const begun = firstOf(context).attempt.events;
  return ofKind(begun, 'migrate-initiated')[0]?.at ?? (context.takes === null ? startedAt : (begun[0]?.at ?? startedAt));
}

/** Paused before it migrated, and not resumed since: frames wait in QEMU for the guest to run. One that is paused on its way runs when it arrives. */
function arrivedPaused({ events, destination }: Attempt): boolean {
  const states = ofKind(events, 'guest-run-state').filter((event) => hostOf(event) === destination);
  return states.length > 0 && states.every(({ body }) => !body.running);
}

/** When somebody resumed it, after all that is of the migration; `null` where it ended or left before. */
function resumedLaterAt({ events, vmEvents, destination }: Attempt): number | null {
  const lastAt = events.at(-1)?.at ?? 0;
  const next = vmEvents.find((event) => event.at > lastAt && (isProcess(event) || isResumed(event)));
  return next !== undefined && isResumed(next) && hostOf(next) === destination ? next.at : null;
}

function isResumed({ body }: Event): boolean {
  return body.kind === 'guest-run-state' && body.running;
}

/** The attempt in which the guest moved. */
function firstOf(one: Ended): Ended {
  return one.takes === null ? one : firstOf(one.takes);
}

/** Addresses that its two QEMUs had, not those that the VM was given since; all that are known of it where that is not told. */
function macsThen({ attempt, macs }: Context, domains: readonly (DomainStarted | null)[]): readonly string[] {
  const requested = ofKind(attempt.events, 'migrate-requested').flatMap(({ body }) => body.macs);
  const own = [...requested, ...domains.flatMap((domain) => domain?.macs ?? [])];
  return own.length === 0 ? macs : [...new Set(own)].toSorted();
}

function macsOf(events: readonly Event[]): readonly string[] {
  const macs = events.flatMap(({ body }) =>
    body.kind === 'domain-started' || body.kind === 'migrate-requested' ? body.macs : [],
  );
  return [...new Set(macs)].toSorted();
}

/** Kinds that a source prints again and again while it migrates. */
const PROGRESS = new Set<EventKind>(['migrate-progress', 'job-sample']);

function moveOf({ attempt, ending, postcopy }: Ended): Move {
  const { events, source, destination, openedAt } = attempt;
  const paused = ofKind(events, 'guest-pause-requested').length > 0;
  const resumed = events.some(
    ({ body }) => body.kind === 'guest-resume-requested' || (body.kind === 'guest-run-state' && body.running),
  );
  return {
    source,
    destination,
    destinationAddress: addressOf(attempt),
    startedAt: openedAt,
    endedAt: ending.endedAt,
    outcome: ending.outcome,
    reported: events.some((event) => hostOf(event) === source && PROGRESS.has(event.body.kind)),
    postcopy: postcopy.length > 0,
    sourceDied: ending.cause?.kind === 'source-died',
    left: ofKind(events, 'domain-stopped').some((event) => event.body.reason === 'migrated' && hostOf(event) === source),
    unknownAtSource: unknownAtSource(events),
    leftPaused: paused && !resumed,
    resumeFailed: ofKind(events, 'guest-resume-failed').at(-1) ?? null,
  };
}

/** The agent looks the VM up before it asks for anything. */
function unknownAtSource(events: readonly Event[]): Event | null {
  if (ofKind(events, 'migrate-requested').length > 0) return null;
  return (
    ofKind(events, 'migrate-error').find(({ body }) => body.text.startsWith('Domain not found: no domain with matching name')) ??
    null
  );
}

/** Kinds that a host's history lists one by one. */
const OF_HOSTS = new Set<EventKind>(['heartbeat-probe', 'heartbeat-write-failed', 'host-resetting', 'storage-message']);

function hostsOf(events: readonly Event[], migrations: readonly Migration[], { clocks, ends }: Inputs): readonly HostHistory[] {
  const byHost = groupBy(events, hostOf);
  return clocks.map(({ host, skewMs, skewAgainst }) => {
    const own = byHost.get(host) ?? [];
    const told = own.filter(({ body }) => OF_HOSTS.has(body.kind));
    return {
      host,
      probes: ofKind(told, 'heartbeat-probe'),
      writeFailures: ofKind(told, 'heartbeat-write-failed'),
      resets: ofKind(told, 'host-resetting'),
      storageMessages: ofKind(told, 'storage-message'),
      events: own,
      heardUntil: Math.max(own.at(-1)?.at ?? 0, ends.get(host) ?? 0),
      migrations: migrations.filter(({ source, destination }) => source === host || destination === host),
      skewMs,
      skewAgainst,
    };
  });
}
