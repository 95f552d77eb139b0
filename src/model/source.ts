/** The programs whose output Precopy reads; one parser each. */
export const SOURCES = [
  'cloudstack-agent',
  'libvirt-qemu',
  'libvirtd',
  'domjobinfo',
  'sensors',
  'tcpdump',
  'bridge-fdb',
  'heartbeat',
  'journal',
  'host-facts',
  'collector',
] as const;

/** A program whose output is read, by what it prints. */
export type Source = (typeof SOURCES)[number];

/** What is known of a file before its first line is read. */
export interface FileContext {
  /** The machine that wrote it: a hypervisor, or the machine that watched the network. */
  readonly host: string;
  readonly source: Source;
  /** As the user named it; evidence quotes it. */
  readonly path: string;
  /** The VM the file is about, where its name says so (`i-2-12-VM.log`). */
  readonly vm: string | null;
}

/** A time as a record states it. */
export interface Stamp {
  /** Unix ms when the written digits are read as UTC. */
  readonly ms: number;
  /** `utc`: the record says UTC; `local`: the writer's own zone, which the record does not name. */
  readonly clock: 'utc' | 'local';
  /** What the record leaves out and has to come from its neighbours. */
  readonly missing: 'nothing' | 'year' | 'date';
}

/** First and last time of a file, as written. */
export interface Span {
  readonly host: string;
  readonly source: Source;
  readonly first: Stamp;
  readonly last: Stamp;
  /** When the file was last written, Unix ms; 0 where nobody knows. */
  readonly modifiedAt: number;
}

/** A place where the time written goes back as at the end of daylight saving. */
export interface StepBack {
  /** Of the record after the step, bytes. */
  readonly offset: number;
  /** Time of that record. */
  readonly stamp: Stamp;
}

/** A file's period, with what tells apart the hour that comes twice; a span without it is of a file of which nothing is known. */
export interface FileSpan extends Span {
  readonly path?: string;
  readonly stepsBack?: readonly StepBack[];
}

/** An address, or a name, that a host is reached by. */
export interface HostAddress {
  readonly host: string;
  readonly address: string;
}

/** Why a record, or a part of a file, could not be read as its program's output. A closed list. */
export const REJECT_REASONS = ['no-header', 'too-long', 'bad-time', 'bad-json', 'bad-shape'] as const;

/** One of `REJECT_REASONS`. */
export type RejectReason = (typeof REJECT_REASONS)[number];
