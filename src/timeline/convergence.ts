import { median } from '../lib/statistics.ts';
import type { Pass, Prediction } from '../model/timeline.ts';
import { leftoverOf, WINDOW_SECONDS } from './passes.ts';

/** QEMU's `downtime-limit` where nobody set another (migration/options.c). */
export const DEFAULT_DOWNTIME_LIMIT_MS = 300;

/** A pass that is over: how long it took, and what the guest dirtied meanwhile, beside what was dirty still. */
interface Observation {
  readonly seconds: number;
  /** Newly dirtied: what was dirty still does not count, as in QEMU's own rate. */
  readonly dirtiedBytes: number;
  /** All that was dirty in the end and may be dirtied again and again. */
  readonly reachedBytes: number;
  /** Of that, what the pass had left uncopied. */
  readonly leftoverBytes: number;
}

/** A guest that writes at `rate` over `workingSet` bytes. */
interface Model {
  readonly rate: number;
  readonly rateIsLowerBound: boolean;
  /** Infinity where unknown. */
  readonly workingSet: number;
  /** Newly dirtied in a pass that took so long. */
  dirtied(seconds: number): number;
  /** Dirty at the end of a pass that took so long and left so much. */
  left(seconds: number, leftover: number): number;
}

/** A pass that leaves less than this share of the largest remainder did not dirty all of the working set. */
const SATURATED = 0.95;
/** Passes that begin with more than this share of the least before them got nowhere. */
const STALLED = 0.9;
/** A remainder that shrinks by less than this share from pass to pass is noise, not progress. */
const SHRINKS = 0.97;
/** Residual (relative, squared) by which the smooth shape has to win before it is believed. */
const SHAPE_MARGIN = 4;
/** Random writing of this many times the working set leaves 5 % of it untouched. */
const SATURATING = 3;
/** A longer pass that leaves less than this share of what a shorter one left is of a guest that does something else. */
const SAME_GUEST = 0.6;
/** Passes that the fit looks back on: a guest changes what it does. */
const RECENT_PASSES = 6;
/** Share of the time in which a saturated guest was seen to dirty all, from which it is taken to do so. */
const SHORT_PASS = 0.1;
/** Later than this is never. */
const MAX_PASSES = 400;
const MAX_SECONDS = 24 * 3600;
/** A reading up to this many times what a slow pass carried is as slow. */
const STILL_SLOW = 1.3;
/** A shorter time between two samples measures no bandwidth. */
const MIN_MEASURE_SECONDS = 0.9;
/** What the switchover itself takes beside the last bytes (device state; 0.1 s or less in recordings). */
const SWITCHOVER_SECONDS = 0.1;

/**
 * Predictions made at the beginning of each pass from the second on, each from what was known then.
 *
 * Model: docs/convergence.md. A pass of t seconds dirties min(W, r·t) where the guest walks over its working set W at r bytes/s,
 * and W·(1 − e^(−r·t/W)) where it writes at random; both are fitted, and the one that explains the passes better predicts. QEMU
 * switches over when what remains is below bandwidth × downtime limit (migration_iteration_run).
 */
export function predict(passes: readonly Pass[], downtimeLimitMs: (at: number) => number): readonly Prediction[] {
  return passes.flatMap((pass, i) => {
    const known = passes.slice(0, i + 1);
    const prediction = i === 0 ? null : predictAt(pass, known, downtimeLimitMs(pass.seenAt) / 1000);
    return prediction === null ? [] : [prediction];
  });
}

function predictAt(pass: Pass, known: readonly Pass[], limitSeconds: number): Prediction | null {
  const observations = observationsOf(known);
  const bandwidth = bandwidthOf(known);
  if (observations.length === 0 || bandwidth === null) return null;
  const looked = recent(observations, pass);
  const model = looked.length === 1 ? firstModel(looked[0], pass) : fit(looked);
  const told = toldRate(model, looked);
  const share = compressedShare(known, model);
  const end = stalled(known) ?? iterate(model, pass.remainingBytes, { bandwidth, limitSeconds, share });
  return {
    pass: pass.pass,
    madeAt: pass.seenAt,
    converges: end.converges,
    confidence: observations.length === 1 ? 'first' : 'modelled',
    switchoverAt: end.converges ? Math.round(pass.startedAt + end.seconds * 1000) : null,
    dirtyRateBytesPerSecond: Math.round(told.rate),
    dirtyRateIsLowerBound: told.rateIsLowerBound,
    workingSetBytes: Number.isFinite(model.workingSet) ? Math.round(model.workingSet) : null,
    bandwidthBytesPerSecond: Math.round(bandwidth),
    bandwidthNeededBytesPerSecond: end.converges ? null : Math.round(bandwidthNeeded(model, end.remaining, limitSeconds)),
    downtimeNeededMs: end.converges ? null : Math.ceil((end.remaining / bandwidth) * 1000),
    floorBytes: end.converges ? null : Math.round(end.remaining),
  };
}

/** The rate to tell: a guest that dirtied all but a little of its set in every pass has no rate but the highest seen, or more. */
function toldRate(model: Model, looked: readonly Observation[]): Pick<Model, 'rate' | 'rateIsLowerBound'> {
  const isSaturated = looked.every(({ seconds }) => model.rate * seconds > SATURATING * model.workingSet);
  if (model.rateIsLowerBound || !isSaturated) return model;
  return { rate: Math.max(...looked.map(({ reachedBytes, seconds }) => reachedBytes / seconds)), rateIsLowerBound: true };
}

/** Passes that are over, with what they dirtied: the remainder at the beginning of the next, less what they left. */
function observationsOf(passes: readonly Pass[]): readonly Observation[] {
  return passes.slice(1).flatMap((next, i): readonly Observation[] => {
    const pass = passes[i];
    if (pass === undefined) return [];
    if (next.pass !== pass.pass + 1) return unseenBefore(next);
    const between = (next.startedAt - pass.startedAt) / 1000;
    // QEMU divides by the exact time between two bitmap syncs, which therefore follows from its rate
    const dirtiedBytes = Math.max(1, next.remainingBytes - next.leftoverBytes);
    const exact =
      next.dirtyRateBytesPerSecond === null || next.dirtyRateBytesPerSecond === 0
        ? between
        : dirtiedBytes / next.dirtyRateBytesPerSecond;
    const seconds = Math.abs(exact - between) <= 0.3 * between ? exact : between;
    // the first pass leaves pages of all memory, later ones of what the guest writes to
    const leftoverBytes = pass.pass === 1 ? 0 : next.leftoverBytes;
    return seconds > 0 ? [{ seconds, dirtiedBytes, reachedBytes: dirtiedBytes + leftoverBytes, leftoverBytes }] : [];
  });
}

/** The last of the passes that began and ended between two samples, as QEMU's rate and what it left tell. */
function unseenBefore({ remainingBytes, leftoverBytes, dirtyRateBytesPerSecond: rate }: Pass): readonly Observation[] {
  const dirtiedBytes = remainingBytes - leftoverBytes;
  if (rate === null || rate === 0 || dirtiedBytes <= 0) return [];
  return [{ seconds: dirtiedBytes / rate, dirtiedBytes, reachedBytes: remainingBytes, leftoverBytes }];
}

/**
 * Bytes that the stream carries per second, over the last whole pass. A pass that was held up (network, storage) is no measure
 * of the link: then the typical reading of QEMU's own 100 ms window stands in, unless the latest reading says that the link, or
 * the limit, is as slow as that still.
 */
function bandwidthOf(passes: readonly Pass[]): number | null {
  const typical = median(passes.flatMap(({ bandwidthBytesPerSecond: value }) => (value === null || value === 0 ? [] : [value])));
  const [before, last] = passes.slice(-2);
  if (before === undefined || last === undefined || before.transferredBytes === null || last.transferredBytes === null)
    return typical;
  const seconds = (last.seenAt - before.seenAt) / 1000;
  const measured = seconds < MIN_MEASURE_SECONDS ? 0 : (last.transferredBytes - before.transferredBytes) / seconds;
  const isSlowStill = (last.bandwidthBytesPerSecond ?? Number.POSITIVE_INFINITY) < STILL_SLOW * measured;
  return typical !== null && measured < 0.7 * typical && !isSlowStill ? typical : measured;
}

/**
 * Share of a pass's guest bytes that XBZRLE spares the stream, as in the last whole pass. The cache is filled in the second pass,
 * so when the third begins it has to be assumed: all of the cache for a guest that rewrites its whole working set, else what
 * is likely to be dirty in both passes.
 */
function compressedShare(known: readonly Pass[], model: Model): number {
  const [before, last] = known.slice(-2);
  if (before === undefined || last === undefined || last.pass < 3) return 0;
  if (last.pass > 3)
    return Math.min(1, (last.compressedBytes - before.compressedBytes) / (before.remainingBytes * (last.pass - before.pass)));
  const rewritten = model.rateIsLowerBound ? 1 : Math.min(1, last.remainingBytes / before.remainingBytes) ** 2;
  return Math.min(1, (last.compressionCacheBytes * rewritten) / last.remainingBytes);
}

/** Passes without a new minimum that are no accident. */
const STALLED_PASSES = 3;

/**
 * Whatever a model says: a migration whose last passes began with no less than those before does not get anywhere. (oVirt and
 * KubeVirt judge by this alone, over 40 s and more.)
 */
function stalled(known: readonly Pass[]): End | null {
  const remainders = known.filter(({ pass }) => pass >= 3).map(({ remainingBytes }) => remainingBytes);
  const latest = remainders.slice(-STALLED_PASSES);
  const earlier = remainders.slice(0, -STALLED_PASSES);
  if (earlier.length < STALLED_PASSES || Math.min(...latest) < STALLED * Math.min(...earlier)) return null;
  return { converges: false, seconds: 0, remaining: Math.min(...latest) };
}

function recent(observations: readonly Observation[], pass: Pass): readonly Observation[] {
  // throttling lowers the rate from pass to pass, so only the last ones are of the guest as it is now
  const last = observations.slice(pass.throttlePercent === null ? -RECENT_PASSES : -2);
  const changedAfter = last.findLastIndex((earlier, i) => last.slice(i + 1).some((later) => contradicts(earlier, later)));
  return last.slice(changedAfter + 1);
}

/** One guest dirties no less in a longer pass: where it did, it did something else before. */
function contradicts(one: Observation, other: Observation): boolean {
  const [shorter, longer] = one.seconds <= other.seconds ? [one, other] : [other, one];
  return longer.reachedBytes < shorter.reachedBytes * SAME_GUEST;
}

/** With one pass there is a rate and nothing else. */
function firstModel(observation: Observation | undefined, pass: Pass): Model {
  const rate = pass.dirtyRateBytesPerSecond ?? (observation === undefined ? 0 : observation.dirtiedBytes / observation.seconds);
  return {
    rate,
    rateIsLowerBound: true,
    workingSet: Number.POSITIVE_INFINITY,
    dirtied: (seconds) => rate * seconds,
    left: (seconds, leftover) => rate * seconds + leftover,
  };
}

function fit(observations: readonly Observation[]): Model {
  const byWalk = fitWalking(observations);
  if (observations.length < 3 || byWalk.rateIsLowerBound) return byWalk;
  const byChance = fitRandom(observations);
  return residual(byChance.left, observations) * SHAPE_MARGIN < residual(byWalk.left, observations) ? byChance : byWalk;
}

/** min(W, r·t): passes near the largest remainder are saturated, the others give the rate. */
function fitWalking(observations: readonly Observation[]): Model {
  const largest = Math.max(...observations.map(({ reachedBytes }) => reachedBytes));
  const longest = Math.max(...observations.map(({ seconds }) => seconds));
  const below = observations.filter(({ reachedBytes }) => reachedBytes < SATURATED * largest);
  const slope = (list: readonly Observation[]): number =>
    sum(list.map(({ dirtiedBytes }) => dirtiedBytes)) / sum(list.map(({ seconds }) => seconds));
  // what is dirty in the end does not grow with the time: the rate is at least the highest seen
  if (below.length === 0) {
    const highest = Math.max(...observations.map(({ reachedBytes, seconds }) => reachedBytes / seconds));
    return saturated(highest, sum(observations.map(({ reachedBytes }) => reachedBytes)) / observations.length);
  }
  const proportional = walking(slope(observations), Number.POSITIVE_INFINITY);
  if (slope(below) * longest <= largest) return proportional;
  const bounded = walking(slope(below), largest);
  return residual(bounded.left, observations) < residual(proportional.left, observations) ? bounded : proportional;
}

function walking(rate: number, workingSet: number): Model {
  const dirtied = (seconds: number): number => Math.min(workingSet, rate * seconds);
  return {
    rate,
    workingSet,
    rateIsLowerBound: false,
    dirtied,
    left: (seconds, leftover) => Math.min(Math.max(workingSet, leftover), rate * seconds + leftover),
  };
}

/** All of the working set in every pass seen; passes far shorter than any say nothing of a rate that is only known to be large. */
function saturated(rate: number, workingSet: number): Model {
  const shortest = (SHORT_PASS * workingSet) / rate;
  const dirtied = (seconds: number): number => (seconds >= shortest ? workingSet : Math.min(workingSet, rate * seconds));
  return { rate, workingSet, rateIsLowerBound: true, dirtied, left: (seconds, leftover) => Math.max(dirtied(seconds), leftover) };
}

/** Steps of a grid to either side, in each of its two directions. */
const GRID_STEPS = 6;
/** Grids, each one finer and around the best of the one before. */
const GRIDS = 4;
/** The first grid spans the highest rate and the largest set seen, times these squared. */
const RATE_SPAN = 5.5;
const SET_SPAN = 10;

type Shape = Pick<Model, 'rate' | 'workingSet'>;

/** W·(1 − e^(−r·t/W)), by least squares over grids of W and r. */
function fitRandom(observations: readonly Observation[]): Model {
  const least: Shape = {
    rate: Math.max(...observations.map(({ dirtiedBytes, seconds }) => dirtiedBytes / seconds)),
    workingSet: 0.95 * Math.max(...observations.map(({ dirtiedBytes }) => dirtiedBytes)),
  };
  let best: Shape = { rate: least.rate * RATE_SPAN, workingSet: least.workingSet * SET_SPAN };
  const squared = squaresOf(observations);
  let error = squared(best, Number.POSITIVE_INFINITY);
  for (let nth = 0; nth < GRIDS; nth += 1) {
    const narrow = (span: number): number => span ** ((2 / GRID_STEPS) ** nth);
    const spans: Shape = { rate: narrow(RATE_SPAN), workingSet: narrow(SET_SPAN) };
    for (const shape of gridAround(best, spans, least)) {
      const found = squared(shape, error);
      if (found < error) [best, error] = [shape, found];
    }
  }
  return random(best);
}

/** The residual of random writing of one shape; no less than `enough` where it is that much already after some observations. */
type Squared = (shape: Shape, enough: number) => number;

/** `residual` of `randomLeft`, written out: some thousand shapes a pass are asked for theirs, and most are worse than one before. */
function squaresOf(observations: readonly Observation[]): Squared {
  const total = sum(observations.map(({ seconds }) => seconds));
  return ({ rate, workingSet }, enough) => {
    let weighted = 0;
    for (const { seconds, reachedBytes, leftoverBytes } of observations) {
      const untouched = Math.exp((-rate * seconds) / workingSet);
      const left = workingSet * (1 - untouched) + leftoverBytes * untouched;
      weighted += seconds * ((left - reachedBytes) / reachedBytes) ** 2;
      if (RESIDUAL_FLOOR + weighted / total >= enough) break;
    }
    return RESIDUAL_FLOOR + weighted / total;
  };
}

/** Shapes around one, up to `spans` times and one over `spans` times it, none below `least`. */
function gridAround(center: Shape, spans: Shape, least: Shape): readonly Shape[] {
  const rates = linesAround(center.rate, spans.rate, least.rate);
  const workingSets = linesAround(center.workingSet, spans.workingSet, least.workingSet);
  const grid: Shape[] = [];
  for (const workingSet of workingSets) for (const rate of rates) grid.push({ rate, workingSet });
  return grid;
}

/** Each value once: several would be below the least. */
function linesAround(center: number, span: number, least: number): readonly number[] {
  const lines = new Set<number>();
  for (let step = -GRID_STEPS; step <= GRID_STEPS; step += 1) lines.add(Math.max(least, center * span ** (step / GRID_STEPS)));
  return [...lines];
}

function random({ rate, workingSet }: Shape): Model {
  const dirtied = (seconds: number): number => workingSet * (1 - Math.exp((-rate * seconds) / workingSet));
  return { rate, workingSet, rateIsLowerBound: false, dirtied, left: randomLeft({ rate, workingSet }) };
}

function randomLeft({ rate, workingSet }: Shape): Model['left'] {
  return (seconds, leftover) => {
    const untouched = Math.exp((-rate * seconds) / workingSet);
    return workingSet * (1 - untouched) + leftover * untouched;
  };
}

/** Added to every residual, so that none is zero. */
const RESIDUAL_FLOOR = 1e-4;

/** Mean squared relative error, weighted by duration: short passes are noisy. */
function residual(left: Model['left'], observations: readonly Observation[]): number {
  let weighted = 0;
  let total = 0;
  for (const { seconds, reachedBytes, leftoverBytes } of observations) {
    weighted += seconds * ((left(seconds, leftoverBytes) - reachedBytes) / reachedBytes) ** 2;
    total += seconds;
  }
  return RESIDUAL_FLOOR + weighted / total;
}

interface Stream {
  readonly bandwidth: number;
  readonly limitSeconds: number;
  /** Share of the guest bytes that compression spares. */
  readonly share: number;
}

interface End {
  readonly converges: boolean;
  /** From the beginning of the pass. */
  readonly seconds: number;
  /** What the last pass leaves. */
  readonly remaining: number;
}

/** Plays pass after pass until the remainder fits the downtime limit, or shrinks no more. */
function iterate(model: Model, remaining: number, { bandwidth, limitSeconds, share }: Stream): End {
  const threshold = bandwidth * limitSeconds;
  let left = remaining;
  let dirty = Number.POSITIVE_INFINITY;
  let seconds = 0;
  for (let nth = 0; nth < MAX_PASSES && seconds < MAX_SECONDS; nth += 1) {
    if (left < threshold) return { converges: true, seconds: seconds + left / bandwidth + SWITCHOVER_SECONDS, remaining: left };
    const leftover = Math.min(left, leftoverOf(bandwidth, limitSeconds));
    const took = (left * (1 - share) - leftover) / bandwidth;
    if (model.workingSet < threshold || took <= WINDOW_SECONDS)
      return endgame(model, { left, seconds, drained: bandwidth / Math.max(1 - share, 0.05), threshold });
    seconds += took;
    const next = model.left(took, leftover);
    if (nth > 1 && next - leftover >= dirty * SHRINKS) return { converges: false, seconds, remaining: next };
    dirty = next - leftover;
    left = next;
  }
  return { converges: false, seconds, remaining: left };
}

interface Endgame {
  readonly left: number;
  readonly seconds: number;
  /** Guest bytes per second that leave, compression included. */
  readonly drained: number;
  readonly threshold: number;
}

/**
 * Passes as short as QEMU's window: what remains shrinks by what the stream carries more than the guest dirties, until it fits, or
 * down to the working set where that fits.
 */
function endgame(model: Model, { left, seconds, drained, threshold }: Endgame): End {
  const sent = drained * WINDOW_SECONDS;
  const gained = model.workingSet < threshold ? sent : sent - model.dirtied(WINDOW_SECONDS);
  if (gained < sent * (1 - SHRINKS)) return { converges: false, seconds, remaining: left };
  const windows = Math.max(0, left - threshold) / gained;
  return {
    converges: true,
    seconds: seconds + windows * WINDOW_SECONDS + threshold / drained + SWITCHOVER_SECONDS,
    remaining: threshold,
  };
}

/** Just over the rate at which the guest writes, or enough to carry its whole working set within the downtime limit. */
function bandwidthNeeded(model: Model, floorBytes: number, limitSeconds: number): number {
  const whole = (Number.isFinite(model.workingSet) ? model.workingSet : floorBytes) / limitSeconds;
  return Math.min(model.rate * 1.05, whole);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
