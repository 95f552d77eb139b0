import { NO_COUNTERS } from '../no-counters.ts';
import type { JobSample } from '../../model/event.ts';
import type { Sample } from '../parser.ts';

/** Debian 12, third pass of a migration that auto-converge slows down. */
const ACTIVE = [
  'Job type:         Unbounded   ',
  'Operation:        Outgoing migration',
  'Time elapsed:     23665        ms',
  'Data processed:   468.120 MiB',
  'Data remaining:   126.004 MiB',
  'Data total:       512.758 MiB',
  'Memory processed: 468.120 MiB',
  'Memory remaining: 126.004 MiB',
  'Memory total:     512.758 MiB',
  'Memory bandwidth: 20.001 MiB/s',
  'Dirty rate:       5034         pages/s',
  'Page size:        4096         bytes',
  'Iteration:        3           ',
  'Postcopy requests: 0           ',
  'Constant pages:   61954       ',
  'Normal pages:     119462      ',
  'Normal data:      466.648 MiB',
  'Expected downtime: 9701         ms',
  'Setup time:       1            ms',
  'Compression cache: 64.000 MiB',
  'Compressed data:  26.034 KiB',
  'Compressed pages: 15292        ',
  'Compression cache misses: 49876        ',
  'Compression overflows: 0            ',
  'Auto converge throttle: 20           ',
  '\n',
].join('\n');

const ACTIVE_REPLY =
  '{"expected-downtime":9701,"cpu-throttle-percentage":20,"xbzrle-cache":{"encoding-rate":0,"bytes":26659,"cache-size":67108864,"cache-miss-rate":0.9683609643529483,"pages":15292,"overflow":0,"cache-miss":49876},"status":"active","setup-time":1,"total-time":23436,"ram":{"total":537665536,"postcopy-requests":0,"dirty-sync-count":3,"multifd-bytes":0,"pages-per-second":5220,"downtime-bytes":0,"page-size":4096,"remaining":132124672,"postcopy-bytes":0,"mbps":167.78088,"transferred":490858944,"dirty-sync-missed-zero-copy":0,"precopy-bytes":490858944,"duplicate":61954,"dirty-pages-rate":5034,"skipped":0,"normal-bytes":489316352,"normal":119462}}';

/** Debian 11 in post-copy: virsh and QEMU 5.2 print an expected downtime that means nothing. */
const POSTCOPY = [
  'Job type:         Unbounded   ',
  'Operation:        Outgoing migration',
  'Time elapsed:     16158        ms',
  'Data processed:   369.235 MiB',
  'Data remaining:   189.219 MiB',
  'Data total:       512.758 MiB',
  'Memory processed: 369.235 MiB',
  'Memory remaining: 189.219 MiB',
  'Memory total:     512.758 MiB',
  'Memory bandwidth: 10.098 MiB/s',
  'Dirty rate:       5907         pages/s',
  'Page size:        4096         bytes',
  'Iteration:        3           ',
  'Postcopy requests: 5           ',
  'Constant pages:   66787       ',
  'Normal pages:     94193       ',
  'Normal data:      367.941 MiB',
  'Expected downtime: 19136        ms',
  'Setup time:       3            ms',
  '\n',
].join('\n');

const POSTCOPY_REPLY =
  '{"expected-downtime":19136,"status":"postcopy-active","setup-time":3,"total-time":15616,"ram":{"total":537665536,"postcopy-requests":5,"dirty-sync-count":3,"multifd-bytes":0,"pages-per-second":2590,"page-size":4096,"remaining":198410240,"mbps":84.70872,"transferred":387170525,"duplicate":66787,"dirty-pages-rate":5907,"skipped":0,"normal-bytes":385814528,"normal":94193}}';

/** Debian 13, the destination's answer after the end. */
const COMPLETED = [
  'Job type:         Completed   ',
  'Operation:        Incoming migration',
  'Time elapsed:     2238         ms',
  'Time elapsed w/o network: 2237         ms',
  'Data processed:   115.244 MiB',
  'Data remaining:   0.000 B',
  'Data total:       512.758 MiB',
  'Memory processed: 115.244 MiB',
  'Memory remaining: 0.000 B',
  'Memory total:     512.758 MiB',
  'Memory bandwidth: 72.299 MiB/s',
  'Dirty rate:       0            pages/s',
  'Page size:        4096         bytes',
  'Iteration:        3           ',
  'Postcopy requests: 0           ',
  'Constant pages:   103724      ',
  'Normal pages:     29178       ',
  'Normal data:      113.977 MiB',
  'Total downtime:   92           ms',
  'Downtime w/o network: 91           ms',
  'Setup time:       2            ms',
  'Compression cache: 64.000 MiB',
  'Compressed data:  0.000 B',
  'Compressed pages: 0            ',
  'Compression cache misses: 1630         ',
  'Compression overflows: 0            ',
  '\n',
].join('\n');

/** `--rawstats` of the job above, in virsh's layout. */
const RAW = [
  'Job type: 2',
  '',
  'operation: 5',
  'time_elapsed: 23665',
  'memory_total: 537665536',
  'memory_processed: 490858944',
  'memory_remaining: 132124672',
  'memory_bps: 20972610',
  'memory_dirty_rate: 5034',
  'memory_constant: 61954',
  'memory_normal: 119462',
  'memory_page_size: 4096',
  'memory_iteration: 3',
  'memory_postcopy_requests: 0',
  'downtime: 9701',
  'compression_cache: 67108864',
  'compression_pages: 15292',
  'auto_converge_throttle: 20',
  '',
  '',
].join('\n');

const active: JobSample = {
  kind: 'job-sample',
  vm: 'i-8-330-VM',
  monitor: null,
  direction: 'outgoing',
  status: 'active',
  elapsedMs: 23436,
  remainingBytes: 132124672,
  totalBytes: 537665536,
  transferredBytes: 490858944,
  copiedBytes: 805715968,
  compressedBytes: 62636032,
  compressionCacheBytes: 67108864,
  dirtyRateBytesPerSecond: 20619264,
  bandwidthBytesPerSecond: 20972610,
  pass: 3,
  downtimeMs: 9701,
  throttlePercent: 20,
  postcopyRequests: 0,
  errorText: null,
};

/** By virsh's rounded sizes alone. */
const rounded: JobSample = {
  ...active,
  elapsedMs: 23665,
  remainingBytes: 132124770,
  totalBytes: 537665733,
  transferredBytes: 490859397,
  bandwidthBytesPerSecond: 20972569,
};

function line(at: string, vm: string, text: string): string {
  return `{"at":"${at}","vm":"${vm}","domjobinfo":${JSON.stringify(text)}`;
}

/** Lines of Precopy's own poller. */
export const pollSamples: readonly Sample[] = [
  {
    record: `${line('2026-11-23T04:50:24.827Z', 'i-8-330-VM', ACTIVE)},"query-migrate":${ACTIVE_REPLY}}`,
    at: '2026-11-23T04:50:24.827Z',
    events: [active],
  },
  {
    record: `${line('2026-11-23T21:47:57.304Z', 'i-2-101-VM', POSTCOPY)},"query-migrate":${POSTCOPY_REPLY}}`,
    at: '2026-11-23T21:47:57.304Z',
    events: [
      {
        kind: 'job-sample',
        vm: 'i-2-101-VM',
        monitor: null,
        direction: 'outgoing',
        status: 'postcopy-active',
        elapsedMs: 15616,
        remainingBytes: 198410240,
        totalBytes: 537665536,
        transferredBytes: 387170525,
        copiedBytes: 659374080,
        compressedBytes: 0,
        compressionCacheBytes: null,
        dirtyRateBytesPerSecond: 24195072,
        bandwidthBytesPerSecond: 10588590,
        pass: 3,
        downtimeMs: null,
        throttlePercent: null,
        postcopyRequests: 5,
        errorText: null,
      },
    ],
  },
  {
    record: `${line('2026-11-23T21:27:02.578Z', 'i-5-77-VM', 'Job type:         Unbounded   \nOperation:        Outgoing migration\nTime elapsed:     132          ms\n\n')},"query-migrate":{}}`,
    at: '2026-11-23T21:27:02.578Z',
    events: [
      {
        kind: 'job-sample',
        vm: 'i-5-77-VM',
        monitor: null,
        direction: 'outgoing',
        status: 'active',
        ...NO_COUNTERS,
        elapsedMs: 132,
      },
    ],
  },
  // a save that began between the two questions
  {
    record: `${line('2026-11-30T17:22:47.450Z', 'i-2-422-VM', 'Job type:         None        \\n\\n')},"query-migrate":{"status":"active","setup-time":1,"total-time":3,"ram":{"total":269230080,"dirty-sync-count":1,"remaining":266158080,"transferred":2099301}}}`,
    at: '2026-11-30T17:22:47.450Z',
    events: [],
  },
  {
    record: `${line('2026-11-23T21:28:13.703Z', 'i-5-77-VM', 'Job type:         None        \n\n')},"query-migrate":{"status":"cancelled","error-desc":"Channel error: Input/output error"}}`,
    at: '2026-11-23T21:28:13.703Z',
    events: [
      {
        kind: 'migration-status',
        vm: 'i-5-77-VM',
        monitor: null,
        status: 'cancelled',
        errorText: 'Channel error: Input/output error',
      },
    ],
  },
  {
    record: `${line('2026-11-23T21:26:31.492Z', 'i-2-31-VM', COMPLETED)},"completed":true}`,
    at: '2026-11-23T21:26:31.492Z',
    events: [
      {
        kind: 'job-completed',
        vm: 'i-2-31-VM',
        direction: 'incoming',
        elapsedMs: 2238,
        downtimeMs: 92,
        passes: 3,
        transferredBytes: 120842093,
        totalBytes: 537665733,
      },
    ],
  },
  {
    record: `${line('2026-11-23T21:26:29.975Z', 'i-2-31-VM', '\n\n')},"error":"error: failed to get domain 'i-2-31-VM'\\nerror: failed to get domain 'i-2-31-VM'"}`,
    at: '2026-11-23T21:26:29.975Z',
    events: [{ kind: 'domain-missing', vm: 'i-2-31-VM' }],
  },
  {
    record: `${line('2026-11-30T13:01:06.128Z', 'i-8-330-VM', ACTIVE)},"error":"error: failed to get domain 'i-8-330-VM'"}`,
    at: '2026-11-30T13:01:06.128Z',
    events: [rounded, { kind: 'domain-missing', vm: 'i-8-330-VM' }],
  },
  {
    record: `${line('2026-11-23T21:36:48.766Z', 'i-2-71-VM', '')},"error":"timeout"}`,
    at: '2026-11-23T21:36:48.766Z',
    events: [],
  },
];

/** `virsh domjobinfo` run by hand, behind a line with the time. */
export const textSamples: readonly Sample[] = [
  {
    record: ACTIVE,
    vm: 'i-8-330-VM',
    at: null,
    events: [rounded],
  },
  { record: POSTCOPY.replace('Unbounded', 'None     ').slice(0, 31), vm: 'i-2-101-VM', at: null, events: [] },
];

/** The same job with `--rawstats`. */
export const rawSamples: readonly Sample[] = [
  { record: RAW, vm: 'i-8-330-VM', at: null, events: [{ ...active, elapsedMs: 23665 }] },
];
