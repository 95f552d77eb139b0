import type { Event, JobSample, MigrationPass } from '../model/event.ts';
import type { Pass } from '../model/timeline.ts';

/** A sample of the running pre-copy, with every counter that passes are made of. */
interface Point {
  readonly at: number;
  readonly pass: number;
  readonly remaining: number;
  /** Guest bytes copied since the migration began, however they went over the wire; `null` where not told. */
  readonly copied: number | null;
  readonly event: Event<JobSample>;
}

/** Statuses during which pre-copy runs. */
const PRECOPY = new Set(['active', 'setup', null]);

/** QEMU's rate-limit window: it looks at what remains once in this time (migration/migration.c, BUFFER_DELAY). */
export const WINDOW_SECONDS = 0.1;

/**
 * Bytes that a pass leaves uncopied: QEMU ends it when the rest would fit the downtime limit, on average half a window after that
 * became true (migration_iteration_run).
 */
export function leftoverOf(bandwidth: number, limitSeconds: number): number {
  return bandwidth * Math.max(0, limitSeconds - WINDOW_SECONDS / 2);
}

/** What the counters themselves do not tell. */
export interface PassHints {
  /** Exact beginnings, where the monitor's events are logged. */
  readonly starts: readonly Event<MigrationPass>[];
  /** Downtime limit in force at a moment, seconds. */
  limitSeconds(at: number): number;
}

/**
 * The passes of a migration, from counters polled once or twice a second. A pass begins between two samples: how far between
 * follows from the bytes copied in that time, of which the first part finished the pass before.
 */
export function passesOf(samples: readonly Event<JobSample>[], hints: PassHints): readonly Pass[] {
  const points = pointsOf(samples);
  const first = points[0];
  if (first === undefined) return [];
  // counters of an earlier, cancelled attempt may go on counting (vdsm subtracts the first value seen, too)
  const base = first.pass - 1;
  const exact = new Map(hints.starts.map(({ body, at }) => [body.pass, at]));
  const passes = [passAt(first, firstSeen(first, exact.get(first.pass)), base)];
  for (let i = 1; i < points.length; i += 1) {
    const before = points[i - 1];
    const point = points[i];
    if (before === undefined || point === undefined || point.pass === before.pass) continue;
    const leftover = Math.min(
      before.remaining,
      leftoverOf(point.event.body.bandwidthBytesPerSecond ?? 0, hints.limitSeconds(point.at)),
    );
    passes.push(passAt(point, beginning(before, point, { leftover, exactAt: exact.get(point.pass) }), base));
  }
  return passes;
}

function pointsOf(samples: readonly Event<JobSample>[]): readonly Point[] {
  const points: Point[] = [];
  for (const event of samples) {
    const { pass, remainingBytes, copiedBytes, status } = event.body;
    if (pass === null || pass < 1 || remainingBytes === null || !PRECOPY.has(status)) continue;
    points.push({ at: event.at, pass, remaining: remainingBytes, copied: copiedBytes, event });
  }
  return points;
}

interface Beginning {
  readonly startedAt: number;
  readonly remaining: number;
  readonly leftover: number;
}

/** The pass that is seen first. The first of all began with the stream: as long ago as it takes to send so much, and no longer than the job runs. */
function firstSeen({ at, pass, remaining, copied, event }: Point, exactAt: number | undefined): Beginning {
  const { bandwidthBytesPerSecond, elapsedMs, transferredBytes } = event.body;
  if (exactAt !== undefined || pass !== 1 || !bandwidthBytesPerSecond)
    return { startedAt: exactAt ?? at, remaining, leftover: 0 };
  const sentMs = ((transferredBytes ?? 0) / bandwidthBytesPerSecond) * 1000;
  return { startedAt: at - Math.min(elapsedMs ?? 0, sentMs), remaining: remaining + (copied ?? 0), leftover: 0 };
}

/** When the pass of `point` began and with how much, given the last sample of the pass before it. */
function beginning(
  before: Point,
  point: Point,
  { leftover, exactAt }: { readonly leftover: number; readonly exactAt: number | undefined },
): Beginning {
  const elapsed = point.at - before.at;
  const toFinish = before.remaining - leftover;
  const copied = before.copied !== null && point.copied !== null ? point.copied - before.copied : null;
  const unseen = point.pass - before.pass - 1;
  if (copied === null || copied <= toFinish || unseen !== 0) {
    const rate = (point.event.body.bandwidthBytesPerSecond ?? 0) / 1000;
    // what remains, and what the stream has carried since
    const beganWith = (since: number): number => point.remaining + rate * (point.at - since);
    const finishedAt = rate > 0 ? Math.min(point.at, before.at + toFinish / rate) : point.at;
    const startedAt =
      exactAt ?? Math.min(point.at, finishedAt + unseenMs(point, { unseen, rate, toCopy: beganWith(finishedAt) - leftover }));
    return { startedAt, remaining: beganWith(startedAt), leftover };
  }
  const startedAt = exactAt ?? before.at + (elapsed * toFinish) / copied;
  return { startedAt, remaining: point.remaining + copied - toFinish, leftover };
}

/**
 * How long passes took that began and ended between two samples, if each took as long: the last of them dirtied what the pass of
 * `point` began with, and that is what is copied of it by now and what remains. `rate` is that of the stream, bytes a millisecond;
 * `toCopy` is what it would have begun with had nothing come between.
 */
function unseenMs(
  { event }: Point,
  { unseen, rate, toCopy }: { readonly unseen: number; readonly rate: number; readonly toCopy: number },
): number {
  if (unseen <= 0 || rate === 0) return 0;
  const dirtied = (event.body.dirtyRateBytesPerSecond ?? 0) / 1000;
  return (unseen * Math.max(0, toCopy)) / (dirtied + unseen * rate);
}

function passAt(point: Point, { startedAt, remaining, leftover }: Beginning, base: number): Pass {
  const { dirtyRateBytesPerSecond, bandwidthBytesPerSecond, throttlePercent } = point.event.body;
  const { transferredBytes, compressedBytes, compressionCacheBytes } = point.event.body;
  return {
    pass: point.pass - base,
    startedAt: Math.round(startedAt),
    seenAt: point.at,
    remainingBytes: Math.round(remaining),
    leftoverBytes: Math.round(leftover),
    dirtyRateBytesPerSecond: point.pass - base > 1 ? dirtyRateBytesPerSecond : null,
    bandwidthBytesPerSecond,
    throttlePercent,
    transferredBytes,
    compressedBytes: compressedBytes ?? 0,
    compressionCacheBytes: compressionCacheBytes ?? 0,
    sample: point.event,
  };
}
