import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { plural } from '../lib/units.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, completes, fails, VM } from './story.ts';
import { destinationOf, evidence, sourceOf, whereNow } from './words.ts';

/** The CPU features that a text of libvirt or QEMU names: the list behind `missing features:` (commas) or `required features:` (commas and blanks). */
/** The list behind `missing features:` (commas) or `required features:` (commas and blanks). */
export function missingFeatures(text: string): readonly string[] {
  const list = /(?:missing|required|forbidden|[Ee]xtra) features?: '?([\w.+-]+(?:, ?[\w.+-]+)*)/.exec(text)?.[1] ?? '';
  return list.split(/, ?/).filter((feature) => feature !== '');
}

/** libvirt tells the features only in the error; the model comes from the domain XML or QEMU's command line. */
function cpuOf({ sourceDomain, events }: Migration): string | null {
  const requested = events.flatMap(({ body }) => (body.kind === 'migrate-requested' && body.cpu !== null ? [body.cpu] : []));
  return requested[0] ?? sourceDomain?.cpu?.split(',')[0] ?? null;
}

function remediesFor(migration: Migration): readonly Remedy[] {
  const { vm } = migration;
  return [
    {
      what: `see which CPU the running VM has (on ${sourceOf(migration)})`,
      command: shell`virsh -c qemu:///system dumpxml --migratable ${vm} > ${vm}.xml`,
    },
    {
      what: 'compare it with another host before you migrate there; the VM stays where it is',
      command: shell`virsh -c qemu+ssh://OTHER-HOST/system hypervisor-cpu-compare --error ${vm}.xml`,
    },
    {
      what: 'then give the cluster one CPU model: in /etc/cloudstack/agent/agent.properties of every host, then restart cloudstack-agent, then stop and start the VM (a running VM keeps its CPU)',
      command: 'guest.cpu.mode=custom\nguest.cpu.model=THE-NEWEST-MODEL-THAT-ALL-HOSTS-REPORT-USABLE',
    },
  ];
}

function conclude(migration: Migration): Conclusion {
  const features = missingFeatures(migration.cause?.text ?? '');
  const destination = destinationOf(migration);
  const cpu = cpuOf(migration);
  const model = cpu === null ? '' : ` (${cpu})`;
  const lack =
    features.length === 0
      ? `${destination} cannot give the running VM its CPU${model}: ${migration.cause?.text ?? ''}.`
      : `${destination} lacks ${plural(features.length, 'CPU feature')} that the running VM${model} uses: ${features.join(', ')}.`;
  return {
    summary: `${lack} ${whereNow(migration)}`,
    severity: 'critical',
    confidence: migration.cause?.certainty ?? 'seen',
    from: migration.startedAt,
    to: migration.endedAt,
    evidence: evidence(migration.cause?.evidence ?? [], migration.outcomeEvidence),
    remedies: remediesFor(migration),
    discriminator: '',
  };
}

/** The destination's CPU, or its QEMU, cannot give the guest a CPU feature that it already uses. */
export const cpuIncompatible = defineDetector({
  id: 'cpu-incompatible',
  title: 'CPU of the destination is incompatible',
  severity: 'critical',
  subject: 'migration',
  limits: z.strictObject({}),
  detect: (migration) => (migration.cause?.kind === 'cpu-incompatible' ? [conclude(migration)] : []),
  fires: [
    {
      name: 'the destination misses two features of a host-model guest',
      events: [
        ...booted(),
        ...begins(),
        ...fails(5, "operation failed: guest CPU doesn't match specification: missing features: vaes,la57"),
      ],
      finds: /^kvm-b lacks 2 CPU features that the running VM \(qemu64\) uses: vaes, la57\. It runs on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'the wording of older libvirt',
      events: [
        ...booted(),
        ...begins(),
        ...fails(
          5,
          'unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f, avx512dq',
        ),
      ],
      finds: /lacks 2 CPU features .*: avx512f, avx512dq\./,
      severity: 'critical',
    },
  ],
  silent: [
    {
      name: 'a warning about a CPU feature in a migration that completes',
      events: [
        ...booted(),
        ...begins(),
        at(0.3, 'kvm-b', 'libvirt-qemu', {
          kind: 'qemu-message',
          vm: VM,
          level: 'warning',
          text: "host doesn't support requested feature: CPUID.07H:EBX.hle [bit 4]",
        }),
        ...completes(10, 40),
      ],
    },
    {
      name: 'a migration that fails for another reason',
      events: [...booted(), ...begins(), ...fails(5, "unable to connect to server at '10.0.0.2:16509': Connection refused")],
    },
  ],
});
