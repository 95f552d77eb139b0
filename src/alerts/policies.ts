/** What ends an alert; with several, whichever comes first. */
export type Ending =
  /** What was found is over (its `to` is known), and did not come back for `recoveryMs`. */
  | { readonly by: 'condition-ends'; readonly recoveryMs: number }
  /** A migration of the VM completed: the one it is about or a later one; with `again` a later one only. */
  | { readonly by: 'moves'; readonly again: boolean }
  /** Nothing more was found for `afterMs`. */
  | { readonly by: 'quiet'; readonly afterMs: number };

/** What alerts with the same of it have in common, so that people are told of them together. */
export type Together =
  /** The host that the migrations go to. */
  | 'destination'
  /** The same destination lacks the same CPU features. */
  | 'destination-features'
  /** The two hosts, in either direction. */
  | 'pair'
  /** The host it is about, or the migrations' source. */
  | 'host'
  /** The storage pool, on however many hosts; the host where no pool is named. */
  | 'pool'
  /** The same cause of failure at the same destination. */
  | 'cause-and-destination'
  | 'cluster'
  | 'vm';

/** How findings of one detector become alerts. */
export interface Policy {
  readonly detector: string;
  /** Whose problem it is: the alert's subject. */
  readonly about: 'vm' | 'host';
  /** A warning is told only after it stood this long, by the time of its lines; what is critical is told at once. */
  readonly holdMs: number;
  /** A failure of unknown cause waits this long, because another log often says why a moment later. */
  readonly unexplainedHoldMs: number;
  readonly ends: readonly [Ending, ...Ending[]];
  /** The same for people: completes "This is resolved when …". */
  readonly resolvesWhen: string;
  readonly together: Together;
  /** What a maintenance window of its host (as a migration: the host it leaves) or cluster keeps back: all of it, warnings only, or nothing. */
  readonly inMaintenance: 'muted' | 'warnings-muted' | 'told';
  /** Why hold, ending and maintenance are so. */
  readonly why: string;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** A failed migration is over when the VM moved; nobody has to move it, so a day without another attempt ends it too. */
const MOVES_OR_A_DAY = [
  { by: 'moves', again: false },
  { by: 'quiet', afterMs: 24 * HOUR_MS },
] as const;

/** What is as good for most detectors. */
const AT_ONCE = { holdMs: 0, unexplainedHoldMs: 0 } as const;

/** One row a detector. */
export const policies: readonly Policy[] = [
  {
    detector: 'clock-skew',
    about: 'host',
    ...AT_ONCE,
    ends: [{ by: 'quiet', afterMs: 24 * HOUR_MS }],
    resolvesWhen: 'no migration of the host has shown a wrong clock for 24 h',
    together: 'cluster',
    inMaintenance: 'muted',
    why: 'Only migrations show it, so its end cannot be seen, only that it is not found again. A host that was just started sets its clock.',
  },
  {
    detector: 'cpu-incompatible',
    about: 'vm',
    ...AT_ONCE,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'a later migration of the VM completes, or 24 h pass without another attempt that fails so',
    together: 'destination-features',
    inMaintenance: 'told',
    why: 'The VM cannot leave for that host, whatever is done: an evacuation stops there until somebody decides.',
  },
  {
    detector: 'destination-died',
    about: 'vm',
    ...AT_ONCE,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'a later migration of the VM completes, or 24 h pass without another attempt that fails so',
    together: 'destination',
    inMaintenance: 'told',
    why: 'The work on the source does not kill a QEMU of the destination.',
  },
  {
    detector: 'downtime-exceeded',
    about: 'vm',
    ...AT_ONCE,
    ends: [{ by: 'quiet', afterMs: HOUR_MS }],
    resolvesWhen: 'no further migration of the VM had a long downtime for 1 h',
    together: 'destination',
    inMaintenance: 'muted',
    why: 'It is over when it is known. An evacuation moves many busy VMs, and their downtime is the price.',
  },
  {
    detector: 'host-overheated',
    about: 'host',
    holdMs: MINUTE_MS,
    unexplainedHoldMs: 0,
    ends: [{ by: 'quiet', afterMs: 30 * MINUTE_MS }],
    resolvesWhen: 'no sensor of the host has been above its limit, and no CPU throttled, for 30 min',
    together: 'host',
    inMaintenance: 'warnings-muted',
    why: 'A single hot sample passes by itself; fans answer within a minute.',
  },
  {
    detector: 'migration-aborted',
    about: 'vm',
    ...AT_ONCE,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'a later migration of the VM completes, or 24 h pass without another one that is aborted',
    together: 'cause-and-destination',
    inMaintenance: 'muted',
    why: 'The VM stays where it is. Who evacuates a host cancels, and sees that he did.',
  },
  {
    detector: 'migration-failed',
    about: 'vm',
    holdMs: 0,
    unexplainedHoldMs: 3 * SECOND_MS,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'a later migration of the VM completes, or 24 h pass without another one that fails',
    together: 'cause-and-destination',
    inMaintenance: 'warnings-muted',
    why: 'CloudStack tries again when it evacuates. Critical is that nobody knows where the VM runs.',
  },
  {
    detector: 'missing-garp',
    about: 'vm',
    ...AT_ONCE,
    ends: [
      { by: 'condition-ends', recoveryMs: 5 * MINUTE_MS },
      { by: 'moves', again: true },
      { by: 'quiet', afterMs: 24 * HOUR_MS },
    ],
    resolvesWhen: 'the VM has sent a frame from its new host, a later migration of it is announced, or 24 h pass',
    together: 'destination',
    inMaintenance: 'told',
    why: 'The guest is cut off now. Its finding already waited for the announcement.',
  },
  {
    detector: 'network-interrupted',
    about: 'vm',
    ...AT_ONCE,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'a later migration of the VM completes, or 24 h pass without another one that is interrupted',
    together: 'pair',
    inMaintenance: 'told',
    why: 'Evacuating a host does not cut its network.',
  },
  {
    detector: 'not-converging',
    about: 'vm',
    holdMs: 15 * SECOND_MS,
    unexplainedHoldMs: 0,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'the migration, or a later one of the VM, completes, or 24 h pass without another that does not converge',
    together: 'host',
    inMaintenance: 'muted',
    why: 'The next pass may refute it. A migration that failed meanwhile has proved it, so nothing is waited for.',
  },
  {
    detector: 'post-copy',
    about: 'vm',
    ...AT_ONCE,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'all memory has arrived: the migration completes, or 24 h pass without another in post-copy',
    together: 'pair',
    inMaintenance: 'warnings-muted',
    why: 'While it runs, nobody may abort it or restart a daemon of the two hosts.',
  },
  {
    detector: 'split-brain-risk',
    about: 'vm',
    ...AT_ONCE,
    ends: [{ by: 'condition-ends', recoveryMs: MINUTE_MS }],
    resolvesWhen: 'only one host runs the VM, and 1 min has passed',
    together: 'vm',
    inMaintenance: 'told',
    why: 'Two writers destroy a disk. That no more is heard of it proves nothing, and no work justifies it.',
  },
  {
    detector: 'storage-heartbeat-spike',
    about: 'host',
    ...AT_ONCE,
    ends: [
      { by: 'condition-ends', recoveryMs: 5 * MINUTE_MS },
      { by: 'quiet', afterMs: 24 * HOUR_MS },
    ],
    resolvesWhen: 'heartbeat writes of the host have been fast for 5 min, or nothing is heard of them for 24 h',
    together: 'pool',
    inMaintenance: 'warnings-muted',
    why: 'From a write that hangs to the reset of the host are 5 min: none of them to wait. While a host is evacuated it still has VMs.',
  },
  {
    detector: 'unencrypted-stream',
    about: 'host',
    ...AT_ONCE,
    ends: [{ by: 'quiet', afterMs: 24 * HOUR_MS }],
    resolvesWhen: 'no unencrypted migration has been seen for 24 h',
    together: 'cluster',
    inMaintenance: 'muted',
    why: 'It is advice, and advice alarms nobody.',
  },
  {
    detector: 'version-mismatch',
    about: 'vm',
    ...AT_ONCE,
    ends: MOVES_OR_A_DAY,
    resolvesWhen: 'a later migration of the VM completes, or 24 h pass without another attempt that fails so',
    together: 'pair',
    inMaintenance: 'told',
    why: 'The VM cannot leave for that host, whatever is done: an evacuation stops there until somebody decides.',
  },
];

/** The row of a detector; one without (of a newer release that shares the topic) is told at once and ends after a quiet day. */
export function policyOf(detector: string): Policy {
  return BY_DETECTOR.get(detector) ?? { ...UNKNOWN, detector };
}

const BY_DETECTOR: ReadonlyMap<string, Policy> = new Map(policies.map((policy) => [policy.detector, policy]));

const UNKNOWN: Omit<Policy, 'detector'> = {
  about: 'vm',
  ...AT_ONCE,
  ends: [{ by: 'quiet', afterMs: 24 * HOUR_MS }],
  resolvesWhen: 'nothing more has been found for 24 h',
  together: 'host',
  inMaintenance: 'told',
  why: 'Nothing is known of it.',
};
