import type { EventBody, JobCompleted, JobSample } from '../../model/event.ts';
import { jobSampleOfQueryMigrate } from '../qmp.ts';
import type { QueryMigrateSample } from '../qmp.ts';
import type { Job } from './job-text.ts';

/** A look at a VM's job: what virsh printed and, where the collector asked QEMU too, its answer to `query-migrate`. */
export interface Poll {
  readonly vm: string | null;
  readonly job: Job;
  readonly queryMigrate?: unknown;
}

/** What a job's statistics mean; jobs other than migrations mean nothing here. */
export function jobEvents({ vm, job, queryMigrate }: Poll): readonly EventBody[] {
  if (job.operation === 'other') return [];
  const answer = jobSampleOfQueryMigrate(queryMigrate);
  switch (job.type) {
    case null:
    case 'none':
      return answer === null || statusOf(answer) === null || beganBetween(job, answer) ? [] : withoutJob(vm, answer);
    case 'bounded':
    case 'unbounded':
      return [running(vm, job, answer)];
    case 'completed':
      return [jobCompleted(vm, job)];
    default:
      return ended(vm, job, answer);
  }
}

/** There was no job when virsh looked, and QEMU is at one a moment later: it may be a save or a snapshot as well. */
function beganBetween({ type }: Job, { status }: QueryMigrateSample): boolean {
  return type === 'none' && EXPECTS_DOWNTIME.test(status ?? '');
}

/** The statistics of a finished migration, as `--completed` and the `job-completed` event have them. */
export function jobCompleted(vm: string | null, job: Job): JobCompleted {
  const { elapsedMs, downtimeMs, pass, transferredBytes, totalBytes } = job;
  return {
    kind: 'job-completed',
    vm,
    direction: directionOf(job),
    elapsedMs,
    downtimeMs,
    passes: pass,
    transferredBytes,
    totalBytes,
  };
}

/** libvirt has no job any more, and QEMU still knows how the last migration ended. Only the source's QEMU counts memory. */
function withoutJob(vm: string | null, answer: QueryMigrateSample): readonly EventBody[] {
  const { status, errorText } = answer;
  const state: EventBody = { kind: 'migration-status', vm, monitor: null, status: status ?? '', errorText };
  const counted = answer.totalBytes !== null;
  if (!counted && answer.downtimeMs === null) return [state];
  return [state, { kind: 'job-sample', vm, monitor: null, direction: counted ? 'outgoing' : null, ...answer }];
}

function running(vm: string | null, job: Job, answer: QueryMigrateSample | null): JobSample {
  const status = statusOf(answer) ?? 'active';
  return { kind: 'job-sample', vm, monitor: null, direction: directionOf(job), ...merged(job, answer), status };
}

function ended(vm: string | null, job: Job, answer: QueryMigrateSample | null): readonly EventBody[] {
  const counters = merged(job, answer);
  const status = statusOf(answer) ?? job.type ?? '';
  const state: EventBody = { kind: 'migration-status', vm, monitor: null, status, errorText: counters.errorText };
  if (counters.elapsedMs === null && counters.totalBytes === null) return [state];
  return [state, { kind: 'job-sample', vm, monitor: null, direction: directionOf(job), ...counters, status }];
}

/** QEMU's word for a migration; `none` stands for no migration yet. */
function statusOf(answer: QueryMigrateSample | null): string | null {
  return answer === null || answer.status === 'none' ? null : answer.status;
}

/** QEMU's numbers are exact and virsh's rounded; virsh knows more during setup, before QEMU counts anything. */
function merged(job: Job, answer: QueryMigrateSample | null): QueryMigrateSample {
  const counters = countersOf(job);
  if (answer === null) return { ...counters, downtimeMs: (job.postcopyRequests ?? 0) > 0 ? null : job.downtimeMs };
  return {
    ...preferring(answer, counters),
    // the two looks are some ms apart: a rate of virsh's pass does not belong to QEMU's
    dirtyRateBytesPerSecond: answer.pass === null ? job.dirtyRateBytesPerSecond : answer.dirtyRateBytesPerSecond,
    // virsh prints what QEMU 5.2 and 7.2 still call expected in post-copy (19–243 s), and no real one while the job runs
    downtimeMs: answer.downtimeMs ?? (EXPECTS_DOWNTIME.test(answer.status ?? '') ? job.downtimeMs : null),
  };
}

/**
 * Each field of the answer that has a value, else what virsh says. Written out: polls come in thousands, and going through names at
 * run time took a tenth of the time of each.
 */
// oxlint-disable-next-line complexity -- a list, with nothing to follow
function preferring(answer: QueryMigrateSample, counters: QueryMigrateSample): QueryMigrateSample {
  return {
    status: answer.status ?? counters.status,
    elapsedMs: answer.elapsedMs ?? counters.elapsedMs,
    remainingBytes: answer.remainingBytes ?? counters.remainingBytes,
    totalBytes: answer.totalBytes ?? counters.totalBytes,
    transferredBytes: answer.transferredBytes ?? counters.transferredBytes,
    copiedBytes: answer.copiedBytes ?? counters.copiedBytes,
    compressedBytes: answer.compressedBytes ?? counters.compressedBytes,
    compressionCacheBytes: answer.compressionCacheBytes ?? counters.compressionCacheBytes,
    dirtyRateBytesPerSecond: answer.dirtyRateBytesPerSecond ?? counters.dirtyRateBytesPerSecond,
    bandwidthBytesPerSecond: answer.bandwidthBytesPerSecond ?? counters.bandwidthBytesPerSecond,
    pass: answer.pass ?? counters.pass,
    downtimeMs: answer.downtimeMs ?? counters.downtimeMs,
    throttlePercent: answer.throttlePercent ?? counters.throttlePercent,
    postcopyRequests: answer.postcopyRequests ?? counters.postcopyRequests,
    errorText: answer.errorText ?? counters.errorText,
  };
}

/** States of QEMU in which a downtime is still ahead. */
const EXPECTS_DOWNTIME = /^(?:setup|active|pre-switchover|device)$/;

function countersOf(job: Job): QueryMigrateSample {
  const { type, operation, ...counters } = job;
  return { status: null, ...counters };
}

function directionOf({ operation }: Job): JobSample['direction'] {
  return operation === 'other' ? null : operation;
}
