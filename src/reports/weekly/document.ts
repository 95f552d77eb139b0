import { z } from 'zod';
import { SEVERITIES } from '../../model/finding.ts';
import { CAUSES } from '../../model/timeline.ts';

const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC');
const count = z.int().nonnegative();
const ms = z.number().nonnegative();
const share = z.number().min(0).max(1);
const bytesPerSecond = z.number().nonnegative();
const name = z.string().nullable();

const change = z
  .strictObject({
    of: z.enum([
      'migrations',
      'successRate',
      'notCompleted',
      'downtimeP50Ms',
      'downtimeP95Ms',
      'overTargetShare',
      'incidents',
      'spikes',
    ]),
    unit: z.enum(['count', 'share', 'ms']),
    value: z.number().nullable(),
    lastWeek: z.number().nullable(),
    sinceLastWeek: z.number().nullable().describe('value less lastWeek'),
    median: z.number().nullable().describe('of those of the four weeks before that are known'),
    weeks: z.array(z.number().nullable()).length(4).describe('the four weeks before, the latest first; null: not observed'),
  })
  .describe('one number of the week beside those of the weeks before, counted the same way');

const migrations = z.strictObject({
  total: count.describe('migrations that began in the week'),
  outcomes: z
    .array(
      z.strictObject({
        outcome: z.enum(['completed', 'failed', 'aborted', 'running', 'unknown']),
        migrations: count,
        seen: count.describe('of them, those of which a line says so'),
        follows: count,
        unobserved: count,
      }),
    )
    .describe('every outcome, in this order'),
  causes: z
    .array(z.strictObject({ cause: z.enum(CAUSES).nullable(), failed: count, aborted: count }))
    .describe('why migrations failed or were aborted; null: nothing tells'),
  success: z.strictObject({
    completed: count,
    judged: count,
    notJudged: count.describe('running, or nobody saw the end'),
    rate: share.nullable().describe('null where none is judged'),
    definition: z.string(),
  }),
});

const downtime = z.strictObject({
  completed: count,
  known: count,
  lowerBounds: count.describe('only a lower bound is known; in no percentile'),
  notObserved: count,
  targetMs: ms,
  p50Ms: ms.nullable(),
  p95Ms: ms.nullable(),
  p99Ms: ms.nullable(),
  maxMs: ms.nullable(),
  percentilesNote: z.string().nullable().describe('which percentiles there are not, and why'),
  overTarget: count.describe('of known'),
  overTargetShare: share.nullable(),
  lowerBoundsOverTarget: count,
  overLimit: count.describe('of known: longer than the limit in force'),
  worst: z.array(
    z.strictObject({
      id: z.string(),
      cluster: z.string(),
      vm: z.string(),
      source: name,
      destination: name,
      startedAt: time,
      downtimeMs: ms,
      limitMs: ms,
    }),
  ),
});

const convergence = z.strictObject({
  observed: count.describe('migrations of which counters were seen'),
  notObserved: count,
  predicted: count.describe('of observed: at least two passes were seen'),
  ratioP50: z.number().nonnegative().nullable().describe('dirty rate by bandwidth, as last predicted'),
  ratioP95: z.number().nonnegative().nullable(),
  ratios: z.strictObject({
    calm: count.describe('up to 0.5'),
    close: count.describe('below 1'),
    beyond: count.describe('1 and above'),
  }),
  throttled: count.describe('of observed'),
  maxThrottlePercent: z.number().nonnegative().nullable(),
  postcopy: count,
  aborted: count,
  retries: z.strictObject({
    withinMinutes: count,
    retries: count,
    vms: count,
    completed: count,
    definition: z.string(),
  }),
});

const link = z.strictObject({
  cluster: z.string(),
  source: name,
  destination: name,
  migrations: count,
  medianBytesPerSecond: bytesPerSecond,
  minBytesPerSecond: bytesPerSecond,
  maxBytesPerSecond: bytesPerSecond,
  ofMedian: z.number().nonnegative().describe('share of the median over all measured migrations'),
  slow: z.boolean().describe('less than half of that median'),
});

const bandwidth = z.strictObject({
  measured: count,
  notObserved: count.describe('migrations without two counters a second apart'),
  medianBytesPerSecond: bytesPerSecond.nullable(),
  minMigrations: count.describe('a pair or a host is ranked from so many on'),
  pairs: z.array(link).describe('the slowest pairs of hosts'),
  sources: z.array(link).describe('the slowest hosts to leave'),
  destinations: z.array(link).describe('the slowest hosts to go to'),
  definition: z.string(),
});

const cpuCell = z.strictObject({
  state: z.enum(['works', 'fails', 'mixed', 'unknown', 'itself']),
  lacks: count.nullable().describe('CPU flags of the source that the destination has not; null where one of them did not tell'),
});

const cpu = z.strictObject({
  days: count.describe('outcomes of so many days until the end of the week'),
  clusters: z.array(
    z.strictObject({ cluster: z.string(), hosts: count, works: count, fails: count, mixed: count, unknown: count }),
  ),
  failing: z.array(
    z.strictObject({
      cluster: z.string(),
      source: z.string(),
      destination: z.string(),
      state: z.enum(['fails', 'mixed']),
      completed: count,
      cpuFailed: count,
      lastFailedAt: time.nullable(),
      features: z.array(z.string()).describe('that the destination lacked the last time'),
      text: z.string().nullable(),
    }),
  ),
  matrices: z.array(
    z.strictObject({
      cluster: z.string(),
      hosts: z.array(z.strictObject({ host: z.string(), model: name })),
      rows: z.array(z.array(cpuCell)).describe('from a host, in the order of hosts, to each'),
      left: count.describe('hosts of the cluster that took part in migrations and are not shown'),
    }),
  ),
});

const storage = z.strictObject({
  observed: z.boolean().describe('writes were measured, or agents told of them'),
  spikes: count.nullable().describe('episodes of slow or failed heartbeat writes; null: not observed'),
  pools: z.array(
    z.strictObject({
      cluster: z.string(),
      pool: name,
      spikes: count,
      critical: count,
      hosts: count,
      writes: count.nullable().describe('measured writes; null: none was'),
      longestMs: ms.nullable(),
      longestAt: time.nullable(),
      longestHost: name,
    }),
  ),
  resets: z.array(z.strictObject({ cluster: z.string(), host: z.string(), at: time, reset: z.boolean(), summary: z.string() })),
  definition: z.string(),
});

const heat = z.strictObject({
  hosts: z.array(
    z.strictObject({
      cluster: z.string(),
      host: z.string(),
      overheated: z.boolean(),
      throttled: z.boolean(),
      findings: count,
      nearMigrations: z.boolean(),
    }),
  ),
  downtimes: z
    .array(
      z.strictObject({
        heat: z.enum(['hot', 'cool', 'unobserved']),
        migrations: count,
        known: count.describe('with a known downtime'),
        medianMs: ms.nullable(),
      }),
    )
    .describe('completed migrations'),
  definition: z.string(),
});

const incident = z.strictObject({
  cluster: z.string(),
  cause: z.string(),
  severity: z.enum(SEVERITIES),
  incidents: count,
  critical: count,
  migrations: count.describe('of the incidents, those about a migration'),
  hosts: z.array(z.string()),
  firstAt: time,
  lastAt: time,
  summary: z.string().describe('of the worst, the latest'),
});

const recommendation = z.strictObject({
  cause: z.string(),
  incidents: count.describe('that have this cause; hosts without data for no-data'),
  critical: count,
  hosts: z.array(z.string()),
  steps: z.array(
    z.strictObject({
      what: z.string(),
      command: z.string().nullable(),
      incidents: count.describe('that it is advised for'),
    }),
  ),
});

const hosts = z.strictObject({
  known: count.describe('hypervisors that were read, or that migrations tell of, in this week or the four before'),
  read: count,
  silent: count,
  silentHosts: z.array(z.strictObject({ cluster: z.string(), host: z.string(), lastAt: time.nullable() })),
  missing: z
    .array(
      z.strictObject({
        what: z.string(),
        hosts: count,
        named: z.array(z.string()),
        notJudged: z.string(),
      }),
    )
    .describe('kinds of output that were not read of hosts that were, and what was therefore not judged'),
});

const records = z.strictObject({ chunks: count, records: count, withEvents: count, plain: count, rejected: count });

const sum = z.strictObject({
  what: z.string(),
  total: count,
  parts: z.array(z.strictObject({ what: z.string(), count })),
  sql: z.string().describe('gives one row: the total, then the parts; for precopy query --sql'),
});

/** The document that `precopy report --json` writes: `precopy/report@1`. What is not known is `null`, never 0. */
export const reportDocument = z.strictObject({
  schema: z.literal('precopy/report@1'),
  week: z.string().regex(/^\d{4}-W\d{2}$/),
  zone: z.string(),
  cluster: z.string().nullable().describe('null: all clusters'),
  from: time,
  to: time,
  hours: z.number().describe('167 or 169 where clocks change'),
  madeAt: time,
  complete: z.boolean().describe('the week was over when the report was made'),
  verdict: z.strictObject({ level: z.enum(['good', 'watch', 'bad', 'unknown']), text: z.string() }),
  changes: z.array(change),
  migrations,
  downtime,
  convergence,
  bandwidth,
  cpu,
  storage,
  announcements: z.strictObject({ completed: count, yes: count, no: count, unobserved: count }),
  heat,
  incidents: z.strictObject({
    total: count,
    others: count.describe('incidents of causes that are not listed'),
    causes: z.array(incident),
  }),
  recommendations: z.array(recommendation),
  hosts,
  records,
  reconciliation: z.array(sum),
});

/** See `reportDocument`. */
export type WeeklyReport = z.infer<typeof reportDocument>;
