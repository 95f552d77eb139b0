import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Collector, CollectorContext, CollectorState } from './collector.ts';
import type { EmitLines } from './emit-lines.ts';
import { durationMs } from '../lib/duration.ts';
import type { HeartbeatOptions } from './options.ts';
import { poolMounts } from './pool-mounts.ts';
import { watchPool, type PoolWatch } from './pool-watch.ts';

/** What the heartbeat collector is made of. */
export interface HeartbeatParts {
  readonly options: HeartbeatOptions;
  readonly context: Pick<CollectorContext, 'header' | 'now' | 'report'>;
  readonly emit: EmitLines;
  /** Path of the program `node`. */
  readonly node: string;
  /** The compiled `pool-probe`. */
  readonly entry: URL;
  /** The kernel's list of mounts; another one in tests. */
  readonly mountinfo?: string;
}

/** How often mounts are looked for: CloudStack mounts a pool when the agent connects, and as pools are added. */
const MOUNTS_EVERY_MS = 60_000;

/**
 * Reads the age of CloudStack's heartbeat files, and writes one of our own where told to. Each pool has a process of its own:
 * one whose server is gone holds up neither the others nor this process. A pool that hangs is told once.
 */
export function createHeartbeatCollector(parts: HeartbeatParts): Collector {
  const { options, context, emit, node, entry, mountinfo = '/proc/self/mountinfo' } = parts;
  const { now } = context;
  const stopping = new AbortController();
  const states = createStates(context);
  const watches = new Map<string, PoolWatch>();
  const { report } = states;
  const write = oneAtATime(emit, stopping.signal);
  let looking: Promise<void> = Promise.resolve();

  function watch(mount: string): PoolWatch {
    return watchPool({
      mount,
      writeAs: options.probe ? context.header.host : null,
      everyMs: durationMs(options.every),
      node,
      entry,
      now,
      emit: write,
      tell: (state) => states.tell(mount, state, watches.size),
    });
  }

  async function follow(): Promise<void> {
    const mounts = options.pools === 'auto' ? poolMounts(await readFile(mountinfo, 'utf8')) : options.pools;
    if (stopping.signal.aborted) return;
    for (const mount of mounts) if (!watches.has(mount)) watches.set(mount, watch(mount));
    const gone = [...watches].filter(([mount]) => !mounts.includes(mount));
    for (const [mount, { stop }] of gone) {
      watches.delete(mount);
      states.forget(mount);
      await stop();
    }
    if (watches.size === 0) report('missing', 'no primary storage is mounted; looked for again every minute');
  }

  async function look(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await pause(MOUNTS_EVERY_MS, undefined, { signal: stopping.signal });
        await follow();
      } catch (error) {
        if (!stopping.signal.aborted) report('failing', `mounts cannot be listed: ${String(error)}`);
      }
    }
  }

  return {
    name: 'heartbeat',
    async start() {
      report('starting', null);
      await follow();
      looking = look();
    },
    async stop() {
      stopping.abort();
      await Promise.all([looking, ...[...watches.values()].map(({ stop }) => stop())]);
      report('stopped', null);
    },
  };
}

/** All pools share one stream of lines: each waits for the one before it. Nothing is begun once the signal is given. */
function oneAtATime(emit: EmitLines, stopping: AbortSignal): EmitLines {
  let last: Promise<void> = Promise.resolve();
  return (lines, at) => {
    const turn = last.then(() => (stopping.aborted ? undefined : emit(lines, at)));
    // the next one has its turn whatever became of this one, which its own caller learns
    last = turn.catch(() => undefined);
    return turn;
  };
}

interface States {
  report(state: CollectorState, problem: string | null): void;
  /** What `watchPool` says of one of so many pools. */
  tell(mount: string, state: string | null, pools: number): void;
  forget(mount: string): void;
}

/** One state of the states of all pools; told when it changes. */
function createStates({ report }: Pick<CollectorContext, 'report'>): States {
  const states = new Map<string, string | null>();
  let last = '';

  function changed(state: CollectorState, problem: string | null): void {
    const key = `${state} ${problem}`;
    if (key !== last) report({ collector: 'heartbeat', state, problem });
    last = key;
  }

  return {
    report: changed,
    tell(mount, state, pools) {
      states.set(mount, state);
      const told = [...states.values()];
      const problems = told.filter((text) => text !== null && text !== 'no-pool');
      if (problems.length > 0) changed('failing', problems.join('; '));
      else if (told.includes(null)) changed('running', null);
      else if (told.length === pools) changed('missing', 'no mount has a KVMHA folder; looked at again all the time');
    },
    forget: (mount) => void states.delete(mount),
  };
}
