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

/**
 * The passes of a migration, from counters polled once or twice a second. A pass begins between two samples: how far between
 * follows from the bytes copied in that time, of which the first part finished the pass before.
 */
export function passesOf(samples: readonly Event<JobSample>[], starts: readonly Event<MigrationPass>[]): readonly Pass[] {
  const points = pointsOf(samples);
  const first = points[0];
  if (first === undefined) return [];
  // counters of an earlier, cancelled attempt may go on counting (vdsm subtracts the first value seen, too)
  const base = first.pass - 1;
  const exact = new Map(starts.map(({ body, at }) => [body.pass, at]));
  const passes = [passAt(first, { startedAt: exact.get(first.pass) ?? first.at, remaining: first.remaining }, base)];
  for (let i = 1; i < points.length; i += 1) {
    const before = points[i - 1];
    const point = points[i];
    if (before === undefined || point === undefined || point.pass === before.pass) continue;
    passes.push(passAt(point, beginning(before, point, exact.get(point.pass)), base));
  }
  return passes;
}

function pointsOf(samples: readonly Event<JobSample>[]): readonly Point[] {
  return samples.flatMap((event): readonly Point[] => {
    const { pass, remainingBytes, copiedBytes, status } = event.body;
    if (pass === null || pass < 1 || remainingBytes === null || !PRECOPY.has(status)) return [];
    return [{ at: event.at, pass, remaining: remainingBytes, copied: copiedBytes, event }];
  });
}

interface Beginning {
  readonly startedAt: number;
  readonly remaining: number;
}

/** When the pass of `point` began and with how much, given the last sample of the pass before it. */
function beginning(before: Point, point: Point, exactAt: number | undefined): Beginning {
  const elapsed = point.at - before.at;
  const copied = before.copied !== null && point.copied !== null ? point.copied - before.copied : null;
  if (copied === null || copied <= before.remaining || point.pass !== before.pass + 1) {
    const rate = (point.event.body.bandwidthBytesPerSecond ?? 0) / 1000;
    const startedAt = exactAt ?? (rate > 0 ? Math.min(point.at, before.at + before.remaining / rate) : point.at);
    return { startedAt, remaining: point.remaining + rate * (point.at - startedAt) };
  }
  const startedAt = exactAt ?? before.at + (elapsed * before.remaining) / copied;
  return { startedAt, remaining: point.remaining + copied - before.remaining };
}

function passAt(point: Point, { startedAt, remaining }: Beginning, base: number): Pass {
  const { dirtyRateBytesPerSecond, bandwidthBytesPerSecond, throttlePercent, ...counters } = point.event.body;
  return {
    pass: point.pass - base,
    startedAt: Math.round(startedAt),
    seenAt: point.at,
    remainingBytes: Math.round(remaining),
    dirtyRateBytesPerSecond: point.pass - base > 1 ? dirtyRateBytesPerSecond : null,
    bandwidthBytesPerSecond,
    throttlePercent,
    transferredBytes: counters.transferredBytes,
    compressedBytes: counters.compressedBytes ?? 0,
    compressionCacheBytes: counters.compressionCacheBytes ?? 0,
    sample: point.event,
  };
}
