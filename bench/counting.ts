import { createInstance, type Instance, type Roles } from '../src/commands/instance.ts';
import type { Config } from '../src/config.ts';
import { createLog } from '../src/lib/log.ts';
import { createMetrics, type Metrics } from '../src/lib/metrics.ts';

/** An instance that tells when its collectors have taken enough. */
export interface CountingInstance {
  readonly instance: Instance;
  /** Resolves when they have. */
  readonly enough: Promise<void>;
  /** How much they took so far; what collectors say of themselves does not count. */
  counted(): number;
}

/** What is counted, and up to where. */
export interface Counting {
  readonly roles: Roles;
  readonly metric: 'collectedLines' | 'collectedBytes';
  readonly most: number;
}

/** An instance in this process; it logs errors only. */
export function benchInstance(config: Config, roles: Roles, metrics: Metrics = createMetrics()): Instance {
  return createInstance(config, { roles, log: createLog({ level: 'error' }), metrics, node: process.execPath, out() {} });
}

/** The same, and what its collectors take is counted. */
export function countingInstance(config: Config, { roles, metric, most }: Counting): CountingInstance {
  const metrics = createMetrics();
  let counted = 0;
  let finish = (): void => undefined;
  const enough = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const counter: Metrics['collectedLines'] = {
    add(labels, count = 1) {
      metrics[metric].add(labels, count);
      if (labels.source !== 'collector') counted += count;
      if (counted >= most) finish();
    },
  };
  return { instance: benchInstance(config, roles, { ...metrics, [metric]: counter }), enough, counted: () => counted };
}
