import { z } from 'zod';
import { duration } from '../lib/units.ts';
import type { Event } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { destinationRemedies, givingUp, whoStopped } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, breaksInPostcopy, completes, fails, sample, stops, VM, type StoryEvent } from './story.ts';
import { afterTime, proof, verdict, whereCheck } from './verdict.ts';
import { destinationOf, evidence, whereNow } from './words.ts';

/** The end of the destination's QEMU, by libvirt. */
function endOf({ events, destination }: Migration): Event | null {
  return events.find(({ body, origin }) => body.kind === 'domain-stopped' && origin.file.host === destination) ?? null;
}

/** After a cancel the destination's QEMU ends in the same way; only the source's side tells them apart. */
function isSourceSeen({ source, events }: Migration): boolean {
  return source !== null && events.some(({ origin }) => origin.file.host === source);
}

function isDestroyed(end: Event | null): boolean {
  return end?.body.kind === 'domain-stopped' && end.body.reason === 'destroyed';
}

function how(migration: Migration, end: Event | null): string {
  if (isDestroyed(end))
    return `was destroyed from outside while it received the VM; the migration failed ${afterTime(migration)}`;
  const reason = end?.body.kind === 'domain-stopped' ? ` (libvirt: reason=${end.body.reason})` : '';
  const signal = migration.events.flatMap(({ body, origin }) =>
    body.kind === 'qemu-terminated' && origin.file.host === migration.destination ? [` on signal ${body.signal}`] : [],
  );
  return `died${signal[0] ?? ''} without a word${reason} while it received the VM; the migration failed ${afterTime(migration)}`;
}

function remediesFor(migration: Migration, end: Event | null): readonly Remedy[] {
  const cause: readonly Remedy[] = isDestroyed(end)
    ? [whoStopped(destinationOf(migration), migration.vm)]
    : destinationRemedies(migration);
  return [
    whereCheck(migration),
    ...cause,
    migration.postcopyAt === null
      ? { what: 'then migrate again, to another host if this one has a fault', command: null }
      : givingUp(migration),
  ];
}

function conclude(migration: Migration): Conclusion {
  const end = endOf(migration);
  const lost =
    migration.postcopyAt === null
      ? ''
      : ' The guest already ran there (post-copy), so what it wrote to memory since then is lost: it cannot go on from the copy on the source, and has to be started anew.';
  return {
    ...verdict(migration),
    summary: `The QEMU of ${migration.vm} on ${destinationOf(migration)} ${how(migration, end)}.${lost} ${whereNow(migration)}`,
    severity: 'critical',
    evidence: proof(migration, migration.cause?.evidence ?? [], end === null ? [] : [end]),
    remedies: remediesFor(migration, end),
  };
}

/** The source's QEMU ends a little before the client hears; one that ends later left in a later migration. */
const JITTER_MS = 2000;

const limits = z.strictObject({
  soonMs: z
    .int()
    .min(0)
    .default(60_000)
    .describe('crash this soon after the VM arrived, ms, that is tied to the migration; later it is one of a VM that ran there'),
});

/** The crash of a guest that had just arrived, if it is that of this migration and not of a later one. */
function crashOnArrival({ after, outcome, source, destination, endedAt }: Migration, soonMs: number): Event | null {
  if (outcome !== 'completed' || endedAt === null) return null;
  const left = after.find(({ host }) => host === source)?.evidence ?? [];
  if (left.some(({ at: leftAt }) => leftAt > endedAt + JITTER_MS)) return null;
  const there = after.find(({ host, state }) => host === destination && state === 'absent');
  const crash = there?.evidence.find(({ body }) => body.kind === 'domain-stopped' && body.reason === 'crashed');
  return crash === undefined || crash.at > endedAt + soonMs ? null : crash;
}

function concludeLost(migration: Migration, crash: Event): Conclusion {
  const { vm, endedAt } = migration;
  const ms = Math.max(0, crash.at - (endedAt ?? crash.at));
  return {
    ...verdict(migration),
    summary: `The QEMU of ${vm} on ${destinationOf(migration)} ended ${duration(ms)} after the VM had arrived there (libvirt: reason=crashed): it, or the guest, crashed. ${whereNow(migration)}`,
    severity: 'critical',
    confidence: 'seen',
    to: crash.at,
    evidence: evidence([crash], migration.outcomeEvidence),
    remedies: [
      whereCheck(migration),
      ...destinationRemedies(migration),
      { what: `where it runs nowhere: start ${vm} in CloudStack, unless HA does so already`, command: null },
    ],
  };
}

/** libvirt on the destination loses its QEMU, and the client hears of a broken stream. */
function dies(seconds: number): readonly StoryEvent[] {
  return [
    at(seconds, 'kvm-b', 'libvirtd', {
      kind: 'daemon-message',
      level: 'error',
      vm: VM,
      text: 'internal error: qemu unexpectedly closed the monitor',
    }),
    ...fails(
      seconds + 0.2,
      "operation failed: job 'migration out' failed: Unable to write to socket: Bad file descriptor",
      'crashed',
    ),
  ];
}

/** The QEMU that received the VM went away. */
export const destinationDied = defineDetector({
  id: 'destination-died',
  title: 'QEMU of the destination died',
  severity: 'critical',
  subject: 'migration',
  limits,
  detect(migration, { soonMs }) {
    const crash = crashOnArrival(migration, soonMs);
    if (crash !== null) return [concludeLost(migration, crash)];
    return migration.cause?.kind === 'destination-died' && isSourceSeen(migration) ? [conclude(migration)] : [];
  },
  fires: [
    {
      name: 'it is killed: the stream breaks at once, the VM stays on the source',
      events: [...booted(), ...begins(), ...dies(8)],
      finds:
        /^The QEMU of i-2-10-VM on kvm-b died without a word \(libvirt: reason=crashed\) while it received the VM; the migration failed after 8\.2 s\. It runs on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'somebody destroys the VM there',
      events: [
        ...booted(),
        ...begins(),
        stops(8, 'kvm-b', 'destroyed'),
        ...fails(8.3, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe").slice(1),
      ],
      finds: /was destroyed from outside while it received the VM; the migration failed after 8\.3 s\./,
      severity: 'critical',
    },
    {
      name: 'in post-copy the guest is lost',
      events: [...booted(), ...begins(), sample(6, { status: 'postcopy-active' }), breaksInPostcopy(8.1), ...dies(8)],
      finds: /has to be started anew\. It is paused on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'it crashes seconds after the VM has arrived: the migration completed, and the VM is lost',
      events: [...booted(), ...begins(), ...completes(10, 40), stops(55, 'kvm-b', 'crashed')],
      finds:
        /^The QEMU of i-2-10-VM on kvm-b ended 45 s after the VM had arrived there \(libvirt: reason=crashed\): it, or the guest, crashed\. It runs on none of these hosts/,
      severity: 'critical',
    },
  ],
  silent: [
    {
      name: 'it crashes two minutes after the VM has arrived: that is a VM like any other',
      events: [...booted(), ...begins(), ...completes(10, 40), stops(130, 'kvm-b', 'crashed')],
    },
    {
      name: 'the VM is shut down seconds after it has arrived',
      events: [...booted(), ...begins(), ...completes(10, 40), stops(15, 'kvm-b', 'shutdown')],
    },
    {
      name: 'the agent that drives it ended: the destination ends its QEMU for want of a client',
      events: [
        ...booted(),
        ...begins(),
        at(20, 'kvm-a', 'cloudstack-agent', { kind: 'agent-ended', reason: 'sig.kill' }),
        ...fails(20.6, 'x', 'destroyed').slice(0, 1),
        at(20.7, 'kvm-a', 'libvirtd', {
          kind: 'daemon-message',
          level: 'error',
          vm: null,
          text: "operation failed: job 'migration out' failed: Unable to write to socket: Connection reset by peer",
        }),
      ],
    },
    {
      name: "the destination's daemon hung, and ends its QEMU for want of a client; no log is of the agent's",
      events: [
        ...booted(),
        ...begins().slice(1),
        at(66, 'kvm-a', 'libvirt-qemu', {
          kind: 'qemu-message',
          vm: VM,
          level: 'error',
          text: 'failed to save SaveStateEntry with id(name): 2(ram): -5',
        }),
        at(66, 'kvm-a', 'libvirtd', {
          kind: 'daemon-message',
          level: 'error',
          vm: null,
          text: "operation failed: job 'migration out' failed: Channel error: Input/output error",
        }),
        stops(68, 'kvm-b', 'destroyed'),
      ],
    },
    {
      name: 'peer to peer, the source loses the destination, which then ends its QEMU for want of a client',
      events: [
        ...booted(),
        ...begins(),
        at(33, 'kvm-a', 'cloudstack-agent', {
          kind: 'migrate-error',
          vm: VM,
          text: 'operation failed: Lost connection to destination host',
        }),
        stops(33.8, 'kvm-b', 'destroyed'),
      ],
    },
    {
      name: 'after a cancel the incoming QEMU ends as crashed too',
      events: [...booted(), ...begins(), ...fails(9, "operation aborted: job 'migration out' canceled by client", 'crashed')],
    },
    {
      name: 'QEMU refuses a device and says so',
      events: [
        ...booted(),
        ...begins(),
        at(4, 'kvm-b', 'libvirt-qemu', {
          kind: 'qemu-message',
          vm: VM,
          level: 'error',
          text: 'Features 0x10130afffa7 unsupported. Allowed features: 0x10179bf7fe7',
        }),
        ...fails(5, 'internal error: qemu unexpectedly closed the monitor', 'crashed'),
      ],
    },
    {
      name: 'the network is cut: the destination ends its QEMU long before the source notices',
      events: [
        ...booted(),
        ...begins(),
        stops(37.5, 'kvm-b', 'destroyed'),
        ...fails(60, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe").slice(1),
      ],
    },
    {
      name: "only the destination's logs are there: it may have been a cancel",
      events: [...begins().slice(1, 2), ...dies(8).filter(({ host }) => host === 'kvm-b')],
    },
    {
      name: 'the VM is shut down on its new host later',
      events: [...booted(), ...begins(), ...completes(10, 40), stops(500, 'kvm-b', 'shutdown')],
    },
  ],
});
