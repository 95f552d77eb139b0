import { z } from 'zod';
import { detectors } from '../detectors/index.ts';
import { timeZone } from '../ingest/options.ts';
import { duration } from '../lib/duration.ts';
import { isSchedule } from '../lib/schedule.ts';
import { notifiers } from '../notify/index.ts';
import { momentNamed } from '../timeline/zone.ts';

const SCHEDULE_WORDS = 'five fields as cron has them: 0 7 * * 1 is Monday at 7:00';
const TIME_WORDS = 'a time as 2026-11-24T22:00 (UTC), or with an offset';

const moment = z.string({ error: TIME_WORDS }).refine((text) => momentNamed(text) !== null, { error: TIME_WORDS });

/** What every notifier has beside its own options. */
const routing = z.strictObject({
  name: z.string().min(1).max(100).describe('By which the tables and the log call it.'),
  minSeverity: z.enum(['warning', 'critical']).default('warning').describe('Milder alerts are not told here.'),
  clusters: z.array(z.string().min(1)).default([]).describe('Alerts of these clusters only; none named: of all.'),
  detectors: z
    .array(z.enum(detectors.map(({ id }) => id)))
    .default([])
    .describe('Alerts of these detectors only; none named: of all.'),
});

/** A notifier of the configuration: its own options, by `type`, and what it is told. */
const kinds = notifiers.map(({ options }) => options.extend(routing.shape));

/** One notifier; which other keys it has depends on `type`. */
export type NotifierOptions = z.infer<typeof routing> & { readonly type: string };

function isKinds(all: readonly z.ZodObject[]): all is [z.ZodObject, ...z.ZodObject[]] {
  return all.length > 0;
}

/** Whoever is told, one of the kinds in src/notify. */
function notifierOptions(): z.ZodType<NotifierOptions> {
  if (!isKinds(kinds)) throw new Error('no kind of notifier');
  // every kind has `type` as a literal, and what `routing` adds
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return z.discriminatedUnion('type', kinds) as unknown as z.ZodType<NotifierOptions>;
}

/** A time in which work is done on hosts. */
const maintenance = z
  .strictObject({
    cluster: z.string().min(1).nullable().default(null).describe('null: every cluster.'),
    host: z.string().min(1).nullable().default(null).describe('null: every host of it.'),
    from: moment.describe('When it begins.'),
    until: moment.describe('When it ends.'),
    comment: z.string().default('').describe('Why; shown with what it mutes.'),
  })
  .refine(({ from, until }) => (momentNamed(from) ?? 0) < (momentNamed(until) ?? 0), {
    error: 'a time after from',
    path: ['until'],
  });

/** Address of a proxy; user and password may stand in it, and are not shown. */
const proxyUrl = z
  .url({ protocol: /^https?$/, error: 'an address like http://proxy.example.org:3128' })
  .nullable()
  .default(null)
  .meta({ secret: 'credentials' });

/** By which proxies receivers are reached. */
const proxy = z.strictObject({
  https: proxyUrl.describe("For receivers at https; null: the environment's HTTPS_PROXY."),
  http: proxyUrl.describe("For receivers at http; null: the environment's HTTP_PROXY."),
  no: z
    .string()
    .nullable()
    .default(null)
    .describe("Receivers without it, as `.example.org,10.0.0.0/8`, `*` for all; null: the environment's NO_PROXY."),
});

/** Whom alerts are told, and when. */
export const alertOptions = z.strictObject({
  notifiers: z
    .array(notifierOptions())
    .default([])
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, { error: 'each name once' })
    .describe('Who is told, and how (docs/notifiers.md); none: alerts are only kept (precopy alerts).'),
  proxy: proxy.prefault({}).describe('The HTTP proxy by which notifiers reach the world; mail does not take it.'),
  groupEvery: duration
    .default('1min')
    .describe('The first alert of a cause is told at once, further ones together, so often at most.'),
  maxAge: duration
    .default('1h')
    .describe('What happened longer ago when it is found is no alert: old logs that are read anew wake nobody.'),
  storm: z
    .strictObject({
      alerts: z.int().min(2).max(10_000).default(20).describe('More new alerts of a cluster than this are told as a summary.'),
      within: duration.default('5min').describe('Within this time; the summary is repeated so often at most.'),
    })
    .prefault({})
    .describe('When there are too many to tell one by one.'),
  runbookUrl: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null)
    .describe(
      'Where runbooks are read; {{detector}} stands for the detector, else its id is appended. null: the files of the project are named.',
    ),
  maintenance: z.array(maintenance).default([]).describe('Times in which what the work on a host causes alarms nobody.'),
  maintenanceFrom: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Name of a notifier of type cloudstack: hosts that CloudStack holds in maintenance are muted likewise, asked each minute.',
    ),
});

/** Weekly reports. */
export const reportOptions = z.strictObject({
  timezone: timeZone
    .nullable()
    .default(null)
    .describe("IANA zone in which the week begins, Monday at 00:00; null: this machine's."),
  schedule: z
    .string()
    .refine(isSchedule, { error: SCHEDULE_WORDS })
    .nullable()
    .default(null)
    .describe(
      'When the report of the week before is made, as cron writes it in that zone: 0 7 * * 1; null: only by precopy report.',
    ),
  mail: z.array(z.string().min(1)).default([]).describe('Names of notifiers of type email that send it.'),
});
