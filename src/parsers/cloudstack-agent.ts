import type { AbortRequested, EventBody } from '../model/event.ts';
import type { Groups, Parser, Rule } from './parser.ts';
import { domainXml } from './domain-xml.ts';
import { numberOf } from './text.ts';
import { isoStamp } from './time.ts';

const WRAPPER = 'resource.wrapper.LibvirtMigrateCommandWrapper';

/** Record beginnings as the agents of 4.15–4.19 (log4j1), 4.20 on (log4j2) and before 4.7 (no logid) print them. */
const log4j1 = (at: string, level = 'INFO', logger = WRAPPER): string =>
  `${at} ${level.padEnd(5)} [${logger}] (agentRequest-Handler-3:null) (logid:5f2c91ab) `;
const log4j2 = (at: string, level = 'INFO', logger = WRAPPER, logid = '9a0be4f7'): string =>
  `${at} ${level.padEnd(5)} [${logger}] (AgentRequest-Handler-4:[]) (logid:${logid}) `;

function transportOf(scheme: string | undefined): 'tcp' | 'tls' | 'ssh' | 'unix' {
  return scheme === 'tls' || scheme === 'ssh' || scheme === 'unix' ? scheme : 'tcp';
}

function requested(groups: Groups): EventBody {
  return {
    kind: 'migrate-requested',
    vm: groups['vm'] ?? '',
    address: groups['address'] ?? '',
    transport: transportOf(groups['scheme']),
    ...domainXml(groups['xml']),
  };
}

/** `DomainJobInfo.toString()` of libvirt-java 0.5.3: one `name:value` a line, bytes. */
function abortRequested(groups: Groups): AbortRequested {
  const job = groups['job'] ?? '';
  const field = (name: string): number | null => numberOf(new RegExp(`^${name}:(\\d+)$`, 'm').exec(job)?.[1]);
  return {
    kind: 'abort-requested',
    vm: groups['vm'] ?? '',
    reason: 'time-limit',
    afterSeconds: numberOf(groups['seconds']),
    remainingBytes: field('memRemaining') ?? field('dataRemaining'),
    totalBytes: field('memTotal') ?? field('dataTotal'),
  };
}

const JOB_INFO = [
  'type:2',
  'timeElapsed:120231',
  'timeRemaining:0',
  'dataTotal:68728872960',
  'dataProcessed:141733920768',
  'dataRemaining:1207959552',
  'memTotal:68728872960',
  'memProcessed:141733920768',
  'memRemaining:1207959552',
  'fileTotal:0',
  'fileProcessed:0',
  'fileRemaining:0',
  '',
].join('\n');

const abortEvent = (vm: string, afterSeconds: number | null): AbortRequested => ({
  kind: 'abort-requested',
  vm,
  reason: 'time-limit',
  afterSeconds,
  remainingBytes: 1207959552,
  totalBytes: 68728872960,
});

const noXml = { uuid: null, macs: [], cpu: null } as const;

const migration: readonly Rule[] = [
  {
    name: 'start-4.15',
    versions: '4.15–4.17',
    message: /^Live migration of instance (?<vm>\S+) initiated to destination host: qemu\+(?<scheme>\w+):\/\/(?:[^@/]*@)?(?<address>[^/:]+|\[[^\]]+\])/,
    event: requested,
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:02,498')}Live migration of instance i-2-31-VM initiated to destination host: qemu+tcp://10.10.0.12/system`,
        at: '2023-02-14T10:15:02.498Z',
        events: [{ kind: 'migrate-requested', vm: 'i-2-31-VM', address: '10.10.0.12', transport: 'tcp', ...noXml }],
      },
    ],
  },
  {
    name: 'start-4.18',
    versions: '4.18.1–4.20.2, 4.21.0–4.22.0 with brackets; 4.20.3, 4.22.1–main without',
    message:
      /^Starting live migration of instance \[?(?<vm>[^\]\s]+)\]? to destination host \[?qemu\+(?<scheme>\w+):\/\/(?:[^@/]*@)?(?<address>[^/:]+|\[[^\]]+\])[^\s\]]*\]? having the final XML configuration: (?<xml>[^]*)$/,
    event: requested,
    samples: [
      {
        record: `${log4j1('2024-09-03 02:11:40,733')}Starting live migration of instance [i-5-77-VM] to destination host [qemu+tls://10.10.0.13/system] having the final XML configuration: [<domain type='kvm' id='12'>
  <name>i-5-77-VM</name>
  <uuid>febc50fe-41f4-4ffc-bc0e-befe29c7aa7f</uuid>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='forbid'>qemu64</model>
  </cpu>
  <devices>
    <interface type='bridge'>
      <mac address='02:00:6b:0e:00:4d'/>
    </interface>
  </devices>
</domain>
].`,
        at: '2024-09-03T02:11:40.733Z',
        events: [
          {
            kind: 'migrate-requested',
            vm: 'i-5-77-VM',
            address: '10.10.0.13',
            transport: 'tls',
            uuid: 'febc50fe-41f4-4ffc-bc0e-befe29c7aa7f',
            macs: ['02:00:6b:0e:00:4d'],
            cpu: 'qemu64',
          },
        ],
      },
      {
        record: `${log4j2('2026-08-10 14:00:00,100')}Starting live migration of instance i-9-1204-VM to destination host qemu+tls://10.20.0.8/system having the final XML configuration: <domain type="kvm">
  <name>i-9-1204-VM</name>
</domain>
.`,
        at: '2026-08-10T14:00:00.100Z',
        events: [{ kind: 'migrate-requested', vm: 'i-9-1204-VM', address: '10.20.0.8', transport: 'tls', ...noXml }],
      },
    ],
  },
  {
    name: 'waiting',
    versions: 'all',
    message: /^Waiting for migration of (?<vm>\S+) to complete, waited (?<ms>\d+)ms/,
    event: ({ vm = '', ms }) => ({ kind: 'migrate-progress', vm, waitedMs: Number(ms) }),
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:03,500')}Waiting for migration of i-2-31-VM to complete, waited 1000ms`,
        at: '2023-02-14T10:15:03.500Z',
        events: [{ kind: 'migrate-progress', vm: 'i-2-31-VM', waitedMs: 1000 }],
      },
      {
        record: `${log4j2('2025-12-01 23:58:10,004', 'INFO', WRAPPER, '')}Waiting for migration of i-4-912-VM to complete, waited 120000ms`,
        at: '2025-12-01T23:58:10.004Z',
        events: [{ kind: 'migrate-progress', vm: 'i-4-912-VM', waitedMs: 120000 }],
      },
    ],
  },
  {
    name: 'thread-ended',
    versions: '4.15–4.17 `for … is done`; 4.18.1 on `of VM […] finished.`',
    message: /^Migration thread (?:for (?<old>\S+) is done|of VM \[(?<vm>[^\]]+)\] finished\.)/,
    event: ({ vm, old }) => ({ kind: 'migrate-thread-ended', vm: vm ?? old ?? '' }),
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:05,005')}Migration thread for i-2-31-VM is done`,
        at: '2023-02-14T10:15:05.005Z',
        events: [{ kind: 'migrate-thread-ended', vm: 'i-2-31-VM' }],
      },
      {
        record: `${log4j2('2026-08-10 14:00:02,446')}Migration thread of VM [i-9-1204-VM] finished.`,
        at: '2026-08-10T14:00:02.446Z',
        events: [{ kind: 'migrate-thread-ended', vm: 'i-9-1204-VM' }],
      },
    ],
  },
  {
    name: 'error-4.18',
    versions: '4.18.1 on',
    message: /^Can't migrate domain \[(?<vm>[^\]]+)\] due to: \[(?:org\.libvirt\.LibvirtException: )?(?<text>[^]*?)\]\.(?=$|\n| )/,
    event: ({ vm = '', text = '' }) => ({ kind: 'migrate-error', vm, text }),
    samples: [
      {
        record: `${log4j1('2024-09-03 02:11:40,936', 'ERROR')}Can't migrate domain [i-5-77-VM] due to: [org.libvirt.LibvirtException: unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq].
java.util.concurrent.ExecutionException: org.libvirt.LibvirtException: unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq
	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)`,
        at: '2024-09-03T02:11:40.936Z',
        events: [
          {
            kind: 'migrate-error',
            vm: 'i-5-77-VM',
            text: 'unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq',
          },
        ],
      },
      {
        record: `${log4j2('2025-12-01 23:58:10,190', 'ERROR', WRAPPER, '')}Can't migrate domain [i-4-912-VM] due to: [org.libvirt.LibvirtException: operation aborted: migration out job: canceled by client]. java.util.concurrent.ExecutionException: org.libvirt.LibvirtException: operation aborted: migration out job: canceled by client
	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
`,
        at: '2025-12-01T23:58:10.190Z',
        events: [{ kind: 'migrate-error', vm: 'i-4-912-VM', text: 'operation aborted: migration out job: canceled by client' }],
      },
    ],
  },
  {
    name: 'error-4.15',
    versions: '4.15–4.17, DEBUG',
    message: /^Can't migrate domain: (?<text>.+)/,
    event: ({ text = '' }) => ({ kind: 'migrate-error', vm: null, text }),
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:05,006', 'DEBUG')}Can't migrate domain: operation aborted: migration job: canceled by client`,
        at: '2023-02-14T10:15:05.006Z',
        events: [{ kind: 'migrate-error', vm: null, text: 'operation aborted: migration job: canceled by client' }],
      },
    ],
  },
  {
    name: 'abort-4.16',
    versions: '4.16–4.17',
    message: /^Aborting (?<vm>\S+) domain job: (?<job>[^]*)$/,
    event: abortRequested,
    samples: [
      {
        record: `${log4j1('2023-02-14 10:17:02,311')}Aborting i-2-31-VM domain job: ${JOB_INFO}`,
        at: '2023-02-14T10:17:02.311Z',
        events: [abortEvent('i-2-31-VM', null)],
      },
    ],
  },
  {
    name: 'abort-4.18',
    versions: '4.18.1–4.22.0; 4.22.1 on without brackets, with job statistics',
    message: /^Aborting migration of VM \[?(?<vm>[^\]\s]+)\]? with domain job \[(?<job>[^]*?)\] due to time ?out after (?<seconds>\d+) seconds\./,
    event: abortRequested,
    samples: [
      {
        record: `${log4j2('2025-12-01 23:58:10,108', 'INFO', WRAPPER, '')}Aborting migration of VM [i-4-912-VM] with domain job [${JOB_INFO}] due to time out after 120 seconds.`,
        at: '2025-12-01T23:58:10.108Z',
        events: [abortEvent('i-4-912-VM', 120)],
      },
      {
        record: `${log4j2('2026-08-10 14:02:00,108', 'WARN')}Aborting migration of VM i-4-912-VM with domain job [${JOB_INFO}] due to timeout after 120 seconds. Job stats: data processed=141733920768 bytes, data remaining=1207959552 bytes`,
        at: '2026-08-10T14:02:00.108Z',
        events: [abortEvent('i-4-912-VM', 120)],
      },
    ],
  },
];

/** CloudStack's KVM agent, `/var/log/cloudstack/agent/agent.log`. */
export const cloudstackAgent: Parser = {
  source: 'cloudstack-agent',
  title: "CloudStack's KVM agent: agent.log",
  reference: 'agent/conf/log4j-cloud.xml.in and the KVM plugin of apache/cloudstack, 4.15.2 to main',
  paths: /(?:^|[/._-])agent\.log$/,
  header:
    /(?<time>\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2},\d{3}) (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +\[(?<logger>[^\]\s]+)\] \([^()]*?:(?:null|\[[^\]]*\]|[^()[\]]*)\) (?:\(logid:(?:[0-9a-f]{8})?\) ?)?/y,
  time: ({ time }) => isoStamp(time, 'local'),
  rules: migration,
};
