import type { DomainStarted, Event, EventKind } from '../model/event.ts';
import type { Certainty, Migration } from '../model/timeline.ts';
import { UNHEARD } from '../timeline/presence.ts';
import { evidence } from './words.ts';

/** What counts as a second start, ms. */
export interface SecondLimits {
  /** Overlap of the two that clocks may feign. */
  readonly overlapMs: number;
  /** Time after the migration in which a second start is tied to it. */
  readonly withinMs: number;
}

/** A second QEMU of a VM, started while the first was alive. */
export interface Second {
  readonly started: Event<DomainStarted>;
  /** Host of the first. */
  readonly first: string;
  /** When the first or the second ended; `null` while both live. */
  readonly until: number | null;
  readonly certainty: Certainty;
  /** Signs of the first's life. */
  readonly life: readonly Event[];
}

/** Which host has the VM after the migration, as far as the migration tells. */
function keeperOf({ outcome, source, destination }: Migration): string | null {
  if (outcome === 'unknown') return null;
  return outcome === 'completed' ? destination : source;
}

/** The attempt's events, and what the last word on each host rests on, in the order of time. */
function known({ events, after }: Migration): readonly Event[] {
  return evidence(
    events,
    after.flatMap((host) => host.evidence),
  ).toSorted((a, b) => a.at - b.at);
}

/** The end of the VM's QEMU on a host. A host that was started anew had ended before; how long before, nothing tells. */
function endOn(events: readonly Event[], host: string, after: number): Event | null {
  const ends = new Set<EventKind>(['domain-stopped', 'host-resetting']);
  return events.find(({ body, origin, at: time }) => ends.has(body.kind) && origin.file.host === host && time > after) ?? null;
}

/** Nothing that is known of the host speaks against it that its QEMU lived on when its log says nothing of an end. */
function livedOn({ after, unobserved }: Migration, host: string): boolean {
  const state = after.find((other) => other.host === host);
  const wentDown = state?.state === 'absent' && state.evidence.some(({ body }) => body.kind === 'host-booted');
  return !wentDown && state?.because !== UNHEARD && !unobserved.includes(`QEMU log of ${host}`);
}

/** Signs that only a living QEMU of this VM gives. */
function lifeOn(events: readonly Event[], host: string, after: number): readonly Event[] {
  return events.filter(({ body, origin, at: time }) => {
    if (origin.file.host !== host || time <= after) return false;
    return body.kind === 'job-sample'
      ? body.remainingBytes !== null
      : body.kind === 'qemu-message' || body.kind === 'domain-stopped';
  });
}

/** The two are one VM: CloudStack's names are unique, yet a copied domain may have the name and another UUID. */
function isSameVm({ sourceDomain, destinationDomain }: Migration, { uuid }: DomainStarted): boolean {
  const own = sourceDomain?.uuid ?? destinationDomain?.uuid ?? null;
  return own === null || uuid === null || own === uuid;
}

/** The second QEMU that was started of a migration's VM; `null` where none was, or the first had ended. */
export function secondStart(migration: Migration, { withinMs, overlapMs }: SecondLimits): Second | null {
  const first = keeperOf(migration);
  if (first === null) return null;
  const began = migration.outcome === 'completed' ? (migration.endedAt ?? migration.lastSeenAt) : migration.startedAt;
  const until = migration.lastSeenAt + withinMs;
  const isOther = (event: Event): event is Event<DomainStarted> => {
    const { body, origin, at: time } = event;
    if (body.kind !== 'domain-started' || time <= began || time > until) return false;
    return body.incoming === false && origin.file.host !== first && isSameVm(migration, body);
  };
  // nearly always there is none, and then all that is known need not be put in order
  if (!migration.events.some(isOther) && !migration.after.some((host) => host.evidence.some(isOther))) return null;
  const events = known(migration);
  const others = events.filter(isOther);
  for (const started of others) {
    const ends = [endOn(events, first, began), endOn(events, started.origin.file.host, started.at)].flatMap((end) =>
      end === null ? [] : [end.at],
    );
    const life = lifeOn(events, first, started.at + overlapMs);
    if ((life.length === 0 && !livedOn(migration, first)) || ends.some((end) => end <= started.at + overlapMs)) continue;
    return {
      started,
      first,
      until: ends.length === 0 ? null : Math.min(...ends),
      certainty: life.length > 0 ? 'seen' : 'follows',
      life,
    };
  }
  return null;
}

/** The agent of the first's host was started anew after the second start, and nothing was heard of the first since; else `null`. */
export function agentAnew({ after }: Migration, { first, started, life, until }: Second): Event | null {
  if (life.length > 0 || until !== null) return null;
  const state = after.find((other) => other.host === first);
  return state?.evidence.find(({ body, at }) => body.kind === 'agent-ended' && body.reason === null && at > started.at) ?? null;
}
