import type { EventBody, HeartbeatProbe, JobSample, Temperature } from '../model/event.ts';
import { toTableBytes, type BinaryColumns, type TableBytes } from './row-binary.ts';
import type { StoredEvent } from './rows.ts';

/** A row of the table `samples`; `at` in Unix ms. */
export interface SampleRow {
  readonly cluster: string;
  readonly host: string;
  readonly vm: string;
  readonly metric: Metric;
  readonly subject: string;
  readonly at: number;
  readonly value: number;
}

/** A row of the table `host_facts`; `at` in Unix ms. */
export interface HostFactRow {
  readonly cluster: string;
  readonly host: string;
  readonly name: string;
  readonly value: string;
  readonly at: number;
}

/** Counters of a job that are worth a chart. */
const JOB_FIELDS = [
  'remainingBytes',
  'totalBytes',
  'transferredBytes',
  'dirtyRateBytesPerSecond',
  'bandwidthBytesPerSecond',
  'throttlePercent',
] as const;

/** What the table `samples` holds; units stand last. */
export type Metric =
  | `job.${(typeof JOB_FIELDS)[number]}`
  | 'temperature.celsius'
  | 'temperature.highCelsius'
  | 'temperature.critCelsius'
  | 'heartbeat.latencyMs';

type Measured = Pick<SampleRow, 'metric' | 'subject' | 'value'>;

const SAMPLE_COLUMNS: BinaryColumns<SampleRow> = {
  cluster: 'String',
  host: 'String',
  vm: 'String',
  metric: 'String',
  subject: 'String',
  at: "DateTime64(3, 'UTC')",
  value: 'Float64',
};

/** What of events belongs into the table `samples`. */
export function toSampleBytes(events: readonly StoredEvent[]): TableBytes {
  return toTableBytes('samples', SAMPLE_COLUMNS, events.flatMap(samplesOf));
}

/** The numbers of an event that are worth a chart; what a program did not say is absent, not 0. */
export function samplesOf({ cluster, event: { body, origin, at } }: StoredEvent): readonly SampleRow[] {
  const { host, vm } = origin.file;
  const named = 'vm' in body ? body.vm : null;
  return measured(body).map((sample) => ({ cluster, host, vm: named ?? vm ?? '', ...sample, at }));
}

/** The fact of an event, where it is one. */
export function hostFactsOf({ cluster, event: { body, origin, at } }: StoredEvent): readonly HostFactRow[] {
  return body.kind === 'host-fact' ? [{ cluster, host: origin.file.host, name: body.name, value: body.value, at }] : [];
}

function measured(body: EventBody): readonly Measured[] {
  if (body.kind === 'job-sample') return ofJob(body);
  if (body.kind === 'temperature') return ofSensor(body);
  return body.kind === 'heartbeat-probe' ? ofHeartbeat(body) : [];
}

function ofJob(body: JobSample): readonly Measured[] {
  return JOB_FIELDS.flatMap((field) => present(`job.${field}`, body.direction ?? '', body[field]));
}

function ofSensor({ chip, sensor, celsius, highCelsius, critCelsius }: Temperature): readonly Measured[] {
  const subject = `${chip}/${sensor}`;
  return [
    ...present('temperature.celsius', subject, celsius),
    ...present('temperature.highCelsius', subject, highCelsius),
    ...present('temperature.critCelsius', subject, critCelsius),
  ];
}

/** One that is pending is a lower bound: it counts, for it is how a hanging storage looks. */
function ofHeartbeat({ pool, address, latencyMs }: HeartbeatProbe): readonly Measured[] {
  return present('heartbeat.latencyMs', pool ?? address ?? '', latencyMs);
}

function present(metric: Metric, subject: string, value: number | null): readonly Measured[] {
  return value === null ? [] : [{ metric, subject, value }];
}
