import type { JobCounters } from '../../model/event.ts';

/** libvirt's job types, in the order of `enum virDomainJobType`, which `--rawstats` prints as a number. */
const JOB_TYPES = ['none', 'bounded', 'unbounded', 'completed', 'failed', 'cancelled'] as const;

/** What virsh calls the job's type, in lower case; a running migration is `unbounded`: nobody can tell its end. */
export type JobType = (typeof JOB_TYPES)[number];

/** What `virsh domjobinfo` says of a job. */
export interface Job extends JobCounters {
  /** `null` where it printed nothing. */
  readonly type: JobType | null;
  /** `null` where virsh is too old to say; `other` for saves, dumps, backups and snapshots. */
  readonly operation: 'outgoing' | 'incoming' | 'other' | null;
}

type Fields = ReadonlyMap<string, string>;
/** A number by its label in text and its name in raw statistics. */
type Amount = (label: string, raw: string) => number | null;

/**
 * Reads a print-out of `virsh domjobinfo`, with or without `--rawstats`, or the statistics of `virsh event`.
 * Text has three decimals of the unit (`251.234 MiB`), so its sizes are near, not exact; raw statistics are exact.
 * Source: cmdDomjobinfo of tools/virsh-domain.c, qemuDomainJobDataToParams of libvirt.
 */
export function readJob(text: string): Job {
  const fields = fieldsOf(text);
  const amount: Amount = (label, raw) => amountOf(fields.get(label) ?? fields.get(raw));
  const pass = amount('Iteration', 'memory_iteration');
  // data is memory and disks together: while disks alone are copied, it says nothing of memory
  const disks = amount('File total', 'disk_total') !== null;
  const data: Amount = (label, raw) => (disks ? null : amount(label, raw));
  return {
    type: typeOf(fields.get('Job type')),
    operation: operationOf(fields.get('Operation') ?? fields.get('operation')),
    elapsedMs: amount('Time elapsed', 'time_elapsed'),
    remainingBytes: amount('Memory remaining', 'memory_remaining') ?? data('Data remaining', 'data_remaining'),
    totalBytes: amount('Memory total', 'memory_total') ?? data('Data total', 'data_total'),
    transferredBytes: amount('Memory processed', 'memory_processed') ?? data('Data processed', 'data_processed'),
    ...copied(amount),
    dirtyRateBytesPerSecond: dirtyRate(amount('Dirty rate', 'memory_dirty_rate'), amount('Page size', 'memory_page_size'), pass),
    bandwidthBytesPerSecond: amount('Memory bandwidth', 'memory_bps') || null,
    pass: pass || null,
    downtimeMs: amount('Total downtime', 'downtime') ?? amountOf(fields.get('Expected downtime')),
    throttlePercent: amount('Auto converge throttle', 'auto_converge_throttle'),
    postcopyRequests: amount('Postcopy requests', 'memory_postcopy_requests'),
    errorText: fields.get('Error message') ?? fields.get('errmsg') ?? null,
  };
}

/** Cuts each field out of the text at once, where `split` and `trim` make four texts of a line, for 25 lines of each poll. */
function fieldsOf(text: string): Fields {
  const fields = new Map<string, string>();
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const colon = text.indexOf(':', start);
    if (colon > start && colon < end) fields.set(trimmed(text, start, colon), trimmed(text, colon + 1, end));
    start = end + 1;
  }
  return fields;
}

/** The part of the text from `start` to `end` without the blanks and control characters around it. */
function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && text.charCodeAt(from) <= 32) from += 1;
  while (to > from && text.charCodeAt(to - 1) <= 32) to -= 1;
  return text.slice(from, to);
}

function typeOf(text: string | undefined): Job['type'] {
  if (text === undefined) return null;
  const word = text.toLowerCase();
  return JOB_TYPES.find((type) => type === word) ?? JOB_TYPES[amountOf(text) ?? 0] ?? 'none';
}

/** As virsh prints it, or as the number of `enum virDomainJobOperation`. */
function operationOf(text: string | undefined): Job['operation'] {
  if (text === undefined) return null;
  if (text === 'Outgoing migration' || text === '5') return 'outgoing';
  return text === 'Incoming migration' || text === '4' ? 'incoming' : 'other';
}

/** How much of the smallest unit each one is; what is no size has none (`ms`, pages). */
const UNITS: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  PiB: 1024 ** 5,
  EiB: 1024 ** 6,
};

/** `251.234 MiB`, `25.072 MiB/s`, `652 ms`, `4096`: rounded to whole bytes, ms, pages. */
function amountOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const found = /^(\d+(?:\.\d+)?)(?: ([KMGTPE]iB)?)?/.exec(text);
  return found === null ? null : Math.round(Number(found[1]) * (UNITS[found[2] ?? ''] ?? 1));
}

/** Pages that went whole, as zero pages and as XBZRLE differences, at their full size; the last are absent where XBZRLE is off. */
function copied(amount: Amount): Pick<Job, 'copiedBytes' | 'compressedBytes' | 'compressionCacheBytes'> {
  const pageSize = amount('Page size', 'memory_page_size');
  const normal = amount('Normal pages', 'memory_normal');
  const constant = amount('Constant pages', 'memory_constant');
  const compressed = amount('Compressed pages', 'compression_pages') ?? 0;
  const known = pageSize !== null && normal !== null && constant !== null;
  return {
    copiedBytes: known ? (normal + constant + compressed) * pageSize : null,
    compressedBytes: known ? compressed * pageSize : null,
    compressionCacheBytes: amount('Compression cache', 'compression_cache'),
  };
}

/** QEMU counts dirty pages when a pass ends: during the first pass its 0 means "not measured". */
function dirtyRate(pages: number | null, pageSize: number | null, pass: number | null): number | null {
  if (pages === null || pageSize === null || (pages === 0 && (pass ?? 0) <= 1)) return null;
  return pages * pageSize;
}
