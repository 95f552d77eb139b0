import { shell } from '../lib/shell.ts';
import { clockTime, duration, plural } from '../lib/units.ts';
import type { Remedy } from '../model/finding.ts';
import type { HostHistory } from '../model/timeline.ts';
import { RESET_EARLIEST_MS, RESET_LATEST_MS, type Countdown } from './heartbeat-countdown.ts';
import type { Episode, Write } from './heartbeat-episodes.ts';
import { whileMigrating, type During, type Stretch } from './overlap.ts';

/** An episode on its host, and what it comes to. */
export interface HeartbeatCase {
  readonly history: HostHistory;
  readonly episode: Episode;
  /** The slowest write that was measured. */
  readonly worst: Write | null;
  readonly countdown: Countdown | null;
  /** The host's migrations in a time. */
  readonly migrating: During;
}

/** When it began and, where it is over, ended. */
export function stretchOf({ episode, countdown, worst }: HeartbeatCase): Stretch {
  const hangs = episode.open && (episode.failed.length > 0 || worst?.pending === true);
  const goesOn = episode.reset === null && (countdown === null ? hangs : countdown.state !== 'passed');
  return { from: episode.from, to: goesOn ? null : episode.lastAt };
}

/** The verdict: what the agent does about it, else the writes that failed, else the slowest one. */
export function describeHeartbeat(found: HeartbeatCase, criticalMs: number): string {
  const { history, episode, worst, countdown, migrating } = found;
  const meanwhile = whileMigrating(history.host, migrating(stretchOf(found)));
  if (episode.reset !== null || countdown !== null) return describeTries(found, meanwhile);
  if (episode.failed.length > 0) return `${describeFailed(found)}${meanwhile}.${also(worst)}`;
  if (worst === null) return '';
  return worst.pending && episode.open
    ? describeHanging(found, worst, { meanwhile, criticalMs })
    : describeSlow(found, worst, meanwhile);
}

function describeTries(found: HeartbeatCase, meanwhile: string): string {
  const { history, episode, countdown } = found;
  const { host } = history;
  const reason = (episode.tries.at(-1) ?? episode.reset)?.body.reason ?? '';
  const verb = countdown?.state === 'passed' ? 'could not' : 'cannot';
  // a log that begins in the middle of the tries does not say when the first of them did
  const before = (episode.tries[0]?.body.attempt ?? 1) > 1 ? 'before ' : '';
  const since = `since ${before}${clockTime(episode.from)} UTC`;
  const failed = `${host} ${verb} write its heartbeat to ${poolOf(episode)}${triesOf(episode)} ${since} (${reason})${meanwhile}.`;
  const reset =
    episode.reset === null ? '' : `${host} resets itself now, at ${clockTime(episode.reset.at)} UTC: every VM on it stops. `;
  return `${reset}${failed}${consequence(found)}`;
}

/** Whether a summary of `describeHeartbeat` says that the host resets itself now. */
export function tellsReset(summary: string): boolean {
  return / resets itself now, at /.test(summary);
}

/** The pool that a summary of `describeHeartbeat` names; `null` where it names none. */
export function poolTold(summary: string): string | null {
  return /\bpool ([0-9A-Za-z-]+)/.exec(summary)?.[1] ?? null;
}

function triesOf({ tries }: Episode): string {
  const last = tries.at(-1)?.body;
  if (last === undefined) return '';
  return tries.length > last.attempts ? `: ${tries.length} tries failed` : `: ${last.attempt} of ${last.attempts} tries failed`;
}

function consequence({ countdown, worst }: HeartbeatCase): string {
  if (countdown === null) return '';
  if (countdown.state === 'running')
    return ` The host resets itself at about ${clockTime(countdown.resetAt)} UTC unless a write succeeds.`;
  if (countdown.state === 'passed') return ` No further try failed.${also(worst)}`;
  return ` The last try had no consequence: this host does not reset itself.${also(worst)}`;
}

function describeFailed({ history, episode }: HeartbeatCase): string {
  const [first] = episode.failed;
  // "EROFS: read-only file system, open '/mnt/…'"
  const reason = first?.event.body.errorText?.replace(/, \w+ '.*$/, '') ?? '';
  const from = clockTime(first?.from ?? 0);
  const span = episode.open ? `since ${from} UTC` : `from ${from} to ${clockTime(episode.failed.at(-1)?.to ?? 0)} UTC`;
  return `${plural(episode.failed.length, 'heartbeat write')} of ${history.host} to ${poolOf(episode)} failed ${span}: ${reason}`;
}

interface Hanging {
  readonly meanwhile: string;
  readonly criticalMs: number;
}

function describeHanging({ history, episode }: HeartbeatCase, worst: Write, { meanwhile, criticalMs }: Hanging): string {
  const { host } = history;
  const since = `since ${clockTime(worst.from)} UTC`;
  const hangs = `A heartbeat write of ${host} to ${poolOf(episode)} hangs for ${atLeast(worst)}${usually(episode)}, ${since}${meanwhile}.`;
  if (worst.latencyMs < criticalMs) return hangs;
  const [earliest, latest] = [clockTime(worst.from + RESET_EARLIEST_MS), clockTime(worst.from + RESET_LATEST_MS)];
  return `${hangs} Unless storage answers, the host resets itself between ${earliest} and ${latest} UTC.`;
}

function describeSlow({ history, episode }: HeartbeatCase, worst: Write, meanwhile: string): string {
  const took = `took ${atLeast(worst)}${usually(episode)}, at ${clockTime(worst.from)} UTC`;
  const slowest = `A heartbeat write of ${history.host} to ${poolOf(episode)} ${took}${meanwhile}.`;
  if (episode.slow.length === 1) return slowest;
  return `${slowest} ${episode.slow.length} writes were slow from ${clockTime(episode.from)} to ${clockTime(episode.lastAt)} UTC.`;
}

function also(worst: Write | null): string {
  return worst === null ? '' : ` The slowest measured write took ${atLeast(worst)}.`;
}

function atLeast({ latencyMs, pending }: Write): string {
  return `${duration(latencyMs)}${pending ? ' or more' : ''}`;
}

/** `pool 9534216b-…`, or what stands for it. */
function poolOf({ pool }: Episode): string {
  return pool === null ? 'a primary storage pool' : `pool ${pool}`;
}

function usually({ usualMs }: Episode): string {
  return usualMs === null ? '' : ` (usually ${usualMs < 1 ? 'under 1 ms' : duration(usualMs)})`;
}

/** What to type: to see what storage does, and, while the countdown runs, to stop it. */
export function heartbeatRemedies(found: HeartbeatCase): readonly Remedy[] {
  const { host } = found.history;
  const pool = found.episode.pool ?? 'POOL-UUID';
  const server = serverOf(found);
  const look: readonly Remedy[] = [
    { what: `see how the pool is mounted on ${host}; touches no guest`, command: shell`mount | grep ${pool}` },
    { what: `see whether it answers now, in at most 5 s; touches no guest`, command: shell`timeout 5 stat /mnt/${pool}/KVMHA` },
    {
      what: `see from ${host} whether the NFS server answers, and what it exports; touches no guest`,
      command: shell`rpcinfo -t ${server} nfs\nshowmount -e ${server}`,
    },
  ];
  const noReset: Remedy = {
    what: `keep ${host} from resetting itself (CloudStack 4.16 on): in /etc/cloudstack/agent/agent.properties, then restart cloudstack-agent, which ends the migrations that it drives. Risk: a host without storage keeps its VMs hanging, and where HA starts them elsewhere two may write to one disk`,
    command: 'reboot.host.and.alert.management.on.heartbeat.timeout=false',
  };
  return found.countdown?.state === 'running' ? [...look, noReset] : look;
}

/** The pool's NFS server, where the agent or the kernel names one. */
function serverOf({ history, episode }: HeartbeatCase): string {
  const agent = episode.tries.map(({ body }) => /Failed to remount (\S+):\//.exec(body.reason)?.[1]);
  const kernel = history.storageMessages.map(({ body }) => /^nfs\d?: server (\S+)/.exec(body.text)?.[1]);
  return [...agent, ...kernel].find((name) => name !== undefined) ?? 'NFS-SERVER';
}
