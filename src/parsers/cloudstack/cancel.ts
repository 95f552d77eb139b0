import type { AbortRequested } from '../../model/event.ts';
import type { Groups, Rule } from '../parser.ts';
import { numberOf } from '../text.ts';
import { log4j1, log4j2 } from './records.ts';

/** A counter of `DomainJobInfo.toString()` of libvirt-java 0.5.3: one `name:value` a line, bytes. */
function counter(job: string, name: string): number | null {
  return numberOf(new RegExp(`^${name}:(\\d+)$`, 'm').exec(job)?.[1]);
}

function abortRequested({ vm = '', seconds, job = '' }: Groups): AbortRequested {
  return {
    kind: 'abort-requested',
    vm,
    reason: 'time-limit',
    afterSeconds: numberOf(seconds),
    remainingBytes: counter(job, 'memRemaining') ?? counter(job, 'dataRemaining'),
    totalBytes: counter(job, 'memTotal') ?? counter(job, 'dataTotal'),
    processedBytes: counter(job, 'memProcessed') ?? counter(job, 'dataProcessed'),
  };
}

const JOB_INFO = `type:2
timeElapsed:120231
timeRemaining:0
dataTotal:68728872960
dataProcessed:141733920768
dataRemaining:1207959552
memTotal:68728872960
memProcessed:141733920768
memRemaining:1207959552
fileTotal:0
fileProcessed:0
fileRemaining:0
`;

const abort = (vm: string, afterSeconds: number | null): AbortRequested => ({
  kind: 'abort-requested',
  vm,
  reason: 'time-limit',
  afterSeconds,
  remainingBytes: 1207959552,
  totalBytes: 68728872960,
  processedBytes: 141733920768,
});

/** How the agent interferes with a migration that takes too long: downtime limit, pause, abort. */
export const cancelRules: readonly Rule[] = [
  {
    name: 'downtime-limit',
    versions: '4.15–main, DEBUG',
    message: /^Set max downtime for migration of (?<vm>\S+) to (?<ms>\d+)ms/,
    event: ({ vm = '', ms }) => ({ kind: 'downtime-limit-set', vm, monitor: null, downtimeMs: Number(ms) }),
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:03,499', { level: 'DEBUG' })}Set max downtime for migration of i-2-31-VM to 500ms`,
        at: '2023-02-14T10:15:03.499Z',
        events: [{ kind: 'downtime-limit-set', monitor: null, vm: 'i-2-31-VM', downtimeMs: 500 }],
      },
      {
        record: `${log4j2('2026-08-10 14:00:01,133', { level: 'DEBUG' })}Set max downtime for migration of i-9-1204-VM to 500ms`,
        at: '2026-08-10T14:00:01.133Z',
        events: [{ kind: 'downtime-limit-set', monitor: null, vm: 'i-9-1204-VM', downtimeMs: 500 }],
      },
    ],
  },
  {
    name: 'pause',
    versions: '4.15–main',
    message: /^Pausing VM (?<vm>\S+) due to property vm\.migrate\.pauseafter setting to (?<ms>\d+)ms/,
    event: ({ vm = '', ms }) => ({ kind: 'guest-pause-requested', vm, afterMs: Number(ms) }),
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:04,503')}Pausing VM i-2-31-VM due to property vm.migrate.pauseafter setting to 2000ms to complete migration`,
        at: '2023-02-14T10:15:04.503Z',
        events: [{ kind: 'guest-pause-requested', vm: 'i-2-31-VM', afterMs: 2000 }],
      },
      {
        record: `${log4j2('2026-08-10 14:00:02,238')}Pausing VM i-9-1204-VM due to property vm.migrate.pauseafter setting to 2000ms to complete migration`,
        at: '2026-08-10T14:00:02.238Z',
        events: [{ kind: 'guest-pause-requested', vm: 'i-9-1204-VM', afterMs: 2000 }],
      },
    ],
  },
  {
    name: 'resume',
    versions: '4.20.3, 4.22.1 on',
    message: /^Resuming VM (?<vm>\S+) on destination after migration/,
    event: ({ vm = '' }) => ({ kind: 'guest-resume-requested', vm }),
    samples: [
      {
        record: `${log4j2('2026-08-10 14:00:02,449')}Resuming VM i-9-1204-VM on destination after migration`,
        at: '2026-08-10T14:00:02.449Z',
        events: [{ kind: 'guest-resume-requested', vm: 'i-9-1204-VM' }],
      },
    ],
  },
  {
    name: 'resume-failed',
    versions: '4.20.3, 4.22.1 on',
    message: /^Failed to resume vm (?<vm>\S+) on destination after migration due to : (?<text>[^\n]*)/,
    event: ({ vm = '', text = '' }) => ({ kind: 'guest-resume-failed', vm, text }),
    samples: [
      {
        record: `${log4j2('2026-08-10 14:00:02,471', { level: 'ERROR' })}Failed to resume vm i-9-1204-VM on destination after migration due to : Domain not found: no domain with matching name 'i-9-1204-VM'`,
        at: '2026-08-10T14:00:02.471Z',
        events: [
          {
            kind: 'guest-resume-failed',
            vm: 'i-9-1204-VM',
            text: "Domain not found: no domain with matching name 'i-9-1204-VM'",
          },
        ],
      },
    ],
  },
  {
    name: 'abort-4.16',
    versions: '4.16–4.17',
    message: /^Aborting (?<vm>\S+) domain job: (?<job>[^]*)/,
    event: abortRequested,
    samples: [
      {
        record: `${log4j1('2023-02-14 10:17:02,311')}Aborting i-2-31-VM domain job: ${JOB_INFO}`,
        at: '2023-02-14T10:17:02.311Z',
        events: [abort('i-2-31-VM', null)],
      },
    ],
  },
  {
    name: 'abort-4.18',
    versions: '4.18.1–4.22.0; 4.22.1 on without brackets, with job statistics',
    // the journal keeps only the first line
    message:
      /^Aborting migration of VM \[?(?<vm>[^\]\s]+)\]? with domain job \[(?<job>[^]*?)(?:\] due to time ?out after (?<seconds>\d+) seconds\.|$)/,
    event: abortRequested,
    samples: [
      {
        record: `${log4j1('2024-09-03 05:02:00,108')}Aborting migration of VM [i-5-77-VM] with domain job [${JOB_INFO}] due to time out after 120 seconds.`,
        at: '2024-09-03T05:02:00.108Z',
        events: [abort('i-5-77-VM', 120)],
      },
      {
        record: `${log4j2('2025-12-01 23:58:10,108', { logid: '' })}Aborting migration of VM [i-4-912-VM] with domain job [${JOB_INFO}] due to time out after 120 seconds.`,
        at: '2025-12-01T23:58:10.108Z',
        events: [abort('i-4-912-VM', 120)],
      },
      {
        record: `${log4j2('2026-08-10 14:02:00,108', { level: 'WARN' })}Aborting migration of VM i-4-912-VM with domain job [${JOB_INFO}] due to timeout after 120 seconds. Job stats: data processed=141733920768 bytes, data remaining=1207959552 bytes`,
        at: '2026-08-10T14:02:00.108Z',
        events: [abort('i-4-912-VM', 120)],
      },
    ],
  },
  {
    name: 'interrupted-4.21',
    versions: '4.21 on: MigrationCancelHook, when the agent lost its management server',
    message: /^Interrupted migration of (?<vm>\S+)/,
    event: ({ vm = '' }) => ({
      kind: 'abort-requested',
      vm,
      reason: 'agent-disconnected',
      afterSeconds: null,
      remainingBytes: null,
      totalBytes: null,
      processedBytes: null,
    }),
    samples: [
      {
        record: `${log4j2('2026-08-10 14:05:31,007', { logger: 'resource.disconnecthook.MigrationCancelHook', logid: '' })}Interrupted migration of i-9-1204-VM`,
        at: '2026-08-10T14:05:31.007Z',
        events: [
          {
            kind: 'abort-requested',
            vm: 'i-9-1204-VM',
            reason: 'agent-disconnected',
            afterSeconds: null,
            remainingBytes: null,
            totalBytes: null,
            processedBytes: null,
          },
        ],
      },
    ],
  },
];
