import { z } from 'zod';
import type { JobSample } from '../model/event.ts';

const count = z.number().nonnegative().nullable().default(null);

/** What Precopy reads of `MigrationInfo` and `MigrationRAMStats` (qapi/migration.json); QEMU leaves out what it does not know. */
const migrationInfo = z.object({
  status: z
    .string()
    .regex(/^(?:none|setup|active|pre-switchover|device|completed|failed|cancell(?:ing|ed)|colo|wait-unplug|postcopy-[a-z-]+)$/),
  'total-time': count,
  'expected-downtime': count,
  downtime: count,
  'cpu-throttle-percentage': count,
  'error-desc': z.string().nullable().default(null),
  ram: z
    .object({
      transferred: count,
      remaining: count,
      total: count,
      normal: count,
      duplicate: count,
      mbps: count,
      'page-size': count,
      'dirty-pages-rate': count,
      'dirty-sync-count': count,
      'postcopy-requests': count,
    })
    .prefault({}),
  'xbzrle-cache': z.object({ pages: count, 'cache-size': count }).prefault({}),
  // `query-status` answers with a `status` too, and with this beside it
  running: z.undefined().optional(),
});

type MigrationInfo = z.infer<typeof migrationInfo>;

/** What a `query-migrate` answer says; where it comes from is the caller's to add. */
export type QueryMigrateSample = Omit<JobSample, 'kind' | 'vm' | 'monitor' | 'direction'>;

/**
 * QEMU's answer to `query-migrate`, whole (`{"return": {…}}`) or only what is in `return`, in bytes, ms and bytes/s.
 * `null` where it is no such answer, or of a QEMU that has not migrated yet (`{}`).
 * Source: qapi/migration.json; units as `populate_ram_info` of QEMU's migration.c fills them.
 */
export function jobSampleOfQueryMigrate(reply: unknown): QueryMigrateSample | null {
  const answer = returned(reply);
  // most VMs do not migrate, and to find that the schema does not fit takes longer than to read what does
  if (typeof answer !== 'object' || answer === null || !('status' in answer)) return null;
  const found = migrationInfo.safeParse(answer);
  if (!found.success) return null;
  const { ram, ...info } = found.data;
  return {
    status: info.status,
    elapsedMs: info['total-time'],
    remainingBytes: ram.remaining,
    totalBytes: ram.total,
    transferredBytes: ram.transferred,
    ...copied(found.data),
    dirtyRateBytesPerSecond: dirtyRate(found.data),
    bandwidthBytesPerSecond: bandwidth(ram.mbps),
    pass: ram['dirty-sync-count'] === 0 ? null : ram['dirty-sync-count'],
    downtimeMs: downtime(found.data),
    throttlePercent: info['cpu-throttle-percentage'],
    postcopyRequests: ram['postcopy-requests'],
    errorText: info['error-desc'],
  };
}

function returned(reply: unknown): unknown {
  return typeof reply === 'object' && reply !== null && 'return' in reply ? reply.return : reply;
}

/** Pages that went whole, as zero pages and as XBZRLE differences, at their full size; QEMU leaves `xbzrle-cache` out where it is off. */
function copied(info: MigrationInfo): Pick<QueryMigrateSample, 'copiedBytes' | 'compressedBytes' | 'compressionCacheBytes'> {
  const { normal, duplicate, 'page-size': pageSize } = info.ram;
  const { pages, 'cache-size': compressionCacheBytes } = info['xbzrle-cache'];
  const known = normal !== null && duplicate !== null && pageSize !== null;
  return {
    copiedBytes: known ? (normal + duplicate + (pages ?? 0)) * pageSize : null,
    compressedBytes: known ? (pages ?? 0) * pageSize : null,
    compressionCacheBytes,
  };
}

/** QEMU counts dirty pages when a pass ends: its 0 during the first pass, and after completion, means "not measured". */
function dirtyRate({ status, ram }: MigrationInfo): number | null {
  const pages = ram['dirty-pages-rate'];
  const pageSize = ram['page-size'];
  if (pages === null || pageSize === null) return null;
  const measured = pages > 0 || ((ram['dirty-sync-count'] ?? 0) > 1 && status !== 'completed');
  return measured ? pages * pageSize : null;
}

/** 10^6 bit/s of the last 100 ms or more; 0 until the first such window is over. */
function bandwidth(mbps: number | null): number | null {
  return mbps === null || mbps === 0 ? null : Math.round(mbps * 125_000);
}

/** In post-copy the guest already runs on the destination: what QEMU 5.2 and 7.2 still call expected (19–243 s) is meaningless. */
function downtime(info: MigrationInfo): number | null {
  return info.downtime ?? (info.status.startsWith('postcopy-') ? null : info['expected-downtime']);
}
