import type { Event, HeartbeatWriteFailed } from '../model/event.ts';
import type { HostHistory } from '../model/timeline.ts';
import { isHung, RETRY_SLEEP_MS, WRITE_TIMEOUT_MS, type Episode } from './heartbeat-episodes.ts';

/** From a write that hangs to the reset: five tries of 60 s (CloudStack's defaults, `agent.properties`). */
export const RESET_EARLIEST_MS = 300_000;
/** The same with 10 s of sleep after each try, and 60 s until the agent begins to write at all. */
export const RESET_LATEST_MS = 410_000;
/** A line that is due is printed at most this much later. */
const SLACK_MS = 15_000;

/** Where the agent's tries lead to. */
export interface Countdown {
  readonly last: HeartbeatWriteFailed;
  /** Highest try of the episode. */
  readonly highest: number;
  /** When the agent resets its host unless a write succeeds, Unix ms. */
  readonly resetAt: number;
  /**
   * `running`; `passed`: the next line is overdue, so a write succeeded; `ignored`: the last try had no consequence, so this host
   * does not reset itself (`reboot.host.and.alert.management.on.heartbeat.timeout=false`).
   */
  readonly state: 'running' | 'passed' | 'ignored';
}

/** The countdown of an episode; `null` where the agent failed no try, or resets already. */
export function countdownOf({ tries, reset }: Episode, { heardUntil }: HostHistory): Countdown | null {
  const last = tries.at(-1);
  if (last === undefined || reset !== null) return null;
  const { attempt, attempts } = last.body;
  const stepMs = isHung(last) ? WRITE_TIMEOUT_MS + RETRY_SLEEP_MS : RETRY_SLEEP_MS;
  const resetAt = last.at + (attempts - attempt) * stepMs + RETRY_SLEEP_MS;
  const dueAt = Math.min(resetAt, last.at + WRITE_TIMEOUT_MS + RETRY_SLEEP_MS) + SLACK_MS;
  const ignored = tries.some(
    (event) => event.body.attempt >= event.body.attempts && heardUntil > event.at + RETRY_SLEEP_MS + SLACK_MS,
  );
  return {
    last: last.body,
    highest: highestOf(tries),
    resetAt,
    state: ignored ? 'ignored' : heardUntil > dueAt ? 'passed' : 'running',
  };
}

function highestOf(tries: readonly Event<HeartbeatWriteFailed>[]): number {
  return tries.reduce((max, { body }) => Math.max(max, body.attempt), 0);
}
