import type { Rule } from './parser.ts';

/** syslog may keep the kernel's own seconds since boot: `kernel: [12345.678901] `. */
const KERNEL = String.raw`^kernel: (?:\[ *\d+\.\d+\] ?)?`;

/** What the kernel says of its start, of heat and of storage, as syslog and the journal have it. */
export const kernelRules: readonly Rule[] = [
  {
    name: 'booted',
    versions: 'Linux, init/version.c: the first line of every start',
    message: new RegExp(String.raw`${KERNEL}Linux version (?<kernel>\S+) \(`),
    event: ({ kernel = '' }) => ({ kind: 'host-booted', kernel }),
    samples: [
      {
        record:
          'Nov 23 04:52:31 kvm-a kernel: Linux version 6.1.0-41-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.158-1 (2025-11-09)',
        at: '2000-11-23T04:52:31.000Z',
        events: [{ kind: 'host-booted', kernel: '6.1.0-41-amd64' }],
      },
      {
        record:
          '2026-11-23T04:52:31.118204+01:00 kvm-a kernel: [    0.000000] Linux version 4.18.0-553.el8_10.x86_64 (mockbuild@x64-builder02.almalinux.org) (gcc version 8.5.0 20210514 (Red Hat 8.5.0-22) (GCC)) #1 SMP Fri May 24 13:05:10 UTC 2024',
        at: '2026-11-23T03:52:31.118Z',
        events: [{ kind: 'host-booted', kernel: '4.18.0-553.el8_10.x86_64' }],
      },
    ],
  },
  {
    name: 'cpu-throttled',
    versions: 'Linux; `is` since about 5.5, `mce: ` about 5.0 to 5.5; at most once per CPU in 300 s',
    message: new RegExp(
      String.raw`${KERNEL}(?:mce: )?CPU(?<cpu>\d+): (?:Core|Package) temperature (?:is )?above threshold, cpu clock (?:is )?throttled \(total events = (?<total>\d+)\)`,
    ),
    event: ({ cpu, total }) => ({ kind: 'cpu-throttled', cpu: Number(cpu), totalEvents: Number(total) }),
    samples: [
      {
        record:
          'Nov 23 04:40:14 kvm-a kernel: CPU3: Core temperature is above threshold, cpu clock is throttled (total events = 1874)',
        at: '2000-11-23T04:40:14.000Z',
        events: [{ kind: 'cpu-throttled', cpu: 3, totalEvents: 1874 }],
      },
      {
        record:
          'Nov  3 04:40:14 kvm-a kernel: [86412.004913] mce: CPU12: Package temperature above threshold, cpu clock throttled (total events = 12)',
        at: '2000-11-03T04:40:14.000Z',
        events: [{ kind: 'cpu-throttled', cpu: 12, totalEvents: 12 }],
      },
    ],
  },
  {
    name: 'server-not-responding',
    versions: 'Linux, net/sunrpc/clnt.c; rate-limited; the first 180 s into an outage with default NFS mounts',
    message: new RegExp(
      String.raw`${KERNEL}(?<text>\w+: server \S+ (?:not responding, (?:timed out|still trying)|(?<recovered>OK)))\s*$`,
    ),
    event: ({ text = '', recovered }) => ({ kind: 'storage-message', text, recovered: recovered !== undefined }),
    samples: [
      {
        record: 'Nov 23 04:43:20 kvm-a kernel: nfs: server 10.30.0.5 not responding, still trying',
        at: '2000-11-23T04:43:20.000Z',
        events: [{ kind: 'storage-message', text: 'nfs: server 10.30.0.5 not responding, still trying', recovered: false }],
      },
      {
        record: '2026-11-23T04:43:20.118204+01:00 kvm-a kernel: [ 1201.556310] nfs: server 10.30.0.5 not responding, timed out',
        at: '2026-11-23T03:43:20.118Z',
        events: [{ kind: 'storage-message', text: 'nfs: server 10.30.0.5 not responding, timed out', recovered: false }],
      },
      {
        record: 'Nov 23 04:46:02 kvm-a kernel: nfs: server 10.30.0.5 OK',
        at: '2000-11-23T04:46:02.000Z',
        events: [{ kind: 'storage-message', text: 'nfs: server 10.30.0.5 OK', recovered: true }],
      },
    ],
  },
];
