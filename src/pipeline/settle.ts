import { groupBy } from '../lib/group.ts';
import type { Event } from '../model/event.ts';
import type { Finding } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import type { Analysis } from '../reports/analysis.ts';
import { ANNOUNCE_MS, unobserved } from '../timeline/announce.ts';
import { hostOf } from '../timeline/of-kind.ts';
import type { Stored } from './changes.ts';
import { overlaps } from './interval.ts';

/**
 * How long after a VM was heard of what its migration is judged by may still come, ms. A collector holds back the last record of a file for a second, for it may go
 * on, and the logs of two hosts do not arrive at once.
 */
const SETTLE_MS = 3000;

/** How long after a post-copy migration broke the other host may still say that its QEMU ended, ms: libvirt takes seconds to notice. */
const OTHER_HOST_MS = 5000;

/** Clocks of hosts that are ahead by less are waited for, ms: what they date is not over yet. */
const AHEAD_MS = 60_000;

/** After so long a migration is not waited for any more to tell which of two clocks is wrong, ms. */
const DECIDED_MS = 5 * 60_000;

/** What of an analysis can be told, and what may be judged otherwise in a moment. */
export interface Settled {
  readonly analysis: Pick<Analysis, 'migrations' | 'findings'>;
  /** Migrations whose end is too fresh to be judged by what no log says. */
  readonly unsettled: readonly Migration[];
  /** Migrations of which something is not told yet, but the rest is. */
  readonly waiting: readonly Migration[];
}

/** What tells whether more may be on its way. */
export interface SettleParts {
  /** When an event of a VM was stored last, Unix ms. */
  readonly heardAt: ReadonlyMap<string, number>;
  readonly now: number;
  /** Detectors whose subject is a host. */
  readonly aboutHosts: ReadonlySet<string>;
  /** Ids of findings that are stored, as detectors made them: what was told is not held back. */
  readonly told: ReadonlySet<string>;
}

/** Notes that a VM was heard of, and forgets those for which that does not matter any more. */
export function hear(heardAt: Map<string, number>, vm: string, now: number): void {
  // in the order of when they were heard of last
  heardAt.delete(vm);
  heardAt.set(vm, now);
  for (const [other, at] of heardAt) {
    if (isRecent(at, now)) return;
    heardAt.delete(other);
  }
}

/**
 * Leaves out migrations whose end was heard of just now where no line says how, or why: the line may be on its way, and an alarm that is taken
 * back a second later is a false one. So are findings that an absence of words proves, until the words have had time to come. What is
 * found of hosts stays.
 */
export function settled(
  { migrations, findings }: Pick<Analysis, 'migrations' | 'findings'>,
  { heardAt, now, aboutHosts, told }: SettleParts,
): Settled {
  const isFresh = ({ vm }: Migration): boolean => isRecent(heardAt.get(vm) ?? 0, now);
  const unsettled = migrations.filter(
    (migration) =>
      (isFresh(migration) && isGuessed(migration)) || (isOneSided(migration) && endedWithin(migration, now, SETTLE_MS)),
  );
  const held = new Set(unsettled.map(({ id }) => id));
  const byId = new Map(migrations.map((migration) => [migration.id, migration]));
  const fresh = findings.filter(({ id }) => !told.has(id));
  const early = fresh.filter((finding) => isEarly(finding, byId.get(finding.migration ?? ''), now));
  const undecided = fresh.flatMap((finding) => {
    const showing = finding.detector === CLOCKS ? showingClocks(finding, migrations) : [];
    const waits = showing.every(
      (migration) => isYoung(migration, now) && (migration.outcome === 'running' || isFresh(migration)),
    );
    return showing.length > 0 && waits ? [{ finding, showing }] : [];
  });
  const withheld = new Set([...early, ...undecided.map(({ finding }) => finding)]);
  const unannounced = new Set(early.filter(({ detector }) => detector === UNANNOUNCED).map(({ migration }) => migration));
  const waiting = new Set([
    ...early.map(({ migration }) => migration),
    ...undecided.flatMap(({ showing }) => showing.map(({ id }) => id)),
  ]);
  return {
    analysis: {
      migrations: migrations
        .filter(({ id }) => !held.has(id))
        .map((migration) => (unannounced.has(migration.id) ? withoutSilence(migration) : migration)),
      findings: findings.filter(
        (finding) =>
          !withheld.has(finding) &&
          (aboutHosts.has(finding.detector) || finding.migration === null || !held.has(finding.migration)),
      ),
    },
    unsettled,
    waiting: migrations.filter(({ id }) => waiting.has(id) && !held.has(id)),
  };
}

/** Detectors that conclude from what is not said. */
const UNANNOUNCED = 'missing-garp';
const TWICE = 'split-brain-risk';
/** And the one whose host is known when the network has announced a guest. */
const CLOCKS = 'clock-skew';

/** The migrations whose lines tell of the clocks. */
function showingClocks({ evidence }: Finding, migrations: readonly Migration[]): readonly Migration[] {
  return migrations.filter(({ events }) => events.some((event) => evidence.includes(event)));
}

/** Which of two clocks is wrong shows when the guest moves; of one that takes long it is told as far as it is known. */
function isYoung({ startedAt }: Migration, now: number): boolean {
  return isNear(startedAt, now, DECIDED_MS);
}

/** What would refute it may still be said, or be on its way. */
function isEarly({ detector, from, to, confidence }: Finding, migration: Migration | undefined, now: number): boolean {
  if (detector === UNANNOUNCED) return isNear(from, now, ANNOUNCE_MS + SETTLE_MS);
  const isInferred = detector === TWICE && confidence !== 'seen' && to === null;
  return isInferred && migration !== undefined && endedWithin(migration, now, OTHER_HOST_MS);
}

function endedWithin({ endedAt, lastSeenAt }: Migration, now: number, withinMs: number): boolean {
  return isNear(endedAt ?? lastSeenAt, now, withinMs);
}

/** Only the destination said that it is over, and not why: where somebody cancelled it, the source will say so. */
function isOneSided({ outcome, cause, destination, outcomeEvidence }: Migration): boolean {
  if (outcome !== 'failed' || cause?.kind !== 'destination-died') return false;
  return outcomeEvidence.every((event) => hostOf(event) === destination);
}

/** Whether it was announced is not known as long as it may yet be. */
function withoutSilence(migration: Migration): Migration {
  return { ...migration, announcement: unobserved('it may still be announced') };
}

/** What is stored, without what it says of migrations that are not settled: that stays as it is. */
export function withoutUnsettled({ migrations, findings }: Stored, unsettled: readonly Migration[]): Stored {
  const byVm = groupBy(unsettled, ({ vm }) => vm);
  const held = migrations.filter((stored) =>
    (byVm.get(stored.vm) ?? []).some(({ startedAt, lastSeenAt }) =>
      overlaps({ from: startedAt, to: lastSeenAt }, { from: stored.startedAt, to: stored.lastSeenAt }),
    ),
  );
  const ids = new Set(held.map(({ id }) => id));
  return {
    migrations: migrations.filter(({ id }) => !ids.has(id)),
    findings: findings.filter(({ migration }) => migration === null || !ids.has(migration)),
  };
}

/** Less than that ago; what lies ahead was heard before the clock was set back. */
function isRecent(at: number, now: number): boolean {
  return at <= now && now - at < SETTLE_MS;
}

/** Of a clock that is far ahead nobody knows how long to wait. */
function isNear(at: number, now: number, withinMs: number): boolean {
  return now - at < withinMs && at - now < AHEAD_MS;
}

function isGuessed({ outcome, outcomeCertainty, outcomeEvidence, cause }: Migration): boolean {
  if (outcome === 'running') return false;
  if (outcomeCertainty !== 'seen' || outcomeEvidence.every(isNameless)) return true;
  return outcome !== 'completed' && (cause === null || cause.kind === 'unknown' || cause.evidence.every(isNameless));
}

/** A daemon's error may be of another migration between these hosts, whose client has not told yet that it was this. */
function isNameless({ body }: Event): boolean {
  return body.kind === 'daemon-message' && body.vm === null;
}
