import { z } from 'zod';
import type { Event } from '../model/event.ts';
import type { Conclusion, Severity } from '../model/finding.ts';
import type { HostHistory } from '../model/timeline.ts';
import { defineDetector } from './detector.ts';
import { countdownOf } from './heartbeat-countdown.ts';
import { episodesOf, type Episode, type Write } from './heartbeat-episodes.ts';
import { describeHeartbeat, heartbeatRemedies, stretchOf, type HeartbeatCase } from './heartbeat-words.ts';
import { during, type During } from './overlap.ts';
import { at, begins, booted, completes, VM, type StoryEvent } from './story.ts';
import { evidence } from './words.ts';

const limits = z.strictObject({
  warnMs: z.int().min(1).default(1000).describe('latency of a write, ms, from which it is slow'),
  criticalMs: z
    .int()
    .min(1)
    .default(30_000)
    .describe(
      'latency of a write, or duration of failing writes, ms, that is critical: half of the time after which the agent gives a write up',
    ),
  madFactor: z
    .number()
    .min(0)
    .default(20)
    .describe('median absolute deviations above the usual latency from which a write is slow'),
  criticalTry: z.int().min(1).default(3).describe("number of the agent's failed try that is critical"),
  episodeGapMs: z.int().min(0).default(60_000).describe('slow or failed writes closer together than this, ms, are one episode'),
});

type Limits = z.infer<typeof limits>;

/** What the kernel says this long after an episode is about it. */
const KERNEL_TRAIL_MS = 15_000;
/** Lines of evidence. */
const QUOTED = 5;

function caseOf(history: HostHistory, episode: Episode, migrating: During): HeartbeatCase {
  const worst = episode.slow.reduce<Write | null>((max, slow) => (slow.latencyMs > (max?.latencyMs ?? 0) ? slow : max), null);
  return { history, episode, worst, countdown: countdownOf(episode, history), migrating };
}

function severityOf({ episode, worst, countdown }: HeartbeatCase, { criticalMs, criticalTry }: Limits): Severity {
  if (episode.reset !== null || (countdown !== null && countdown.highest >= criticalTry)) return 'critical';
  const failedMs = (episode.failed.at(-1)?.to ?? 0) - (episode.failed[0]?.from ?? 0);
  return Math.max(failedMs, worst?.latencyMs ?? 0) >= criticalMs ? 'critical' : 'warning';
}

/** The most telling lines: the reset, the tries, the slowest write, the failed ones, and what the kernel says meanwhile. */
function linesOf({ history, episode, worst }: HeartbeatCase): readonly Event[] {
  const { from, lastAt, reset, tries, slow } = episode;
  const kernel = history.storageMessages.filter(({ at: time }) => time >= from && time <= lastAt + KERNEL_TRAIL_MS);
  const failed = episode.failed.map(({ event }) => event);
  const slowest = slow.toSorted((a, b) => b.latencyMs - a.latencyMs).map(({ event }) => event);
  return evidence(
    reset === null ? [] : [reset],
    tries.slice(-1),
    worst === null ? [] : [worst.event],
    failed.slice(0, 1),
    failed.slice(-1),
    kernel.slice(0, 1),
    tries.slice(0, 1),
    slowest.slice(1, 2),
  ).slice(0, QUOTED);
}

/** The first line of an episode, by its own time: the same in every run, however clocks are corrected. */
function firstLineOf({ slow, failed, tries, reset }: Episode): string {
  const measured = [...slow, ...failed].map(({ event }) => event.origin.written).toSorted();
  return measured[0] ?? (tries[0] ?? reset)?.origin.written ?? '';
}

function conclude(found: HeartbeatCase, settings: Limits): Conclusion {
  const { episode } = found;
  return {
    summary: describeHeartbeat(found, settings.criticalMs),
    severity: severityOf(found, settings),
    confidence: 'seen',
    ...stretchOf(found),
    evidence: linesOf(found),
    remedies: heartbeatRemedies(found),
    discriminator: `${episode.pool ?? ''} ${firstLineOf(episode)}`,
  };
}

const POOL = '9534216b-f021-4caa-b6b4-f5b133751716';
const KVM_A = '10.0.0.1';

/** One write of the probe on kvm-a, started at that second. */
function write(
  seconds: number,
  latencyMs: number,
  of: { readonly pending?: boolean; readonly errorText?: string } = {},
): StoryEvent {
  return at(seconds, 'kvm-a', 'heartbeat', {
    kind: 'heartbeat-probe',
    pool: POOL,
    address: KVM_A,
    latencyMs,
    pending: of.pending ?? false,
    errorText: of.errorText ?? null,
  });
}

/** A write of 2 to 4 ms every second. */
function writes(from: number, to: number): readonly StoryEvent[] {
  return Array.from({ length: to - from }, (_, second) => write(from + second, 2 + (second % 3)));
}

/** The migration still runs. */
function waiting(seconds: number): StoryEvent {
  return at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-progress', vm: VM, waitedMs: seconds * 1000 });
}

function failedTry(seconds: number, attempt: number, reason = 'timeout'): StoryEvent {
  return at(seconds, 'kvm-a', 'cloudstack-agent', { kind: 'heartbeat-write-failed', pool: POOL, reason, attempt, attempts: 5 });
}

/** Writes to a pool's heartbeat file hang or fail; after five failed tries CloudStack's agent resets the host. */
export const storageHeartbeatSpike = defineDetector({
  id: 'storage-heartbeat-spike',
  title: 'Storage heartbeat is slow or fails',
  severity: 'warning',
  subject: 'host',
  limits,
  detect(history, settings) {
    const migrating = during(history.migrations);
    return episodesOf(history, settings).map((episode) => conclude(caseOf(history, episode, migrating), settings));
  },
  fires: [
    {
      name: 'storage hangs for 3 s and for 20 s during a migration: one episode',
      events: [
        ...booted(),
        ...begins(),
        ...writes(-10, 3),
        write(3, 2707),
        ...writes(6, 12),
        write(12, 10_000, { pending: true }),
        write(12, 19_999),
        waiting(20),
        ...writes(32, 40),
        ...completes(35, 200),
      ],
      finds:
        /^A heartbeat write of kvm-a to pool 9534216b-\S+ took 20 s \(usually 3 ms\), at 00:00:12 UTC, while i-2-10-VM was being migrated to kvm-b\. 2 writes were slow from 00:00:03 to 00:00:31 UTC\.$/,
      severity: 'warning',
    },
    {
      name: 'a write that has not returned when the logs end',
      events: [...writes(-10, 3), write(3, 30_000, { pending: true }), write(3, 40_000, { pending: true })],
      finds:
        /hangs for 40 s or more \(usually 3 ms\), since 00:00:03 UTC\. Unless storage answers, the host resets itself between 00:05:03 and 00:06:53 UTC\.$/,
      severity: 'critical',
    },
    {
      name: 'the mount became read-only',
      events: [
        ...writes(-10, 3),
        ...[3, 4, 5].map((second) =>
          write(second, 0, { errorText: `EROFS: read-only file system, open '/mnt/${POOL}/KVMHA/hb-${KVM_A}'` }),
        ),
      ],
      finds: /^3 heartbeat writes of kvm-a to pool \S+ failed since 00:00:03 UTC: EROFS: read-only file system\.$/,
      severity: 'warning',
    },
    {
      name: 'the first try of the agent fails',
      events: [failedTry(60, 1)],
      finds:
        /1 of 5 tries failed since 00:00:00 UTC \(timeout\)\. The host resets itself at about 00:05:50 UTC unless a write succeeds\.$/,
      severity: 'warning',
    },
    {
      name: 'the third try of the agent fails',
      events: [failedTry(60, 1), failedTry(130, 2), failedTry(200, 3)],
      finds: /3 of 5 tries failed since 00:00:00 UTC \(timeout\)\. The host resets itself at about 00:05:50 UTC/,
      severity: 'critical',
    },
    {
      name: 'tries that fail at once: 50 s from the first to the reset',
      events: [failedTry(10, 1, `Failed to create /mnt/${POOL}/KVMHA//hb-${KVM_A}`)],
      finds: /1 of 5 tries failed since 00:00:10 UTC \(Failed to create .*\)\. The host resets itself at about 00:01:00 UTC/,
      severity: 'warning',
    },
    {
      name: 'the agent gives up',
      events: [
        ...[60, 130, 200, 270, 340].map((second, index) => failedTry(second, index + 1)),
        at(350, 'kvm-a', 'cloudstack-agent', { kind: 'host-resetting', pool: POOL, reason: 'timeout' }),
      ],
      finds:
        /^kvm-a resets itself now, at 00:05:50 UTC: every VM on it stops\. kvm-a cannot write its heartbeat to pool \S+: 5 of 5 tries failed since 00:00:00 UTC/,
      severity: 'critical',
    },
    {
      name: 'the script that resets the host, which names no pool, is of the same outage, also where it comes late',
      events: [
        ...[60, 130, 200, 270, 340].map((second, index) => failedTry(second, index + 1)),
        at(430, 'kvm-a', 'cloudstack-agent', { kind: 'host-resetting', pool: POOL, reason: 'timeout' }),
        at(520, 'kvm-a', 'journal', {
          kind: 'host-resetting',
          pool: null,
          reason: 'unable to write the heartbeat to the storage',
        }),
      ],
      finds:
        /^kvm-a resets itself now, at 00:08:40 UTC: .* heartbeat to pool 9534216b-\S+: 5 of 5 tries failed since 00:00:00 UTC/,
      severity: 'critical',
    },
    {
      name: 'the agent gives up, in a log that begins with the last try',
      events: [
        failedTry(340, 5),
        at(350, 'kvm-a', 'cloudstack-agent', { kind: 'host-resetting', pool: POOL, reason: 'timeout' }),
      ],
      finds: /: 5 of 5 tries failed since before 00:04:40 UTC \(timeout\)\.$/,
      severity: 'critical',
    },
    {
      name: 'two tries failed, then the log goes on: no countdown',
      events: [
        failedTry(60, 1),
        failedTry(130, 2),
        at(400, 'kvm-a', 'cloudstack-agent', { kind: 'connection-lost', to: 'management-server' }),
      ],
      finds: /^kvm-a could not write .*: 2 of 5 tries failed since 00:00:00 UTC \(timeout\)\. No further try failed\.$/,
      severity: 'warning',
    },
    {
      name: 'five tries failed and a sixth came: the host is not set to reset itself',
      events: [...[60, 130, 200, 270, 340].map((second, index) => failedTry(second, index + 1)), failedTry(450, 1)],
      finds:
        /: 6 tries failed since 00:00:00 UTC \(timeout\)\. The last try had no consequence: this host does not reset itself\.$/,
      severity: 'critical',
    },
  ],
  silent: [
    {
      name: 'jitter of a healthy probe',
      events: [
        ...booted(),
        ...begins(),
        ...writes(-10, 3),
        write(3, 209),
        ...writes(4, 20),
        waiting(20),
        write(20, 990),
        ...completes(35, 200),
      ],
    },
    {
      name: 'storage that is always rather slow, and now and then a little slower',
      events: Array.from({ length: 30 }, (_, second) => write(second * 2, second === 17 ? 1300 : 500 + (second % 5) * 50)),
    },
    {
      name: 'a pending line of a write that returned in time',
      events: [...writes(-10, 3), write(3, 500, { pending: true }), write(3, 620), ...writes(4, 10)],
    },
    {
      name: 'a migration that hangs while its heartbeat is well',
      events: [...booted(), ...begins(), ...writes(-10, 60), waiting(30), waiting(60)],
    },
  ],
});
