import type { Rule } from '../parser.ts';
import { log4j1, log4j2 } from './records.ts';

/** The destination's preparation, and the agent's connections to its management server and to libvirtd. */
export const hostRules: readonly Rule[] = [
  {
    name: 'destination-prepared-4.22.1',
    versions: '4.22.1 on; before it the destination says nothing at INFO',
    message: /^Successfully prepared destination host for migration of VM (?<vm>\S+)/,
    event: ({ vm = '' }) => ({ kind: 'destination-prepared', vm }),
    samples: [
      {
        record: `${log4j2('2026-08-10 13:59:59,803', { logger: 'resource.wrapper.LibvirtPrepareForMigrationCommandWrapper' })}Successfully prepared destination host for migration of VM i-9-1204-VM`,
        at: '2026-08-10T13:59:59.803Z',
        events: [{ kind: 'destination-prepared', vm: 'i-9-1204-VM' }],
      },
    ],
  },
  {
    name: 'disconnected-4.21',
    versions: '4.21 on: running migrations are aborted next',
    message: /^Detected agent disconnect event, running through \d+ disconnect hooks/,
    event: () => ({ kind: 'connection-lost', to: 'management-server' }),
    samples: [
      {
        record: `${log4j2('2026-08-10 14:05:31,005', { logger: 'kvm.resource.LibvirtComputingResource', logid: '' })}Detected agent disconnect event, running through 1 disconnect hooks`,
        at: '2026-08-10T14:05:31.005Z',
        events: [{ kind: 'connection-lost', to: 'management-server' }],
      },
    ],
  },
  {
    name: 'lost-connection',
    versions: '4.15–main',
    message: /^Lost connection to host: \S+ Attempting reconnection while we still have \d+ commands in progress\./,
    event: () => ({ kind: 'connection-lost', to: 'management-server' }),
    samples: [
      {
        record: `${log4j1('2023-02-14 11:40:00,270', { logger: 'cloud.agent.Agent', thread: 'Agent-Handler-2', logid: '' })}Lost connection to host: 10.10.0.2. Attempting reconnection while we still have 1 commands in progress.`,
        at: '2023-02-14T11:40:00.270Z',
        events: [{ kind: 'connection-lost', to: 'management-server' }],
      },
      {
        record: `${log4j2('2026-08-10 14:05:30,990', { logger: 'cloud.agent.Agent', thread: 'Agent Timer', logid: '' })}Lost connection to host: 10.20.0.2. Attempting reconnection while we still have 1 commands in progress.`,
        at: '2026-08-10T14:05:30.990Z',
        events: [{ kind: 'connection-lost', to: 'management-server' }],
      },
    ],
  },
  {
    name: 'agent-stops',
    versions: '4.15–main',
    // 4.20.0 prints `Detail` even where there is none
    message: /^Stopping the agent: Reason = (?<reason>\S+)/,
    event: ({ reason = '' }) => ({ kind: 'agent-ended', reason: reason.replace(/:$/, '') }),
    samples: [
      {
        record: `${log4j1('2023-02-14 11:41:07,902', { logger: 'cloud.agent.Agent', thread: 'AgentShutdownThread', logid: '' })}Stopping the agent: Reason = sig.kill`,
        at: '2023-02-14T11:41:07.902Z',
        events: [{ kind: 'agent-ended', reason: 'sig.kill' }],
      },
      {
        record: `${log4j2('2024-11-14 11:41:07,902', { logger: 'cloud.agent.Agent', thread: 'AgentShutdownThread', logid: '' })}Stopping the agent: Reason = sig.kill : Detail = `,
        at: '2024-11-14T11:41:07.902Z',
        events: [{ kind: 'agent-ended', reason: 'sig.kill' }],
      },
      {
        record: `${log4j2('2026-08-10 16:19:58,118', { logger: 'cloud.agent.Agent', thread: 'AgentShutdownThread', logid: '' })}Stopping the agent: Reason = sig.kill: Detail = restart`,
        at: '2026-08-10T16:19:58.118Z',
        events: [{ kind: 'agent-ended', reason: 'sig.kill' }],
      },
    ],
  },
  {
    name: 'agent-starts',
    versions: '4.15–4.20.0 `Agent [id = …`; 4.20.2 on `Initialising agent [id: …`',
    message: /^(?:Agent \[id = |Initialising agent \[id: )/,
    starts: ['Agent [id = ', 'Initialising agent [id: '],
    event: () => ({ kind: 'agent-ended', reason: null }),
    samples: [
      {
        record: `${log4j1('2023-02-14 11:41:12,330', { logger: 'cloud.agent.Agent', thread: 'main', logid: '' })}Agent [id = 4 : type = LibvirtComputingResource : zone = 1 : pod = 1 : workers = 5 : host = 10.10.0.2 : port = 8250`,
        at: '2023-02-14T11:41:12.330Z',
        events: [{ kind: 'agent-ended', reason: null }],
      },
      {
        record: `${log4j2('2026-08-10 16:20:02,018', { logger: 'cloud.agent.Agent', thread: 'main', logid: '' })}Initialising agent [id: 4, uuid: 0d2f6c4e-6b0f-4f5e-9d5a-9f0c1c7f2f10, name: kvm-a]`,
        at: '2026-08-10T16:20:02.018Z',
        events: [{ kind: 'agent-ended', reason: null }],
      },
    ],
  },
  {
    name: 'libvirtd-broken',
    versions: '4.15–main',
    message: /^Connection with libvirtd is broken: /,
    event: () => ({ kind: 'connection-lost', to: 'libvirtd' }),
    samples: [
      {
        record: `${log4j1('2023-02-14 11:52:19,441', { level: 'ERROR', logger: 'kvm.resource.LibvirtConnection' })}Connection with libvirtd is broken: internal error: client socket is closed`,
        at: '2023-02-14T11:52:19.441Z',
        events: [{ kind: 'connection-lost', to: 'libvirtd' }],
      },
      {
        record: `${log4j2('2026-08-10 16:20:02,018', { level: 'ERROR', logger: 'kvm.resource.LibvirtConnection' })}Connection with libvirtd is broken: internal error: client socket is closed`,
        at: '2026-08-10T16:20:02.018Z',
        events: [{ kind: 'connection-lost', to: 'libvirtd' }],
      },
    ],
  },
];
