import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { clockTime, duration } from '../lib/units.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration, TakenUp } from '../model/timeline.ts';
import { givingUp, isWhole, recovery } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, breaksInPostcopy, completes, fails, sample, stops, VM, type StoryEvent } from './story.ts';
import { afterTime, journey, proof, verdict, whereCheck } from './verdict.ts';
import { destinationOf, sourceOf, whereNow } from './words.ts';

/** When it switched: the first sign of it, unless that is already the message that it broke. */
function switched({ postcopyEvidence, postcopyAt, startedAt, takesUp, outcome }: Migration): string {
  if (takesUp) return `${outcome === 'failed' ? 'was to take up' : 'took up'} one that had broken in post-copy`;
  const [first] = postcopyEvidence;
  const told = first !== undefined && 'status' in first.body;
  return told && postcopyAt !== null
    ? `switched to post-copy ${duration(Math.max(0, postcopyAt - startedAt))} after its beginning`
    : 'had switched to post-copy (when is not in these logs)';
}

function ending(migration: Migration): string {
  const { outcome, endedAt, takenUp, takesUp } = migration;
  const from = sinceOf(migration);
  if (outcome === 'completed')
    return `It ended well${endedAt === null ? '' : `, ${duration(Math.max(0, endedAt - from))} later`}`;
  if (outcome === 'running') return 'It is still under way';
  return outcome === 'unknown'
    ? 'How it ended is not in these logs'
    : `It broke ${afterTime(migration)}${takesUp ? '' : ' in all'}, before all memory had been copied${takenUp === null ? '' : wentOn(takenUp)}`;
}

function wentOn({ at: resumedAt, completedAt }: TakenUp): string {
  const taken = resumedAt === null ? '' : `; it was taken up again at ${clockTime(resumedAt)} UTC`;
  if (completedAt === null) return taken;
  return `${taken === '' ? '; yet the rest was copied after that' : taken}, and all of it was on the destination at ${clockTime(completedAt)} UTC`;
}

/** Since when it is in post-copy. */
function sinceOf({ postcopyAt, startedAt, takesUp }: Migration): number {
  return takesUp ? startedAt : (postcopyAt ?? startedAt);
}

function remediesFor(migration: Migration): readonly Remedy[] {
  const { vm, outcome, cause } = migration;
  if (outcome === 'running')
    return [
      {
        what: `let it finish; do not abort or restart anything on ${sourceOf(migration)} and ${destinationOf(migration)}. Watch what remains`,
        command: shell`virsh domjobinfo ${vm}`,
      },
    ];
  if (outcome === 'completed')
    return [
      {
        what: `nothing now: all of ${vm} is on ${destinationOf(migration)}.${migration.takesUp ? '' : ' CloudStack never asks for post-copy, so somebody switched by hand (virsh migrate-postcopy, or an option of virsh migrate)'}`,
        command: null,
      },
    ];
  if (outcome === 'unknown' || cause?.kind === 'destination-died' || cause?.kind === 'source-died')
    return [whereCheck(migration), givingUp(migration)];
  return [whereCheck(migration), ...recovery(migration)];
}

function conclude(migration: Migration): Conclusion {
  const broken = !isWhole(migration) && (migration.outcome === 'failed' || migration.outcome === 'aborted');
  const loses = migration.outcome === 'running' ? 'loses it' : 'would have lost it';
  const risk = `${migration.takesUp ? 'meanwhile' : 'from then on'} the guest ran on ${destinationOf(migration)} with a part of its memory on ${sourceOf(migration)}, where an abort or a broken link ${broken ? 'loses it' : loses}`;
  return {
    ...verdict(migration),
    confidence: 'seen',
    summary: `Migration of ${journey(migration)} ${switched(migration)}: ${risk}. ${ending(migration)}. ${whereNow(migration)}`,
    severity: broken ? 'critical' : 'warning',
    from: sinceOf(migration),
    evidence: proof(migration, migration.postcopyEvidence.slice(0, 1), migration.takenUp?.evidence ?? []),
    remedies: remediesFor(migration),
  };
}

/** Post-copy breaks at second 44, and the client is told. */
function breaks(): readonly StoryEvent[] {
  return [
    ...booted(),
    ...begins(),
    sample(16, { status: 'postcopy-active' }),
    breaksInPostcopy(44),
    ...fails(44.1, "operation failed: job 'migration out' failed in post-copy phase").slice(1),
  ];
}

function resumes(seconds: number): StoryEvent {
  return at(seconds, 'kvm-a', 'libvirt-qemu', { kind: 'migrate-initiated', vm: VM, resumed: true });
}

/** The guest runs on the destination while some of its memory is still on the source. */
export const postCopy = defineDetector({
  id: 'post-copy',
  title: 'Migration switched to post-copy',
  severity: 'warning',
  subject: 'migration',
  limits: z.strictObject({}),
  detect: (migration) => (migration.postcopyAt === null ? [] : [conclude(migration)]),
  fires: [
    {
      name: 'it ends well',
      events: [...booted(), ...begins(), sample(5, {}), sample(16, { status: 'postcopy-active' }), ...completes(36, 40)],
      finds: /switched to post-copy 16 s after its beginning: from then on the guest ran on kvm-b .* It ended well, 20 s later\./,
      severity: 'warning',
    },
    {
      name: 'it is still under way',
      events: [...booted(), ...begins(), sample(5, {}), sample(16, { status: 'postcopy-active' })],
      finds: /It is still under way\./,
      severity: 'warning',
    },
    {
      name: 'it breaks',
      events: breaks(),
      finds: /It broke after 44 s in all, .* It runs on kvm-b and is paused on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'it breaks, and QEMU copies the rest once the link is back',
      events: [...breaks(), stops(90, 'kvm-a', 'migrated')],
      finds:
        /would have lost it\. It broke after 44 s in all, .*; yet the rest was copied after that, and all of it was on the destination at 00:01:30 UTC\. It runs on kvm-b/,
      severity: 'warning',
    },
    {
      name: 'it breaks, and an operator takes it up by hand',
      events: [...breaks(), resumes(60), stops(70, 'kvm-a', 'migrated')],
      finds: /it was taken up again at 00:01:00 UTC, and all of it was on the destination at 00:01:10 UTC\./,
      severity: 'warning',
    },
    {
      name: 'it breaks, and what takes it up has not ended',
      events: [...breaks(), resumes(60)],
      finds: /loses it\. .*; it was taken up again at 00:01:00 UTC\./,
      severity: 'critical',
    },
    {
      name: 'it breaks, and who takes it up fails at once: the source holds its part still, paused',
      events: [
        ...breaks(),
        ...begins()
          .slice(0, 1)
          .map((event) => ({ ...event, seconds: 60 })),
        ...fails(60.2, 'End of file while reading data: Input/output error').slice(1),
      ],
      finds: /^Migration of .* switched to post-copy .* It runs on kvm-b and is paused on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'only the message that it broke is there: no time is claimed for the switch',
      events: [
        ...booted(),
        ...begins(),
        breaksInPostcopy(44),
        ...fails(44.1, 'internal error: connection closed due to keepalive timeout').slice(1),
      ],
      finds: /had switched to post-copy \(when is not in these logs\)/,
      severity: 'critical',
    },
  ],
  silent: [
    { name: 'a migration that completes in pre-copy', events: [...booted(), ...begins(), sample(5, {}), ...completes(10, 40)] },
    {
      name: 'post-copy is allowed but not supported',
      events: [
        ...booted(),
        ...begins(),
        at(0.6, 'kvm-b', 'libvirtd', {
          kind: 'daemon-message',
          level: 'error',
          vm: VM,
          text: 'Operation not supported: post-copy is not supported by this QEMU',
        }),
        ...completes(10, 40),
      ],
    },
  ],
});
