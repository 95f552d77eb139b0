/** How long work may take. */
export interface Deadline {
  readonly ms: number;
  /** Ends the work before its time, with its reason. */
  readonly signal: AbortSignal;
  /** What is thrown when the time is over. */
  late(): Error;
}

/** Ends in time, even where the work hears no signal: then it is left alone. @throws what the work throws, what `late` makes, or the signal's reason. */
export async function within<T>({ ms, signal, late }: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  let end: () => void = () => {};
  const over = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => stop(late()), ms);
    const stopped = (): void => stop(signal.reason);
    signal.addEventListener('abort', stopped);
    function stop(reason: unknown): void {
      own.abort(reason);
      reject(reason);
    }
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stopped);
    };
  });
  try {
    return await Promise.race([work(own.signal), over]);
  } finally {
    end();
  }
}
