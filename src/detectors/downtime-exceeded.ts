import { z } from 'zod';
import { shell } from '../lib/shell.ts';
import { bytes, clockTime, duration, rate } from '../lib/units.ts';
import type { Event, JobSample } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { Downtime, Migration } from '../model/timeline.ts';
import { DEFAULT_DOWNTIME_LIMIT_MS } from '../timeline/convergence.ts';
import { defineDetector } from './detector.ts';
import { at, begins, booted, completes, fails, sample, VM, type StoryEvent } from './story.ts';
import { suspendedBefore, type Suspended } from './suspended.ts';
import { proof, quoted, verdict } from './verdict.ts';
import { destinationOf, hostsToType, sourceOf } from './words.ts';

const limits = z.strictObject({
  adviseMs: z.int().min(1).default(100).describe('downtime from which to advise, ms'),
  warnMs: z.int().min(1).default(1000).describe('downtime from which to warn, ms'),
});

type Limits = z.infer<typeof limits>;

/** Copying what remained explains a downtime that is at most this many times as long. */
const EXPLAINED = 3;
/** Counters that would take this many times the downtime are of a pass before the last, and tell nothing. */
const STALE = 1.5;
/** Counters are of the switchover if it came within this part of the time that their rest takes. */
const FRESH = 0.25;

/** QEMU's words for a guest that stands still while disks and devices are handed over. */
const HANDING_OVER: ReadonlySet<string | null> = new Set(['pre-switchover', 'device']);

/** The last counters before the switchover. */
function lastCounters({ samples }: Migration): Event<JobSample> | null {
  return (
    samples.findLast(
      ({ body }) =>
        body.status === 'active' &&
        body.remainingBytes !== null &&
        body.bandwidthBytesPerSecond !== null &&
        body.bandwidthBytesPerSecond > 0,
    ) ?? null
  );
}

/** Why it took so long, where that is known; the most certain first. */
function why(migration: Migration, downtime: Downtime): string {
  const { ms } = downtime;
  if (migration.pausedAt !== null) {
    return ` CloudStack's agent had paused the guest ${duration(Math.max(0, migration.pausedAt - migration.startedAt))} after the beginning, so that the rest could be copied (vm.migrate.pauseafter).`;
  }
  if (migration.postcopyAt !== null) return '';
  const suspended = suspendedBefore(migration, downtime);
  return suspended === null ? whyByCopying(migration, ms) : suspendedWords(migration, suspended);
}

/** How much of it copying the rest explains. */
function whyByCopying(migration: Migration, ms: number): string {
  const body = lastCounters(migration)?.body;
  if (body === undefined) return '';
  const left = body.remainingBytes ?? 0;
  const bandwidth = body.bandwidthBytesPerSecond ?? 1;
  const copyMs = (left / bandwidth) * 1000;
  if (copyMs > STALE * ms) return '';
  if (ms <= EXPLAINED * copyMs && ms > STALE * copyMs)
    return ` Copying took a part of it: the ${bytes(left)} that the last counters show take ${duration(copyMs)} at ${rate(bandwidth)}; meanwhile the link was slower, or stood still.`;
  if (ms <= EXPLAINED * copyMs)
    return ` Copying took it: the ${bytes(left)} that the last counters show take ${duration(copyMs)} at ${rate(bandwidth)}.`;
  const copying = `the ${bytes(left)} that the last counters show, at ${rate(bandwidth)}, explain only ${duration(copyMs)} of it`;
  if (ms <= migration.downtimeLimitMs) return '';
  const otherwise = isAgentUnread(migration)
    ? `CloudStack's agent may have paused the guest (agent.log of ${sourceOf(migration)} would tell), or storage was slow when QEMU handed over its disks.`
    : 'QEMU also waits for its disks at the switchover, so look at the storage; or the guest had been stopped (by somebody, an error of its disk, a crash), which no log tells.';
  return ` Copying does not explain it: ${copying}. ${otherwise}`;
}

function isAgentUnread({ unobserved }: Migration): boolean {
  return unobserved.some((missing) => missing.startsWith('agent.log'));
}

function suspendedWords(migration: Migration, { at: stoppedAt, copyingMs }: Suspended): string {
  const how = isAgentUnread(migration)
    ? `by CloudStack's agent (agent.log of ${sourceOf(migration)} would tell), by somebody else (virsh suspend, or virsh migrate --timeout)`
    : "not by CloudStack's agent but by somebody (virsh suspend, or virsh migrate --timeout)";
  return ` Its memory was copied for ${duration(copyingMs)} of that as if it ran, so it was not stopped for the last copy: it had been stopped at ${clockTime(stoppedAt)} UTC, ${how}, by an error of its disk, or by a crash that a panic device told; no log tells which.`;
}

/**
 * QEMU leaves for the pause only what fits the limit. Counters of the moment of the switchover that show far more say that the limit
 * was raised, or the guest paused, without a line of it.
 */
function wasRaisedUnseen(migration: Migration, downtime: Downtime): boolean {
  const { ms } = downtime;
  const counters = lastCounters(migration);
  if (counters === null || migration.pausedAt !== null || migration.postcopyAt !== null) return false;
  if (suspendedBefore(migration, downtime) !== null) return false;
  const copyMs = ((counters.body.remainingBytes ?? 0) / (counters.body.bandwidthBytesPerSecond ?? 1)) * 1000;
  const arrivedAt = migration.phases.find(({ name }) => name === 'pre-copy')?.to ?? migration.lastSeenAt;
  const isFresh = arrivedAt - ms - counters.at <= copyMs * FRESH;
  return isFresh && copyMs > EXPLAINED * migration.downtimeLimitMs && copyMs <= STALE * ms && ms <= EXPLAINED * copyMs;
}

function limitWords(migration: Migration, downtime: Downtime): string {
  const { downtimeLimitMs } = migration;
  if (wasRaisedUnseen(migration, downtime))
    return `no line tells of a limit above ${duration(downtimeLimitMs)}, yet it was raised, or the guest was paused: QEMU left that much for the pause`;
  return downtimeLimitMs === DEFAULT_DOWNTIME_LIMIT_MS
    ? `the limit in force was ${duration(downtimeLimitMs)}, QEMU's default`
    : `the limit in force was ${duration(downtimeLimitMs)}, set for this migration`;
}

function remediesFor(migration: Migration, downtime: Downtime, { adviseMs }: Limits): readonly Remedy[] {
  const { ms } = downtime;
  const [, destination = ''] = hostsToType(migration);
  if (migration.pausedAt !== null) {
    return [
      {
        what: `pause later, or not at all (-1): in /etc/cloudstack/agent/agent.properties of ${sourceOf(migration)} (ms), then restart cloudstack-agent, which ends the migrations that it drives; VMs stay`,
        command: 'vm.migrate.pauseafter=-1',
      },
      {
        what: 'or slow the guest down instead of pausing it: the global setting of CloudStack',
        command: 'kvm.auto.convergence=true',
      },
    ];
  }
  if (migration.postcopyAt === null && suspendedBefore(migration, downtime) !== null) {
    return [
      {
        what: 'see that the guest runs again: libvirt resumes it at its arrival, and shows one that crashed as running, so look at its console too; this changes nothing',
        command: shell`virsh -c qemu+ssh://${destination}/system domstate ${migration.vm} --reason`,
      },
    ];
  }
  if (ms <= migration.downtimeLimitMs || wasRaisedUnseen(migration, downtime)) {
    const less = ms > DEFAULT_DOWNTIME_LIMIT_MS ? DEFAULT_DOWNTIME_LIMIT_MS : adviseMs;
    return [
      {
        what: `${ms <= migration.downtimeLimitMs ? 'within what was allowed; ' : ''}where that is too much, allow less the next time, while it runs; it may then take longer, or not converge. On ${sourceOf(migration)}, ms`,
        command: shell`virsh migrate-setmaxdowntime ${migration.vm} ${less}`,
      },
    ];
  }
  return storageRemedies(migration);
}

function storageRemedies(migration: Migration): readonly Remedy[] {
  return [
    {
      what: `on ${sourceOf(migration)} and ${destinationOf(migration)}: whether storage hung at that time`,
      command: "journalctl -k -b -g 'not responding|timed out|i/o error|blocked for more than'",
    },
    { what: `on ${destinationOf(migration)}: whether the disks answer now`, command: shell`virsh domblkerror ${migration.vm}` },
  ];
}

function conclude(migration: Migration, downtime: Downtime, settings: Limits): Conclusion {
  const least = downtime.from === 'at-least' ? 'at least ' : '';
  const counters = lastCounters(migration);
  const telling = migration.samples.filter(({ body }) => HANDING_OVER.has(body.status)).slice(-1);
  const paused = migration.events
    .filter(({ body }) => body.kind === 'guest-pause-requested' || body.kind === 'downtime-limit-set')
    .slice(0, 1);
  return {
    ...verdict(migration),
    summary: `${migration.vm} stood still for ${least}${duration(downtime.ms)} when it moved from ${sourceOf(migration)} to ${destinationOf(migration)}; ${limitWords(migration, downtime)}.${why(migration, downtime)}`,
    severity: downtime.ms >= settings.warnMs ? 'warning' : 'info',
    confidence: downtime.from === 'statistics' ? 'seen' : 'follows',
    evidence: proof(migration, downtime.evidence, paused, telling, counters === null ? [] : [counters]),
    remedies: remediesFor(migration, downtime, settings),
  };
}

/**
 * What QEMU on the source counted, where libvirt measured far less. QEMU stops the guest, waits for its disks and only then gets round
 * to the event from which libvirt counts, so storage that hangs in the switchover does not show in libvirt's figure (seen with libvirt
 * 11.3 and QEMU 10.0: 14.5 s and 38 ms; the guest's clock had lost the former).
 */
function countedByQemu({ samples }: Migration, downtime: Downtime, { warnMs }: Limits): Event<JobSample> | null {
  if (downtime.evidence[0]?.body.kind !== 'job-completed') return null;
  const last = samples.findLast(({ body }) => body.status === 'completed' && body.downtimeMs !== null);
  const ms = last?.body.downtimeMs ?? 0;
  return last !== undefined && ms >= warnMs && ms > EXPLAINED * downtime.ms ? last : null;
}

/** Advice only: of two figures that contradict each other, people are alarmed by the one that all tools show. */
function contradicted(migration: Migration, downtime: Downtime, counted: Event<JobSample>): Conclusion {
  const ms = counted.body.downtimeMs ?? 0;
  const source = sourceOf(migration);
  return {
    ...verdict(migration),
    summary: `${migration.vm} probably stood still for ${duration(ms)} when it moved from ${source} to ${destinationOf(migration)}: QEMU on ${source} counted that, while libvirt measured ${duration(downtime.ms)}. libvirt counts from an event that QEMU sends late where it has to wait for its disks at the switchover, so look at the storage.`,
    severity: 'info',
    confidence: 'follows',
    evidence: proof(migration, [counted], downtime.evidence),
    remedies: storageRemedies(migration),
  };
}

/** The guest that the agent paused and could not resume: it stands still where it arrived, until somebody resumes it. */
function stillPaused(migration: Migration): readonly Conclusion[] {
  const { vm, destination, after, events, pausedAt } = migration;
  const failed = events.findLast(({ body }) => body.kind === 'guest-resume-failed');
  const paused = after.some(({ host, state }) => host === destination && state === 'paused');
  if (failed?.body.kind !== 'guest-resume-failed' || !paused) return [];
  const [, host = ''] = hostsToType(migration);
  return [
    {
      summary: `${vm} stands still on ${destinationOf(migration)}, since ${clockTime(pausedAt ?? failed.at)} UTC: CloudStack's agent paused it to let the migration finish, and could not resume it there (${quoted(failed.body.text)}).`,
      severity: 'critical',
      confidence: 'seen',
      from: pausedAt ?? failed.at,
      to: null,
      evidence: [failed, ...events.filter(({ body }) => body.kind === 'guest-pause-requested').slice(0, 1)],
      remedies: [
        {
          what: 'see whether it is there, and paused; this changes nothing',
          command: shell`virsh -c qemu+ssh://${host}/system domstate ${vm} --reason`,
        },
        { what: 'let it run again', command: shell`virsh -c qemu+ssh://${host}/system resume ${vm}` },
      ],
      discriminator: 'paused',
    },
  ];
}

/** The agent pauses the guest at a second of the story. */
function pauses(seconds: number): StoryEvent {
  return at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'guest-pause-requested', vm: VM, afterMs: seconds * 1000 });
}

function cannotResume(seconds: number): StoryEvent {
  return at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'guest-resume-failed', vm: VM, text: 'Domain not found' });
}

/** The guest stood still for longer than its users may take. */
export const downtimeExceeded = defineDetector({
  id: 'downtime-exceeded',
  title: 'Downtime was long',
  severity: 'warning',
  subject: 'migration',
  limits,
  detect(migration, settings) {
    const { downtime, outcome } = migration;
    const still = stillPaused(migration);
    if (still.length > 0) return still;
    if (outcome !== 'completed' || downtime === null) return [];
    const counted = countedByQemu(migration, downtime, settings);
    if (counted !== null && downtime.ms < settings.warnMs) return [contradicted(migration, downtime, counted)];
    return downtime.ms < Math.min(settings.adviseMs, settings.warnMs) ? [] : [conclude(migration, downtime, settings)];
  },
  fires: [
    {
      name: 'the agent paused the guest to let it finish',
      events: [...booted(), ...begins(), pauses(20), ...completes(30, 8891)],
      finds:
        /^i-2-10-VM stood still for 8\.9 s when it moved from kvm-a to kvm-b; the limit in force was 300 ms, QEMU's default\. CloudStack's agent had paused the guest 20 s after the beginning/,
      severity: 'warning',
    },
    {
      name: 'the agent could not resume the guest that it had paused: it stands still yet',
      events: [...booted(), ...begins(), pauses(20), ...completes(30, 8891), cannotResume(31)],
      finds:
        /^i-2-10-VM stands still on kvm-b, since 00:00:20 UTC: CloudStack's agent paused it .* could not resume it there \("Domain not found"\)\.$/,
      severity: 'critical',
    },
    {
      name: 'somebody resumed it later: it was a long downtime and is over',
      events: [
        ...booted(),
        ...begins(),
        pauses(20),
        ...completes(30, 8891),
        cannotResume(31),
        at(45, 'kvm-b', 'libvirtd', { kind: 'guest-run-state', vm: VM, monitor: null, running: true }),
      ],
      finds: /^i-2-10-VM stood still for /,
      severity: 'warning',
    },
    {
      name: 'storage hung at the switchover: the rest of memory does not explain it',
      events: [
        ...booted(),
        ...begins(),
        sample(16, { remainingBytes: 2 * 2 ** 20, bandwidthBytesPerSecond: 10e6 }),
        ...completes(32, 13663),
      ],
      finds:
        /stood still for 13\.7 s .* Copying does not explain it: the 2 MiB that the last counters show, at 10 MB\/s, explain only 210 ms of it\. QEMU also waits for its disks at the switchover, so look at the storage; or the guest had been stopped \(by somebody, an error of its disk, a crash\), which no log tells\.$/,
      severity: 'warning',
    },
    {
      name: 'an operator suspends the guest on its way: libvirt counts from there, and resumes it at its arrival',
      events: [
        ...booted(),
        ...begins(),
        sample(10, { remainingBytes: 9 * 2 ** 20, bandwidthBytesPerSecond: 16.8e6 }),
        ...completes(11.9, 5400),
      ],
      finds:
        /explain only 562 ms of it\. .* or the guest had been stopped \(by somebody, an error of its disk, a crash\), which no log tells\.$/,
      severity: 'warning',
    },
    {
      name: 'the guest is suspended, or panics, in the first pass: memory is copied on, which storage that hangs would not do',
      events: [
        ...booted(),
        ...begins(),
        ...[4, 8, 12, 16].map((second) =>
          sample(second, {
            pass: 1,
            remainingBytes: (20 - second) * 8e6,
            transferredBytes: second * 8e6,
            bandwidthBytesPerSecond: 8e6,
          }),
        ),
        ...completes(21.5, 14_000),
      ],
      finds:
        /Its memory was copied for 10 s of that as if it ran, .*: it had been stopped at 00:00:06 UTC, not by CloudStack's agent but by somebody \(virsh suspend, .*\), by an error of its disk, or by a crash/,
      severity: 'warning',
    },
    {
      name: 'somebody raised the limit, and no log tells of it: not QEMU let it stand still beyond its limit',
      events: [
        ...booted(),
        ...begins(),
        sample(40, { remainingBytes: 132 * 2 ** 20, bandwidthBytesPerSecond: 27.2e6 }),
        ...completes(46, 4141),
      ],
      finds:
        /stood still for 4\.1 s .*; no line tells of a limit above 300 ms, yet it was raised, or the guest was paused: .* Copying took it: the 132 MiB that the last counters show take 5\.1 s at 27\.2 MB\/s\.$/,
      severity: 'warning',
    },
    {
      name: 'the link is cut for a while during the last copy: its speed before explains a part',
      events: [
        ...booted(),
        ...begins(),
        at(35, 'kvm-a', 'libvirtd', { kind: 'downtime-limit-set', vm: VM, monitor: null, downtimeMs: 30_000 }),
        sample(35.5, { remainingBytes: 66 * 2 ** 20, bandwidthBytesPerSecond: 4.2e6 }),
        ...completes(82, 44_693),
      ],
      finds:
        /Copying took a part of it: the 66 MiB .* take 16\.5 s at 4\.2 MB\/s; meanwhile the link was slower, or stood still\.$/,
      severity: 'warning',
    },
    {
      name: 'somebody allowed a long pause',
      events: [
        ...booted(),
        ...begins(),
        at(40, 'kvm-a', 'libvirtd', { kind: 'downtime-limit-set', vm: VM, monitor: null, downtimeMs: 11_000 }),
        sample(41, { remainingBytes: 250e6, bandwidthBytesPerSecond: 25e6 }),
        ...completes(52, 9800),
      ],
      finds: /the limit in force was 11 s, set for this migration\. Copying took it: the 238 MiB .* take 10 s at 25 MB\/s\./,
      severity: 'warning',
    },
    {
      name: 'without statistics, a pause that ends with the QEMU of the source is a lower bound',
      events: [...booted(), ...begins(), pauses(20), ...completes(30, 0).slice(0, 2)],
      finds: /stood still for at least 8\.5 s/,
      severity: 'warning',
    },
    {
      name: "without the agent's log a pause by the agent is not ruled out",
      events: [
        ...booted(),
        ...begins().slice(1),
        sample(16, { remainingBytes: 2 * 2 ** 20, bandwidthBytesPerSecond: 10e6 }),
        ...completes(32, 8891).filter(({ source }) => source !== 'cloudstack-agent'),
      ],
      finds: /CloudStack's agent may have paused the guest \(agent\.log of kvm-a would tell\)/,
      severity: 'warning',
    },
    {
      name: 'the last counters are of a pass before the last: they explain nothing',
      events: [
        ...booted(),
        ...begins(),
        sample(5, { remainingBytes: 475 * 2 ** 20, bandwidthBytesPerSecond: 306e6 }),
        ...completes(10, 123),
      ],
      finds: /QEMU's default\.$/,
      severity: 'info',
    },
    {
      name: 'storage hangs in the switchover: QEMU counts it, and libvirt hears late that the guest stopped',
      events: [
        ...booted(),
        ...begins(),
        sample(31, { status: 'completed', remainingBytes: 0, downtimeMs: 14_535 }),
        ...completes(32, 38),
      ],
      finds:
        /^i-2-10-VM probably stood still for 14\.5 s when it moved from kvm-a to kvm-b: QEMU on kvm-a counted that, while libvirt measured 38 ms\./,
      severity: 'info',
    },
    {
      name: 'a downtime within the default limit is advice',
      events: [...booted(), ...begins(), ...completes(10, 184)],
      finds: /stood still for 184 ms/,
      severity: 'info',
    },
  ],
  silent: [
    { name: 'a downtime that nobody notices', events: [...booted(), ...begins(), ...completes(10, 47)] },
    {
      name: 'QEMU and libvirt count a little differently',
      events: [...booted(), ...begins(), sample(9, { status: 'completed', downtimeMs: 91 }), ...completes(10, 42)],
    },
    {
      name: 'a paused guest whose migration fails: it moved nowhere',
      events: [
        ...booted(),
        ...begins(),
        pauses(20),
        ...fails(30, "operation failed: job 'migration out' failed: Unable to write to socket: Broken pipe"),
      ],
    },
    {
      name: 'an expected downtime of hours in post-copy is no downtime',
      events: [...booted(), ...begins(), sample(5, { status: 'active', downtimeMs: 243_000 }), ...completes(10, 47)],
    },
  ],
});
