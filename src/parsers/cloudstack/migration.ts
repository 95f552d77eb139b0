import type { EventBody, MigrateRequested } from '../../model/event.ts';
import { domainXml } from '../domain-xml.ts';
import type { Groups, Rule } from '../parser.ts';
import { log4j1, log4j2 } from './records.ts';

/** `Connect.getURI()` of the destination: `qemu+tcp://10.10.0.12/system`. */
const DESTINATION = String.raw`qemu\+(?<scheme>\w+):\/\/(?:[^@\/\s]*@)?(?<address>\[[^\]\s]+\]|[^\/:[\]\s]+)(?:[\/:][^\s\]]*)?`;

function transportOf(scheme: string | undefined): MigrateRequested['transport'] {
  return scheme === 'tls' || scheme === 'ssh' || scheme === 'unix' ? scheme : 'tcp';
}

function requested(groups: Groups): EventBody {
  return {
    kind: 'migrate-requested',
    vm: groups['vm'] ?? '',
    address: (groups['address'] ?? '').replace(/^\[|\]$/g, ''),
    transport: transportOf(groups['scheme']),
    ...domainXml(groups['xml']),
  };
}

const withoutXml = { uuid: null, macs: [], cpu: null } as const;

/** The source's own rules of one migration: `LibvirtMigrateCommandWrapper`, from its start to its outcome. */
export const migrationRules: readonly Rule[] = [
  {
    name: 'start-4.15',
    versions: '4.15–4.17',
    message: new RegExp(String.raw`^Live migration of instance (?<vm>\S+) initiated to destination host: ${DESTINATION}`),
    event: requested,
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:02,498')}Live migration of instance i-2-31-VM initiated to destination host: qemu+tcp://10.10.0.12/system`,
        at: '2023-02-14T10:15:02.498Z',
        events: [{ kind: 'migrate-requested', vm: 'i-2-31-VM', address: '10.10.0.12', transport: 'tcp', ...withoutXml }],
      },
      {
        record: `${log4j1('2023-02-14 10:15:02,498')}Live migration of instance i-2-31-VM initiated to destination host: qemu+tls://[fd00:10::12]/system`,
        at: '2023-02-14T10:15:02.498Z',
        events: [{ kind: 'migrate-requested', vm: 'i-2-31-VM', address: 'fd00:10::12', transport: 'tls', ...withoutXml }],
      },
    ],
  },
  {
    name: 'start-4.18',
    versions: '4.18.1–4.20.2, 4.21.0–4.22.0 with brackets; 4.20.3, 4.22.1–main without',
    // the journal has one line of it only, so the XML may end anywhere
    message: new RegExp(
      String.raw`^Starting live migration of instance \[?(?<vm>[^\]\s]+)\]? to destination host \[?${DESTINATION}\]? having the final XML configuration: (?<xml>[^]*)$`,
    ),
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
        record: `${log4j1('2026-11-23 22:28:59,423')}Starting live migration of instance [i-2-12-VM] to destination host [qemu+tcp://10.77.0.2/system] having the final XML configuration: [<domain type='qemu'>
  <name>i-2-12-VM</name>
  <uuid>f1b2c999-54ca-4b83-958a-453a5344f83f</uuid>
  <cpu mode='host-model' check='partial'/>
  <devices>
    <interface type='bridge'>
      <mac address='02:00:7c:12:00:0c'/>
      <source bridge='cloudbr0'/>
      <model type='virtio'/>
    </interface>
    <serial type='file'>
      <target type='isa-serial' port='0'>
        <model name='isa-serial'/>
      </target>
    </serial>
  </devices>
</domain>

].`,
        at: '2026-11-23T22:28:59.423Z',
        events: [
          {
            kind: 'migrate-requested',
            vm: 'i-2-12-VM',
            address: '10.77.0.2',
            transport: 'tcp',
            uuid: 'f1b2c999-54ca-4b83-958a-453a5344f83f',
            macs: ['02:00:7c:12:00:0c'],
            cpu: 'host-model',
          },
        ],
      },
      {
        record: `${log4j2('2026-08-10 14:00:00,100')}Starting live migration of instance i-9-1204-VM to destination host qemu+tls://10.20.0.8/system having the final XML configuration: <domain type="kvm">
  <name>i-9-1204-VM</name>
</domain>
.`,
        at: '2026-08-10T14:00:00.100Z',
        events: [{ kind: 'migrate-requested', vm: 'i-9-1204-VM', address: '10.20.0.8', transport: 'tls', ...withoutXml }],
      },
    ],
  },
  {
    name: 'waiting',
    versions: '4.15–main',
    message: /^Waiting for migration of (?<vm>\S+) to complete, waited (?<ms>\d+)ms/,
    event: ({ vm = '', ms }) => ({ kind: 'migrate-progress', vm, waitedMs: Number(ms) }),
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:03,500')}Waiting for migration of i-2-31-VM to complete, waited 1000ms`,
        at: '2023-02-14T10:15:03.500Z',
        events: [{ kind: 'migrate-progress', vm: 'i-2-31-VM', waitedMs: 1000 }],
      },
      {
        record: `${log4j2('2025-12-01 23:58:10,004', { logid: '' })}Waiting for migration of i-4-912-VM to complete, waited 120000ms`,
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
        record: `${log4j1('2024-09-03 02:11:40,934')}Migration thread of VM [i-5-77-VM] finished.`,
        at: '2024-09-03T02:11:40.934Z',
        events: [{ kind: 'migrate-thread-ended', vm: 'i-5-77-VM' }],
      },
      {
        record: `${log4j2('2026-08-10 14:00:02,446')}Migration thread of VM [i-9-1204-VM] finished.`,
        at: '2026-08-10T14:00:02.446Z',
        events: [{ kind: 'migrate-thread-ended', vm: 'i-9-1204-VM' }],
      },
    ],
  },
  {
    name: 'disks-cleaned',
    versions: '4.18.1 on, DEBUG',
    message: /^Cleaning the disks of VM \[(?<vm>[^\]]+)\] in the source pool after VM migration finished\./,
    event: ({ vm = '' }) => ({ kind: 'migrate-succeeded', vm }),
    samples: [
      {
        record: `${log4j1('2024-09-03 04:02:11,318', { level: 'DEBUG' })}Cleaning the disks of VM [i-5-78-VM] in the source pool after VM migration finished.`,
        at: '2024-09-03T04:02:11.318Z',
        events: [{ kind: 'migrate-succeeded', vm: 'i-5-78-VM' }],
      },
      {
        record: `${log4j2('2026-08-10 14:00:02,530', { level: 'DEBUG' })}Cleaning the disks of VM [i-9-1204-VM] in the source pool after VM migration finished.`,
        at: '2026-08-10T14:00:02.530Z',
        events: [{ kind: 'migrate-succeeded', vm: 'i-9-1204-VM' }],
      },
    ],
  },
  {
    name: 'succeeded-4.22.1',
    versions: '4.22.1 on: the only success line at INFO',
    message: /^Post-migration cleanup for VM (?<vm>[^\s:]+):/,
    event: ({ vm = '' }) => ({ kind: 'migrate-succeeded', vm }),
    samples: [
      {
        record: `${log4j2('2026-08-10 14:00:02,531')}Post-migration cleanup for VM i-9-1204-VM: `,
        at: '2026-08-10T14:00:02.531Z',
        events: [{ kind: 'migrate-succeeded', vm: 'i-9-1204-VM' }],
      },
    ],
  },
];
