import { describe, expect, test } from 'vitest';
import { NO_COUNTERS } from '../../src/parsers/no-counters.ts';
import { jobSampleOfQueryMigrate } from '../../src/parsers/qmp.ts';

const ram = { transferred: 167861053, remaining: 35127296, total: 537665536, 'page-size': 4096, normal: 40700, duplicate: 91970 };

/** What a dirty rate of 0 means. */
function rate(status: string, pass: number): number | null | undefined {
  return jobSampleOfQueryMigrate({ status, ram: { ...ram, 'dirty-pages-rate': 0, 'dirty-sync-count': pass } })
    ?.dirtyRateBytesPerSecond;
}

describe('query-migrate', () => {
  test('units become bytes, bytes/s and ms', () => {
    const reply = {
      status: 'active',
      'total-time': 4948,
      'expected-downtime': 1465,
      'cpu-throttle-percentage': 20,
      'xbzrle-cache': { 'cache-size': 67108864, pages: 99, bytes: 20522 },
      ram: { ...ram, mbps: 268.66288, 'dirty-pages-rate': 2168, 'dirty-sync-count': 2, 'postcopy-requests': 0 },
    };
    const sample = {
      status: 'active',
      elapsedMs: 4948,
      remainingBytes: 35127296,
      totalBytes: 537665536,
      transferredBytes: 167861053,
      copiedBytes: (40700 + 91970 + 99) * 4096,
      compressedBytes: 99 * 4096,
      compressionCacheBytes: 67108864,
      dirtyRateBytesPerSecond: 2168 * 4096,
      bandwidthBytesPerSecond: 33582860,
      pass: 2,
      downtimeMs: 1465,
      throttlePercent: 20,
      postcopyRequests: 0,
      errorText: null,
    };
    expect(jobSampleOfQueryMigrate(reply)).toEqual(sample);
    expect(jobSampleOfQueryMigrate({ return: reply, id: 'libvirt-438' })).toEqual(sample);
  });

  test('a dirty rate of 0 is unknown in the first pass and after completion, and a fact in between', () => {
    expect(rate('active', 1)).toBeNull();
    expect(rate('completed', 6)).toBeNull();
    expect(rate('active', 2)).toBe(0);
  });

  test('a bandwidth of 0 is not measured yet', () => {
    expect(jobSampleOfQueryMigrate({ status: 'active', ram: { ...ram, mbps: 0 } })?.bandwidthBytesPerSecond).toBeNull();
  });

  test('the downtime expected during post-copy is dropped, the real one is kept', () => {
    expect(jobSampleOfQueryMigrate({ status: 'postcopy-active', 'expected-downtime': 19000 })?.downtimeMs).toBeNull();
    expect(jobSampleOfQueryMigrate({ status: 'postcopy-active', downtime: 41 })?.downtimeMs).toBe(41);
    expect(jobSampleOfQueryMigrate({ status: 'completed', downtime: 18 })?.downtimeMs).toBe(18);
  });

  test('without XBZRLE nothing is compressed, and there is no cache', () => {
    expect(jobSampleOfQueryMigrate({ status: 'active', ram })).toMatchObject({
      copiedBytes: (40700 + 91970) * 4096,
      compressedBytes: 0,
      compressionCacheBytes: null,
    });
  });

  test('a failed job keeps its error and has no counters', () => {
    expect(jobSampleOfQueryMigrate({ return: { status: 'failed', 'error-desc': 'Channel error: Input/output error' } })).toEqual({
      ...NO_COUNTERS,
      status: 'failed',
      errorText: 'Channel error: Input/output error',
    });
    expect(jobSampleOfQueryMigrate({ status: 'cancelled' })).toEqual({ ...NO_COUNTERS, status: 'cancelled' });
  });

  test.each([
    ['a QEMU that has not migrated yet', { return: {} }],
    ['query-status', { return: { status: 'running', singlestep: false, running: true } }],
    ['query-status in COLO', { return: { status: 'colo', running: true } }],
    ['query-dirty-rate', { return: { status: 'measured', 'dirty-rate': 12 } }],
    ['a list', { return: [] }],
    ['an error', { id: 'libvirt-5', error: { class: 'GenericError', desc: 'x' } }],
    ['counters of the wrong type', { return: { status: 'active', ram: { ...ram, total: '512 MiB' } } }],
    ['nothing', null],
  ])('%s is no migration', (_name, reply) => {
    expect(jobSampleOfQueryMigrate(reply)).toBeNull();
  });
});
