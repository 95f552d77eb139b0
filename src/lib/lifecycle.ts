/** Something that runs. */
export interface Part {
  readonly name: string;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  /** Drains and ends. */
  stop(): Promise<void>;
}

/** What happens to parts, for a log. */
export interface LifecycleEvents {
  started?(part: string): void;
  stopped?(part: string): void;
  /** A part could not stop; the others are stopped all the same. */
  failedToStop?(part: string, error: unknown): void;
}

/** Parts that start and stop together. */
export interface Lifecycle {
  /** Starts the parts one after the other; where one cannot, it and those before it are stopped, and its error is thrown. */
  start(): Promise<void>;
  /** Stops what runs, the last one first; idempotent, and every caller waits for the same end. @throws the first error of a part, when all are stopped. */
  stop(): Promise<void>;
}

/** Runs parts in the order of the list: each may use those before it, from its start to its stop. */
export function createLifecycle(parts: readonly Part[], events: LifecycleEvents = {}): Lifecycle {
  const running: Part[] = [];
  let starting: Promise<void> | null = null;
  let stopping: Promise<void> | null = null;

  async function startAll(): Promise<void> {
    for (const part of parts) {
      if (stopping !== null) return;
      // before its start: one that fails halfway may hold something
      running.push(part);
      await part.start();
      events.started?.(part.name);
    }
  }

  async function stopAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let part = running.pop(); part !== undefined; part = running.pop()) {
      try {
        await part.stop();
        events.stopped?.(part.name);
      } catch (error) {
        errors.push(error);
        events.failedToStop?.(part.name, error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  async function stop(): Promise<void> {
    // a part that is starting ends its start first; its failure is told to the caller of start
    await starting?.catch(() => {});
    await stopAll();
  }

  return {
    async start() {
      starting ??= startAll();
      try {
        await starting;
      } catch (error) {
        stopping ??= stopAll();
        // the reason is the error of the start; what fails after it is told as an event
        await stopping.catch(() => {});
        throw error;
      }
    },
    stop: () => (stopping ??= stop()),
  };
}
