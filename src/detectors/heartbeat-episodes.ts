import { median } from '../lib/statistics.ts';
import type { Event, HeartbeatProbe, HeartbeatWriteFailed, HostResetting } from '../model/event.ts';
import type { HostHistory } from '../model/timeline.ts';

/** A write of CloudStack's agent hangs this long before it is given up (`heartbeat.update.timeout`). */
export const WRITE_TIMEOUT_MS = 60_000;
/** The agent's rest after each try, the last one too (`kvm.heartbeat.update.retry.sleep`). */
export const RETRY_SLEEP_MS = 10_000;
/** Fewer writes than this have no usual latency. */
const MIN_USUAL = 5;
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
  return [...pools].flatMap((pool) => episodesOfPool(pool, history, limits));
}

function episodesOfPool(
  pool: string | null,
  { probes, writeFailures, resets }: HostHistory,
  limits: SlowLimits,
): readonly Episode[] {
  const writes = writesOf(probes.filter(({ body }) => body.pool === pool));
  const usual = usualOf(writes);
  const symptoms: readonly Symptom[] = [
    ...writes.flatMap((write) => symptomOf(write, usual, limits) ?? []),
    ...writeFailures
      .filter(({ body }) => body.pool === pool)
      .map((event): Symptom => ({ kind: 'try', from: event.at - (isHung(event) ? WRITE_TIMEOUT_MS : 0), to: event.at, event })),
    ...resets
      .filter(({ body }) => body.pool === pool)
      .map((event): Symptom => ({ kind: 'reset', from: event.at - RETRY_SLEEP_MS, to: event.at, event })),
  ];
  return grouped(symptoms, limits.episodeGapMs).map((group) =>
    episodeOf(pool, group, { writes, usualMs: usual?.medianMs ?? null }),
  );
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

/** What a write to this pool usually takes on this host; `null` where too few were seen. */
function usualOf(writes: readonly Write[]): Usual | null {
  const latencies = writes
    .filter(({ pending, event }) => !pending && event.body.errorText === null)
    .map(({ latencyMs }) => latencyMs);
  if (latencies.length < MIN_USUAL) return null;
  const medianMs = median(latencies) ?? 0;
  const deviationMs = median(latencies.map((value) => Math.abs(value - medianMs))) ?? 0;
  return { medianMs, deviationMs: Math.max(MIN_DEVIATION_MS, deviationMs) };
}

function symptomOf(write: Write, usual: Usual | null, limits: SlowLimits): Symptom | null {
  const { from, to } = write;
  if (write.event.body.errorText !== null) return { kind: 'failed', from, to, write };
  return isSlow(write, usual, limits) ? { kind: 'slow', from, to, write } : null;
}

/** Above the limit and unusual; a pool that is always that slow is unusual by itself. */
function isSlow({ latencyMs }: Write, usual: Usual | null, { warnMs, criticalMs, madFactor }: SlowLimits): boolean {
  if (latencyMs < warnMs) return false;
  if (usual === null || usual.medianMs >= warnMs || latencyMs >= criticalMs) return true;
  return latencyMs > usual.medianMs + madFactor * usual.deviationMs;
}

function grouped(symptoms: readonly Symptom[], gapMs: number): readonly (readonly Symptom[])[] {
  const groups: Symptom[][] = [];
  let until = Number.NEGATIVE_INFINITY;
  for (const symptom of symptoms.toSorted((a, b) => a.from - b.from)) {
    if (symptom.from - until < gapMs) groups.at(-1)?.push(symptom);
    else groups.push([symptom]);
    until = Math.max(until, symptom.to);
  }
  return groups;
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
