import { isoTime } from '../lib/units.ts';
import { superviseChild, type Program } from './child.ts';
import type { Collector, CollectorContext } from './collector.ts';
import { durationMs } from '../lib/duration.ts';
import type { VirshOptions } from './options.ts';
import { createMigratingVms, type MigratingVms } from './migrating-vms.ts';
import { createProgramChunks, type Mask } from './program-chunks.ts';
import { createReporter, endOutput } from './reporter.ts';
import { startJobWatch } from './virsh-jobs.ts';
import { createVirshSession } from './virsh-session.ts';

/** What to ask libvirt for. */
export interface VirshSetup {
  readonly options: VirshOptions;
  readonly mask: Mask;
  /** The program, where it is not `virsh` of the path. */
  readonly command?: string;
}

/** Longest line of an event that is looked at; `job-completed` has many short ones. */
const MAX_LINE_CHARS = 4096;

/**
 * Domain events of libvirt (`virsh-events:<uri>`), and each `every` statistics of the VMs that migrate (`virsh-jobs:<uri>`). Both
 * connections are read-only: nothing here can touch a guest. That a VM migrates is told by the event of its first pass; see
 * `startJobWatch` for those that began before.
 */
export function createVirshCollector(context: CollectorContext, setup: VirshSetup): Collector {
  let parts: readonly Part[] = [];
  let stopped: Promise<void> | null = null;
  return {
    name: 'virsh',
    async start() {
      const vms = createMigratingVms();
      const jobs = startJobs(context, setup, vms);
      const events = startEvents(context, setup, vms);
      parts = [events, jobs];
      await events.started;
    },
    stop() {
      stopped ??= Promise.all(parts.map((part) => part.stop())).then(() => undefined);
      return stopped;
    },
  };
}

interface Part {
  stop(): Promise<void>;
}

function virsh({ command = 'virsh', options }: VirshSetup, args: readonly string[]): Program {
  return { command, args: ['-q', '-r', '-c', options.uri, ...args], debianPackage: 'libvirt-clients' };
}

function startJobs(context: CollectorContext, setup: VirshSetup, vms: MigratingVms): Part {
  const { options, mask } = setup;
  const reporter = createReporter(context, 'virsh-jobs', mask);
  const chunks = createProgramChunks({
    context,
    source: 'domjobinfo',
    path: `virsh-jobs:${options.uri}`,
    mask,
    onTrouble: reporter.trouble,
  });
  const watch = startJobWatch({
    vms,
    session: () => createVirshSession(virsh(setup, [])),
    everyMs: durationMs(options.every),
    timeoutMs: durationMs(options.timeout),
    take: (line) => chunks.push(Buffer.from(line)),
    say: reporter.say,
    nowIso: () => isoTime(context.now()),
  });
  return {
    async stop() {
      await watch.stop();
      await endOutput(chunks, reporter);
    },
  };
}

function startEvents(
  context: CollectorContext,
  setup: VirshSetup,
  vms: MigratingVms,
): Part & { readonly started: Promise<void> } {
  const { options, mask } = setup;
  const reporter = createReporter(context, 'virsh-events', mask);
  const output = {
    context,
    source: 'domjobinfo',
    path: `virsh-events:${options.uri}`,
    mask,
    onTrouble: reporter.trouble,
  } as const;
  const chunks = createProgramChunks({ ...output, startsRecord: /^\d{4}-\d\d-\d\d / });
  let rest = '';
  const child = superviseChild({
    ...virsh(setup, ['event', '--all', '--loop', '--timestamp']),
    onStart() {
      rest = '';
      chunks.begin();
    },
    async onOutput(bytes) {
      const lines = (rest + Buffer.from(bytes).toString('utf8')).split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
      for (const line of lines) heed(line, vms);
      await chunks.push(bytes);
    },
    onEnd: chunks.end,
    report: reporter.say,
  });
  return {
    started: child.started,
    async stop() {
      await child.stop();
      await endOutput(chunks, reporter);
    },
  };
}

/** Old virsh prints names without quotes. */
const EVENT = /: event '(?<event>migration-iteration|lifecycle)' for domain '?(?<vm>[^':]+)'?: (?<what>.*)$/;

/** QEMU tells each pass from the first; the destination's guest runs when it is resumed as migrated. */
function heed(line: string, vms: MigratingVms): void {
  const { event, vm = '', what = '' } = EVENT.exec(line)?.groups ?? {};
  if (event === 'migration-iteration') vms.leaves(vm);
  else if (event === 'lifecycle' && what.startsWith('Resumed Migrated')) vms.arrives(vm, performance.now());
}
