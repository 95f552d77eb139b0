import type { DowntimeLimitSet, Event, JobSample } from '../model/event.ts';
import type { Downtime, Migration, Phase } from '../model/timeline.ts';
import { ranFor, type Attempt } from './attempts.ts';
import { POSTCOPY_BROKEN, tellsPostcopy } from './causes.ts';
import { DEFAULT_DOWNTIME_LIMIT_MS } from './convergence.ts';
import { hostOf, ofKind } from './of-kind.ts';
import type { Ending } from './outcome.ts';

/** libvirt's client hears of the end about this long after the guest runs on the destination (recordings: 1.0–1.8 s). */
const CLIENT_DELAY_MS = 1500;

/** When a migration began: at the client's request, else at the earliest sign on either host. Preparing the destination comes before. */
export function startOf({ openedAt, events }: Attempt): number {
  const requested = ofKind(events, 'migrate-requested')[0];
  if (requested !== undefined) return requested.at;
  const signs = events.filter(({ body }) => body.kind !== 'destination-prepared');
  const timed = ['job-sample', 'migrate-progress'] as const;
  const told = timed.flatMap((kind) => ofKind(signs, kind).find((event) => ranFor(event) > 0) ?? []);
  return Math.min(signs[0]?.at ?? openedAt, ...told.map((event) => event.at - ranFor(event)));
}

/** Where QEMU or libvirt says that post-copy is on: the guest runs on the destination from the first of them. */
export function postcopyOf(events: readonly Event[]): readonly Event[] {
  return events.filter(({ body }) => {
    if ('status' in body && body.status !== null) return body.status.startsWith('postcopy');
    if (body.kind === 'migrate-error' || body.kind === 'qemu-message') return POSTCOPY_BROKEN.test(body.text);
    return body.kind === 'daemon-message' && tellsPostcopy(body.text);
  });
}

/** When the guest began to run on the destination, as far as the logs tell; `postcopy` as `postcopyOf` gives it. */
export function arrivalOf({ events, source, destination }: Attempt, { endedAt }: Ending, postcopy: readonly Event[]): number {
  const resumed = ofKind(events, 'guest-run-state').find((event) => event.body.running && hostOf(event) === destination);
  const left = ofKind(events, 'domain-stopped').find((event) => event.body.reason === 'migrated' && hostOf(event) === source);
  const seen = postcopy[0] ?? resumed ?? left;
  if (seen !== undefined) return seen.at;
  return endedAt === null ? (events.at(-1)?.at ?? 0) : endedAt - CLIENT_DELAY_MS;
}

/** The limit in force at a moment, ms: as last changed, as it was when the migration began, or QEMU's default. */
export function downtimeLimits(
  changes: readonly Event<DowntimeLimitSet>[],
  samples: readonly Event<JobSample>[],
): (at: number) => number {
  const first = limitAtFirst(samples) ?? DEFAULT_DOWNTIME_LIMIT_MS;
  return (at) => changes.findLast((change) => change.at <= at)?.body.downtimeMs ?? first;
}

/** Before QEMU knows how fast the guest dirties memory, it expects the limit itself as downtime (migrate_fd_connect). */
function limitAtFirst(samples: readonly Event<JobSample>[]): number | null {
  const first = samples.find(
    ({ body: { pass, status, downtimeMs, dirtyRateBytesPerSecond } }) =>
      pass === 1 && status === 'active' && (downtimeMs ?? 0) > 0 && (dirtyRateBytesPerSecond ?? 0) === 0,
  );
  return first?.body.downtimeMs ?? null;
}

/** For how long the guest stood still: by statistics, else by the guest's stop and resume, else at least while the agent had paused it. */
export function downtimeOf(attempt: Attempt, { outcome }: Ending): Downtime | null {
  return outcome === 'completed' ? (byStatistics(attempt) ?? byRunState(attempt) ?? byPause(attempt)) : null;
}

function byStatistics({ events }: Attempt): Downtime | null {
  const completed = ofKind(events, 'job-completed').find(({ body }) => body.downtimeMs !== null);
  const final = ofKind(events, 'job-sample').findLast(({ body }) => body.downtimeMs !== null && isOver(body.status));
  const told = completed ?? final;
  return told === undefined || told.body.downtimeMs === null
    ? null
    : { ms: told.body.downtimeMs, from: 'statistics', evidence: [told] };
}

/** Statuses from which on QEMU tells the real downtime, no expectation. */
function isOver(status: string | null): boolean {
  return status === 'completed' || status?.startsWith('postcopy') === true;
}

function byRunState({ events, source, destination }: Attempt): Downtime | null {
  const states = ofKind(events, 'guest-run-state');
  const stopped = states.findLast((event) => !event.body.running && hostOf(event) === source);
  if (stopped === undefined) return null;
  const resumed = states.find((event) => event.body.running && hostOf(event) === destination && event.at >= stopped.at);
  return resumed === undefined ? null : { ms: resumed.at - stopped.at, from: 'events', evidence: [stopped, resumed] };
}

function byPause({ events, source }: Attempt): Downtime | null {
  const paused = ofKind(events, 'guest-pause-requested')[0];
  const left = ofKind(events, 'domain-stopped').find((event) => hostOf(event) === source);
  if (paused === undefined || left === undefined || left.at <= paused.at) return null;
  return { ms: left.at - paused.at, from: 'at-least', evidence: [paused, left] };
}

/** What the phases of a migration follow from. */
export type PhaseInput = Pick<
  Migration,
  'startedAt' | 'endedAt' | 'lastSeenAt' | 'events' | 'outcome' | 'postcopyAt' | 'announcement'
> & {
  readonly arrivedAt: number;
};

/** The stretches of a migration, in the order of their beginning. */
export function phasesOf(of: PhaseInput): readonly Phase[] {
  const initiatedAt = Math.max(of.startedAt, ofKind(of.events, 'migrate-initiated')[0]?.at ?? of.startedAt);
  const moved = of.outcome === 'completed' || of.postcopyAt !== null;
  const frames = ofKind(of.announcement.evidence, 'announced').map(({ at }) => at);
  const phases: Phase[] = [
    { name: 'prepare', from: of.startedAt, to: initiatedAt },
    { name: 'pre-copy', from: initiatedAt, to: Math.max(initiatedAt, moved ? of.arrivedAt : of.lastSeenAt) },
  ];
  if (of.postcopyAt !== null) phases.push({ name: 'post-copy', from: of.postcopyAt, to: of.lastSeenAt });
  if (frames.length > 0) phases.push({ name: 'announce', from: Math.min(...frames), to: Math.max(...frames) });
  if (moved && of.postcopyAt === null && of.endedAt !== null)
    phases.push({ name: 'cleanup', from: of.arrivedAt, to: Math.max(of.arrivedAt, of.endedAt) });
  return phases;
}
