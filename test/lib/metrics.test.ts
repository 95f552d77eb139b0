import { expect, test } from 'vitest';
import { createMetrics } from '../../src/lib/metrics.ts';

/** Lines of values, without help and types. */
async function values(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  return (await metrics.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('counts add up by their labels', async () => {
  const metrics = createMetrics();
  metrics.collectedLines.add({ source: 'journal' }, 3);
  metrics.collectedLines.add({ source: 'journal' });
  metrics.rejected.add({ source: 'journal', reason: 'bad-time' });
  expect(await values(metrics)).toEqual(
    expect.arrayContaining([
      'precopy_collected_lines_total{source="journal"} 4',
      'precopy_rejected_total{source="journal",reason="bad-time"} 1',
    ]),
  );
});

test('what nobody knows is absent, not 0: before it is known, and when it is no longer', async () => {
  const metrics = createMetrics();
  const unknown = /open_migrations|stream_lag|collector_up/;
  expect((await values(metrics)).filter((line) => unknown.test(line))).toEqual([]);
  metrics.openMigrations.set({}, 2);
  metrics.streamLagMessages.set({ partition: '0' }, 7);
  metrics.streamLagMessages.set({ partition: '1' }, 0);
  metrics.openMigrations.set({}, 0);
  expect((await values(metrics)).filter((line) => unknown.test(line))).toEqual([
    'precopy_stream_lag_messages{partition="0"} 7',
    'precopy_stream_lag_messages{partition="1"} 0',
    'precopy_open_migrations 0',
  ]);
  metrics.openMigrations.set({}, null);
  metrics.streamLagMessages.set({ partition: '0' }, null);
  expect((await values(metrics)).filter((line) => unknown.test(line))).toEqual(['precopy_stream_lag_messages{partition="1"} 0']);
  metrics.openMigrations.set({}, 5);
  expect(await values(metrics)).toContain('precopy_open_migrations 5');
});

test('times fall into buckets', async () => {
  const metrics = createMetrics();
  metrics.storeInsertSeconds.observe({ table: 'lines' }, 0.02);
  const lines = await values(metrics);
  expect(lines).toContain('precopy_store_insert_seconds_bucket{le="0.01",table="lines"} 0');
  expect(lines).toContain('precopy_store_insert_seconds_bucket{le="0.025",table="lines"} 1');
  expect(lines).toContain('precopy_store_insert_seconds_count{table="lines"} 1');
});

test('two instances in one process do not mix', async () => {
  const [a, b] = [createMetrics(), createMetrics()];
  a.chunksSent.add({}, 2);
  expect(await values(a)).toContain('precopy_chunks_sent_total 2');
  expect(await values(b)).toContain('precopy_chunks_sent_total 0');
});

test('every name has the prefix of the house, those of the process as well', async () => {
  const lines = await values(createMetrics({ withProcess: true }));
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.filter((line) => !line.startsWith('precopy_'))).toEqual([]);
});
