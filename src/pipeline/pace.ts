import type { Urgency } from './dirty.ts';
import type { Interval } from './interval.ts';

/** Timelines follow events at most this often, ms. */
const URGENT_EVERY_MS = 200;
const BACKGROUND_EVERY_MS = 5000;
/** Events older than this wait for more of their time to arrive, ms: files of days come one after the other. */
const RECENT_MS = 60 * 60_000;
const OLD_EVERY_MS = 20_000;
/** While more arrives, telling old times again takes one part of time in so many: most of it will have to be done once more. */
const OLD_SHARE = 20;
/** Where nothing was stored for so long, everything is done. */
const QUIET_MS = 1000;
const AFTER_FAILURE_MS = 2000;
/** Longest pause, ms: what a look took says nothing where the clock was set, or the machine slept, meanwhile. */
const LONGEST_PAUSE_MS = 10_000;

/** Decides how soon what is done. */
export interface Pace {
  /** What is to be done now. */
  choose(): (interval: Interval, urgency: Urgency) => boolean;
  /** It is time to see whether migrations still run. */
  lookAtRunning(): boolean;
  /** Events are being stored. */
  storing(): void;
  /** They were stored. */
  stored(): void;
  /** All that was chosen is done, or failed. */
  looked(tookMs: number, failed: boolean): void;
  /** How long to wait before the next look. */
  waitMs(): number;
}

/** A pace by this clock (Unix ms). */
export function createPace({ now }: { now(): number }): Pace {
  let storedAt = 0;
  let backgroundAt = 0;
  let oldAt = 0;
  let runningAt = 0;
  /** Something was stored since running migrations were last looked at. */
  let storedSince = true;
  let pauseMs = URGENT_EVERY_MS;
  let isStoring = false;
  let choseOld = false;
  let oldTookMs = 0;

  /** Nothing comes any more, as far as can be seen. */
  const isQuiet = (): boolean => !isStoring && isPast(storedAt, QUIET_MS);

  /** So long ago, or in the future: then the clock was set back, and nothing is to wait until it has caught up. */
  function isPast(since: number, ms: number): boolean {
    const passed = now() - since;
    return passed < 0 || passed >= ms;
  }

  return {
    choose() {
      const at = now();
      const quiet = isQuiet();
      const background = quiet || isPast(backgroundAt, BACKGROUND_EVERY_MS);
      choseOld = quiet || isPast(oldAt, Math.max(OLD_EVERY_MS, OLD_SHARE * oldTookMs));
      if (background) backgroundAt = at;
      if (choseOld) oldAt = at;
      return ({ to }, urgency) => (to < at - RECENT_MS ? choseOld : background || urgency === 'urgent');
    },
    lookAtRunning() {
      if (!storedSince || !isPast(runningAt, BACKGROUND_EVERY_MS)) return false;
      storedSince = false;
      runningAt = now();
      return true;
    },
    storing() {
      isStoring = true;
    },
    stored() {
      storedSince = true;
      isStoring = false;
      storedAt = now();
    },
    looked(tookMs, failed) {
      if (choseOld) oldTookMs = Math.min(tookMs, LONGEST_PAUSE_MS);
      // what was told while more came will have to be told again
      const restMs = isQuiet() ? 0 : tookMs;
      pauseMs = failed ? AFTER_FAILURE_MS : Math.min(Math.max(URGENT_EVERY_MS, restMs), LONGEST_PAUSE_MS);
    },
    waitMs: () => pauseMs,
  };
}
