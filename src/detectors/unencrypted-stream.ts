import { groupBy } from '../lib/group.ts';
import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { bytes, listed, plural } from '../lib/units.ts';
import type { Event, MigrateRequested } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { HostHistory, Migration } from '../model/timeline.ts';
import { ofKind } from '../timeline/of-kind.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, completes, fails, sample, VM, type StoryEvent } from './story.ts';
import { destinationOf, evidence, sourceOf } from './words.ts';

/** VMs named in the sentence; the rest are counted. */
const NAMED = 3;

/** A migration that CloudStack asked for, and the line that says so. */
interface Sent {
  readonly migration: Migration;
  readonly requested: Event<MigrateRequested>;
}

/** Guest memory left the source: nothing else is worth a word. */
function isSent({ outcome, postcopyAt, samples }: Migration): boolean {
  return outcome === 'completed' || postcopyAt !== null || samples.some(({ body }) => (body.transferredBytes ?? 0) > 0);
}

/** Migrations from or to this host, by the other one. */
function sentBetween({ host, migrations }: HostHistory): ReadonlyMap<string, readonly Sent[]> {
  const sent = migrations.filter(isSent).flatMap((migration): readonly Sent[] => {
    const [requested] = ofKind(migration.events, 'migrate-requested');
    return requested === undefined || !['tcp', 'tls'].includes(requested.body.transport) ? [] : [{ migration, requested }];
  });
  return groupBy(sent, ({ migration }) => (migration.source === host ? destinationOf(migration) : sourceOf(migration)));
}

function describe(host: string, destination: string, sent: readonly Sent[]): string {
  // one that migrated thrice has no more memory than before
  const sizes = new Map(
    sent.map(({ migration: { vm, sourceDomain, destinationDomain } }) => [
      vm,
      sourceDomain?.memoryBytes ?? destinationDomain?.memoryBytes ?? 0,
    ]),
  );
  const names = sizes.size > NAMED ? plural(sizes.size, 'VM') : listed([...sizes.keys()]);
  const memory = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const size = memory === 0 ? '' : ` (${bytes(memory)})`;
  const control = sent.some(({ requested }) => requested.body.transport === 'tls')
    ? "; the TLS of qemu+tls covers libvirt's own connection only"
    : '';
  return `Memory of ${names}${size} crossed between ${host} and ${destination} in plain TCP: CloudStack never asks libvirt for VIR_MIGRATE_TLS${control}.`;
}

function remediesFor(host: string, destination: string, address: string): readonly Remedy[] {
  return [
    {
      what: `see on ${host} by which network it reaches ${destination}; touches no guest`,
      command: shell`ip route get ${address}`,
    },
    {
      what: 'keep that network to the hosts alone (a VLAN of its own), or encrypt it below QEMU (MACsec, IPsec, WireGuard); the guests notice nothing',
      command: null,
    },
    {
      what: 'do not set migrate_tls_force=1 in /etc/libvirt/qemu.conf: libvirt then refuses every migration of CloudStack; see whether it is set, touches no guest',
      command: 'grep -n migrate_tls /etc/libvirt/qemu.conf',
    },
  ];
}

function conclude(host: string, destination: string, sent: readonly Sent[]): Conclusion {
  return {
    summary: describe(host, destination, sent),
    severity: 'info',
    confidence: 'follows',
    from: Math.min(...sent.map(({ migration }) => migration.startedAt)),
    to: Math.max(...sent.map(({ migration }) => migration.lastSeenAt)),
    evidence: evidence(sent.map(({ requested }) => requested)).slice(0, 3),
    remedies: remediesFor(host, destination, sent[0]?.requested.body.address ?? destination),
    discriminator: destination,
  };
}

function overTls(events: readonly StoryEvent[]): readonly StoryEvent[] {
  return events.map((event) =>
    event.body.kind === 'migrate-requested' ? { ...event, body: { ...event.body, transport: 'tls' } } : event,
  );
}

const canceled = "operation aborted: job 'migration out' canceled by client";

/** CloudStack migrates without VIR_MIGRATE_TLS: the memory of its guests crosses the network in the clear. Advice, once for two hosts. */
export const unencryptedStream = defineDetector({
  id: 'unencrypted-stream',
  title: 'Guest memory crosses the network unencrypted',
  severity: 'info',
  subject: 'host',
  limits: z.strictObject({}),
  detect(history) {
    // both hosts see both directions: the first to send speaks
    return [...sentBetween(history)]
      .filter(([, sent]) => sent[0]?.migration.source === history.host)
      .map(([other, sent]) => conclude(history.host, other, sent));
  },
  fires: [
    {
      name: 'a migration over qemu+tcp',
      events: [...booted(), ...begins(), ...completes(10, 60)],
      finds:
        /^Memory of i-2-10-VM \(1 GiB\) crossed between kvm-a and kvm-b in plain TCP: CloudStack never asks libvirt for VIR_MIGRATE_TLS\.$/,
      severity: 'info',
    },
    {
      name: 'tried twice: the memory of the VM is counted once',
      events: [
        ...booted(),
        ...[0, 100].flatMap((later) =>
          [...begins(), sample(3, { transferredBytes: 1e8 }), ...fails(5, canceled)].map((one) => ({
            ...one,
            seconds: one.seconds + later,
          })),
        ),
      ],
      finds: /^Memory of i-2-10-VM \(1 GiB\) crossed/,
      severity: 'info',
    },
    {
      name: 'TLS of the control connection does not help',
      events: overTls([...booted(), ...begins(), ...completes(10, 60)]),
      finds: /; the TLS of qemu\+tls covers libvirt's own connection only\.$/,
      severity: 'info',
    },
  ],
  silent: [
    {
      name: 'refused before any memory was sent',
      events: [
        ...booted(),
        ...begins(),
        ...fails(5, "operation failed: guest CPU doesn't match specification: missing features: vaes,la57"),
      ],
    },
    {
      name: 'somebody else migrated it, who may have asked for TLS',
      events: [...booted(), ...begins(), ...completes(10, 60)].filter(({ body }) => body.kind !== 'migrate-requested'),
    },
    {
      name: 'libvirt insists on TLS and refuses',
      events: [
        ...booted(),
        ...begins().slice(0, 1),
        at(1, 'kvm-a', 'cloudstack-agent', {
          kind: 'migrate-error',
          vm: VM,
          text: 'Requested operation is not valid: this libvirtd instance allows migration only with VIR_MIGRATE_TLS flag',
        }),
      ],
    },
  ],
});
