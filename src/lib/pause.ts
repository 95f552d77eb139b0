/**
 * Resolves after `ms` milliseconds, or at once when the signal aborts, or when what it puts among `waiting` is called. Not with
 * `AbortSignal.any`: on Node 20 each such signal stays in memory as long as the one it listens to.
 */
export function pause(ms: number, signal: AbortSignal, waiting: Set<() => void> = new Set()): Promise<void> {
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
