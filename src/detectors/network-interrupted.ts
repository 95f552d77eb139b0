import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { duration } from '../lib/units.ts';
import type { Event, JobSample } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import { SILENT_SOURCE, UNHEARD } from '../timeline/presence.ts';
import { progressOf, STANDSTILL_MS, standstillOf, type Standstill } from '../timeline/standstill.ts';
import { isWhole, networkRemedies, recovery } from './cause-remedies.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, breaksInPostcopy, completes, fails, sample, stops, VM, type StoryEvent } from './story.ts';
import { afterTime, journey, proof, verdict, whereCheck } from './verdict.ts';
import { destinationOf, sourceOf, whereNow } from './words.ts';

/** A stream that stood still for less is a busy one: counters come once a second or so. */
const STALL_MS = 3000;

/** The last counters that had grown, where the stream stood still from then to its end; `null` where the counters do not tell. */
function lastProgress({
  samples,
  endedAt,
  lastSeenAt,
}: Migration): { readonly sample: Event<JobSample>; readonly stoodMs: number } | null {
  const progress = progressOf(samples);
  if (progress === null || progress.stoodMs < STALL_MS) return null;
  return { sample: progress.grown, stoodMs: (endedAt ?? lastSeenAt) - progress.grown.at };
}

const limits = z.strictObject({
  stallMs: z
    .int()
    .min(STALL_MS)
    .default(STANDSTILL_MS)
    .describe('a stream of memory that stands still for this, while the migration runs, is interrupted, ms'),
});

/** A migration that nobody has ended, or that somebody had to, though nothing of its stream moved any more. */
function standsStill({ outcome, cause, postcopyAt, samples }: Migration, stallMs: number): Standstill | null {
  const byCounters = cause?.kind === 'network-interrupted' && cause.evidence.some(({ body }) => body.kind === 'job-sample');
  if (outcome !== 'running' && ((outcome !== 'aborted' && !byCounters) || postcopyAt !== null)) return null;
  const still = standstillOf(samples);
  return still !== null && (byCounters || still.stoodMs >= stallMs) ? still : null;
}

function concludeStill(migration: Migration, { grown, last, stoodMs }: Standstill): Conclusion {
  const [source, destination] = [sourceOf(migration), destinationOf(migration)];
  const running = migration.outcome === 'running';
  const stoodFor = duration(stoodMs);
  const how = running
    ? `The stream has stood still for ${stoodFor}`
    : `The stream had stood still for ${stoodFor} when it ended ${afterTime(migration)}`;
  const wait = running
    ? ` ${source} gives up only when its TCP does, after about 15 min (tcp_retries2, Linux's default), unless ${meanwhile(migration)}`
    : ` ${whereNow(migration)}`;
  return {
    ...verdict(migration),
    summary: `Nothing arrived any more of the migration of ${journey(migration)}. ${how}: the network between the two is cut, or ${destination} hangs or went down.${wait}`,
    severity: 'critical',
    confidence: 'follows',
    evidence: proof(migration, [grown, last]),
    remedies: [
      { what: `on ${destination}: does it run, and since when`, command: shell`ssh ${destination} uptime -s` },
      ...networkRemedies(migration),
      running ? untilThen(migration) : whereCheck(migration),
    ],
  };
}

/** What ends it before, and where the guest is until then. */
function meanwhile(migration: Migration): string {
  const [source, destination] = [sourceOf(migration), destinationOf(migration)];
  return migration.postcopyAt === null
    ? `somebody cancels it before; the VM runs on ${source} meanwhile.`
    : `libvirt's keepalive ends it before. It is in post-copy: the guest on ${destination} waits for each page that it lacks, and a cancel is refused.`;
}

function untilThen(migration: Migration): Remedy {
  const [source, destination] = [sourceOf(migration), destinationOf(migration)];
  return migration.postcopyAt === null
    ? {
        what: `on ${source}: cancel it where ${destination} does not come back; the VM stays`,
        command: shell`virsh domjobabort ${migration.vm}`,
      }
    : {
        what: `end its QEMU on neither host, for each holds a part of the guest; where the link comes back, it goes on by itself. On ${source}, what remains`,
        command: shell`virsh domjobinfo ${migration.vm}`,
      };
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

/** Seen from the destination, a source that went down looks like a link that was cut. */
function sourceIsSilent({ after, source }: Migration): boolean {
  return after.some(({ host, because }) => host === source && (because === SILENT_SOURCE || because === UNHEARD));
}

function silence(migration: Migration): string {
  const source = sourceOf(migration);
  return sourceIsSilent(migration)
    ? ` Nothing was heard of ${source} from before that on: it may have gone down, which looks the same from ${destinationOf(migration)}.`
    : '';
}

/** What to look at first of a source that may be down. */
function sourceRemedies(migration: Migration): readonly Remedy[] {
  if (!sourceIsSilent(migration)) return [];
  const started = migration.after.find(({ host, state }) => host !== migration.source && state === 'running');
  const twice =
    started === undefined
      ? `before you start ${migration.vm} anywhere, be sure that it is off`
      : `${migration.vm} was started on ${started.host} since, so it runs twice where ${sourceOf(migration)} is up`;
  return [
    {
      what: `does ${sourceOf(migration)} run, and since when? Its out-of-band management (IPMI) knows where it does not answer; ${twice}`,
      command: shell`ssh ${sourceOf(migration)} uptime -s`,
    },
  ];
}

/** The most urgent first: of a guest that is whole, that there is nothing to do. */
function remediesFor(migration: Migration): readonly Remedy[] {
  const check = whereCheck(migration);
  const network = networkRemedies(migration);
  if (migration.postcopyAt === null) return [...sourceRemedies(migration), ...network, check];
  return isWhole(migration) ? [...recovery(migration), check, ...network] : [check, ...network, ...recovery(migration)];
}

function conclude(migration: Migration): Conclusion {
  const progress = lastProgress(migration);
  const broken = migration.postcopyAt !== null;
  const phase = broken ? ', in post-copy' : '';
  return {
    ...verdict(migration),
    summary: `The network between ${sourceOf(migration)} and ${destinationOf(migration)} was interrupted during the migration of ${journey(migration)}, which failed ${afterTime(migration)}${phase}.${whoGaveUp(migration)}${silence(migration)}${stood(migration)} ${whereNow(migration)}`,
    severity: 'critical',
    evidence: proof(migration, migration.cause?.evidence ?? [], progress === null ? [] : [progress.sample]),
    remedies: remediesFor(migration),
  };
}

const keepalive = 'internal error: connection closed due to keepalive timeout';

function keepaliveOn(seconds: number, host: string): StoryEvent {
  return at(seconds, host, 'libvirtd', { kind: 'daemon-message', level: 'error', vm: null, text: keepalive });
}

/** A second of counters each, growing until `until`, then standing still. */
function streams(until: number, end: number, postcopyFrom = Number.POSITIVE_INFINITY): readonly StoryEvent[] {
  return Array.from({ length: end }, (_, i) =>
    sample(i + 1, {
      status: i + 1 < postcopyFrom ? 'active' : 'postcopy-active',
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
  limits,
  detect(migration, { stallMs }) {
    const still = standsStill(migration, stallMs);
    if (still !== null) return [concludeStill(migration, still)];
    return migration.cause?.kind === 'network-interrupted' ? [conclude(migration)] : [];
  },
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
      name: 'the destination loses power, and the source waits for its TCP to give up',
      events: [...booted(), ...begins(), ...streams(6, 60)],
      finds:
        /^Nothing arrived any more of the migration of i-2-10-VM .* The stream has stood still for 54 s: .* or kvm-b hangs or went down\./,
      severity: 'critical',
    },
    {
      name: 'the destination loses power, and somebody cancels the migration, which libvirt tells as a broken stream',
      events: [
        ...booted(),
        ...begins(),
        ...streams(6, 80),
        ...fails(81, "operation failed: job 'migration out' failed: Unable to write to socket: Bad file descriptor").slice(1),
      ],
      finds: /The stream had stood still for 1 min 14 s when it ended after 1 min 21 s: .* It runs on kvm-a/,
      severity: 'critical',
    },
    {
      name: 'the source loses power: from the destination that looks like a cut link',
      events: [
        ...booted(),
        ...begins(),
        ...streams(6, 6),
        keepaliveOn(36, 'kvm-b'),
        stops(37.5, 'kvm-b', 'destroyed'),
        at(90, 'kvm-b', 'cloudstack-agent', { kind: 'connection-lost', to: 'management-server' }),
      ],
      finds:
        /Nothing was heard of kvm-a from before that on: it may have gone down, .* Where it runs now is not in these logs\.$/,
      severity: 'critical',
    },
    {
      name: 'in post-copy, while nobody has given up yet',
      events: [...booted(), ...begins(), ...streams(16, 60, 7)],
      finds:
        /The stream has stood still for 44 s: .* unless libvirt's keepalive ends it before\. It is in post-copy: the guest on kvm-b waits for each page/,
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
      name: "the source's own libvirtd did not answer",
      events: [...booted(), ...begins(), ...fails(42, `Disconnected from qemu:///system due to keepalive timeout\n${keepalive}`)],
    },
    {
      name: 'the link was away for 20 s and the migration completes',
      events: [...booted(), ...begins(), ...streams(6, 26), ...completes(60, 40)],
    },
    {
      name: 'the stream stands still for less than a link needs to come back',
      events: [...booted(), ...begins(), ...streams(6, 30)],
    },
    {
      name: 'in post-copy, for less than a link needs to come back',
      events: [...booted(), ...begins(), ...streams(16, 40, 7)],
    },
    {
      name: 'the link was away for long in post-copy, and comes back',
      events: [
        ...booted(),
        ...begins(),
        ...streams(16, 60, 7),
        sample(61, { status: 'postcopy-active', transferredBytes: 170e6, remainingBytes: 730e6 }),
      ],
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
