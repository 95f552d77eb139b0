import { z } from 'zod';
import { duration } from '../lib/duration.ts';
import { SOURCES } from '../model/source.ts';
import { zoneNamed } from '../timeline/zone.ts';

const MAX_PORT = 65_535;
const LISTEN_WORDS = 'an address and a port: 127.0.0.1:8470 or [::1]:8470';

/** `address:port`; port 0 takes any that is free. */
export const listenAddress = z
  .string({ error: LISTEN_WORDS })
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^\s:[\]]+):\d{1,5}$/, { error: LISTEN_WORDS })
  .refine((text) => !(portOf(text) > MAX_PORT), { error: `a port from 0 to ${MAX_PORT}` });

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** The zone of local times: `Europe/Berlin`, `UTC`, `UTC+5:30`. */
export const timeZone = z
  .string()
  .refine((name) => zoneNamed(name) !== null, { error: 'a time zone like Europe/Berlin, or an offset like UTC+5:30' });

/** A log file, or many of one kind, to follow. */
export const fileOptions = z.strictObject({
  path: z.string().startsWith('/').describe('Absolute path; `*`, `?` and `**` match several files.'),
  source: z.enum(SOURCES).describe('The program that writes it.'),
  timezone: timeZone.nullable().default(null).describe("IANA zone of its local times; null: this machine's."),
  host: z.string().nullable().default(null).describe('The host that wrote it; null: this machine.'),
  history: duration
    .default('7d')
    .describe('Where a log is seen for the first time, it and the files it was rotated into are read if written to this lately.'),
});

/** Job statistics and domain events from libvirt. */
export const virshOptions = z.strictObject({
  uri: z.string().default('qemu:///system').describe('Connection to libvirt.'),
  every: duration.default('1s').describe('How often statistics of migrating VMs are asked for.'),
  timeout: duration.default('5s').describe('Answers later than this are a sign that libvirtd hangs.'),
});

/** Temperatures from lm-sensors. */
export const sensorsOptions = z.strictObject({
  every: duration.default('10s').describe('How often `sensors` runs.'),
});

/** Announcements on the network: tcpdump, and the bridges' forwarding tables. */
export const arpOptions = z.strictObject({
  interfaces: z.array(z.string().min(1)).default(['cloudbr0']).describe('Bridges to listen on.'),
});

/** Age of CloudStack's heartbeat files on primary storage. */
export const heartbeatOptions = z.strictObject({
  pools: z
    .union([z.literal('auto'), z.array(z.string().startsWith('/'))])
    .default('auto')
    .describe('Mount points of the pools; `auto`: every mount that has a KVMHA folder.'),
  every: duration.default('1s').describe('How often the age is read.'),
  probe: z.boolean().default(false).describe('Also write, and measure fsync, to a file of our own (`KVMHA/precopy-<host>`).'),
});

/** Messages of the kernel and of daemons from the journal. */
export const journalOptions = z.strictObject({
  units: z.array(z.string().min(1)).default(['libvirtd', 'virtqemud', 'kernel', 'heartbeat']).describe('Units, and `kernel`.'),
});

/** Messages of switches. */
export const syslogOptions = z.strictObject({
  listen: listenAddress.default('127.0.0.1:5514').describe('UDP and TCP.'),
});

/** Versions, CPU features and settings of this host. */
export const hostFactsOptions = z.strictObject({
  every: duration.default('5min').describe('How often they are looked at; they are stored at start and where they changed.'),
});

/** All that collectors of one machine read; `null` turns one off. */
export const collectOptions = z.strictObject({
  files: z
    .array(fileOptions)
    .default([
      { path: '/var/log/cloudstack/agent/agent.log', source: 'cloudstack-agent', timezone: null, host: null, history: '7d' },
      { path: '/var/log/libvirt/qemu/*.log', source: 'libvirt-qemu', timezone: null, host: null, history: '7d' },
      { path: '/var/log/libvirt/libvirtd.log', source: 'libvirtd', timezone: null, host: null, history: '7d' },
      { path: '/var/log/libvirt/virtqemud.log', source: 'libvirtd', timezone: null, host: null, history: '7d' },
    ])
    .describe('Log files to follow, also through rotation.'),
  virsh: virshOptions.nullable().prefault({}).describe('Job statistics and domain events from libvirt.'),
  sensors: sensorsOptions.nullable().prefault({}).describe('Temperatures from lm-sensors.'),
  arp: arpOptions.nullable().prefault({}).describe("Announcements on the network: tcpdump, and the bridges' forwarding tables."),
  heartbeat: heartbeatOptions.nullable().prefault({}).describe("Age of CloudStack's heartbeat files on primary storage."),
  journal: journalOptions.nullable().prefault({}).describe('Messages of the kernel and of daemons from the journal.'),
  syslog: syslogOptions.nullable().default(null).describe('Messages of switches.'),
  hostFacts: hostFactsOptions.nullable().prefault({}).describe('Versions, CPU features and settings of this host.'),
});

/** One log file, or many of one kind. */
export type FileOptions = z.infer<typeof fileOptions>;
/** See `virshOptions`. */
export type VirshOptions = z.infer<typeof virshOptions>;
/** See `sensorsOptions`. */
export type SensorsOptions = z.infer<typeof sensorsOptions>;
/** See `arpOptions`. */
export type ArpOptions = z.infer<typeof arpOptions>;
/** See `heartbeatOptions`. */
export type HeartbeatOptions = z.infer<typeof heartbeatOptions>;
/** See `journalOptions`. */
export type JournalOptions = z.infer<typeof journalOptions>;
/** See `syslogOptions`. */
export type SyslogOptions = z.infer<typeof syslogOptions>;
/** See `hostFactsOptions`. */
export type HostFactsOptions = z.infer<typeof hostFactsOptions>;
/** See `collectOptions`. */
export type CollectOptions = z.infer<typeof collectOptions>;
