import type { EventBody, QemuMessage } from '../model/event.ts';
import type { Groups, Parser, RecordContext, Rule } from './parser.ts';
import { commandDump } from './libvirt/command-dump.ts';
import { START_SAMPLES } from './libvirt/start-samples.ts';
import { isoStamp } from './time.ts';

/**
 * Lines without a time that are records of their own and not more words of the record before: QEMU prints them before it reads
 * `-msg timestamp=on` or past `error_report`; openEuler's build adds `qmp_cmd_name`.
 */
const UNTIMED =
  /char device redirected to |warning: |Could not open '|Unable to shutdown socket: |KVM: entry failed, |virtio: zero sized |qmp_cmd_name: /;

/** Of QEMU's assertions, too, which glibc prints with the program's name: QEMU ends there (assert/assert.c). */
const ASSERTED = /[^\s:]*(?:qemu|kvm)[^\s:]*: (?=[^\n]*: Assertion )/;

/** Register and memory dumps, aborts and the like: more lines, but no words that explain. */
const DUMP_LINE = /^(?:\s|$|[A-Z][A-Z0-9]{1,3} ?=)/;

/** The VM by the file's name, else by `-msg guest-name=on`. */
function vmOf(groups: Groups, { vm }: RecordContext): string | null {
  return vm ?? groups['guest'] ?? null;
}

function started(groups: Groups, context: RecordContext): EventBody | null {
  const { name, ...dump } = commandDump(groups['dump'] ?? '');
  const vm = context.vm ?? name;
  if (vm === null) return null;
  return {
    kind: 'domain-started',
    vm,
    libvirtVersion: groups['libvirt'] ?? null,
    qemuVersion: groups['qemu'] ?? null,
    hostname: groups['hostname'] ?? null,
    ...dump,
  };
}

/** The first line, and the hints that QEMU prints below it (`error_append_hint`). */
function withHints(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line, index) => index > 0 && DUMP_LINE.test(line));
  return lines.slice(0, end < 0 ? lines.length : end).join('\n');
}

function qemuMessage(vm: string, text: string): QemuMessage {
  const [, prefix, words = ''] = /^(?:(warning|info): )?([^]*)$/.exec(withHints(text)) ?? [];
  return { kind: 'qemu-message', vm, level: prefix === 'warning' || prefix === 'info' ? prefix : 'error', text: words };
}

/** Everything that is left: QEMU's words where QEMU wrote the record, nothing where libvirt did. */
function leftOver(groups: Groups, context: RecordContext): EventBody | null {
  const { text = '' } = groups;
  const vm = vmOf(groups, context);
  const libvirtWrote = groups['time'] !== undefined && groups['program'] === undefined;
  if (vm === null || libvirtWrote || /^(?:char device redirected|qmp_cmd_name)/.test(text)) return null;
  return qemuMessage(vm, text);
}

/** QEMU prints the sender's command, or `<unknown process>`. */
function programName(command: string | undefined): string | null {
  const name = command?.split('/').at(-1) ?? '';
  return name === '' || name.startsWith('<') ? null : name;
}

const byLibvirt: readonly Rule[] = [
  {
    name: 'started',
    versions: 'all; the command in one line before libvirt 5',
    message:
      /^starting up(?: libvirt version: (?<libvirt>\d[\d.]*))?(?:.*?, qemu version: (?<qemu>\d+(?:\.\d+)*))?(?:.*, hostname: (?<hostname>\S+))?.*(?:\n(?<dump>[^]*))?$/,
    event: started,
    samples: START_SAMPLES,
  },
  {
    name: 'initiating',
    versions: 'all, source only',
    message: /^initiating migration/,
    event: (groups, context) => {
      const vm = vmOf(groups, context);
      return vm === null ? null : { kind: 'migrate-initiated', vm, resumed: false };
    },
    samples: [
      {
        record: '2026-11-23 04:54:44.097+0000: initiating migration',
        vm: 'i-2-31-VM',
        at: '2026-11-23T04:54:44.097Z',
        events: [{ kind: 'migrate-initiated', vm: 'i-2-31-VM', resumed: false }],
      },
      { record: '2026-11-23 04:54:44.097+0000: initiating migration', at: null, events: [] },
    ],
  },
  {
    name: 'resuming',
    versions: 'libvirt 8.5 on, recovery of post-copy, source only',
    message: /^resuming migration/,
    event: (groups, context) => {
      const vm = vmOf(groups, context);
      return vm === null ? null : { kind: 'migrate-initiated', vm, resumed: true };
    },
    samples: [
      {
        record: '2026-11-23 04:58:01.310+0000: resuming migration',
        vm: 'i-2-31-VM',
        at: '2026-11-23T04:58:01.310Z',
        events: [{ kind: 'migrate-initiated', vm: 'i-2-31-VM', resumed: true }],
      },
    ],
  },
  {
    name: 'stopped',
    versions: 'all; very old releases without a reason',
    message: /^shutting down(?:, reason=(?<reason>.+))?/,
    event: (groups, context) => {
      const vm = vmOf(groups, context);
      return vm === null ? null : { kind: 'domain-stopped', vm, reason: groups['reason'] ?? 'unknown' };
    },
    samples: [
      ...(
        [
          ['2026-11-23 04:54:45.760', 'migrated'],
          ['2026-11-23 04:43:49.459', 'destroyed'],
          ['2026-11-23 04:43:49.459', 'crashed'],
          ['2026-11-23 04:43:49.459', 'from snapshot'],
        ] as const
      ).map(([at, reason]) => ({
        record: `${at}+0000: shutting down, reason=${reason}`,
        vm: 'i-2-31-VM',
        at: `${at.replace(' ', 'T')}Z`,
        events: [{ kind: 'domain-stopped', vm: 'i-2-31-VM', reason } as const],
      })),
      {
        record: '2014-05-02 11:20:00.481+0000: shutting down',
        vm: 'i-2-31-VM',
        at: '2014-05-02T11:20:00.481Z',
        events: [{ kind: 'domain-stopped', vm: 'i-2-31-VM', reason: 'unknown' }],
      },
    ],
  },
  {
    name: 'disk-error-or-panic',
    versions: 'panic: all, Hyper-V and s390 only; IO error: libvirt after 9.0, in 11.3',
    message: /^(?<text>(?:IO error device=|panic (?:hyper-v|s390): )[^]*)$/,
    starts: ['IO error device=', 'panic hyper-v: ', 'panic s390: '],
    event: (groups, context) => {
      const vm = vmOf(groups, context);
      return vm === null ? null : qemuMessage(vm, groups['text'] ?? '');
    },
    samples: [
      {
        record:
          "2026-11-23 21:31:44.902+0000: IO error device='virtio-disk0' node-name='libvirt-1-format' reason='Input/output error'",
        vm: 'i-2-31-VM',
        at: '2026-11-23T21:31:44.902Z',
        events: [
          {
            kind: 'qemu-message',
            vm: 'i-2-31-VM',
            level: 'error',
            text: "IO error device='virtio-disk0' node-name='libvirt-1-format' reason='Input/output error'",
          },
        ],
      },
      {
        record: "2026-11-23 21:31:44.902+0000: panic hyper-v: arg1='0xa', arg2='0x0', arg3='0x0', arg4='0x0', arg5='0x0'",
        vm: 'i-2-31-VM',
        at: '2026-11-23T21:31:44.902Z',
        events: [
          {
            kind: 'qemu-message',
            vm: 'i-2-31-VM',
            level: 'error',
            text: "panic hyper-v: arg1='0xa', arg2='0x0', arg3='0x0', arg4='0x0', arg5='0x0'",
          },
        ],
      },
    ],
  },
];

const said = (level: QemuMessage['level'], text: string): readonly EventBody[] => [
  { kind: 'qemu-message', vm: 'i-2-31-VM', level, text },
];

const byQemu: readonly Rule[] = [
  {
    name: 'terminated',
    versions: 'all',
    message: /^terminating on signal (?<signal>\d+)(?: from pid \d+(?: \((?<command>[^)\n]{1,300})\))?)?/,
    event: (groups, context) => {
      const vm = vmOf(groups, context);
      return vm === null
        ? null
        : { kind: 'qemu-terminated', vm, signal: Number(groups['signal']), by: programName(groups['command']) };
    },
    samples: [
      {
        record: '2026-11-23T04:43:47.657099Z qemu-system-x86_64: terminating on signal 15 from pid 30323 (libvirtd)',
        vm: 'i-3-41-VM',
        at: '2026-11-23T04:43:47.657Z',
        events: [{ kind: 'qemu-terminated', vm: 'i-3-41-VM', signal: 15, by: 'libvirtd' }],
      },
      {
        record: '2026-11-23T04:43:47Z i-3-41-VM qemu-kvm: terminating on signal 15 from pid 3032 (/usr/sbin/libvirtd)',
        at: '2026-11-23T04:43:47.000Z',
        events: [{ kind: 'qemu-terminated', vm: 'i-3-41-VM', signal: 15, by: 'libvirtd' }],
      },
      {
        record: '2026-11-23T04:43:47.657099Z qemu-kvm: terminating on signal 15 from pid 3032 (<unknown process>)',
        vm: 'i-3-41-VM',
        at: '2026-11-23T04:43:47.657Z',
        events: [{ kind: 'qemu-terminated', vm: 'i-3-41-VM', signal: 15, by: null }],
      },
      {
        record: '2026-11-23T04:43:47.657099Z /usr/bin/kvm: terminating on signal 2',
        vm: 'i-3-41-VM',
        at: '2026-11-23T04:43:47.657Z',
        events: [{ kind: 'qemu-terminated', vm: 'i-3-41-VM', signal: 2, by: null }],
      },
    ],
  },
  {
    name: 'message',
    versions: 'all',
    message: /^(?<text>[^]+)$/,
    starts: [],
    event: leftOver,
    samples: [
      {
        record: '2026-11-23T21:44:54.581379Z qemu-system-x86_64: load of migration failed: Input/output error',
        vm: 'i-2-31-VM',
        at: '2026-11-23T21:44:54.581Z',
        events: said('error', 'load of migration failed: Input/output error'),
      },
      {
        record:
          "2026-11-23T04:50:46.614523Z qemu-system-x86_64: error while loading state for instance 0x0 of device '0000:00:02.0/virtio-net'",
        vm: 'i-2-31-VM',
        at: '2026-11-23T04:50:46.614Z',
        events: said('error', "error while loading state for instance 0x0 of device '0000:00:02.0/virtio-net'"),
      },
      {
        record: '2026-11-23T21:30:08.606083Z qemu-system-x86_64: Unable to shutdown socket: Transport endpoint is not connected',
        vm: 'i-2-31-VM',
        at: '2026-11-23T21:30:08.606Z',
        events: said('error', 'Unable to shutdown socket: Transport endpoint is not connected'),
      },
      {
        record: 'Unable to shutdown socket: Transport endpoint is not connected',
        vm: 'i-2-31-VM',
        at: null,
        events: said('error', 'Unable to shutdown socket: Transport endpoint is not connected'),
      },
      {
        record: "2026-11-23T04:51:36Z qemu-kvm: warning: host doesn't support requested feature: CPUID.07H:EBX.hle [bit 4]",
        vm: 'i-2-31-VM',
        at: '2026-11-23T04:51:36.000Z',
        events: said('warning', "host doesn't support requested feature: CPUID.07H:EBX.hle [bit 4]"),
      },
      {
        record: `2026-11-23T04:51:36.100200Z i-2-31-VM qemu-kvm: -device virtio-blk-pci,drive=libvirt-1-format: Failed to get "write" lock
Is another process using the image [/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/d9634f51-b2ca-4b9b-bdfa-536e35c6e7c4]?`,
        at: '2026-11-23T04:51:36.100Z',
        events: said(
          'error',
          `-device virtio-blk-pci,drive=libvirt-1-format: Failed to get "write" lock
Is another process using the image [/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/d9634f51-b2ca-4b9b-bdfa-536e35c6e7c4]?`,
        ),
      },
      {
        record: `KVM: entry failed, hardware error 0x80000021
EAX=00000000 EBX=00000000 ECX=00000000 EDX=000206a1
ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000000`,
        vm: 'i-2-31-VM',
        at: null,
        events: said('error', 'KVM: entry failed, hardware error 0x80000021'),
      },
      {
        record:
          "qemu-kvm: ../block.c:6979: int bdrv_inactivate_recurse(BlockDriverState *): Assertion `!(bs->open_flags & BDRV_O_INACTIVE)' failed.",
        vm: 'i-2-31-VM',
        at: null,
        events: said(
          'error',
          "../block.c:6979: int bdrv_inactivate_recurse(BlockDriverState *): Assertion `!(bs->open_flags & BDRV_O_INACTIVE)' failed.",
        ),
      },
      { record: '2026-11-23 04:54:44.008+0000: Domain id=1 is tainted: custom-monitor', vm: 'i-2-31-VM', at: null, events: [] },
      {
        record: '2026-11-23 04:54:44.008+0000: 30323: debug : virFileClose:134 : Closed fd 28',
        vm: 'i-2-31-VM',
        at: null,
        events: [],
      },
      { record: 'char device redirected to /dev/pts/2 (label charserial0)', vm: 'i-2-31-VM', at: null, events: [] },
      { record: 'qmp_cmd_name: query-migrate, arguments: {}', vm: 'i-2-31-VM', at: null, events: [] },
    ],
  },
];

/** libvirt's log of one VM's QEMU, `/var/log/libvirt/qemu/DOMAIN.log`: always UTC, two forms of time. */
export const libvirtQemu: Parser = {
  source: 'libvirt-qemu',
  title: "QEMU's log of one VM: /var/log/libvirt/qemu/DOMAIN.log",
  reference:
    'qemuLogOperation and qemuProcessStop in libvirt src/qemu/qemu_process.c, vreport in QEMU util/error-report.c; libvirt 7.0–11.3, QEMU 5.2–10.0',
  paths: /(?:^|\/)(?:qemu\/[^/]+|(?:[^/]*[._-])?(?:i-\d+-\d+|[rsv]-\d+)-[A-Za-z0-9]+)\.log$/,
  recognises:
    /^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: (?!\d+: )|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z (?:\S+ )?\S*(?:qemu|kvm)\S*: )/,
  header: new RegExp(
    String.raw`(?<time>\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(?:\+0000: |Z (?:(?<guest>[^:\n]{1,100}) )?(?<program>[^\s:]+): )|(?=${UNTIMED.source})|${ASSERTED.source}`,
    'y',
  ),
  time: ({ time }) => (time === undefined ? null : isoStamp(time, 'utc')),
  rules: [...byLibvirt, ...byQemu],
};
