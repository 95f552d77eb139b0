import type { EventBody } from '../../model/event.ts';
import type { RejectReason } from '../../model/source.ts';
import type { Groups, Rule } from '../parser.ts';
import { jobSampleOfQueryMigrate } from '../qmp.ts';
import { compact } from '../text.ts';
import { z } from 'zod';
import { NO_COUNTERS } from '../no-counters.ts';

const qmpEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('MIGRATION'), data: z.object({ status: z.string() }) }),
  z.object({ event: z.literal('MIGRATION_PASS'), data: z.object({ pass: z.int() }) }),
  z.object({ event: z.literal('STOP') }),
  z.object({ event: z.literal('RESUME') }),
]);

/**
 * The administrator's change of the downtime limit sets nothing else; a command that sets more beside it restores the
 * parameters after a migration, and changes no running one.
 */
const downtimeLimit = z.object({
  execute: z.literal('migrate-set-parameters'),
  arguments: z.strictObject({ 'downtime-limit': z.number() }),
});

/** `undefined` where the text is not JSON. */
function json(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function received(groups: Groups): EventBody | RejectReason {
  const { monitor = null } = groups;
  const parsed = json(groups['json']);
  if (parsed === undefined) return 'bad-json';
  const found = qmpEvent.safeParse(parsed);
  if (!found.success) return 'bad-shape';
  const { data } = found;
  switch (data.event) {
    case 'MIGRATION':
      return { kind: 'migration-status', vm: null, monitor, status: data.data.status, errorText: null };
    case 'MIGRATION_PASS':
      return { kind: 'migration-pass', vm: null, monitor, pass: data.data.pass };
    default:
      return { kind: 'guest-run-state', vm: null, monitor, running: data.event === 'RESUME' };
  }
}

function answered(groups: Groups): EventBody | RejectReason | null {
  const parsed = json(groups['json']);
  if (parsed === undefined) return 'bad-json';
  const sample = jobSampleOfQueryMigrate(parsed);
  return sample === null
    ? null
    : // the address alone, for thousands of samples, not each with its whole answer
      { kind: 'job-sample', vm: null, monitor: compact(groups['monitor'] ?? ''), direction: null, ...sample };
}

function sent(groups: Groups): EventBody | RejectReason | null {
  const parsed = json(groups['json']);
  if (parsed === undefined) return 'bad-json';
  const found = downtimeLimit.safeParse(parsed);
  return found.success
    ? {
        kind: 'downtime-limit-set',
        vm: null,
        monitor: groups['monitor'] ?? null,
        downtimeMs: found.data.arguments['downtime-limit'],
      }
    : null;
}

const RECEIVE =
  '2026-11-24 06:49:57.077+0000: 22358: info : qemuMonitorJSONIOProcessLine:203 : QEMU_MONITOR_RECV_EVENT: mon=0x7f13d4002740 event=';
const REPLY =
  '2026-11-24 06:49:55.821+0000: 22358: info : qemuMonitorJSONIOProcessLine:208 : QEMU_MONITOR_RECV_REPLY: mon=0x7f13d4002740 reply=';
const SEND = '2026-11-24 06:50:31.404+0000: 22158: info : qemuMonitorSend:861 : QEMU_MONITOR_SEND_MSG: mon=0x7fc404005740 msg=';
const monitor = '0x7f13d4002740';

/**
 * The traffic of libvirt's QEMU monitor, logged at info by the filter `2:qemu.qemu_monitor`.
 * Source: `qemuMonitorSend` and `qemuMonitorJSONIOProcessLine` of libvirt src/qemu; the same in 7.0, 9.0 and 11.3.
 */
export const monitorRules: readonly Rule[] = [
  {
    name: 'monitor-event',
    versions: 'all; with the log filter on the monitor',
    message:
      /^QEMU_MONITOR_RECV_EVENT: mon=(?<monitor>0x[0-9a-f]+) event=(?<json>\{[^]*?"event":\s*"(?:MIGRATION|MIGRATION_PASS|STOP|RESUME)"[^]*)$/,
    event: received,
    samples: [
      {
        record: `${RECEIVE}{"timestamp": {"seconds": 1795502997, "microseconds": 77589}, "event": "MIGRATION_PASS", "data": {"pass": 5}}`,
        at: '2026-11-24T06:49:57.077Z',
        events: [{ kind: 'migration-pass', vm: null, monitor, pass: 5 }],
      },
      {
        record: `${RECEIVE}{"timestamp": {"seconds": 1795502997, "microseconds": 77741}, "event": "STOP"}`,
        at: '2026-11-24T06:49:57.077Z',
        events: [{ kind: 'guest-run-state', vm: null, monitor, running: false }],
      },
      {
        record: `${RECEIVE}{"timestamp": {"seconds": 1795502982, "microseconds": 689315}, "event": "RESUME"}`,
        at: '2026-11-24T06:49:57.077Z',
        events: [{ kind: 'guest-run-state', vm: null, monitor, running: true }],
      },
      {
        record: `${RECEIVE}{"timestamp": {"seconds": 1795502997, "microseconds": 78809}, "event": "MIGRATION", "data": {"status": "pre-switchover"}}`,
        at: '2026-11-24T06:49:57.077Z',
        events: [{ kind: 'migration-status', vm: null, monitor, status: 'pre-switchover', errorText: null }],
      },
    ],
  },
  {
    name: 'monitor-opened',
    versions: 'all; with the log filter on the monitor. libvirt asks for the character devices right after connecting',
    message:
      /^QEMU_MONITOR_RECV_REPLY: mon=(?<monitor>0x[0-9a-f]+) reply=\{[^]*?unix:[^"]*?\/domain-\d+-(?<vm>[^/"]+)\/monitor\.sock/,
    event: ({ monitor: address = '', vm = '' }) => ({ kind: 'monitor-opened', vm, monitor: address }),
    samples: [
      {
        record: `${REPLY}{"return": [{"frontend-open": true, "filename": "file", "label": "charserial0"}, {"frontend-open": true, "filename": "unix:/var/lib/libvirt/qemu/domain-1-i-2-201-VM/monitor.sock,server=on", "label": "charmonitor"}], "id": "libvirt-4"}`,
        at: '2026-11-24T06:49:55.821Z',
        events: [{ kind: 'monitor-opened', vm: 'i-2-201-VM', monitor }],
      },
    ],
  },
  {
    name: 'query-migrate',
    versions: 'all; with the log filter on the monitor',
    message: /^QEMU_MONITOR_RECV_REPLY: mon=(?<monitor>0x[0-9a-f]+) reply=(?<json>\{[^]*?"status":[^]*)$/,
    event: answered,
    samples: [
      {
        record: `${REPLY}{"return": {"expected-downtime": 1465, "xbzrle-cache": {"encoding-rate": 0, "bytes": 0, "cache-size": 67108864, "cache-miss-rate": 0, "pages": 0, "overflow": 0, "cache-miss": 1398}, "status": "active", "setup-time": 1, "total-time": 4948, "ram": {"total": 537665536, "postcopy-requests": 0, "dirty-sync-count": 2, "multifd-bytes": 0, "pages-per-second": 9380, "downtime-bytes": 0, "page-size": 4096, "remaining": 35127296, "postcopy-bytes": 0, "mbps": 268.66288000000003, "transferred": 167861053, "dirty-sync-missed-zero-copy": 0, "precopy-bytes": 167861053, "duplicate": 91970, "dirty-pages-rate": 2168, "skipped": 0, "normal-bytes": 166707200, "normal": 40700}}, "id": "libvirt-438"}`,
        at: '2026-11-24T06:49:55.821Z',
        events: [
          {
            kind: 'job-sample',
            vm: null,
            monitor,
            direction: null,
            status: 'active',
            elapsedMs: 4948,
            remainingBytes: 35127296,
            totalBytes: 537665536,
            transferredBytes: 167861053,
            copiedBytes: 543416320,
            compressedBytes: 0,
            compressionCacheBytes: 67108864,
            dirtyRateBytesPerSecond: 8880128,
            bandwidthBytesPerSecond: 33582860,
            pass: 2,
            downtimeMs: 1465,
            throttlePercent: null,
            postcopyRequests: 0,
            errorText: null,
          },
        ],
      },
      {
        record: `${REPLY}{
  "return": {
    "status": "failed",
    "error-desc": "Channel error: Input/output error"
  },
  "id": "libvirt-438"
}`,
        at: '2026-11-24T06:49:55.821Z',
        events: [
          {
            kind: 'job-sample',
            vm: null,
            monitor,
            direction: null,
            status: 'failed',
            ...NO_COUNTERS,
            errorText: 'Channel error: Input/output error',
          },
        ],
      },
      // query-status
      {
        record: `${REPLY}{"return": {"status": "running", "singlestep": false, "running": true}, "id": "libvirt-3"}`,
        at: null,
        events: [],
      },
    ],
  },
  {
    name: 'downtime-limit',
    versions: 'QEMU 2.8 on; with the log filter on the monitor',
    message:
      /^QEMU_MONITOR_SEND_MSG: mon=(?<monitor>0x[0-9a-f]+) msg=(?<json>\{"execute":"migrate-set-parameters"[^]*\})\s+fd=-?\d+$/,
    event: sent,
    samples: [
      {
        record: `${SEND}{"execute":"migrate-set-parameters","arguments":{"downtime-limit":2000},"id":"libvirt-461"}\r\n fd=-1`,
        at: '2026-11-24T06:50:31.404Z',
        events: [{ kind: 'downtime-limit-set', vm: null, monitor: '0x7fc404005740', downtimeMs: 2000 }],
      },
      {
        record: `${SEND}{"execute":"migrate-set-parameters","arguments":{"compress-level":1,"compress-threads":8,"decompress-threads":2,"cpu-throttle-initial":20,"cpu-throttle-increment":10,"tls-creds":"","tls-hostname":"","max-bandwidth":134217728,"downtime-limit":300,"block-incremental":false,"xbzrle-cache-size":67108864,"max-postcopy-bandwidth":0,"multifd-channels":2},"id":"libvirt-584"}\r\n fd=-1`,
        at: null,
        events: [],
      },
    ],
  },
];
