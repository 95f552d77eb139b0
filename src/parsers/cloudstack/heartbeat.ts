import type { EventBody } from '../../model/event.ts';
import type { Groups, Rule } from '../parser.ts';
import { log4j1, log4j1WithoutLogid, log4j2 } from './records.ts';

/** `MAX_HEARTBEAT_UPDATE_TRIES`: what 4.5 does not print. */
const TRIES = 5;

function writeFailed({ pool, reason = '', attempt, attempts }: Groups): EventBody {
  return {
    kind: 'heartbeat-write-failed',
    pool: pool ?? null,
    reason,
    attempt: Number(attempt),
    attempts: attempts === undefined ? TRIES : Number(attempts),
  };
}

function resetting({ pool, reason = '' }: Groups): EventBody {
  return { kind: 'host-resetting', pool: pool ?? null, reason };
}

function suspected({ address = '' }: Groups): EventBody {
  return { kind: 'neighbour-suspected', address };
}

const POOL = '8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001';
const MONITOR = { level: 'WARN', logger: 'kvm.resource.KVMHAMonitor', thread: 'Thread-1', logid: '' } as const;
const CHECKER = { level: 'WARN', logger: 'kvm.resource.KVMHAChecker', thread: 'pool-4-thread-1', logid: '' } as const;
const STORAGE_POOL = { ...CHECKER, logger: 'kvm.storage.LibvirtStoragePool' } as const;
const ACTIVITY = { ...CHECKER, logger: 'kvm.resource.KVMHAVMActivityChecker' } as const;
const SCRIPTS = '/usr/share/cloudstack-common/scripts/vm/hypervisor/kvm';
const READ = `${SCRIPTS}/kvmheartbeat.sh -i 10.30.0.5 -p /export/primary1 -m /mnt/${POOL} -h 10.10.0.12 -r -t 60 `;
const LOOK = `${SCRIPTS}/kvmvmactivity.sh -i 10.30.0.5 -p /export/primary1 -m /mnt/${POOL} -h 10.10.0.12 `;
const DEAD = `=====> Considering host as DEAD because last write on [/mnt/${POOL}/KVMHA/hb-10.10.0.12] was [95] seconds ago, but the max interval is [60] <======`;
const IDLE = '=====> Considering host as DEAD due to empty UUIDList <======';

const suspect = [{ kind: 'neighbour-suspected', address: '10.10.0.12' }] as const;

/** The storage heartbeat as its writer tells it (`KVMHAMonitor`), and as neighbours read it. */
export const heartbeatRules: readonly Rule[] = [
  {
    name: 'heartbeat-failed-4.16',
    versions: '4.16 on',
    message: /^Write heartbeat for pool \[(?<pool>[^\]]+)\] failed: (?<reason>[^]*?); try: (?<attempt>\d+) of (?<attempts>\d+)\./,
    event: writeFailed,
    samples: [
      {
        record: `${log4j1('2024-09-03 03:00:41,004', MONITOR)}Write heartbeat for pool [${POOL}] failed: timeout; try: 1 of 5.`,
        at: '2024-09-03T03:00:41.004Z',
        events: [{ kind: 'heartbeat-write-failed', pool: POOL, reason: 'timeout', attempt: 1, attempts: 5 }],
      },
      {
        record: `${log4j2('2026-08-10 15:02:03,117', MONITOR)}Write heartbeat for pool [${POOL}] failed: Failed to create /mnt/${POOL}/KVMHA//hb-10.10.0.11; try: 3 of 8.`,
        at: '2026-08-10T15:02:03.117Z',
        events: [
          {
            kind: 'heartbeat-write-failed',
            pool: POOL,
            reason: `Failed to create /mnt/${POOL}/KVMHA//hb-10.10.0.11`,
            attempt: 3,
            attempts: 8,
          },
        ],
      },
    ],
  },
  {
    name: 'host-resetting-4.16',
    versions: '4.16 on',
    message: /^Write heartbeat for pool \[(?<pool>[^\]]+)\] failed: (?<reason>[^]*?); stopping cloudstack-agent\./,
    event: resetting,
    samples: [
      {
        record: `${log4j1('2024-09-03 03:05:31,028', MONITOR)}Write heartbeat for pool [${POOL}] failed: timeout; stopping cloudstack-agent.`,
        at: '2024-09-03T03:05:31.028Z',
        events: [{ kind: 'host-resetting', pool: POOL, reason: 'timeout' }],
      },
      {
        record: `${log4j2('2026-08-10 15:03:13,120', MONITOR)}Write heartbeat for pool [${POOL}] failed: Failed to remount 10.30.0.5:/export/primary1 under /mnt/${POOL}; stopping cloudstack-agent.`,
        at: '2026-08-10T15:03:13.120Z',
        events: [
          { kind: 'host-resetting', pool: POOL, reason: `Failed to remount 10.30.0.5:/export/primary1 under /mnt/${POOL}` },
        ],
      },
    ],
  },
  {
    name: 'heartbeat-failed-4.11',
    versions: '4.11–4.15',
    message: /^write heartbeat failed: (?<reason>[^]*?), try: (?<attempt>\d+) of (?<attempts>\d+)/,
    event: writeFailed,
    samples: [
      {
        record: `${log4j1('2021-03-02 09:14:20,655', MONITOR)}write heartbeat failed: timeout, try: 2 of 5`,
        at: '2021-03-02T09:14:20.655Z',
        events: [{ kind: 'heartbeat-write-failed', pool: null, reason: 'timeout', attempt: 2, attempts: 5 }],
      },
    ],
  },
  {
    name: 'heartbeat-failed-4.5',
    versions: '4.5: counts from 0',
    message: /^write heartbeat failed: (?<reason>[^]*?), retry: (?<retry>\d+)/,
    event: ({ reason, retry }) => writeFailed({ reason, attempt: String(Number(retry) + 1) }),
    samples: [
      {
        record: `${log4j1WithoutLogid('2016-05-18 22:41:05,330', MONITOR)}write heartbeat failed: timeout, retry: 0`,
        at: '2016-05-18T22:41:05.330Z',
        events: [{ kind: 'heartbeat-write-failed', pool: null, reason: 'timeout', attempt: 1, attempts: 5 }],
      },
    ],
  },
  {
    name: 'host-resetting-4.5',
    versions: '4.5 `reboot the host`; 4.11–4.15 `stopping cloudstack-agent`',
    message: /^write heartbeat failed: (?<reason>[^]*?); (?:reboot the host|stopping cloudstack-agent)/,
    event: resetting,
    samples: [
      {
        record: `${log4j1WithoutLogid('2016-05-18 22:46:05,341', MONITOR)}write heartbeat failed: timeout; reboot the host`,
        at: '2016-05-18T22:46:05.341Z',
        events: [{ kind: 'host-resetting', pool: null, reason: 'timeout' }],
      },
      {
        record: `${log4j1('2021-03-02 09:18:00,671', MONITOR)}write heartbeat failed: timeout; stopping cloudstack-agent`,
        at: '2021-03-02T09:18:00.671Z',
        events: [{ kind: 'host-resetting', pool: null, reason: 'timeout' }],
      },
    ],
  },
  {
    name: 'neighbour-dead-4.16',
    versions: '4.16–4.22.0: one pool, by heartbeat or by disk activity',
    message:
      /^Checking heart beat with KVMHA(?:VMActivity)?Checker command \[[^]*?\. It may cause a shutdown of host IP \[(?<address>[^\]]+)\]/,
    event: suspected,
    samples: [
      {
        record: `${log4j1('2022-06-20 18:31:44,902', CHECKER)}Checking heart beat with KVMHAChecker command [${READ}] returned [null]. [${DEAD}]. It may cause a shutdown of host IP [10.10.0.12].`,
        at: '2022-06-20T18:31:44.902Z',
        events: suspect,
      },
      {
        record: `${log4j1('2022-06-20 18:32:50,118', ACTIVITY)}Checking heart beat with KVMHAVMActivityChecker command [${LOOK}] returned [null]. It is [${IDLE}]. It may cause a shutdown of host IP [10.10.0.12].`,
        at: '2022-06-20T18:32:50.118Z',
        events: suspect,
      },
      {
        record: `${log4j2('2025-12-01 20:11:09,550', STORAGE_POOL)}Checking heart beat with KVMHAChecker command [${READ}] returned [null]. [${DEAD}]. It may cause a shutdown of host IP [10.10.0.12].`,
        at: '2025-12-01T20:11:09.550Z',
        events: suspect,
      },
    ],
  },
  {
    name: 'neighbour-dead-4.22.1',
    versions: '4.22.1 on: one pool, by heartbeat',
    message:
      /^Checking heart beat for host IP (?<address>\S+) with KVMHAChecker command \[[^]*?\. It may cause a shutdown of the host\./,
    event: suspected,
    samples: [
      {
        record: `${log4j2('2026-08-10 15:04:09,550', STORAGE_POOL)}Checking heart beat for host IP 10.10.0.12 with KVMHAChecker command [${READ}] returned [${DEAD}]. It may cause a shutdown of the host.`,
        at: '2026-08-10T15:04:09.550Z',
        events: suspect,
      },
    ],
  },
  {
    name: 'neighbour-idle-4.22.1',
    versions: '4.22.1 on: one pool, by disk activity',
    message:
      /^Checking VM activity for host IP (?<address>\S+) with KVMHAVMActivityChecker command \[[^]*?\. It may cause a shutdown of the host\./,
    event: suspected,
    samples: [
      {
        record: `${log4j2('2026-08-10 15:05:14,021', STORAGE_POOL)}Checking VM activity for host IP 10.10.0.12 with KVMHAVMActivityChecker command [${LOOK}] returned [${IDLE}]. It may cause a shutdown of the host.`,
        at: '2026-08-10T15:05:14.021Z',
        events: suspect,
      },
    ],
  },
  {
    name: 'neighbour-dead-everywhere',
    versions: '4.16 on: no pool says otherwise',
    message: /^All checks with KVMHAChecker for host IP \[(?<address>[^\]]+)\] in pools \[[^]*?\] considered it as dead\./,
    event: suspected,
    samples: [
      {
        record: `${log4j1('2022-06-20 18:31:44,903', CHECKER)}All checks with KVMHAChecker for host IP [10.10.0.12] in pools [${POOL}] considered it as dead. It may cause a shutdown of the host.`,
        at: '2022-06-20T18:31:44.903Z',
        events: suspect,
      },
      {
        record: `${log4j2('2026-08-10 15:04:09,551', CHECKER)}All checks with KVMHAChecker for host IP [10.10.0.12] in pools [] considered it as dead. It may cause a shutdown of the host.`,
        at: '2026-08-10T15:04:09.551Z',
        events: suspect,
      },
    ],
  },
];
