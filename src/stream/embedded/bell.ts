import { pause } from '../../lib/pause.ts';

/** Wakes whoever waits within this process. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after `ms` milliseconds, or when the signal aborts. */
  next(ms: number, signal: AbortSignal): Promise<void>;
}

/** A bell that nobody waits for yet. A ring that nobody waits for is not kept: look first, then wait, without awaiting in between. */
export function createBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      for (const wake of waiting) wake();
    },
    next: (ms, signal) => pause(ms, signal, waiting),
  };
}
