import { writeFileSync } from 'node:fs';

/** What an instance of a benchmark is told; all else is as by default. */
export interface BenchConfig {
  readonly data: string;
  /** As `collect.files`; other collectors are off. */
  readonly files: readonly Readonly<Record<string, unknown>>[];
  readonly [section: string]: unknown;
}

/** Days of tables for the generated logs, whose times are of one year: none of their rows is too old. */
export const LONG_DAYS = { lines: 20_000, events: 20_000, samples: 20_000, rejected: 20_000 } as const;

/** A file of the generated agent.log, however old it is. */
export function agentFile(path: string): Readonly<Record<string, unknown>> {
  return { path, source: 'cloudstack-agent', host: 'kvm-a', history: '36500d' };
}

/** Writes a configuration file; returns its path. */
export function writeConfig(path: string, { files, ...rest }: BenchConfig): string {
  const off = { virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, hostFacts: null };
  const config = { timezone: 'UTC+1', collect: { files, ...off }, api: { listen: '127.0.0.1:0' }, ...rest };
  // JSON is YAML
  writeFileSync(path, JSON.stringify(config));
  return path;
}
