import { z } from 'zod';
import { clockTime, duration, plural } from '../lib/units.ts';
import type { Event } from '../model/event.ts';
import type { Conclusion, Remedy } from '../model/finding.ts';
import type { HostHistory } from '../model/timeline.ts';
import { defineDetector } from './detector.ts';
import { countdownOf, RESET_EARLIEST_MS, RESET_LATEST_MS, type Countdown } from './heartbeat-countdown.ts';
import { episodesOf, type Episode, type Write } from './heartbeat-episodes.ts';
import { during, whileMigrating } from './overlap.ts';
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

interface Case {
  readonly history: HostHistory;
  readonly episode: Episode;
  readonly worst: Write | null;
  readonly countdown: Countdown | null;
}

function caseOf(history: HostHistory, episode: Episode): Case {
  const worst = episode.slow.reduce<Write | null>((max, write) => (write.latencyMs > (max?.latencyMs ?? 0) ? write : max), null);
  return { history, episode, worst, countdown: countdownOf(episode, history) };
}

function severityOf({ episode, worst, countdown }: Case, { criticalMs, criticalTry }: Limits): 'warning' | 'critical' {
  const failedMs = (episode.failed.at(-1)?.to ?? 0) - (episode.failed[0]?.from ?? 0);
  const isCritical =
    episode.reset !== null ||
    (countdown?.highest ?? 0) >= criticalTry ||
    (worst?.latencyMs ?? 0) >= criticalMs ||
    failedMs >= criticalMs;
  return isCritical ? 'critical' : 'warning';
}

/** `pool 9534216b-…`, or what stands for it. */
function poolOf({ pool }: Episode): string {
  return pool === null ? 'a primary storage pool' : `pool ${pool}`;
}

function usually({ usualMs }: Episode): string {
  return usualMs === null ? '' : ` (usually ${usualMs < 1 ? 'under 1 ms' : duration(usualMs)})`;
}

function describe(found: Case, { criticalMs }: Limits): string {
  const { history, episode, worst } = found;
  const { host } = history;
  const meanwhile = whileMigrating(host, during(history.migrations, stretchOf(found)));
  if (episode.reset !== null || found.countdown !== null) return describeTries(found, meanwhile);
  if (episode.failed.length > 0) return `${describeFailed(found)}${meanwhile}.${also(worst)}`;
  if (worst === null) return '';
  const since = `${clockTime(worst.from)} UTC`;
  if (worst.pending && episode.open) {
    const hangs = `A heartbeat write of ${host} to ${poolOf(episode)} hangs for ${duration(worst.latencyMs)} or more${usually(episode)}, since ${since}${meanwhile}.`;
    return worst.latencyMs < criticalMs
      ? hangs
      : `${hangs} Unless storage answers, the host resets itself between ${clockTime(worst.from + RESET_EARLIEST_MS)} and ${clockTime(worst.from + RESET_LATEST_MS)} UTC.`;
  }
  const slowest = `A heartbeat write of ${host} to ${poolOf(episode)} took ${duration(worst.latencyMs)}${worst.pending ? ' or more' : ''}${usually(episode)}, at ${since}`;
  const span = `from ${clockTime(episode.from)} to ${clockTime(episode.lastAt)} UTC`;
  return `${slowest}${meanwhile}.${episode.slow.length === 1 ? '' : ` ${episode.slow.length} writes were slow ${span}.`}`;
}

function describeFailed({ history, episode }: Case): string {
  const [first] = episode.failed;
  const reason = first?.event.body.errorText?.replace(/, \w+ '.*$/, '') ?? '';
  const until = episode.open
    ? `since ${clockTime(first?.from ?? 0)} UTC`
    : `from ${clockTime(first?.from ?? 0)} to ${clockTime(episode.failed.at(-1)?.to ?? 0)} UTC`;
  return `${plural(episode.failed.length, 'heartbeat write')} of ${history.host} to ${poolOf(episode)} failed ${until}: ${reason}`;
}

function describeTries({ history, episode, worst, countdown }: Case, meanwhile: string): string {
  const { host } = history;
  const { tries, reset } = episode;
  const last = tries.at(-1)?.body;
  const reason = last?.reason ?? reset?.body.reason ?? '';
  const count =
    last === undefined
      ? ''
      : tries.length > last.attempts
        ? `: ${tries.length} tries failed`
        : `: ${last.attempt} of ${last.attempts} tries failed`;
  const verb = countdown?.state === 'passed' ? 'could not' : 'cannot';
  const failed = `${host} ${verb} write its heartbeat to ${poolOf(episode)}${count} since ${clockTime(episode.from)} UTC (${reason})${meanwhile}.`;
  if (reset !== null) return `${host} resets itself now, at ${clockTime(reset.at)} UTC: every VM on it stops. ${failed}`;
  if (countdown?.state === 'running')
    return `${failed} The host resets itself at about ${clockTime(countdown.resetAt)} UTC unless a write succeeds.`;
  return `${failed} ${countdown?.state === 'ignored' ? 'The last try had no consequence: this host does not reset itself' : 'No further try failed'}.${also(worst)}`;
}

function also(worst: Write | null): string {
  return worst === null ? '' : ` The slowest measured write took ${duration(worst.latencyMs)}${worst.pending ? ' or more' : ''}.`;
}

function stretchOf({ episode, countdown, worst }: Case): { readonly from: number; readonly to: number | null } {
  const goesOn =
    episode.reset === null &&
    (countdown === null ? episode.open && (episode.failed.length > 0 || worst?.pending === true) : countdown.state !== 'passed');
  return { from: episode.from, to: goesOn ? null : episode.lastAt };
}

/** Where the pool is served from, as the agent or the kernel says. */
function serverOf({ history, episode }: Case): string {
  const remount = episode.tries
    .map(({ body }) => /Failed to remount (\S+):\//.exec(body.reason)?.[1])
    .find((name) => name !== undefined);
  const kernel = history.events.map(({ body }) =>
    body.kind === 'storage-message' ? /^nfs\d?: server (\S+)/.exec(body.text)?.[1] : undefined,
  );
  return remount ?? kernel.find((name) => name !== undefined) ?? 'NFS-SERVER';
}

function remediesFor(found: Case): readonly Remedy[] {
  const { host } = found.history;
  const pool = found.episode.pool ?? 'POOL-UUID';
  const server = serverOf(found);
  const look: readonly Remedy[] = [
    { what: `see how the pool is mounted on ${host}; touches no guest`, command: `mount | grep ${pool}` },
    { what: `see whether it answers now, in at most 5 s; touches no guest`, command: `timeout 5 stat /mnt/${pool}/KVMHA` },
    {
      what: `see from ${host} whether the NFS server answers, and what it exports; touches no guest`,
      command: `rpcinfo -t ${server} nfs\nshowmount -e ${server}`,
    },
  ];
  const noReset: Remedy = {
    what: `keep ${host} from resetting itself (CloudStack 4.16 on): in /etc/cloudstack/agent/agent.properties, then restart cloudstack-agent, which ends the migrations that it drives. Risk: a host without storage keeps its VMs hanging, and where HA starts them elsewhere two may write to one disk`,
    command: 'reboot.host.and.alert.management.on.heartbeat.timeout=false',
  };
  return found.countdown?.state === 'running' ? [...look, noReset] : look;
}

/** The most telling lines: the reset, the tries, the slowest write, the failed ones, and what the kernel says meanwhile. */
function linesOf({ history, episode, worst }: Case): readonly Event[] {
  const kernel = history.events.filter(
    ({ body, at: when }) => body.kind === 'storage-message' && when >= episode.from && when <= episode.lastAt + KERNEL_TRAIL_MS,
  );
  const slow = episode.slow.toSorted((a, b) => b.latencyMs - a.latencyMs).map(({ event }) => event);
  const failed = episode.failed.map(({ event }) => event);
  const resets = episode.reset === null ? [] : [episode.reset];
  return evidence(
    resets,
    episode.tries.slice(-1),
    worst === null ? [] : [worst.event],
    failed.slice(0, 1),
    failed.slice(-1),
    kernel.slice(0, 1),
    episode.tries.slice(0, 1),
    slow.slice(1, 2),
  ).slice(0, 5);
}

function conclude(history: HostHistory, episode: Episode, settings: Limits): Conclusion {
  const found = caseOf(history, episode);
  const lines = linesOf(found);
  const first =
    [...episode.slow, ...episode.failed].map(({ event }) => event.origin.written).toSorted()[0] ??
    episode.tries[0]?.origin.written ??
    episode.reset?.origin.written ??
    '';
  return {
    summary: describe(found, settings),
    severity: severityOf(found, settings),
    confidence: 'seen',
    ...stretchOf(found),
    evidence: lines,
    remedies: remediesFor(found),
    discriminator: `${episode.pool ?? ''} ${first}`,
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
  detect: (history, settings) => episodesOf(history, settings).map((episode) => conclude(history, episode, settings)),
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
