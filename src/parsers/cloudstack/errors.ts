import type { MigrateError } from '../../model/event.ts';
import type { Rule } from '../parser.ts';
import { log4j1, log4j2, MIGRATE_WRAPPER } from './records.ts';

/** Java puts the class of a wrapped exception before libvirt's own text; the agent's answer puts a phrase before both. */
const WRAPPING = /^(?:Exception during migrate: )?(?:org\.libvirt\.LibvirtException: )?/;

/** An exception without a message prints `null`, and only its class tells something. */
function migrateError(vm: string | null, text = '', exception = ''): MigrateError {
  const told = text === 'null' && exception !== '' ? exception : text;
  return { kind: 'migrate-error', vm, text: told.replace(WRAPPING, '').trimEnd() };
}

/** What the source's agent says of a failed migration. */
export const errorRules: readonly Rule[] = [
  {
    name: 'error-4.18',
    versions: '4.18.1 on',
    // libvirt's text may span lines; what follows `].` is the stack trace
    message:
      /^Can't migrate domain \[(?<vm>[^\]]+)\] due to: \[(?<text>[^]*?)(?:\]\.(?:\s+(?<exception>[\w.$]+Exception)\b|(?=\s|$))|$)/,
    event: ({ vm = '', text, exception }) => migrateError(vm, text, exception),
    samples: [
      {
        record: `${log4j1('2024-09-03 02:11:40,936', { level: 'ERROR' })}Can't migrate domain [i-5-77-VM] due to: [org.libvirt.LibvirtException: unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq].
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
        record: `${log4j2('2025-12-01 23:58:10,190', { level: 'ERROR', logid: '' })}Can't migrate domain [i-4-912-VM] due to: [org.libvirt.LibvirtException: operation aborted: migration out job: canceled by client]. java.util.concurrent.ExecutionException: org.libvirt.LibvirtException: operation aborted: migration out job: canceled by client
	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
`,
        at: '2025-12-01T23:58:10.190Z',
        events: [{ kind: 'migrate-error', vm: 'i-4-912-VM', text: 'operation aborted: migration out job: canceled by client' }],
      },
      {
        record: `${log4j1('2024-09-03 02:12:10,412', { level: 'ERROR' })}Can't migrate domain [i-5-77-VM] due to: [null].
java.util.concurrent.TimeoutException
	at java.base/java.util.concurrent.FutureTask.get(FutureTask.java:204)`,
        at: '2024-09-03T02:12:10.412Z',
        events: [{ kind: 'migrate-error', vm: 'i-5-77-VM', text: 'java.util.concurrent.TimeoutException' }],
      },
      {
        record: `${log4j1('2026-11-23 22:30:09,743', { level: 'ERROR' })}Can't migrate domain [i-2-95-VM] due to: [unable to connect to server at '10.77.0.2:16509': Connection refused].
org.libvirt.LibvirtException: unable to connect to server at '10.77.0.2:16509': Connection refused
	at org.libvirt.ErrorHandler.processError(Unknown Source)`,
        at: '2026-11-23T22:30:09.743Z',
        events: [
          {
            kind: 'migrate-error',
            vm: 'i-2-95-VM',
            text: "unable to connect to server at '10.77.0.2:16509': Connection refused",
          },
        ],
      },
      {
        record: `${log4j2('2026-11-23 05:50:48,643', { level: 'ERROR', logid: '' })}Can't migrate domain [i-2-91-VM] due to: [org.libvirt.LibvirtException: internal error: qemu unexpectedly closed the monitor: 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Features 0x10130afffa7 unsupported. Allowed features: 0x10179bf7fe7
2026-11-23T04:50:46.614520Z qemu-system-x86_64: Failed to load virtio-net:virtio
2026-11-23T04:50:46.614533Z qemu-system-x86_64: load of migration failed: Operation not permitted]. java.util.concurrent.ExecutionException: org.libvirt.LibvirtException: internal error: qemu unexpectedly closed the monitor: 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Features 0x10130afffa7 unsupported. Allowed features: 0x10179bf7fe7
2026-11-23T04:50:46.614520Z qemu-system-x86_64: Failed to load virtio-net:virtio
2026-11-23T04:50:46.614533Z qemu-system-x86_64: load of migration failed: Operation not permitted
	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)

`,
        at: '2026-11-23T05:50:48.643Z',
        events: [
          {
            kind: 'migrate-error',
            vm: 'i-2-91-VM',
            text: `internal error: qemu unexpectedly closed the monitor: 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Features 0x10130afffa7 unsupported. Allowed features: 0x10179bf7fe7
2026-11-23T04:50:46.614520Z qemu-system-x86_64: Failed to load virtio-net:virtio
2026-11-23T04:50:46.614533Z qemu-system-x86_64: load of migration failed: Operation not permitted`,
          },
        ],
      },
      {
        record: `${log4j2('2026-08-10 15:10:12,900', { level: 'ERROR' })}Can't migrate domain [i-9-1204-VM] due to: [null]. java.util.concurrent.TimeoutException
	at java.base/java.util.concurrent.FutureTask.get(FutureTask.java:204)
`,
        at: '2026-08-10T15:10:12.900Z',
        events: [{ kind: 'migrate-error', vm: 'i-9-1204-VM', text: 'java.util.concurrent.TimeoutException' }],
      },
    ],
  },
  {
    name: 'error-4.15',
    versions: '4.15–4.17, DEBUG: an exception of libvirt-java',
    message: /^Can't migrate domain: (?<text>[^]+)/,
    event: ({ text }) => migrateError(null, text),
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:05,006', { level: 'DEBUG' })}Can't migrate domain: operation aborted: migration job: canceled by client`,
        at: '2023-02-14T10:15:05.006Z',
        events: [{ kind: 'migrate-error', vm: null, text: 'operation aborted: migration job: canceled by client' }],
      },
    ],
  },
  {
    name: 'error-4.6',
    // LibvirtMigrateCommandWrapper.execute of 4.6 to 4.14, its catch clauses
    versions: '4.6–4.14, DEBUG: what the thread that migrates ended with',
    message: /^(?<what>Failed to execute|Timed out|Interrupted) while migrating domain: (?<text>[^]*)/,
    starts: ['Failed to execute while', 'Timed out while', 'Interrupted while'],
    event: ({ what, text = '' }) => migrateError(null, text === 'null' ? `${what} while migrating domain` : text),
    samples: [
      {
        record: `${log4j1('2019-05-02 10:15:05,006', { level: 'DEBUG' })}Failed to execute while migrating domain: org.libvirt.LibvirtException: internal error: client socket is closed`,
        at: '2019-05-02T10:15:05.006Z',
        events: [{ kind: 'migrate-error', vm: null, text: 'internal error: client socket is closed' }],
      },
      {
        record: `${log4j1('2019-05-02 10:15:15,007', { level: 'DEBUG' })}Timed out while migrating domain: null`,
        at: '2019-05-02T10:15:15.007Z',
        events: [{ kind: 'migrate-error', vm: null, text: 'Timed out while migrating domain' }],
      },
    ],
  },
  {
    name: 'error-4.15-wrapped',
    versions: '4.15–4.17, DEBUG: any other exception, by its class',
    message: /^(?<exception>ExecutionException|TimeoutException|InterruptedException) : (?<text>[^]*)/,
    starts: ['ExecutionException : ', 'TimeoutException : ', 'InterruptedException : '],
    event: ({ logger, exception, text = '' }) => {
      if (logger !== MIGRATE_WRAPPER) return null;
      return migrateError(null, text === 'null' ? exception : text);
    },
    samples: [
      {
        record: `${log4j1('2023-02-14 10:15:05,006', { level: 'DEBUG' })}ExecutionException : org.libvirt.LibvirtException: internal error: qemu unexpectedly closed the monitor: 2023-02-14T09:15:04.998211Z qemu-kvm: Unknown combination of migration flags: 0x0
2023-02-14T09:15:04.998302Z qemu-kvm: load of migration failed: Invalid argument`,
        at: '2023-02-14T10:15:05.006Z',
        events: [
          {
            kind: 'migrate-error',
            vm: null,
            text: `internal error: qemu unexpectedly closed the monitor: 2023-02-14T09:15:04.998211Z qemu-kvm: Unknown combination of migration flags: 0x0
2023-02-14T09:15:04.998302Z qemu-kvm: load of migration failed: Invalid argument`,
          },
        ],
      },
      {
        record: `${log4j1('2023-02-14 10:15:15,007', { level: 'DEBUG' })}TimeoutException : null`,
        at: '2023-02-14T10:15:15.007Z',
        events: [{ kind: 'migrate-error', vm: null, text: 'TimeoutException' }],
      },
      {
        record: `${log4j1('2023-02-14 10:15:15,007', { level: 'DEBUG', logger: 'cloud.agent.Agent' })}TimeoutException : null`,
        at: '2023-02-14T10:15:15.007Z',
        events: [],
      },
    ],
  },
  {
    name: 'failed-4.22.1',
    versions: '4.22.1 on; not after an abort by vm.migrate.wait',
    message: /^Migration of VM (?<vm>\S+) failed with result: (?<text>[^]*)/,
    event: ({ vm = '', text }) => migrateError(vm, text),
    samples: [
      {
        record: `${log4j2('2026-08-10 14:31:07,812', { level: 'ERROR' })}Migration of VM i-9-1204-VM failed with result: Exception during migrate: org.libvirt.LibvirtException: internal error: connection closed due to keepalive timeout`,
        at: '2026-08-10T14:31:07.812Z',
        events: [
          {
            kind: 'migrate-error',
            vm: 'i-9-1204-VM',
            text: 'internal error: connection closed due to keepalive timeout',
          },
        ],
      },
      {
        record: `${log4j2('2026-08-10 14:31:07,812', { level: 'ERROR' })}Migration of VM i-9-1204-VM failed with result: Failed to migrate domain [i-9-1204-VM].`,
        at: '2026-08-10T14:31:07.812Z',
        events: [{ kind: 'migrate-error', vm: 'i-9-1204-VM', text: 'Failed to migrate domain [i-9-1204-VM].' }],
      },
    ],
  },
  {
    name: 'refused-4.20',
    versions: '4.20 on, DEBUG',
    message: /^(?<text>Migration failed as connection to destination \[\S+\] was refused)\. Please check libvirt configuration/,
    starts: ['Migration failed as connection to destination ['],
    event: ({ text }) => migrateError(null, text),
    samples: [
      {
        record: `${log4j2('2026-08-10 14:40:00,511', { level: 'DEBUG' })}Migration failed as connection to destination [qemu+tcp://10.20.0.8/system] was refused. Please check libvirt configuration compatibility and firewall rules on the source and destination hosts.`,
        at: '2026-08-10T14:40:00.511Z',
        events: [
          {
            kind: 'migrate-error',
            vm: null,
            text: 'Migration failed as connection to destination [qemu+tcp://10.20.0.8/system] was refused',
          },
        ],
      },
    ],
  },
];
