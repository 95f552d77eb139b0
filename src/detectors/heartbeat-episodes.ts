import { countWhile } from '../lib/overlap-index.ts';
import { median } from '../lib/statistics.ts';
import type { Event, HeartbeatProbe, HeartbeatWriteFailed, HostResetting } from '../model/event.ts';
import type { HostHistory } from '../model/timeline.ts';

/** A write of CloudStack's agent hangs this long before it is given up (`heartbeat.update.timeout`). */
export const WRITE_TIMEOUT_MS = 60_000;
/** The agent's rest after each try, the last one too (`kvm.heartbeat.update.retry.sleep`). */
export const RETRY_SLEEP_MS = 10_000;
/** Fewer writes than this have no usual latency. */
const MIN_USUAL = 5;
/** What was usual before a write is asked of so long before the minute in which it began. A running instance looks at ten minutes. */
const USUAL_MS = 8 * 60_000;
const MINUTE_MS = 60_000;
/** A reset comes this long after the last sign of the trouble at most: as long as all tries take. */
const RESET_GAP_MS = 410_000;
/** Latencies are measured in whole ms: the deviation is at least one. */
const MIN_DEVIATION_MS = 1;

/** When a write counts as slow, and when two slow ones are one episode. */
export interface SlowLimits {
  readonly warnMs: number;
  readonly criticalMs: number;
  readonly madFactor: number;
  readonly episodeGapMs: number;
}

/** One write to a heartbeat file, measured from outside. */
export interface Write {
  readonly event: Event<HeartbeatProbe>;
  readonly from: number;
  /** When it returned, or for how long it is known to hang. */
  readonly to: number;
  readonly latencyMs: number;
  /** It had not returned yet: the latency is a lower bound. */
  readonly pending: boolean;
}

/** A stretch in which writes to one pool's heartbeat were slow or failed. */
export interface Episode {
  /** `null` where the agent's release or the path does not name it. */
  readonly pool: string | null;
  readonly from: number;
  /** End of the last slow or failed write. */
  readonly lastAt: number;
  /** No measured write succeeded at its end or later. */
  readonly open: boolean;
  readonly usualMs: number | null;
  readonly slow: readonly Write[];
  readonly failed: readonly Write[];
  readonly tries: readonly Event<HeartbeatWriteFailed>[];
  readonly reset: Event<HostResetting> | null;
}

type Symptom =
  | { readonly kind: 'slow' | 'failed'; readonly from: number; readonly to: number; readonly write: Write }
  | { readonly kind: 'try'; readonly from: number; readonly to: number; readonly event: Event<HeartbeatWriteFailed> }
  | { readonly kind: 'reset'; readonly from: number; readonly to: number; readonly event: Event<HostResetting> };

/** All episodes of a host, pool by pool, each pool's in the order of time. */
export function episodesOf(history: HostHistory, limits: SlowLimits): readonly Episode[] {
  const { probes, writeFailures, resets } = history;
  const pools = new Set([...probes, ...writeFailures, ...resets].map(({ body }) => body.pool));
  const troubles = [...pools].map((pool) => troubleOf(pool, history, limits));
  return ownPools(troubles).flatMap(({ pool, writes, usualAt, symptoms }) =>
    grouped(symptoms, { writes, gapMs: limits.episodeGapMs }).map((group) =>
      episodeOf(pool, group, { writes, usualMs: usualAt(group[0]?.from ?? 0)?.medianMs ?? null }),
    ),
  );
}

/** What is known of one pool on a host. */
interface Trouble {
  readonly pool: string | null;
  readonly writes: readonly Write[];
  readonly usualAt: (at: number) => Usual | null;
  readonly symptoms: readonly Symptom[];
}

function troubleOf(pool: string | null, { probes, writeFailures, resets }: HostHistory, limits: SlowLimits): Trouble {
  const writes = writesOf(probes.filter(({ body }) => body.pool === pool));
  const usualAt = usualOf(writes);
  const symptoms: readonly Symptom[] = [
    ...writes.flatMap((write) => symptomOf(write, usualAt, limits) ?? []),
    ...writeFailures
      .filter(({ body }) => body.pool === pool)
      .map((event): Symptom => ({ kind: 'try', from: event.at - (isHung(event) ? WRITE_TIMEOUT_MS : 0), to: event.at, event })),
    ...resets
      .filter(({ body }) => body.pool === pool)
      .map((event): Symptom => ({ kind: 'reset', from: event.at - RETRY_SLEEP_MS, to: event.at, event })),
  ];
  return { pool, writes, usualAt, symptoms };
}

/** What names no pool, as the script that resets the host does not, is of the one that is in trouble at that time. */
function ownPools(troubles: readonly Trouble[]): readonly Trouble[] {
  const nameless = troubles.find(({ pool }) => pool === null);
  if (nameless === undefined) return troubles;
  const named = troubles.filter(({ pool }) => pool !== null);
  const owners = nameless.symptoms.map((symptom) => nearest(symptom, named));
  const left = nameless.symptoms.filter((_, i) => owners[i] === null);
  return [
    ...named.map((own) => ({ ...own, symptoms: [...own.symptoms, ...nameless.symptoms.filter((_, i) => owners[i] === own)] })),
    { ...nameless, symptoms: left },
  ];
}

function nearest({ from, to }: Symptom, troubles: readonly Trouble[]): Trouble | null {
  const near = troubles.flatMap((trouble) => {
    const apart = trouble.symptoms.map((other) => Math.max(0, other.from - to, from - other.to));
    const distance = apart.reduce((least, ms) => Math.min(least, ms), Number.POSITIVE_INFINITY);
    return distance < RESET_GAP_MS ? [{ trouble, distance }] : [];
  });
  return near.toSorted((a, b) => a.distance - b.distance)[0]?.trouble ?? null;
}

/** The try waited for its timeout; any other reason comes at once. */
export function isHung({ body }: Event<HeartbeatWriteFailed>): boolean {
  return body.reason.startsWith('timeout');
}

/** The lines about one write are one write: what had not returned is superseded by what returned, or hung longer. */
function writesOf(probes: readonly Event<HeartbeatProbe>[]): readonly Write[] {
  const latest = new Map<string, Event<HeartbeatProbe>>();
  for (const event of probes) {
    const key = `${event.origin.file.path} ${event.body.address ?? ''} ${event.at}`;
    const known = latest.get(key);
    const supersedes =
      known === undefined || (known.body.pending && (!event.body.pending || event.body.latencyMs > known.body.latencyMs));
    if (supersedes) latest.set(key, event);
  }
  return [...latest.values()].map((event) => {
    const { latencyMs, pending } = event.body;
    return { event, from: event.at, to: event.at + latencyMs, latencyMs, pending };
  });
}

interface Usual {
  readonly medianMs: number;
  /** Median absolute deviation. */
  readonly deviationMs: number;
}

/** What a write to this pool usually takes on this host, as of a moment; `null` where too few were seen. */
function usualOf(writes: readonly Write[]): (at: number) => Usual | null {
  const told = writes
    .filter(({ pending, event }) => !pending && event.body.errorText === null)
    .toSorted((a, b) => a.from - b.from);
  const known = new Map<number, Usual | null>();
  return (at) => {
    const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    const before = known.get(minute);
    if (before !== undefined) return before;
    const [first, here, next] = [minute - USUAL_MS, minute, minute + MINUTE_MS].map((from) =>
      countWhile(told, (write) => write.from < from),
    );
    const earlier = told.slice(first, here);
    // a log that begins here, or a probe that was off
    const usual = usualAmong(earlier.length < MIN_USUAL ? told.slice(first, next).slice(0, MIN_USUAL) : earlier);
    known.set(minute, usual);
    return usual;
  };
}

function usualAmong(writes: readonly Write[]): Usual | null {
  if (writes.length < MIN_USUAL) return null;
  const latencies = writes.map(({ latencyMs }) => latencyMs);
  const medianMs = median(latencies) ?? 0;
  const deviationMs = median(latencies.map((value) => Math.abs(value - medianMs))) ?? 0;
  return { medianMs, deviationMs: Math.max(MIN_DEVIATION_MS, deviationMs) };
}

function symptomOf(write: Write, usualAt: (at: number) => Usual | null, limits: SlowLimits): Symptom | null {
  const { from, to, latencyMs } = write;
  if (write.event.body.errorText !== null) return { kind: 'failed', from, to, write };
  return latencyMs >= limits.warnMs && isSlow(write, usualAt(from), limits) ? { kind: 'slow', from, to, write } : null;
}

/** Of one above the limit: unusual; a pool that is always that slow is unusual by itself. */
function isSlow({ latencyMs }: Write, usual: Usual | null, { warnMs, criticalMs, madFactor }: SlowLimits): boolean {
  if (usual === null || usual.medianMs >= warnMs || latencyMs >= criticalMs) return true;
  return latencyMs > usual.medianMs + madFactor * usual.deviationMs;
}

/** A reset ends what went before, and what comes after it is of the same outage, where no write succeeded in between. */
function grouped(
  symptoms: readonly Symptom[],
  { writes, gapMs }: { readonly writes: readonly Write[]; readonly gapMs: number },
): readonly (readonly Symptom[])[] {
  const groups: Symptom[][] = [];
  let until = Number.NEGATIVE_INFINITY;
  for (const symptom of symptoms.toSorted((a, b) => a.from - b.from)) {
    const { from, kind } = symptom;
    const apart = from - until;
    const aboutReset = kind === 'reset' || groups.at(-1)?.at(-1)?.kind === 'reset';
    const goesOn = apart < gapMs || (aboutReset && apart < RESET_GAP_MS && !writes.some((write) => isWell(write, until, from)));
    if (goesOn) groups.at(-1)?.push(symptom);
    else groups.push([symptom]);
    until = Math.max(until, symptom.to);
  }
  return groups;
}

/** It was begun and succeeded within that time. */
function isWell({ from, to, pending, event }: Write, since: number, before: number): boolean {
  return from >= since && to <= before && !pending && event.body.errorText === null;
}

interface Context {
  readonly writes: readonly Write[];
  readonly usualMs: number | null;
}

function episodeOf(pool: string | null, symptoms: readonly Symptom[], { writes, usualMs }: Context): Episode {
  const of = (kind: Symptom['kind']): readonly Write[] =>
    symptoms.flatMap((symptom) => (symptom.kind === kind && 'write' in symptom ? [symptom.write] : []));
  const lastAt = symptoms.reduce((max, { to }) => Math.max(max, to), 0);
  return {
    pool,
    from: symptoms[0]?.from ?? lastAt,
    lastAt,
    open: !writes.some(({ to, pending, event }) => to >= lastAt && !pending && event.body.errorText === null),
    usualMs,
    slow: of('slow'),
    failed: of('failed'),
    tries: symptoms.flatMap((symptom) => (symptom.kind === 'try' ? [symptom.event] : [])),
    reset: symptoms.flatMap((symptom) => (symptom.kind === 'reset' ? [symptom.event] : [])).at(-1) ?? null,
  };
}
