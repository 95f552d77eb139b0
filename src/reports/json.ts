import { z } from 'zod';
import type { Event } from '../model/event.ts';
import { SEVERITIES, type Finding } from '../model/finding.ts';
import type { InputResult } from '../model/input.ts';
import { REJECT_REASONS, SOURCES } from '../model/source.ts';
import { CAUSES, type Migration } from '../model/timeline.ts';
import type { HostClock } from '../timeline/clock.ts';
import { isoTime } from '../lib/units.ts';
import type { Analysis } from './analysis.ts';

const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC');
const bytesPerSecond = z.number().nonnegative();

const prediction = z
  .strictObject({
    pass: z.int().min(2).describe('the pass at whose beginning it was made'),
    madeAt: time,
    converges: z.boolean(),
    switchoverAt: time.nullable().describe('when the guest would run on the destination; null where it never would'),
    dirtyRateBytesPerSecond: bytesPerSecond.describe('rate at which the guest writes pages'),
    dirtyRateIsLowerBound: z.boolean(),
    workingSetBytes: z.number().nonnegative().nullable(),
    bandwidthBytesPerSecond: bytesPerSecond,
    bandwidthNeededBytesPerSecond: bytesPerSecond.nullable().describe('from which it would converge; null where it does'),
    downtimeNeededMs: z
      .number()
      .nonnegative()
      .nullable()
      .describe('downtime limit from which it would converge; null where it does'),
  })
  .describe('what was known at the beginning of a pass of how the migration would end');

const migration = z
  .strictObject({
    id: z.string(),
    vm: z.string(),
    mac: z.array(z.string()),
    source: z.string().nullable(),
    destination: z.string().nullable().describe('null where nothing tells which host it is'),
    destinationAddress: z.string().nullable().describe('where the source was told to connect; null where nothing tells'),
    startedAt: time,
    endedAt: time.nullable().describe('null while it runs, or where nobody saw the end'),
    outcome: z.enum(['completed', 'failed', 'aborted', 'running', 'unknown']),
    outcomeCertainty: z.enum(['seen', 'follows', 'unobserved']),
    cause: z.enum(CAUSES).nullable(),
    causeText: z.string().nullable(),
    downtimeMs: z.number().nonnegative().nullable(),
    downtimeFrom: z
      .enum(['statistics', 'events', 'at-least'])
      .nullable()
      .describe('how the downtime is known; at-least: a lower bound'),
    downtimeLimitMs: z.number().nonnegative(),
    iterations: z.int().nonnegative().nullable().describe('passes of pre-copy'),
    throttlePercent: z.number().nullable().describe('highest throttle of the guest seen'),
    postcopyAt: time.nullable(),
    announced: z.enum(['yes', 'no', 'unobserved']),
    unobserved: z.array(z.string()).describe('what would have told more and was not there'),
    after: z
      .array(
        z.strictObject({
          host: z.string(),
          state: z.enum(['running', 'paused', 'absent', 'unknown']),
          certainty: z.enum(['seen', 'follows', 'unobserved']),
          because: z.string(),
        }),
      )
      .describe('where the VM is when the logs end'),
    predictions: z.array(prediction),
  })
  .describe('one attempt to migrate one VM');

const finding = z
  .strictObject({
    id: z.string().describe('the same in every run over the same logs'),
    detector: z.string(),
    severity: z.enum(SEVERITIES).describe('info is advice'),
    confidence: z.enum(['seen', 'follows', 'unobserved']),
    migration: z.string().nullable().describe('id of the migration it is about or tied to'),
    vm: z.string().nullable(),
    host: z.string().nullable(),
    from: time,
    to: time.nullable(),
    summary: z.string(),
    evidence: z.array(
      z.strictObject({
        host: z.string(),
        source: z.enum(SOURCES),
        path: z.string(),
        line: z.int().min(1),
        at: time,
        text: z.string(),
      }),
    ),
    remedies: z.array(z.strictObject({ what: z.string(), command: z.string().nullable() })),
  })
  .describe('what a detector concludes');

const host = z.strictObject({
  host: z.string(),
  zone: z.string(),
  zoneFrom: z.enum(['given', 'same-migration', 'same-period', 'other-hosts', 'utc-only', 'assumed']),
  skewMs: z.number().nullable().describe('how far its clock is ahead of skewAgainst; null where nothing tells'),
  skewAgainst: z.string().nullable(),
});

const input = z.strictObject({
  path: z.string(),
  host: z.string().nullable(),
  source: z.enum(SOURCES).nullable(),
  lines: z.int().nonnegative().nullable(),
  records: z.int().nonnegative().nullable(),
  withEvents: z.int().nonnegative().nullable().describe('records that mean something for a migration'),
  plain: z.int().nonnegative().nullable().describe('records that do not'),
  rejected: z.partialRecord(z.enum(REJECT_REASONS), z.int().nonnegative()).describe('records that could not be read, by reason'),
  skipped: z.string().nullable().describe('why the file was not read'),
  problem: z.string().nullable().describe('what exactly was wrong'),
});

/** The document that `precopy analyze --json` prints: `precopy/analysis@1`. Absent is `null`, never 0. */
export const analysisDocument = z.strictObject({
  schema: z.literal('precopy/analysis@1'),
  from: time.nullable().describe('the time that the logs cover'),
  to: time.nullable(),
  migrations: z.array(migration),
  findings: z.array(finding),
  hosts: z.array(host),
  inputs: z.array(input),
});

/** An analysis as a document for other programs. */
export type AnalysisDocument = z.infer<typeof analysisDocument>;

/** The document of an analysis. */
export function toDocument({ migrations, findings, clocks, inputs, from, to }: Analysis): AnalysisDocument {
  return {
    schema: 'precopy/analysis@1',
    from: isoOrNull(from),
    to: isoOrNull(to),
    migrations: migrations.map(migrationDocument),
    findings: findings.map(findingDocument),
    hosts: clocks.map(hostDocument),
    inputs: inputs.map(inputDocument),
  };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

/** One migration of that document. */
export function migrationDocument(of: Migration): AnalysisDocument['migrations'][number] {
  return {
    id: of.id,
    vm: of.vm,
    mac: [...of.macs],
    source: of.source,
    destination: of.destination,
    destinationAddress: of.destinationAddress,
    startedAt: isoTime(of.startedAt),
    endedAt: isoOrNull(of.endedAt),
    outcome: of.outcome,
    outcomeCertainty: of.outcomeCertainty,
    cause: of.cause?.kind ?? null,
    causeText: of.cause?.text ?? null,
    downtimeMs: of.downtime?.ms ?? null,
    downtimeFrom: of.downtime?.from ?? null,
    downtimeLimitMs: of.downtimeLimitMs,
    iterations: of.iterations,
    throttlePercent: of.throttlePercent,
    postcopyAt: isoOrNull(of.postcopyAt),
    announced: of.announcement.state,
    unobserved: [...of.unobserved],
    after: of.after.map(({ host: name, state, certainty, because }) => ({ host: name, state, certainty, because })),
    predictions: of.predictions.map((made) => ({
      pass: made.pass,
      madeAt: isoTime(made.madeAt),
      converges: made.converges,
      switchoverAt: isoOrNull(made.switchoverAt),
      dirtyRateBytesPerSecond: made.dirtyRateBytesPerSecond,
      dirtyRateIsLowerBound: made.dirtyRateIsLowerBound,
      workingSetBytes: made.workingSetBytes,
      bandwidthBytesPerSecond: made.bandwidthBytesPerSecond,
      bandwidthNeededBytesPerSecond: made.bandwidthNeededBytesPerSecond,
      downtimeNeededMs: made.downtimeNeededMs,
    })),
  };
}

/** One finding of that document, with evidence and remedies. */
export function findingDocument(of: Finding): AnalysisDocument['findings'][number] {
  return {
    id: of.id,
    detector: of.detector,
    severity: of.severity,
    confidence: of.confidence,
    migration: of.migration,
    vm: of.vm,
    host: of.host,
    from: isoTime(of.from),
    to: isoOrNull(of.to),
    summary: of.summary,
    evidence: of.evidence.map(evidenceDocument),
    remedies: of.remedies.map(({ what, command }) => ({ what, command })),
  };
}

function evidenceDocument({ origin, at }: Event): AnalysisDocument['findings'][number]['evidence'][number] {
  const { host: name, source, path } = origin.file;
  return { host: name, source, path, line: origin.line, at: isoTime(at), text: origin.text };
}

function hostDocument({ host: name, zone, zoneFrom, skewMs, skewAgainst }: HostClock): AnalysisDocument['hosts'][number] {
  return { host: name, zone, zoneFrom, skewMs, skewAgainst };
}

function inputDocument({ path, host: name, source, tally, skipped, problem }: InputResult): AnalysisDocument['inputs'][number] {
  return {
    path,
    host: name,
    source,
    lines: tally?.lines ?? null,
    records: tally?.records ?? null,
    withEvents: tally?.withEvents ?? null,
    plain: tally?.plain ?? null,
    rejected: { ...tally?.rejected },
    skipped,
    problem,
  };
}
