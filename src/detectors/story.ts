import { isoTime } from '../lib/units.ts';
import { NO_COUNTERS } from '../parsers/no-counters.ts';
import type { DomainStarted, EventBody, JobSample, ParsedEvent } from '../model/event.ts';
import type { Source } from '../model/source.ts';
import { buildTimelines, type Timelines } from '../timeline/build.ts';
import { placeInTime } from '../timeline/clock.ts';

/** One event of a story. */
export interface StoryEvent {
  /** After the story's beginning. */
  readonly seconds: number;
  readonly host: string;
  readonly source: Source;
  readonly body: EventBody;
}

/** The story's second 0: 2026-01-05 00:00:00 UTC. */
const STORY_START_MS = 1_767_571_200_000;

/** One event, at a second of the story: as in a table, when, where, in whose log, and what. */
export function at(seconds: number, host: string, source: Source, body: EventBody): StoryEvent {
  return { seconds, host, source, body };
}

/** Tells a story through the real timeline. */
export function tell(events: readonly StoryEvent[]): Timelines {
  const parsed = events.map(({ seconds, host, source, body }, line): ParsedEvent => {
    const ms = STORY_START_MS + Math.round(seconds * 1000);
    const file = { host, source, path: `${host}/${source}`, vm: null };
    return {
      body,
      origin: { file, line: line + 1, offset: line * 100, text: JSON.stringify(body), messageAt: 0, written: isoTime(ms) },
      stamp: { ms, clock: 'utc', missing: 'nothing' },
    };
  });
  const spans = parsed.flatMap(({ origin, stamp }) =>
    stamp === null ? [] : [{ host: origin.file.host, source: origin.file.source, first: stamp, last: stamp, modifiedAt: 0 }],
  );
  const placed = placeInTime(parsed, spans, { all: null, hosts: new Map() });
  const files = spans.map(({ host, source }) => ({ host, source }));
  return buildTimelines(placed.events, { files, clocks: placed.clocks, ends: placed.ends, addresses: [] });
}

/** The VM of the ready-made pieces below, which moves from `kvm-a` to `kvm-b`. */
export const VM = 'i-2-10-VM';

/** Its only MAC address. */
export const MAC = '02:00:00:00:00:0a';

const started = {
  uuid: null,
  macs: [MAC],
  machine: 'pc-i440fx-7.2',
  cpu: 'qemu64',
  memoryBytes: 1 << 30,
  libvirtVersion: '9.0.0',
  qemuVersion: '7.2.22',
  hostname: null,
} as const;

/** libvirt starts a QEMU of the VM: a new one, or with `incoming` one that waits for a migration. */
export function starts(seconds: number, host: string, changes: Partial<DomainStarted> = {}): StoryEvent {
  return at(seconds, host, 'libvirt-qemu', { kind: 'domain-started', vm: VM, incoming: false, ...started, ...changes });
}

/** The VM's QEMU on a host ends. */
export function stops(seconds: number, host: string, reason: string): StoryEvent {
  return at(seconds, host, 'libvirt-qemu', { kind: 'domain-stopped', vm: VM, reason });
}

/** The VM is started on kvm-a long before: its address is known to the network. */
export function booted(): readonly StoryEvent[] {
  return [
    at(-60, 'kvm-a', 'libvirt-qemu', { kind: 'domain-started', vm: VM, incoming: false, ...started }),
    at(-58, 'switch', 'tcpdump', { kind: 'frame-seen', mac: MAC }),
    at(-58, 'switch', 'bridge-fdb', { kind: 'forwarding-changed', mac: MAC, port: 'upa', deleted: false }),
  ];
}

/** CloudStack asks for a migration from kvm-a to kvm-b at second 0; both sides begin. */
export function begins(): readonly StoryEvent[] {
  return [
    at(0, 'kvm-a', 'cloudstack-agent', {
      kind: 'migrate-requested',
      vm: VM,
      address: '10.0.0.2',
      transport: 'tcp',
      uuid: null,
      macs: [MAC],
      cpu: 'qemu64',
    }),
    at(0.2, 'kvm-b', 'libvirt-qemu', { kind: 'domain-started', vm: VM, incoming: true, ...started }),
    at(0.5, 'kvm-a', 'libvirt-qemu', { kind: 'migrate-initiated', vm: VM, resumed: false }),
  ];
}

/** It completes: the source's QEMU ends, the client hears, the destination's statistics name the downtime. */
export function completes(seconds: number, downtimeMs: number): readonly StoryEvent[] {
  return [
    at(seconds - 1.5, 'kvm-a', 'libvirt-qemu', { kind: 'domain-stopped', vm: VM, reason: 'migrated' }),
    at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-thread-ended', vm: VM }),
    at(seconds + 0.1, 'kvm-b', 'domjobinfo', {
      kind: 'job-completed',
      vm: VM,
      direction: 'incoming',
      elapsedMs: null,
      downtimeMs,
      passes: 3,
      transferredBytes: null,
      totalBytes: null,
    }),
  ];
}

/** QEMU announces the guest on its new host, shortly before the source's QEMU ends. */
export function announces(seconds: number): readonly StoryEvent[] {
  return [0, 0.05, 0.2, 0.45, 0.8].map((delay) =>
    at(seconds - 1.6 + delay, 'switch', 'tcpdump', { kind: 'announced', mac: MAC, how: 'rarp' }),
  );
}

/** The client hears an error of libvirt, and the incoming QEMU ends. */
export function fails(seconds: number, text: string, reason = 'failed'): readonly StoryEvent[] {
  return [
    at(seconds - 0.1, 'kvm-b', 'libvirt-qemu', { kind: 'domain-stopped', vm: VM, reason }),
    at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-thread-ended', vm: VM }),
    at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-error', vm: VM, text }),
  ];
}

/** Counters of the running job, bytes and bytes per second. */
export function sample(seconds: number, counters: Partial<JobSample>): StoryEvent {
  return at(seconds, 'kvm-a', 'domjobinfo', {
    kind: 'job-sample',
    vm: VM,
    monitor: null,
    direction: 'outgoing',
    status: 'active',
    ...NO_COUNTERS,
    elapsedMs: Math.round(seconds * 1000),
    totalBytes: 1 << 30,
    ...counters,
  });
}

/** libvirt on the source says that post-copy broke. */
export function breaksInPostcopy(seconds: number): StoryEvent {
  const text = `Migration of domain ${VM} failed during post-copy; leaving the domain paused`;
  return at(seconds, 'kvm-a', 'libvirtd', { kind: 'daemon-message', level: 'warning', vm: VM, text });
}

/**
 * Counters once a second of a guest that writes `rate` bytes per second over `workingSet` bytes while `bandwidth` is carried,
 * until `seconds`, or until the rest fits a downtime of 300 ms.
 */
export function copies(
  seconds: number,
  { rate, workingSet, bandwidth }: { readonly rate: number; readonly workingSet: number; readonly bandwidth: number },
): readonly StoryEvent[] {
  const events: StoryEvent[] = [];
  // QEMU ends a pass when the rest would fit 300 ms; it looks every 100 ms
  const leftover = bandwidth * 0.25;
  let pass = { number: 1, from: 0, size: 1 << 30, copiedBefore: 0, dirtyRate: null as number | null };
  for (let second = 1; second <= seconds; second += 1) {
    for (let took = (pass.size - leftover) / bandwidth; pass.from + took < second; took = (pass.size - leftover) / bandwidth) {
      const dirtied = Math.min(workingSet, rate * took);
      const size = Math.max(dirtied, Math.min(workingSet, dirtied + leftover));
      pass = {
        number: pass.number + 1,
        from: pass.from + took,
        size,
        copiedBefore: pass.copiedBefore + pass.size - leftover,
        dirtyRate: (size - leftover) / took,
      };
      if (size < bandwidth * 0.35) return events;
    }
    const copied = (second - pass.from) * bandwidth;
    const total = pass.copiedBefore + copied;
    events.push(
      sample(second, {
        pass: pass.number,
        remainingBytes: pass.size - copied,
        copiedBytes: total,
        transferredBytes: total,
        dirtyRateBytesPerSecond: pass.dirtyRate,
        bandwidthBytesPerSecond: bandwidth,
      }),
    );
  }
  return events;
}
