import { z } from 'zod';
import { detectors } from '../detectors/index.ts';
import { duration } from '../lib/duration.ts';
import { collectOptions, listenAddress, timeZone } from '../ingest/options.ts';
import { alertOptions, reportOptions } from './alerts.ts';
import { clickhouseOptions } from './clickhouse.ts';
import { kafkaOptions } from './kafka.ts';
import { size } from './size.ts';

/** A table's rows go this many days after what they tell of. */
function days(count: number, of: string): z.ZodDefault<z.ZodInt> {
  return z.int().min(1).max(20_000).default(count).describe(of);
}

/** How long each table keeps its rows. */
const ttlDays = z.strictObject({
  lines: days(30, 'Every line as it was written.'),
  samples: days(90, 'Counters of migrations, temperatures, ages of heartbeats.'),
  events: days(90, 'What lines mean.'),
  rejected: days(30, 'Lines that could not be read, with the reason.'),
  ranges: days(400, 'Which parts of which files were read.'),
  migrations: days(400, 'One timeline a migration.'),
  findings: days(400, 'What was wrong, with its evidence.'),
  hostFacts: days(400, 'Versions, CPU features and settings of hosts.'),
  alerts: days(400, 'What people had to know, and when it was over.'),
  alertActions: days(400, 'Who acknowledged and silenced what.'),
  notifications: days(400, 'Every attempt to tell somebody.'),
  reports: days(4000, 'Weekly reports.'),
});

/** Limits of every detector, by its id. */
const detectorLimits = z.strictObject(
  Object.fromEntries(detectors.map(({ id, title, limits }) => [id, limits.prefault({}).describe(`${title}.`)])),
);

/** The one configuration file. */
export const configSchema = z.strictObject({
  cluster: z
    .string()
    .min(1)
    .max(200)
    .default('default')
    .describe('The CloudStack cluster of this machine: no migration leaves it, so everything is grouped by it.'),
  host: z.string().min(1).nullable().default(null).describe("This machine's name as evidence quotes it; null: its host name."),
  timezone: timeZone
    .nullable()
    .default(null)
    .describe("IANA zone in which this machine writes local times; null: the machine's own."),
  data: z
    .string()
    .startsWith('/')
    .nullable()
    .default(null)
    .describe('Folder of the stream and the store; null: /var/lib/precopy for root, else ~/.local/share/precopy.'),
  collect: collectOptions.prefault({}).describe('What is read on this machine; null turns a collector off.'),
  detectors: detectorLimits.prefault({}).describe('Limits by detector (docs/detectors/README.md).'),
  alerts: alertOptions.prefault({}).describe('Who is told of what is wrong, and when (docs/alerts.md).'),
  report: reportOptions.prefault({}).describe('The weekly report.'),
  stream: z
    .strictObject({
      retention: z
        .strictObject({
          maxBytes: size.default('10GB').describe('The oldest go when it holds more: bytes, or 500MB, 10GB, 16GiB.'),
          maxAge: duration.default('7d').describe('What is older goes.'),
        })
        .prefault({})
        .describe('What the embedded stream keeps of what was processed already.'),
      kafka: kafkaOptions
        .nullable()
        .default(null)
        .describe('A Kafka cluster as the stream, instead of a folder of this machine.'),
    })
    .prefault({})
    .describe('The durable log between collectors and the processor.'),
  store: z
    .strictObject({
      clickhouse: clickhouseOptions
        .nullable()
        .default(null)
        .describe('A ClickHouse server for the tables (docs/clickhouse.md); null: the embedded engine, in the data folder.'),
      ttlDays: ttlDays.prefault({}).describe('How many days each table keeps its rows.'),
    })
    .prefault({})
    .describe('The tables.'),
  api: z
    .strictObject({
      listen: listenAddress.default('127.0.0.1:8470').describe('Address and port; port 0 takes any that is free.'),
    })
    .prefault({})
    .describe('HTTP: questions, health, metrics. It has no password: keep it on loopback.'),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('debug, info, warn or error.') })
    .prefault({})
    .describe('What Precopy says of itself, on standard error.'),
});
