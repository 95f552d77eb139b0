import { z } from 'zod';
import type { DomainStarted } from '../model/event.ts';
import type { Conclusion } from '../model/finding.ts';
import type { Cause, Migration } from '../model/timeline.ts';
import { versionRemedies } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, completes, fails, starts, VM, type StoryEvent } from './story.ts';
import { proof, quoted, verdict } from './verdict.ts';
import { destinationOf, sourceOf, whereNow } from './words.ts';

/** The two QEMUs of a migration say different versions in their start banners. */
function versionsDiffer({ sourceDomain, destinationDomain }: Migration): boolean {
  const [from, to] = [sourceDomain?.qemuVersion ?? null, destinationDomain?.qemuVersion ?? null];
  return from !== null && to !== null && from !== to;
}

/** A refused device alone may be the kernel's or the configuration's fault; with different QEMUs it is theirs. */
function isMismatch(migration: Migration, { kind }: Cause): boolean {
  return kind === 'version-or-machine-mismatch' || (kind === 'device-state-rejected' && versionsDiffer(migration));
}

/** `kvm-b (QEMU 5.2.0, libvirt 7.0.0)`, as far as its start banner tells. */
function named(host: string, domain: DomainStarted | null): string {
  const { qemuVersion = null, libvirtVersion = null } = domain ?? {};
  const versions = [
    qemuVersion === null ? [] : `QEMU ${qemuVersion}`,
    libvirtVersion === null ? [] : `libvirt ${libvirtVersion}`,
  ].flat();
  return versions.length === 0 ? host : `${host} (${versions.join(', ')})`;
}

function machineOf({ vm, sourceDomain, destinationDomain }: Migration): string {
  const machine = sourceDomain?.machine ?? destinationDomain?.machine ?? null;
  return machine === null ? vm : `${vm}, a ${machine} machine`;
}

function conclude(migration: Migration, cause: Cause): Conclusion {
  const { sourceDomain, destinationDomain, events } = migration;
  const refuses = `${named(destinationOf(migration), destinationDomain)} does not accept ${machineOf(migration)}, from ${named(sourceOf(migration), sourceDomain)}`;
  const banners = events.filter(({ body }) => body.kind === 'domain-started');
  return {
    ...verdict(migration),
    summary: `${refuses}: ${quoted(cause.text)}. ${whereNow(migration)}`,
    severity: 'critical',
    confidence: cause.kind === 'device-state-rejected' ? 'follows' : cause.certainty,
    evidence: proof(migration, cause.evidence.slice(0, 3), banners),
    remedies: versionRemedies(migration),
  };
}

const old = { qemuVersion: '5.2.0', libvirtVersion: '7.0.0' } as const;

/** Both sides begin, the destination with an older QEMU. */
function beginsOnOlder(): readonly StoryEvent[] {
  return [...begins().filter(({ body }) => body.kind !== 'domain-started'), starts(0.2, 'kvm-b', { incoming: true, ...old })];
}

function refusesDevice(): readonly StoryEvent[] {
  return [
    at(4, 'kvm-b', 'libvirt-qemu', {
      kind: 'qemu-message',
      vm: VM,
      level: 'error',
      text: "error while loading state for instance 0x0 of device '0000:00:02.0/virtio-net'",
    }),
    ...fails(5, 'internal error: qemu unexpectedly closed the monitor', 'crashed'),
  ];
}

/** QEMU, libvirt or the machine type of the two hosts do not fit together. */
export const versionMismatch = defineDetector({
  id: 'version-mismatch',
  title: 'Versions of the hosts do not fit together',
  severity: 'critical',
  subject: 'migration',
  limits: z.strictObject({}),
  detect: (migration) =>
    migration.cause !== null && isMismatch(migration, migration.cause) ? [conclude(migration, migration.cause)] : [],
  fires: [
    {
      name: 'the destination does not know the machine type',
      events: [
        ...booted(),
        ...beginsOnOlder(),
        ...fails(
          1,
          'internal error: process exited while connecting to monitor: qemu-system-x86_64: -machine pc-i440fx-7.2: unsupported machine type',
        ),
      ],
      finds:
        /^kvm-b \(QEMU 5\.2\.0, libvirt 7\.0\.0\) does not accept i-2-10-VM, a pc-i440fx-7\.2 machine, from kvm-a \(QEMU 7\.2\.22, libvirt 9\.0\.0\): .*unsupported machine type"\. It runs on kvm-a/,
      severity: 'critical',
    },
    {
      name: "the destination's libvirt does not find the machine type among those of its QEMU",
      events: [
        ...booted(),
        ...begins().slice(0, 1),
        ...fails(
          0.2,
          "unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support machine type 'pc-i440fx-7.2'",
        ).slice(1),
      ],
      finds:
        /^10\.0\.0\.2 does not accept i-2-10-VM, a pc-i440fx-7\.2 machine, .* does not support machine type 'pc-i440fx-7\.2'"\./,
      severity: 'critical',
    },
    {
      name: 'a device of a newer QEMU is refused',
      events: [...booted(), ...beginsOnOlder(), ...refusesDevice()],
      finds: /QEMU 5\.2\.0.*QEMU 7\.2\.22.*virtio-net/,
      severity: 'critical',
    },
    {
      name: 'libvirt finds that the two configurations differ',
      events: [
        ...booted(),
        ...begins(),
        ...fails(1, 'unsupported configuration: Target network card MTU 1500 does not match source 9000'),
      ],
      finds: /Target network card MTU 1500 does not match source 9000/,
      severity: 'critical',
    },
  ],
  silent: [
    {
      name: 'a migration between different versions that completes',
      events: [...booted(), ...beginsOnOlder(), ...completes(10, 40)],
    },
    { name: 'a device refused between equal versions', events: [...booted(), ...begins(), ...refusesDevice()] },
    {
      name: 'a migration between different versions that fails for another reason',
      events: [
        ...booted(),
        ...beginsOnOlder(),
        ...fails(5, "unable to connect to server at '10.0.0.2:49152': Connection refused"),
      ],
    },
  ],
});
