import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Values by the names of a metric's labels. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

/** Only grows; a combination of labels is there from its first count on. */
export interface CounterMetric<L extends string> {
  add(labels: Labels<L>, count?: number): void;
}

/** Goes up and down; `null` (not known) takes it away instead of showing an old value, or 0. */
export interface GaugeMetric<L extends string> {
  set(labels: Labels<L>, value: number | null): void;
}

/** Counts values by how large they are. */
export interface HistogramMetric<L extends string> {
  observe(labels: Labels<L>, value: number): void;
}

/** Everything that Precopy measures of itself, as `precopy_…`; counts are since the start of the process. */
export interface Metrics {
  readonly collectedLines: CounterMetric<'source'>;
  readonly collectedBytes: CounterMetric<'source'>;
  readonly collectedChunks: CounterMetric<'source'>;
  /** 1: it reads; 0: it does not, whatever the reason. */
  readonly collectorUp: GaugeMetric<'collector'>;
  readonly chunksSent: CounterMetric<never>;
  /** Messages that the processor has not committed yet. */
  readonly streamLagMessages: GaugeMetric<'partition'>;
  /** Age of the oldest of them. */
  readonly streamLagSeconds: GaugeMetric<'partition'>;
  readonly chunksProcessed: CounterMetric<never>;
  readonly chunksDead: CounterMetric<'reason'>;
  /** Records of topics that other programs ship to; one that goes on counts again. */
  readonly shippedRecords: CounterMetric<'topic'>;
  /** Lines of them that no rule names. */
  readonly shippedSkipped: CounterMetric<'topic'>;
  readonly events: CounterMetric<'source'>;
  readonly rejected: CounterMetric<'source' | 'reason'>;
  readonly rowsStored: CounterMetric<'table'>;
  readonly storeInsertSeconds: HistogramMetric<'table'>;
  readonly rebuildSeconds: HistogramMetric<never>;
  /** A finding found again is not counted again. */
  readonly findings: CounterMetric<'detector' | 'severity'>;
  /** Migrations that ended. */
  readonly migrations: CounterMetric<'outcome'>;
  readonly openMigrations: GaugeMetric<never>;
  /** From the time of the last event that a finding rests on to the finding. */
  readonly findingLatencySeconds: HistogramMetric<never>;
  /** Alerts that are not over, by whether somebody is told: pending, firing, acknowledged, muted. */
  readonly alerts: GaugeMetric<'state' | 'severity'>;
  /** Attempts to tell somebody. */
  readonly notifications: CounterMetric<'notifier' | 'outcome'>;
  /** From when it was to be told to the receiver's answer, of what was taken. */
  readonly notificationLatencySeconds: HistogramMetric<'notifier'>;
  /** All of it, in Prometheus' text format. */
  render(): Promise<string>;
  /** Content type of what `render` gives. */
  readonly contentType: string;
}

/** Seconds; an insert takes milliseconds, a rebuild of many migrations seconds. */
const WORK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Seconds; a collector waits up to one for a record's end, and a store that is away costs minutes. */
const LATENCY_BUCKETS = [0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800];

/**
 * How often the lag of the event loop is sampled, ms; what is exported of it is the time between two samples, this long at least. The
 * library's 10 ms would wake a process that has nothing to do a hundred times a second.
 */
const LAG_EVERY_MS = 100;

/** A registry of its own, so that two instances in one process do not mix; `withProcess` adds memory, CPU and event loop of the process. */
export function createMetrics({ withProcess = false }: { readonly withProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (withProcess) collectDefaultMetrics({ register: registry, prefix: 'precopy_', eventLoopMonitoringPrecision: LAG_EVERY_MS });
  const { counter, gauge, histogram } = maker(registry);
  return {
    collectedLines: counter('collected_lines_total', 'Lines that collectors read.', ['source']),
    collectedBytes: counter('collected_bytes_total', 'Bytes that collectors read.', ['source']),
    collectedChunks: counter('collected_chunks_total', 'Chunks that collectors made.', ['source']),
    collectorUp: gauge('collector_up', '1: the collector reads; 0: it does not.', ['collector']),
    chunksSent: counter('chunks_sent_total', 'Chunks that the stream took for good.', []),
    streamLagMessages: gauge('stream_lag_messages', 'Messages not yet processed.', ['partition']),
    streamLagSeconds: gauge('stream_lag_seconds', 'Age of the oldest message not yet processed.', ['partition']),
    chunksProcessed: counter('chunks_processed_total', 'Chunks read, parsed and stored.', []),
    chunksDead: counter('chunks_dead_total', 'Chunks that could not be read and went to the dead letters.', ['reason']),
    shippedRecords: counter('shipped_records_total', 'Records that other programs shipped; one that goes on counts again.', [
      'topic',
    ]),
    shippedSkipped: counter('shipped_skipped_lines_total', 'Lines that other programs shipped and no rule names.', ['topic']),
    events: counter('events_total', 'Events that records mean.', ['source']),
    rejected: counter('rejected_total', 'Records that could not be read.', ['source', 'reason']),
    rowsStored: counter('rows_stored_total', 'Rows stored; one stored again counts again.', ['table']),
    storeInsertSeconds: histogram('store_insert_seconds', 'Time of an insert.', { labels: ['table'], buckets: WORK_BUCKETS }),
    rebuildSeconds: histogram('rebuild_seconds', 'Time to build the timelines anew.', { labels: [], buckets: WORK_BUCKETS }),
    findings: counter('findings_total', 'New findings.', ['detector', 'severity']),
    migrations: counter('migrations_total', 'Migrations that ended.', ['outcome']),
    openMigrations: gauge('open_migrations', 'Migrations that run.', []),
    findingLatencySeconds: histogram('finding_latency_seconds', 'From the last event of a finding to the finding.', {
      labels: [],
      buckets: LATENCY_BUCKETS,
    }),
    alerts: gauge('alerts', 'Alerts that are not over.', ['state', 'severity']),
    notifications: counter('notifications_total', 'Attempts to tell somebody.', ['notifier', 'outcome']),
    notificationLatencySeconds: histogram('notification_latency_seconds', 'From a step of alerts to the answer of a receiver.', {
      labels: ['notifier'],
      buckets: LATENCY_BUCKETS,
    }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** Makes metrics of one registry, all with the prefix of the house. */
function maker(registry: Registry) {
  return {
    counter<L extends string>(name: string, help: string, labels: readonly L[]): CounterMetric<L> {
      const metric = new Counter({ name: `precopy_${name}`, help, labelNames: [...labels], registers: [registry] });
      return { add: (values, count = 1) => metric.inc(values, count) };
    },
    gauge<L extends string>(name: string, help: string, labels: readonly L[]): GaugeMetric<L> {
      const options = { name: `precopy_${name}`, help, labelNames: [...labels] };
      // one without labels would show 0 before anybody knows: it is registered while it has a value
      const metric = new Gauge({ ...options, registers: labels.length === 0 ? [] : [registry] });
      return {
        set(values, value) {
          if (value === null) return labels.length > 0 ? metric.remove(values) : registry.removeSingleMetric(options.name);
          metric.set(values, value);
          if (labels.length === 0) registry.registerMetric(metric);
        },
      };
    },
    histogram<L extends string>(
      name: string,
      help: string,
      { labels, buckets }: { readonly labels: readonly L[]; readonly buckets: readonly number[] },
    ): HistogramMetric<L> {
      const metric = new Histogram({
        name: `precopy_${name}`,
        help,
        labelNames: [...labels],
        buckets: [...buckets],
        registers: [registry],
      });
      return { observe: (values, value) => metric.observe(values, value) };
    },
  };
}
