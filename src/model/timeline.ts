import type {
  DomainStarted,
  Event,
  HeartbeatProbe,
  HeartbeatWriteFailed,
  HostResetting,
  JobSample,
  StorageMessage,
} from './event.ts';

/** How sure a statement is: a line says so, it follows from what was seen, or nothing tells. */
export type Certainty = 'seen' | 'follows' | 'unobserved';

/** How a migration ended; `running` where it had not when the logs end, `unknown` where nobody saw the end. */
export type Outcome = 'completed' | 'failed' | 'aborted' | 'running' | 'unknown';

/** Why migrations fail. A closed list; `unknown` comes with the text. */
export const CAUSES = [
  'cpu-incompatible',
  'timed-out',
  'aborted-by-operator',
  'connection-refused',
  'address-unreachable',
  'network-interrupted',
  'destination-died',
  'source-died',
  'libvirtd-ended',
  'host-reset',
  'agent-ended',
  'device-state-rejected',
  'disk-locked',
  'storage-unavailable',
  'disk-copy-failed',
  'no-free-port',
  'cannot-listen',
  'tls-rejected',
  'unsafe-cache-mode',
  'blocked-by-device',
  'lock-timeout',
  'version-or-machine-mismatch',
  'out-of-memory',
  'unknown',
] as const;

/** One of `CAUSES`. */
export type CauseKind = (typeof CAUSES)[number];

/** Why a migration did not complete. */
export interface Cause {
  readonly kind: CauseKind;
  /** The text that says so, cut to its meaning. */
  readonly text: string;
  readonly certainty: Certainty;
  readonly evidence: readonly Event[];
}

/** What a host does with a VM: its CPUs run, they are stopped, it has no QEMU for it, or nothing tells. */
export type GuestState = 'running' | 'paused' | 'absent' | 'unknown';

/** Where a VM is, and how, when the logs end. */
export interface HostState {
  readonly host: string;
  readonly state: GuestState;
  readonly certainty: Certainty;
  /** Why, in a few words. */
  readonly because: string;
  readonly evidence: readonly Event[];
}

/** A stretch of a migration. */
export interface Phase {
  readonly name: 'prepare' | 'pre-copy' | 'post-copy' | 'switchover' | 'announce' | 'cleanup';
  /** Unix ms. */
  readonly from: number;
  readonly to: number;
}

/** For how long the guest stood still, and where that is known from. */
export interface Downtime {
  readonly ms: number;
  /** `statistics`: libvirt or QEMU measured it; `events`: between the guest's stop and its resume; `at-least`: only a lower bound is known. */
  readonly from: 'statistics' | 'events' | 'at-least';
  readonly evidence: readonly Event[];
}

/** How a migration that had broken in post-copy went on after its client had been told of the failure. */
export interface TakenUp {
  /** When somebody took it up again; `null` where nobody was seen to. */
  readonly at: number | null;
  /** When all of the VM had left the source; `null` where it had not. */
  readonly completedAt: number | null;
  readonly evidence: readonly Event[];
}

/** Whether the network learned where the VM is now. */
export interface Announcement {
  readonly state: 'yes' | 'no' | 'unobserved';
  /** Why it is `unobserved`, or what `no` rests on. */
  readonly because: string;
  /** MAC addresses that were not announced. */
  readonly missing: readonly string[];
  readonly firstAt: number | null;
  /** When a guest that arrived paused was resumed: its QEMU announces it then; `null` where it ran when it arrived. */
  readonly resumedAt: number | null;
  /** From the guest's arrival until the network sent its frames there; `null` where that is not known. */
  readonly outageMs: number | null;
  readonly evidence: readonly Event[];
}

/** What was known, at the beginning of a pass, of how the migration will end. */
export interface Prediction {
  /** The pass at whose beginning it was made, from 2. */
  readonly pass: number;
  readonly madeAt: number;
  readonly converges: boolean;
  /** `first`: only one pass was seen, and the estimate is too hopeful for ratios above about 0.6. */
  readonly confidence: 'first' | 'modelled';
  /** When the guest would run on the destination; `null` where it never would. */
  readonly switchoverAt: number | null;
  /** Rate at which the guest writes pages; a lower bound where all of its working set is dirtied in every pass. */
  readonly dirtyRateBytesPerSecond: number;
  readonly dirtyRateIsLowerBound: boolean;
  /** Memory that the guest writes to again and again; `null` where no pass was long enough to show its size. */
  readonly workingSetBytes: number | null;
  readonly bandwidthBytesPerSecond: number;
  /** Bandwidth from which it would converge; `null` where it does. */
  readonly bandwidthNeededBytesPerSecond: number | null;
  /** Downtime limit from which it would converge; `null` where it does. */
  readonly downtimeNeededMs: number | null;
  /** What each pass would leave in the end; `null` where it converges. */
  readonly floorBytes: number | null;
}

/** One pass of pre-copy over the guest's dirty memory. */
export interface Pass {
  /** From 1, counted within its migration. */
  readonly pass: number;
  /** When it began, Unix ms. */
  readonly startedAt: number;
  /** When the counters first showed it: what is predicted from them could be known from here. */
  readonly seenAt: number;
  /** Guest bytes to copy at its beginning. */
  readonly remainingBytes: number;
  /** Those of them that the pass before did not get to: QEMU looks again as soon as the rest would fit the downtime limit. */
  readonly leftoverBytes: number;
  /** Unique guest bytes dirtied per second in the pass before; `null` in the first. */
  readonly dirtyRateBytesPerSecond: number | null;
  /** Bytes per second on the wire, as QEMU's last 100 ms window says at its beginning. */
  readonly bandwidthBytesPerSecond: number | null;
  readonly throttlePercent: number | null;
  /** Bytes on the wire until `seenAt`; `null` where not told. */
  readonly transferredBytes: number | null;
  /** Guest bytes sent as XBZRLE differences until `seenAt`. */
  readonly compressedBytes: number;
  /** XBZRLE cache; 0 where compression is off. */
  readonly compressionCacheBytes: number;
  /** The first sample that shows it. */
  readonly sample: Event<JobSample>;
}

/** Everything known of one attempt to migrate one VM. */
export interface Migration {
  /** Stable: made of the VM and the first thing that identifies the attempt. */
  readonly id: string;
  readonly vm: string;
  readonly macs: readonly string[];
  readonly source: string | null;
  readonly destination: string | null;
  /** The address that the source was told, where it was seen. */
  readonly destinationAddress: string | null;
  readonly startedAt: number;
  /** `null` while it runs, or where nobody saw the end. */
  readonly endedAt: number | null;
  /** The last thing seen of it. */
  readonly lastSeenAt: number;
  readonly outcome: Outcome;
  readonly outcomeCertainty: Certainty;
  readonly outcomeEvidence: readonly Event[];
  readonly cause: Cause | null;
  readonly phases: readonly Phase[];
  readonly samples: readonly Event<JobSample>[];
  readonly passes: readonly Pass[];
  readonly predictions: readonly Prediction[];
  readonly iterations: number | null;
  readonly downtime: Downtime | null;
  /** Limit in force, ms; QEMU's default where nobody set another. */
  readonly downtimeLimitMs: number;
  readonly announcement: Announcement;
  /** When the guest began to run on the destination while memory was still on the source. */
  readonly postcopyAt: number | null;
  readonly postcopyEvidence: readonly Event[];
  /** It takes up one of the same VM that had broken in post-copy. */
  readonly takesUp: boolean;
  /** What became of it after it had broken in post-copy; `null` where it had not, or nothing was seen. */
  readonly takenUp: TakenUp | null;
  /** Highest throttle seen, percent; `null` where the guest was not throttled. */
  readonly throttlePercent: number | null;
  /** When the agent paused the guest so that the rest could be copied. */
  readonly pausedAt: number | null;
  /** What would have told more and was not there, in words. */
  readonly unobserved: readonly string[];
  readonly after: readonly HostState[];
  readonly sourceDomain: DomainStarted | null;
  readonly destinationDomain: DomainStarted | null;
  /** All that belongs to it, in the order of time. */
  readonly events: readonly Event[];
}

/** What is known of one host, besides its migrations. */
export interface HostHistory {
  readonly host: string;
  readonly probes: readonly Event<HeartbeatProbe>[];
  readonly writeFailures: readonly Event<HeartbeatWriteFailed>[];
  readonly resets: readonly Event<HostResetting>[];
  /** What its kernel said of storage. */
  readonly storageMessages: readonly Event<StorageMessage>[];
  readonly events: readonly Event[];
  /** The last moment that its logs cover, records that mean nothing included; Unix ms. */
  readonly heardUntil: number;
  /** Migrations from or to it. */
  readonly migrations: readonly Migration[];
  /** How far its clock is ahead, ms; `null` where nothing tells. */
  readonly skewMs: number | null;
  readonly skewAgainst: string | null;
}
