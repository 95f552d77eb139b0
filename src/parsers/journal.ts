import type { Stamp } from '../model/source.ts';
import { cloudstackAgent } from './cloudstack-agent.ts';
import { kernelRules } from './kernel.ts';
import { daemonMessage } from './libvirt/daemon-message.ts';
import type { Groups, Parser, RecordContext, Rule } from './parser.ts';
import { isoStamp, syslogStamp } from './time.ts';

const MINUTE_MS = 60_000;

/** `2026-11-23T04:40:14.105923+01:00`, as rsyslog and `journalctl -o short-iso` print it. */
function offsetStamp(time: string): Stamp | 'bad-time' {
  const stamp = isoStamp(time, 'utc');
  const [, sign, hours, minutes] = /([+-])(\d\d):?(\d\d)$/.exec(time) ?? [];
  if (stamp === 'bad-time' || sign === undefined) return stamp;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  return { ...stamp, ms: stamp.ms - (sign === '-' ? -offsetMs : offsetMs) };
}

/** Any time that {@link journal} reads: libvirt's own, classic syslog, ISO 8601 with its offset, or `short-full` with a zone's name. */
function journalStamp({ time, utc }: Groups): Stamp | null | 'bad-time' {
  if (utc !== undefined) return isoStamp(utc, 'utc');
  if (time === undefined) return null;
  if (/^\d/.test(time)) return offsetStamp(time);
  if (/^\w+ \d{4}-/.test(time)) return isoStamp(time.slice(time.indexOf(' ') + 1), time.endsWith(' UTC') ? 'utc' : 'local');
  return syslogStamp(time);
}

/** The lines of a message again: rsyslog joins them with `#012`, journalctl indents all but the first. */
function linesOf(text: string): string {
  return text.replaceAll('#012', '\n').replace(/\n +/g, '\n');
}

/** What the agent's own rules make of a line that it wrote to its console. */
function consoleEvent(groups: Groups, context: RecordContext): ReturnType<Rule['event']> {
  const message = linesOf(groups['text'] ?? '');
  for (const rule of cloudstackAgent.rules) {
    const match = rule.message.exec(message);
    if (match !== null) return rule.event({ ...groups, ...match.groups }, context);
  }
  return null;
}

/**
 * libvirt's daemons by the name that syslog and the journal have of them. They send the journal no SYSLOG_IDENTIFIER
 * (virLogOutputToJournald), for which rsyslog's imjournal puts `journal`; journalctl takes the name of the process.
 */
const DAEMON = String.raw`(?:libvirtd|virtqemud|journal)(?:\[\d+\])?: `;
const DAEMON_STARTS = ['libvirtd', 'virtqemud', 'journal'];
/** Before what they print to their standard error, which systemd hands to the journal. */
const PRINTED = String.raw`(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: )?`;

const rules: readonly Rule[] = [
  {
    name: 'cloudstack-console',
    versions: 'agents up to 4.19: stdout, which lacks the time and the word null',
    message:
      /^java\[\d+\]: (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +\[(?<logger>[^\]\s]+)\] \([^():\n]*:[^()\n]*\) (?:\(logid:[^()\s]*\) ?)?(?<text>[^]*)/,
    event: consoleEvent,
    samples: [
      {
        record:
          'Sep  3 03:05:31 kvm1 java[2207]: WARN  [kvm.resource.KVMHAMonitor] (Thread-1:) (logid:) Write heartbeat for pool [8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001] failed: timeout; stopping cloudstack-agent.',
        at: '2000-09-03T03:05:31.000Z',
        events: [{ kind: 'host-resetting', pool: '8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001', reason: 'timeout' }],
      },
      {
        record:
          'Sep  3 02:11:40.733118 kvm1 java[2207]: INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:) (logid:0c77d3e2) Migration thread of VM [i-5-77-VM] finished.',
        at: '2000-09-03T02:11:40.733Z',
        events: [{ kind: 'migrate-thread-ended', vm: 'i-5-77-VM' }],
      },
      {
        // journald cuts the agent's records into lines
        record:
          "2024-09-03T02:11:40+0200 kvm1 java[2207]: INFO  [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-1:) (logid:0c77d3e2) Starting live migration of instance [i-5-77-VM] to destination host [qemu+tls://10.10.0.13/system] having the final XML configuration: [<domain type='kvm' id='12'>",
        at: '2024-09-03T00:11:40.000Z',
        events: [
          {
            kind: 'migrate-requested',
            vm: 'i-5-77-VM',
            address: '10.10.0.13',
            transport: 'tls',
            uuid: null,
            macs: [],
            cpu: null,
          },
        ],
      },
      {
        record:
          'Sep  3 02:11:41 kvm1 java[2207]: INFO  [kvm.storage.LibvirtStorageAdaptor] (agentRequest-Handler-4:) (logid:0c77d3e2) Trying to fetch storage pool 8c1d6f0e-3b52-3d0a-9f11-7a64e2b9c001 from libvirt',
        at: '2000-09-03T02:11:41.000Z',
        events: [],
      },
    ],
  },
  {
    name: 'heartbeat-script',
    versions: '`will reboot` after 4.9, `rebooted` up to it; StorPool from 4.19, SharedMountPoint from 4.22.1',
    message:
      /^heartbeat(?:\[\d+\])?: kvm(?:sp|smp)?heartbeat\.sh (?:will reboot|rebooted) system because it was (?<reason>unable to write the heartbeat to the storage)\./,
    event: ({ reason = '' }) => ({ kind: 'host-resetting', pool: null, reason }),
    samples: [
      {
        record:
          'Jul  6 11:31:19 kvm1 heartbeat: kvmheartbeat.sh will reboot system because it was unable to write the heartbeat to the storage.',
        at: '2000-07-06T11:31:19.000Z',
        events: [{ kind: 'host-resetting', pool: null, reason: 'unable to write the heartbeat to the storage' }],
      },
      {
        record:
          'Mon 2026-07-06 11:31:19 CEST kvm1 heartbeat[88121]: kvmsmpheartbeat.sh will reboot system because it was unable to write the heartbeat to the storage.',
        at: '2026-07-06T11:31:19.000Z',
        events: [{ kind: 'host-resetting', pool: null, reason: 'unable to write the heartbeat to the storage' }],
      },
      {
        record:
          'Jul  6 11:31:19 kvm1 heartbeat: kvmheartbeat.sh rebooted system because it was unable to write the heartbeat to the storage.',
        at: '2000-07-06T11:31:19.000Z',
        events: [{ kind: 'host-resetting', pool: null, reason: 'unable to write the heartbeat to the storage' }],
      },
    ],
  },
  {
    name: 'libvirt-started',
    versions: 'libvirtd, virtqemud',
    message: new RegExp(`^${DAEMON}(?:${PRINTED}\\d+: info : )?libvirt version: (?<version>[^,\\s]+)`),
    starts: DAEMON_STARTS,
    event: ({ version = '' }) => ({ kind: 'daemon-started', libvirtVersion: version }),
    samples: [
      {
        record: 'Nov 23 04:38:02 kvm-a libvirtd: 226754: info : libvirt version: 9.0.0, package: 9.0.0-4+deb12u2 (Debian)',
        at: '2000-11-23T04:38:02.000Z',
        events: [{ kind: 'daemon-started', libvirtVersion: '9.0.0' }],
      },
      {
        record:
          'May 26 11:56:35 kvm-a libvirtd[24411]: 2026-05-26 10:56:35.663+0000: 24413: info : libvirt version: 4.5.0, package: 35.3.module_el8.1.0+297+df420408 (CentOS Buildsys <bugs@centos.org>, 2020-04-10-11:06:38, )',
        at: '2026-05-26T10:56:35.663Z',
        events: [{ kind: 'daemon-started', libvirtVersion: '4.5.0' }],
      },
    ],
  },
  {
    name: 'libvirt-message',
    versions:
      'libvirtd, virtqemud, and `journal` as rsyslog calls them on RHEL 7 and 8; the journal keeps no level in its text, and has warnings and errors by default',
    message: new RegExp(`^${DAEMON}(?:${PRINTED}\\d+: (?<level>debug|info|warning|error) : (?:\\w+:\\d+ : )?)?(?<text>[^]*)`),
    starts: DAEMON_STARTS,
    event: ({ level = 'error', text = '' }) =>
      level === 'warning' || level === 'error' ? daemonMessage(linesOf(text), level) : null,
    samples: [
      {
        record:
          'Nov 23 04:40:14 kvm-a libvirtd: 226754: error : virKeepAliveTimerInternal:137 : internal error: connection closed due to keepalive timeout',
        at: '2000-11-23T04:40:14.000Z',
        events: [
          {
            kind: 'daemon-message',
            level: 'error',
            vm: null,
            text: 'internal error: connection closed due to keepalive timeout',
          },
        ],
      },
      {
        record: `Mon 2026-11-23 04:50:46 UTC kvm-b virtqemud[1234]: internal error: QEMU unexpectedly closed the monitor (vm='i-2-91-VM'): 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Features 0x10130afffa7 unsupported. Allowed features: 0x10179bf7fe7
                                                2026-11-23T04:50:46.614520Z qemu-system-x86_64: Failed to load virtio-net:virtio`,
        at: '2026-11-23T04:50:46.000Z',
        events: [
          {
            kind: 'daemon-message',
            level: 'error',
            vm: 'i-2-91-VM',
            text: `internal error: QEMU unexpectedly closed the monitor (vm='i-2-91-VM'): 2026-11-23T04:50:46.614447Z qemu-system-x86_64: Features 0x10130afffa7 unsupported. Allowed features: 0x10179bf7fe7
2026-11-23T04:50:46.614520Z qemu-system-x86_64: Failed to load virtio-net:virtio`,
          },
        ],
      },
      {
        record:
          'Jul 20 06:13:31 kvm-a libvirtd[47045]: 2026-07-20 05:13:31.181+0000: 47049: error : qemuMigrationJobCheckStatus:1898 : operation failed: migration out job: unexpectedly failed',
        at: '2026-07-20T05:13:31.181Z',
        events: [
          { kind: 'daemon-message', level: 'error', vm: null, text: 'operation failed: migration out job: unexpectedly failed' },
        ],
      },
      {
        record: 'Oct  3 20:13:00 kvm-a journal[44701]: internal error: connection closed due to keepalive timeout',
        at: '2000-10-03T20:13:00.000Z',
        events: [
          {
            kind: 'daemon-message',
            level: 'error',
            vm: null,
            text: 'internal error: connection closed due to keepalive timeout',
          },
        ],
      },
      {
        record: 'Oct  3 20:13:00 kvm-a journal: Runtime journal is using 8.0M (max allowed 785.6M)',
        at: '2000-10-03T20:13:00.000Z',
        events: [],
      },
    ],
  },
];

/**
 * The system's log: a syslog file, or what `journalctl` prints with `-o short`, `short-precise`, `short-iso`,
 * `short-iso-precise` or `short-full`. It holds many programs; a message begins at the program's name.
 */
export const journal: Parser = {
  source: 'journal',
  title: 'System log: syslog files and journalctl',
  reference: 'rsyslog omfile templates; systemd src/shared/logs-show.c; kernel and daemon messages in their own sources',
  paths: /(?:^|[/._-])(?:syslog|messages|kern|daemon|journal|journalctl)(?:\.(?:log|txt))?$/,
  recognises:
    /^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+) (?:\S+ )?[\w./-]+(?:\[\d+\])?: /,
  // `-- Boot …` and `-- Logs begin at …` are journalctl's own lines
  header:
    /(?:(?<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [\w+:-]+) (?:[^\s:[\]]+ )?(?:(?=(?:libvirtd|virtqemud)\[\d+\]: (?<utc>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\+0000: )|)|-- )/y,
  time: journalStamp,
  rules: [...rules, ...kernelRules],
};
