import { z } from 'zod';
import { duration } from '../lib/units.ts';
import type { Event } from '../model/event.ts';
import type { Conclusion } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { networkRemedies, recovery } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, breaksInPostcopy, completes, fails, sample, stops, VM, type StoryEvent } from './story.ts';
import { afterTime, journey, proof, verdict, whereCheck } from './verdict.ts';
import { destinationOf, sourceOf, whereNow } from './words.ts';

/** A stream that stood still for less is a busy one: counters come once a second or so. */
const STALL_MS = 3000;

/** The last counters that had grown, where the stream stood still from then to its end; `null` where the counters do not tell. */
function lastProgress({ samples, endedAt, lastSeenAt }: Migration): { readonly sample: Event; readonly stoodMs: number } | null {
  const counted = samples.filter(({ body }) => body.transferredBytes !== null && body.transferredBytes > 0);
  const grown = counted.findLast(
    ({ body }, i) => i > 0 && (body.transferredBytes ?? 0) > (counted[i - 1]?.body.transferredBytes ?? 0),
  );
  const last = counted.at(-1);
  if (grown === undefined || last === undefined || last.at - grown.at < STALL_MS) return null;
  return { sample: grown, stoodMs: (endedAt ?? lastSeenAt) - grown.at };
}

/** Which side's libvirt gave up the other, by the host whose own log says it. */
function whoGaveUp({ cause, source, destination }: Migration): string {
  const hosts = (cause?.evidence ?? [])
    .filter(({ body }) => 'text' in body && /keepalive timeout/.test(body.text))
    .map(({ origin }) => origin.file.host);
  const sides = [source, destination].filter((host) => host !== null && hosts.includes(host));
  if (sides.length === 0) return '';
  const who = sides.length === 2 ? `Both ${sides.join(' and ')}` : `libvirt of ${sides[0] ?? ''}`;
  return ` ${who} gave up the connection, because nothing came for 30 s (keepalive, libvirt's default).`;
}

function stood(migration: Migration): string {
  const progress = lastProgress(migration);
  if (progress === null)
    return migration.cause?.certainty === 'follows' ? ` It follows from the two ends: ${migration.cause.text}.` : '';
  const { sample: last, stoodMs } = progress;
  return ` The stream last moved ${duration(Math.max(0, last.at - migration.startedAt))} after the beginning, and stood still for ${duration(stoodMs)} until the end.`;
}

function conclude(migration: Migration): Conclusion {
  const progress = lastProgress(migration);
  const broken = migration.postcopyAt !== null;
  const phase = broken ? ', in post-copy' : '';
  const check = whereCheck(migration);
  return {
    ...verdict(migration),
    summary: `The network between ${sourceOf(migration)} and ${destinationOf(migration)} was interrupted during the migration of ${journey(migration)}, which failed ${afterTime(migration)}${phase}.${whoGaveUp(migration)}${stood(migration)} ${whereNow(migration)}`,
    severity: 'critical',
    evidence: proof(migration, migration.cause?.evidence ?? [], progress === null ? [] : [progress.sample]),
    remedies: broken ? [check, ...networkRemedies(migration), ...recovery(migration)] : [...networkRemedies(migration), check],
  };
}

const keepalive = 'internal error: connection closed due to keepalive timeout';

function keepaliveOn(seconds: number, host: string): StoryEvent {
  return at(seconds, host, 'libvirtd', { kind: 'daemon-message', level: 'error', vm: null, text: keepalive });
}

/** A second of counters each, growing until `until`, then standing still. */
function streams(until: number, end: number): readonly StoryEvent[] {
  return Array.from({ length: end }, (_, i) =>
    sample(i + 1, {
      transferredBytes: Math.min(i + 1, until) * 10e6,
      remainingBytes: 900e6 - Math.min(i + 1, until) * 10e6,
      pass: 1,
    }),
  );
}

/** The network between the hosts was cut while memory was sent. */
export const networkInterrupted = defineDetector({
  id: 'network-interrupted',
  title: 'Network was interrupted during the migration',
  severity: 'critical',
  subject: 'migration',
  limits: z.strictObject({}),
  detect: (migration) => (migration.cause?.kind === 'network-interrupted' ? [conclude(migration)] : []),
  fires: [
    {
      name: "the destination's keepalive gives up, long before the source notices",
      events: [
        ...booted(),
        ...begins(),
        ...streams(6, 60),
        keepaliveOn(36, 'kvm-b'),
        stops(37.5, 'kvm-b', 'destroyed'),
        ...fails(60, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe").slice(1),
      ],
      finds:
        /^The network between kvm-a and kvm-b was interrupted .* failed after 1 min\. libvirt of kvm-b gave up the connection, because .* The stream last moved 6 s after the beginning, and stood still for 54 s until the end\. It runs on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'no keepalive is logged: the destination gave up long before the source noticed',
      events: [
        ...booted(),
        ...begins(),
        stops(37.5, 'kvm-b', 'destroyed'),
        ...fails(60, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe").slice(1),
      ],
      finds: /It follows from the two ends: the destination gave up 23 s before the source noticed\./,
      severity: 'critical',
    },
    {
      name: 'the counters had grown until the end: no standstill is claimed',
      events: [
        ...booted(),
        ...begins(),
        ...streams(60, 60),
        keepaliveOn(36, 'kvm-b'),
        ...fails(60, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe").slice(1),
      ],
      finds: /libvirt's default\)\. It runs on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'in post-copy, when each host holds a part of the VM',
      events: [
        ...booted(),
        ...begins(),
        sample(10, { status: 'postcopy-active', transferredBytes: 100e6 }),
        keepaliveOn(41, 'kvm-b'),
        breaksInPostcopy(44),
        ...fails(44.1, keepalive).slice(1),
      ],
      finds: /failed after 44 s, in post-copy\. .* It runs on kvm-b and is paused on kvm-a/,
      severity: 'critical',
    },
  ],
  silent: [
    {
      name: 'the link was away for 20 s and the migration completes',
      events: [...booted(), ...begins(), ...streams(6, 26), ...completes(60, 40)],
    },
    {
      name: 'the destination dies, which breaks the stream too',
      events: [
        ...booted(),
        ...begins(),
        at(8, 'kvm-b', 'libvirtd', {
          kind: 'daemon-message',
          level: 'error',
          vm: VM,
          text: 'internal error: qemu unexpectedly closed the monitor',
        }),
        ...fails(8.2, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe", 'crashed'),
      ],
    },
    {
      name: 'the destination refuses the connection',
      events: [
        ...booted(),
        ...begins().slice(0, 1),
        ...fails(0.1, "unable to connect to server at '10.0.0.2:16509': Connection refused").slice(1),
      ],
    },
    {
      name: 'an operator cancels it',
      events: [...booted(), ...begins(), ...fails(9, "operation aborted: job 'migration out' canceled by client")],
    },
    {
      name: 'a keepalive of another client, minutes after',
      events: [...booted(), ...begins(), ...completes(10, 40), keepaliveOn(300, 'kvm-b')],
    },
  ],
});
