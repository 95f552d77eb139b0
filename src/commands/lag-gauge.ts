import type { Metrics } from '../lib/metrics.ts';
import type { Position } from '../stream/stream.ts';

/** What the lag is measured with. */
export interface LagParts {
  positions(): Promise<readonly Position[]>;
  readonly metrics: Pick<Metrics, 'streamLagMessages' | 'streamLagSeconds'>;
  /** Told where it could not be read; it is then unknown, and absent. */
  failed(error: unknown): void;
  /** Unix ms. */
  now(): number;
  /** How often, ms; every ten seconds unless told. */
  readonly everyMs?: number;
}

/** Keeps the metrics of how far the processor is behind up to date. */
export interface LagGauge {
  /** Resolves when it has measured once. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const EVERY_MS = 10_000;

/** A gauge that measures in turns: one that takes long delays the next. */
export function createLagGauge(parts: LagParts): LagGauge {
  const known = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let measuring: Promise<void> = Promise.resolve();
  let stopped = false;

  async function measureAndGoOn(): Promise<void> {
    await measure(parts, known);
    if (!stopped) timer = setTimeout(() => void turn(), parts.everyMs ?? EVERY_MS);
  }

  function turn(): Promise<void> {
    measuring = measureAndGoOn();
    return measuring;
  }

  return {
    start: turn,
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await measuring;
    },
  };
}

/** Measures, and remembers in `known` which partitions have a value: where they cannot be read, none has. */
async function measure({ positions, metrics, failed, now }: LagParts, known: Set<string>): Promise<void> {
  try {
    for (const { partition, begin, end, committed, waitingSince } of await positions()) {
      const labels = { partition: String(partition) };
      known.add(labels.partition);
      metrics.streamLagMessages.set(labels, end - Math.max(begin, committed ?? begin));
      metrics.streamLagSeconds.set(labels, waitingSince === null ? 0 : Math.max(0, now() - waitingSince) / 1000);
    }
  } catch (error) {
    for (const partition of known) {
      metrics.streamLagMessages.set({ partition }, null);
      metrics.streamLagSeconds.set({ partition }, null);
    }
    failed(error);
  }
}
