import type { FileContext, Stamp } from './source.ts';

/** CloudStack's agent on the source starts a live migration. */
export interface MigrateRequested {
  readonly kind: 'migrate-requested';
  readonly vm: string;
  /** Host part of the destination's libvirt URI: an address or a name. */
  readonly address: string;
  /** Transport of the control connection; the memory stream itself is plain TCP unless QEMU's TLS is on. */
  readonly transport: 'tcp' | 'tls' | 'ssh' | 'unix';
  readonly uuid: string | null;
  readonly macs: readonly string[];
  /** CPU model of the domain XML, or its mode where it names no model. */
  readonly cpu: string | null;
}

/** The agent still waits: `waitedMs` counts rounds of 1000 ms, each a little longer in reality. */
export interface MigrateProgress {
  readonly kind: 'migrate-progress';
  readonly vm: string;
  readonly waitedMs: number;
}

/** The agent's migration thread ended; printed after success and failure alike. */
export interface MigrateThreadEnded {
  readonly kind: 'migrate-thread-ended';
  readonly vm: string;
}

/** The client of the migration (agent, virsh) got this error from libvirt. */
export interface MigrateError {
  readonly kind: 'migrate-error';
  readonly vm: string | null;
  readonly text: string;
}

/** A line that the agent prints only after success (4.22.1 on, or at DEBUG). */
export interface MigrateSucceeded {
  readonly kind: 'migrate-succeeded';
  readonly vm: string;
}

/** CloudStack itself cancels the migration job. */
export interface AbortRequested {
  readonly kind: 'abort-requested';
  readonly vm: string;
  readonly reason: 'time-limit' | 'agent-disconnected';
  /** `vm.migrate.wait` in force, seconds. */
  readonly afterSeconds: number | null;
  readonly remainingBytes: number | null;
  readonly totalBytes: number | null;
  /** Bytes sent so far; above the total once memory had to be sent again. */
  readonly processedBytes: number | null;
}

/** `vm.migrate.pauseafter` suspends the guest so that the rest can be copied. */
export interface GuestPauseRequested {
  readonly kind: 'guest-pause-requested';
  readonly vm: string;
  readonly afterMs: number;
}

/** The agent resumes, on the destination, a guest that it had paused. */
export interface GuestResumeRequested {
  readonly kind: 'guest-resume-requested';
  readonly vm: string;
}

/** The agent could not resume, on the destination, a guest that it had paused: it stands still there. */
export interface GuestResumeFailed {
  readonly kind: 'guest-resume-failed';
  readonly vm: string;
  readonly text: string;
}

/** The destination's agent has networks and disks ready. */
export interface DestinationPrepared {
  readonly kind: 'destination-prepared';
  readonly vm: string;
}

/** The downtime limit of the running migration was changed. */
export interface DowntimeLimitSet {
  readonly kind: 'downtime-limit-set';
  readonly vm: string | null;
  readonly monitor: string | null;
  readonly downtimeMs: number;
}

/** One try of CloudStack's storage heartbeat failed on this host. */
export interface HeartbeatWriteFailed {
  readonly kind: 'heartbeat-write-failed';
  readonly pool: string | null;
  readonly reason: string;
  /** From 1. */
  readonly attempt: number;
  readonly attempts: number;
}

/** The agent gives up on the storage heartbeat; unless configured otherwise the host now resets itself. */
export interface HostResetting {
  readonly kind: 'host-resetting';
  readonly pool: string | null;
  readonly reason: string;
}

/** The host's kernel starts: whatever ran on the host before has ended. */
export interface HostBooted {
  readonly kind: 'host-booted';
  readonly kernel: string;
}

/** CloudStack's agent stops for a reason that it tells, or starts (`null`), which it does only after it ended: what it drove has lost its client. */
export interface AgentEnded {
  readonly kind: 'agent-ended';
  readonly reason: string | null;
}

/** A neighbour reads this host's heartbeat as dead. */
export interface NeighbourSuspected {
  readonly kind: 'neighbour-suspected';
  readonly address: string;
}

/** The agent lost its management server, or its libvirtd. */
export interface ConnectionLost {
  readonly kind: 'connection-lost';
  readonly to: 'management-server' | 'libvirtd';
}

/** A sentence that operators' guides quote and CloudStack never prints; other tools write it. */
export interface QuotedMessage {
  readonly kind: 'quoted-message';
  readonly vm: string | null;
  readonly meaning: 'completed' | 'incompatible' | 'timed-out' | 'unreachable';
}

/** libvirt starts a QEMU process for the VM; `incoming` when it waits for a migration. */
export interface DomainStarted {
  readonly kind: 'domain-started';
  readonly vm: string;
  /** It waits for a migration, or for a saved state; `null` where the log was cut before it tells. */
  readonly incoming: boolean | null;
  readonly libvirtVersion: string | null;
  readonly qemuVersion: string | null;
  readonly hostname: string | null;
  readonly uuid: string | null;
  readonly macs: readonly string[];
  /** Versioned machine type, `pc-i440fx-7.2`. */
  readonly machine: string | null;
  readonly cpu: string | null;
  readonly memoryBytes: number | null;
}

/** The source's libvirt starts the memory stream; `resumed` when it recovers a broken post-copy. */
export interface MigrateInitiated {
  readonly kind: 'migrate-initiated';
  readonly vm: string;
  readonly resumed: boolean;
}

/** The VM's QEMU process is gone; the reason is libvirt's (`migrated`, `failed`, `crashed`, `destroyed`, `shutdown` …). */
export interface DomainStopped {
  readonly kind: 'domain-stopped';
  readonly vm: string;
  readonly reason: string;
}

/** QEMU's own words. */
export interface QemuMessage {
  readonly kind: 'qemu-message';
  readonly vm: string;
  readonly level: 'error' | 'warning' | 'info';
  readonly text: string;
}

/** QEMU ends on a signal; `by` is the sender's program name, where QEMU prints it. */
export interface QemuTerminated {
  readonly kind: 'qemu-terminated';
  readonly vm: string;
  readonly signal: number;
  readonly by: string | null;
}

/** A warning or error of libvirtd or virtqemud that can bear on a migration. */
export interface DaemonMessage {
  readonly kind: 'daemon-message';
  readonly level: 'warning' | 'error';
  /** The VM, where the text names it. */
  readonly vm: string | null;
  readonly text: string;
}

/** libvirtd or virtqemud started, or opened its log anew. */
export interface DaemonStarted {
  readonly kind: 'daemon-started';
  readonly libvirtVersion: string;
}

/** libvirt's monitor object of a VM, by its address: `monitor` in later events stands for this VM. */
export interface MonitorOpened {
  readonly kind: 'monitor-opened';
  readonly vm: string;
  readonly monitor: string;
}

/** QEMU's migration state, from QMP (`active`, `postcopy-active`, `completed`, `failed`, `cancelled` …). */
export interface MigrationStatus {
  readonly kind: 'migration-status';
  readonly vm: string | null;
  /** Address of libvirt's monitor object: the same VM while its QEMU lives. */
  readonly monitor: string | null;
  readonly status: string;
  readonly errorText: string | null;
}

/** A pass of pre-copy begins (QMP MIGRATION_PASS), from 1. */
export interface MigrationPass {
  readonly kind: 'migration-pass';
  readonly vm: string | null;
  readonly monitor: string | null;
  readonly pass: number;
}

/** The guest's CPUs stop (QMP STOP) or run (QMP RESUME). */
export interface GuestRunState {
  readonly kind: 'guest-run-state';
  readonly vm: string | null;
  readonly monitor: string | null;
  readonly running: boolean;
}

/** Counters of a migration job; `null` where the program did not say. */
export interface JobCounters {
  readonly elapsedMs: number | null;
  readonly remainingBytes: number | null;
  readonly totalBytes: number | null;
  /** Bytes on the wire. */
  readonly transferredBytes: number | null;
  /** Guest bytes copied, however they went over the wire (zero pages and compressed ones at their full size). */
  readonly copiedBytes: number | null;
  /** Guest bytes of `copiedBytes` that went as XBZRLE differences, which cost next to nothing on the wire. */
  readonly compressedBytes: number | null;
  /** Size of the XBZRLE cache; `null` where compression is off. CloudStack always asks for it. */
  readonly compressionCacheBytes: number | null;
  /** Unique guest bytes dirtied per second over the last pass; `null` during the first. */
  readonly dirtyRateBytesPerSecond: number | null;
  readonly bandwidthBytesPerSecond: number | null;
  /** Passes begun, from 1. */
  readonly pass: number | null;
  /** Real downtime where the job is over, else QEMU's expectation. */
  readonly downtimeMs: number | null;
  readonly throttlePercent: number | null;
  readonly postcopyRequests: number | null;
  readonly errorText: string | null;
}

/** Counters of a migration job at one moment. */
export interface JobSample extends JobCounters {
  readonly kind: 'job-sample';
  readonly vm: string | null;
  readonly monitor: string | null;
  readonly direction: 'outgoing' | 'incoming' | null;
  /** QEMU's word, or `active` where only libvirt's `Unbounded` is known. */
  readonly status: string | null;
}

/** Statistics of a finished job. */
export interface JobCompleted {
  readonly kind: 'job-completed';
  readonly vm: string | null;
  readonly direction: 'outgoing' | 'incoming' | null;
  readonly elapsedMs: number | null;
  readonly downtimeMs: number | null;
  readonly passes: number | null;
  readonly transferredBytes: number | null;
  readonly totalBytes: number | null;
}

/** A lookup of the VM on this host found none. */
export interface DomainMissing {
  readonly kind: 'domain-missing';
  readonly vm: string;
}

/** A frame by which the network learns where a MAC address is. */
export interface Announced {
  readonly kind: 'announced';
  readonly mac: string;
  readonly how: 'rarp' | 'gratuitous-arp';
}

/** Any other frame of this MAC address: the observer is alive and on its network. */
export interface FrameSeen {
  readonly kind: 'frame-seen';
  readonly mac: string;
  /** Ms after this frame at which the same address sent more, where those were not kept as events. */
  readonly againAfterMs?: readonly number[];
}

/** A bridge or switch learned or forgot a MAC address on a port. */
export interface ForwardingChanged {
  readonly kind: 'forwarding-changed';
  readonly mac: string;
  readonly port: string;
  readonly deleted: boolean;
}

/** One write to a heartbeat file on primary storage, measured from outside. */
export interface HeartbeatProbe {
  readonly kind: 'heartbeat-probe';
  readonly pool: string | null;
  /** The host address in the file's name (`hb-10.0.0.1`). */
  readonly address: string | null;
  readonly latencyMs: number;
  /** No answer yet: the latency is a lower bound. */
  readonly pending: boolean;
  readonly errorText: string | null;
}

/**
 * How long ago a host of the cluster wrote its heartbeat, as another or the same host reads it. CloudStack writes every 60 s; its
 * neighbours hold a host for dead whose heartbeat is older than that. Clocks of reader and writer may differ: the age may be negative.
 */
export interface HeartbeatAge {
  readonly kind: 'heartbeat-age';
  readonly pool: string | null;
  /** The host address in the file's name (`hb-10.0.0.1`). */
  readonly address: string | null;
  readonly ageMs: number;
}

/** A temperature and the chip's own limits, degrees Celsius. */
export interface Temperature {
  readonly kind: 'temperature';
  readonly chip: string;
  readonly sensor: string;
  readonly celsius: number;
  readonly highCelsius: number | null;
  readonly critCelsius: number | null;
  /** The chip itself raises an alarm for this sensor. */
  readonly alarm: boolean;
}

/** The kernel throttles a CPU for heat; `totalEvents` counts since boot. */
export interface CpuThrottled {
  readonly kind: 'cpu-throttled';
  readonly cpu: number;
  readonly totalEvents: number;
}

/** The kernel says that storage does not answer, or answers again. */
export interface StorageMessage {
  readonly kind: 'storage-message';
  readonly text: string;
  readonly recovered: boolean;
}

/** Something that holds for a host for a while: a version, a CPU feature, a setting, the state of a service. */
export interface HostFact {
  readonly kind: 'host-fact';
  /** Dotted, from the general to the particular: `version.libvirt`, `cpu.model`, `mtu.cloudbr0`, `agent.guest.cpu.mode`. */
  readonly name: string;
  /** Empty where what the fact is about is gone. */
  readonly value: string;
}

/** What a collector of ours says of itself. */
export interface CollectorReport {
  readonly kind: 'collector-report';
  /** `virsh`, `arp:cloudbr0`, `file:/var/log/…`. */
  readonly collector: string;
  /** `listening`: an observer of the network was at work all the time since its last such word, whether or not it saw anything. */
  readonly state: 'starting' | 'running' | 'listening' | 'missing' | 'failing' | 'timed-out' | 'stopped';
  readonly text: string;
}

/** What a record means, without where and when. */
export type EventBody =
  | MigrateRequested
  | MigrateProgress
  | MigrateThreadEnded
  | MigrateError
  | MigrateSucceeded
  | AbortRequested
  | GuestPauseRequested
  | GuestResumeRequested
  | GuestResumeFailed
  | DestinationPrepared
  | DowntimeLimitSet
  | HeartbeatWriteFailed
  | HostResetting
  | HostBooted
  | AgentEnded
  | NeighbourSuspected
  | ConnectionLost
  | QuotedMessage
  | DomainStarted
  | MigrateInitiated
  | DomainStopped
  | QemuMessage
  | QemuTerminated
  | DaemonMessage
  | DaemonStarted
  | MonitorOpened
  | MigrationStatus
  | MigrationPass
  | GuestRunState
  | JobSample
  | JobCompleted
  | DomainMissing
  | Announced
  | FrameSeen
  | ForwardingChanged
  | HeartbeatProbe
  | HeartbeatAge
  | Temperature
  | CpuThrottled
  | StorageMessage
  | HostFact
  | CollectorReport;

/** The name of a kind of event, as `kind` holds it. */
export type EventKind = EventBody['kind'];

/** Where a record stands, and what it says to the letter. */
export interface Origin {
  readonly file: FileContext;
  /** From 1. */
  readonly line: number;
  /** Bytes from the start of the (decompressed) file. */
  readonly offset: number;
  /** The record's first lines as the file has them, cut at 1,000 characters. */
  readonly text: string;
  /** Where in `text` the message begins, behind time, level and logger. */
  readonly messageAt: number;
  /** The time as the file has it, or the empty string. */
  readonly written: string;
}

/** An event as parsed: its time is what the record states. */
export interface ParsedEvent {
  readonly body: EventBody;
  readonly origin: Origin;
  /** `null` where the record has no time (a bare `sensors` print-out). */
  readonly stamp: Stamp | null;
}

/** An event in time. */
export interface Event<B extends EventBody = EventBody> {
  readonly body: B;
  readonly origin: Origin;
  /** Unix ms UTC, corrected for the clock skew of its host. */
  readonly at: number;
}
