import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import type { Source } from '../model/source.ts';
import { fixedZone, zoneNamed } from '../timeline/zone.ts';
import type { FeedItem } from '../web/feed.ts';
import type { Terminal } from './analyze.ts';
import { createInstance, type Instance } from './instance.ts';
import { replayed, type ReplayedRecord } from './replay.ts';
import type { RunContext } from './run.ts';

/** A recording of a real migration, and what was done in it. */
interface Story {
  readonly folder: string;
  readonly story: string;
  /** Zone of its agents' local times. */
  readonly zone: string;
  /** First and last thing recorded. */
  readonly from: string;
  readonly to: string;
}

/** Recordings that show most. */
const SHOWN: readonly Story[] = [
  {
    folder: 'libvirt-9.0/healthy',
    story: 'An idle VM moves. Nothing is wrong.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T04:54:34Z',
    to: '2026-11-23T04:54:52Z',
  },
  {
    folder: 'libvirt-9.0/cpu-incompatible',
    story: 'The destination lacks CPU features of the running VM.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T04:42:24Z',
    to: '2026-11-23T04:42:43Z',
  },
  {
    folder: 'libvirt-9.0/not-converging',
    story: 'A VM dirties memory faster than it is copied; after 70 s an operator gives up.',
    zone: 'America/New_York',
    from: '2026-11-23T04:40:06Z',
    to: '2026-11-23T04:41:38Z',
  },
  {
    folder: 'libvirt-11.3/missing-garp',
    story: 'A VM moves, but no announcement reaches the switch.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T21:29:06Z',
    to: '2026-11-23T21:29:42Z',
  },
  {
    folder: 'libvirt-9.0/storage-spike',
    story: 'Primary storage hangs twice while a VM moves.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T04:50:53Z',
    to: '2026-11-23T04:51:47Z',
  },
  {
    folder: 'libvirt-7.0/split-brain',
    story: 'A switch port goes down, and HA starts the VM a second time.',
    zone: 'Europe/Berlin',
    from: '2026-11-23T21:48:22Z',
    to: '2026-11-23T21:50:32Z',
  },
];

/** How much faster than it happened. */
const SPEED = 12;
const STEP_MS = 100;
/** Between two recordings, in their time. */
const BETWEEN_MS = 5000;

/** A record, and the live file that it goes to. */
interface Line extends ReplayedRecord {
  readonly path: string;
}

/** A story with its place in time. */
interface Scene {
  readonly story: Story;
  readonly startsAt: number;
  /** All its records in the order of time. */
  readonly lines: readonly Line[];
}

/** Where a demonstration takes place. */
interface Stage {
  readonly folder: string;
  readonly config: string;
  readonly scenes: readonly Scene[];
}

/**
 * `precopy demo`: an instance on a temporary folder, whose collectors follow logs that recorded real migrations are written into;
 * prints findings as they appear, and ends by itself.
 */
export async function demo({ terminal, env, node }: RunContext): Promise<number> {
  const stage = createStage();
  const config = loadConfig(stage.config, env);
  const instance = createInstance(config, {
    roles: { collect: true, process: true },
    log: createLog({ level: 'error' }),
    metrics: createMetrics(),
    node,
  });
  const stopped = new AbortController();
  const withdraw = onSignals({ stop: () => stopped.abort() });
  try {
    await instance.start();
    terminal.out(opening(stage, terminal));
    const programme = createProgramme(terminal);
    instance.follow((item) => programme.show(item));
    await play(stage, programme, stopped.signal);
    if (!stopped.signal.aborted) await instance.idle();
    programme.close();
    terminal.out(await ending(instance, stage, terminal));
    return 0;
  } finally {
    await instance.stop();
    withdraw();
    rmSync(stage.folder, { recursive: true, force: true });
  }
}
