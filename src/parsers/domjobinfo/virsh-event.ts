import type { EventBody } from '../../model/event.ts';
import type { Groups, Rule } from '../parser.ts';
import { jobCompleted } from './job-events.ts';
import { readJob } from './job-text.ts';

/** Statistics as `--rawstats` has them; `success` is 0 where the job failed. Backups and snapshots report here too. */
function completed({ vm = '', stats = '' }: Groups): EventBody | null {
  const job = readJob(stats);
  return job.operation === 'other' || /^\tsuccess: (?:0|no)$/m.test(stats) ? null : jobCompleted(vm, job);
}

/** Old virsh prints the name without quotes. */
const DOMAIN = String.raw`'?(?<vm>[^':\s]+)'?`;

/** `virsh event --all --loop --timestamp`. Source: tools/virsh-domain-event.c of libvirt. */
export const virshEventRules: readonly Rule[] = [
  {
    name: 'lifecycle',
    versions: 'libvirt 7.0–11.3; before, names without quotes',
    message: new RegExp(
      `^event 'lifecycle' for domain ${DOMAIN}: (?<what>Suspended|Resumed) (?:Migrated|Post-copy|Paused|Unpaused)`,
    ),
    event: ({ vm = '', what }) => ({ kind: 'guest-run-state', vm, monitor: null, running: what === 'Resumed' }),
    samples: [
      {
        record: "2026-11-23 21:26:29.463+0000: event 'lifecycle' for domain 'i-2-31-VM': Suspended Migrated",
        at: '2026-11-23T21:26:29.463Z',
        events: [{ kind: 'guest-run-state', vm: 'i-2-31-VM', monitor: null, running: false }],
      },
      {
        record: "2026-11-30 20:46:17.591+0000: event 'lifecycle' for domain 'i-2-7-VM': Suspended Paused",
        at: '2026-11-30T20:46:17.591Z',
        events: [{ kind: 'guest-run-state', vm: 'i-2-7-VM', monitor: null, running: false }],
      },
      {
        record: "2026-11-30 20:46:20.546+0000: event 'lifecycle' for domain 'i-2-7-VM': Resumed Unpaused",
        at: '2026-11-30T20:46:20.546Z',
        events: [{ kind: 'guest-run-state', vm: 'i-2-7-VM', monitor: null, running: true }],
      },
      {
        record: "2026-11-23 21:26:29.571+0000: event 'lifecycle' for domain i-2-31-VM: Resumed Migrated",
        at: '2026-11-23T21:26:29.571Z',
        events: [{ kind: 'guest-run-state', vm: 'i-2-31-VM', monitor: null, running: true }],
      },
    ],
  },
  {
    name: 'migration-iteration',
    versions: 'libvirt 7.0–11.3',
    message: new RegExp(`^event 'migration-iteration' for domain ${DOMAIN}: iteration: '(?<pass>\\d+)'`),
    event: ({ vm = '', pass }) => ({ kind: 'migration-pass', vm, monitor: null, pass: Number(pass) }),
    samples: [
      {
        record: "2026-11-23 21:26:28.204+0000: event 'migration-iteration' for domain 'i-2-31-VM': iteration: '2'",
        at: '2026-11-23T21:26:28.204Z',
        events: [{ kind: 'migration-pass', vm: 'i-2-31-VM', monitor: null, pass: 2 }],
      },
    ],
  },
  {
    name: 'job-completed',
    versions: 'libvirt 7.0–11.3',
    message: new RegExp(`^event 'job-completed' for domain ${DOMAIN}:\n(?<stats>[^]*)$`),
    event: completed,
    samples: [
      {
        record: `2026-11-23 21:26:29.612+0000: event 'job-completed' for domain 'i-2-31-VM':
\toperation: 5
\ttime_elapsed: 2238
\tdowntime: 92
\tmemory_total: 537665536
\tmemory_processed: 120842000
\tmemory_remaining: 0
\tmemory_iteration: 3
`,
        at: '2026-11-23T21:26:29.612Z',
        events: [
          {
            kind: 'job-completed',
            vm: 'i-2-31-VM',
            direction: 'outgoing',
            elapsedMs: 2238,
            downtimeMs: 92,
            passes: 3,
            transferredBytes: 120842000,
            totalBytes: 537665536,
          },
        ],
      },
    ],
  },
];
