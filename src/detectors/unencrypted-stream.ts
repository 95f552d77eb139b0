import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { bytes } from '../lib/units.ts';
import type { Event, MigrateRequested } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { HostHistory, Migration } from '../model/timeline.ts';
import { ofKind } from '../timeline/of-kind.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, completes, fails, VM, type StoryEvent } from './story.ts';
import { destinationOf, sourceOf } from './words.ts';

/** A migration that CloudStack asked for, and the line that says so. */
interface Sent {
  readonly migration: Migration;
  readonly requested: Event<MigrateRequested>;
}

/** Guest memory left the source: nothing else is worth a word. */
function isSent({ outcome, postcopyAt, samples }: Migration): boolean {
  return outcome === 'completed' || postcopyAt !== null || samples.some(({ body }) => (body.transferredBytes ?? 0) > 0);
}

/** The first migration from or to this host, by the other one. */
function firstBetween({ host, migrations }: HostHistory): ReadonlyMap<string, Sent> {
  const sent = migrations.filter(isSent).flatMap((migration): readonly Sent[] => {
    const [requested] = ofKind(migration.events, 'migrate-requested');
    return requested === undefined || !['tcp', 'tls'].includes(requested.body.transport) ? [] : [{ migration, requested }];
  });
  const other = ({ migration }: Sent): string => (migration.source === host ? destinationOf(migration) : sourceOf(migration));
  return new Map(sent.toReversed().map((one) => [other(one), one]));
}

/** Both hosts see both directions: one of them speaks, whichever way memory crossed first. */
function speaks(host: string, { migration: { source, destination } }: Sent): boolean {
  return destination === null || source === null || host === [source, destination].toSorted(inOrder)[0];
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function describe(host: string, other: string, { migration, requested }: Sent): string {
  const memory = migration.sourceDomain?.memoryBytes ?? migration.destinationDomain?.memoryBytes ?? 0;
  const size = memory === 0 ? '' : ` (${bytes(memory)})`;
  const control = requested.body.transport === 'tls' ? "; the TLS of qemu+tls covers libvirt's own connection only" : '';
  return `Memory of ${migration.vm}${size} crossed between ${host} and ${other} in plain TCP: CloudStack never asks libvirt for VIR_MIGRATE_TLS${control}.`;
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

/** It holds until somebody encrypts the network, of which no log tells. */
function conclude(host: string, other: string, first: Sent): Conclusion {
  const { migration, requested } = first;
  return {
    summary: describe(host, other, first),
    severity: 'info',
    confidence: 'follows',
    from: migration.startedAt,
    to: null,
    evidence: [requested],
    remedies: remediesFor(host, other, migration.source === host ? requested.body.address : other),
    discriminator: other,
  };
}

function overTls(events: readonly StoryEvent[]): readonly StoryEvent[] {
  return events.map((event) =>
    event.body.kind === 'migrate-requested' ? { ...event, body: { ...event.body, transport: 'tls' } } : event,
  );
}

/** CloudStack migrates without VIR_MIGRATE_TLS: the memory of its guests crosses the network in the clear. Advice, once for two hosts. */
export const unencryptedStream = defineDetector({
  id: 'unencrypted-stream',
  title: 'Guest memory crosses the network unencrypted',
  severity: 'info',
  subject: 'host',
  limits: z.strictObject({}),
  detect(history) {
    return [...firstBetween(history)]
      .filter(([, first]) => speaks(history.host, first))
      .map(([other, first]) => conclude(history.host, other, first));
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
