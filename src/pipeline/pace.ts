import type { Urgency } from './dirty.ts';
import type { Interval } from './interval.ts';

/** Timelines follow events at most this often, ms. */
const URGENT_EVERY_MS = 200;
const BACKGROUND_EVERY_MS = 5000;
/** Events older than this wait for more of their time to arrive, ms: files of days come one after the other. */
const RECENT_MS = 60 * 60_000;
const OLD_EVERY_MS = 20_000;
/** Where nothing was stored for so long, everything is done. */
const QUIET_MS = 1000;
const AFTER_FAILURE_MS = 2000;

/** Decides how soon what is done. */
export interface Pace {
  /** What is to be done now. */
  choose(): (interval: Interval, urgency: Urgency) => boolean;
  /** It is time to see whether migrations still run. */
  lookAtRunning(): boolean;
  /** Events were stored. */
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
  let pauseMs = URGENT_EVERY_MS;

  return {
    choose() {
      const at = now();
      const quiet = at - storedAt >= QUIET_MS;
      const background = quiet || at - backgroundAt >= BACKGROUND_EVERY_MS;
      const old = quiet || at - oldAt >= OLD_EVERY_MS;
      if (background) backgroundAt = at;
      if (old) oldAt = at;
      return ({ to }, urgency) => (to < at - RECENT_MS ? old : background || urgency === 'urgent');
    },
    lookAtRunning() {
      if (storedAt < runningAt || now() - runningAt < BACKGROUND_EVERY_MS) return false;
      runningAt = now();
      return true;
    },
    stored() {
      storedAt = now();
    },
    looked(tookMs, failed) {
      pauseMs = failed ? AFTER_FAILURE_MS : Math.max(URGENT_EVERY_MS, tookMs);
    },
    waitMs: () => pauseMs,
  };
}
