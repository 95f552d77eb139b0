import type { FindingMessage } from '../../src/reports/finding-message.ts';

/** A migration as a message of a finding has it. */
export type Attempt = NonNullable<FindingMessage['migration']>;

type Told = Pick<Attempt, 'id' | 'vm' | 'source' | 'destination' | 'startedAt' | 'endedAt' | 'outcome' | 'cause'>;

/** A migration that nothing more is known of than what is told; also for benchmarks. */
export function attemptOf(told: Told & Partial<Attempt>): Attempt {
  return {
    mac: [],
    destinationAddress: null,
    outcomeCertainty: 'seen',
    causeText: null,
    downtimeMs: null,
    downtimeFrom: null,
    downtimeLimitMs: 300,
    iterations: null,
    throttlePercent: null,
    postcopyAt: null,
    announced: 'unobserved',
    unobserved: [],
    after: [],
    predictions: [],
    ...told,
  };
}
