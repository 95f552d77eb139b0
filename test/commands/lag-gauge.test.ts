import { expect, test } from 'vitest';
import { createLagGauge } from '../../src/commands/lag-gauge.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import type { Position } from '../../src/stream/stream.ts';
import { until } from '../ingest/following.ts';

const POSITION: Position = { partition: 0, begin: 5, end: 20, committed: 12, waitingSince: 7000 };

test('the lag is measured at the start and again, is unknown while it cannot be read, and is no more after the end', async () => {
  const metrics = createMetrics();
  const failures: unknown[] = [];
  let position: Position | Error = POSITION;
  let reads = 0;
  const gauge = createLagGauge({
    positions() {
      reads += 1;
      return position instanceof Error ? Promise.reject(position) : Promise.resolve([position]);
    },
    metrics,
    failed: (error) => failures.push(error),
    now: () => 10_000,
    everyMs: 1,
  });
  const shown = async (): Promise<readonly string[]> =>
    (await metrics.render()).split('\n').filter((line) => line.startsWith('precopy_stream_lag'));
  const after = async (next: Position | Error): Promise<readonly string[]> => {
    position = next;
    const before = reads;
    await until(() => reads >= before + 2);
    return shown();
  };

  await gauge.start();
  expect(await shown()).toEqual(['precopy_stream_lag_messages{partition="0"} 8', 'precopy_stream_lag_seconds{partition="0"} 3']);
  expect(await after(new Error('away'))).toEqual([]);
  expect(failures).toContainEqual(new Error('away'));
  // dropped by retention before it was committed
  expect(await after({ ...POSITION, begin: 19 })).toContain('precopy_stream_lag_messages{partition="0"} 1');
  expect(await after({ ...POSITION, committed: 20, waitingSince: null })).toEqual([
    'precopy_stream_lag_messages{partition="0"} 0',
    'precopy_stream_lag_seconds{partition="0"} 0',
  ]);
  await gauge.stop();
  const last = reads;
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(reads).toBe(last);
});
