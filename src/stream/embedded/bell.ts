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
    next: (ms, signal) => wait(ms, signal, waiting),
  };
}

/** Resolves after `ms` milliseconds, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return wait(ms, signal, new Set());
}

/** Not with `AbortSignal.any`: on Node 20 each such signal stays in memory as long as the one it listens to. */
function wait(ms: number, signal: AbortSignal, waiting: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    waiting.add(done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      waiting.delete(done);
      resolve();
    }
  });
}
