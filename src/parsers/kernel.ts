import type { Rule } from './parser.ts';

/** syslog may keep the kernel's own seconds since boot: `kernel: [12345.678901] `. */
const KERNEL = String.raw`^kernel: (?:\[ *\d+\.\d+\] ?)?`;

/** What the kernel says of heat and of storage, as syslog and the journal have it. */
export const kernelRules: readonly Rule[] = [
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
