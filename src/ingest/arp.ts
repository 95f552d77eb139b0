import { access } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { superviseChild, type Program, type SupervisedChild } from './child.ts';
import type { Collector, CollectorContext } from './collector.ts';
import type { ArpOptions } from './options.ts';
import { createProgramChunks, type Mask, type ProgramChunks } from './program-chunks.ts';
import { createReporter, endOutput, type Reporter } from './reporter.ts';

/** How often an observer says that it listens: the timeline takes two such words up to 65 s apart for all that is between. */
const MARK_MS = 60_000;
/** How often an interface that is not there is looked for. */
const LOOK_MS = 5000;
/** A stream that held back output for longer may have cost frames: the pipe and the kernel's buffer are finite. */
const BLOCKED_MS = 5000;

/** Announcements, with or without a VLAN tag. */
const FILTER = 'arp or rarp or (vlan and (arp or rarp))';

/** What the collector needs of the machine: this one, or a network namespace of it. */
export interface ArpMachine {
  /** How a program is started there. */
  run(program: Program): Program;
  /** Whether it has this interface. */
  exists(name: string): Promise<boolean>;
}

/** What to listen on, and how. */
export interface ArpSetup {
  readonly options: ArpOptions;
  readonly mask: Mask;
  readonly machine?: ArpMachine;
  readonly markMs?: number;
  readonly lookMs?: number;
  readonly blockedMs?: number;
}

const THIS_MACHINE: ArpMachine = {
  run: (program) => program,
  exists: (name) =>
    access(`/sys/class/net/${name}`).then(
      () => true,
      () => false,
    ),
};

/**
 * Without promiscuous mode (`-p`): announcements are broadcasts and reach the bridge anyway, and with it the kernel would hand every
 * frame between guests to the host as well.
 */
function tcpdumpOn(name: string): Program {
  const args = ['--immediate-mode', '-p', '-l', '-n', '-e', '-tttt', '-i', name, FILTER];
  return { command: 'tcpdump', args, debianPackage: 'tcpdump' };
}

const BRIDGE: Program = { command: 'bridge', args: ['-timestamp', 'monitor', 'fdb'], debianPackage: 'iproute2' };

/** Who says on the network where MAC addresses are: tcpdump on bridges (`arp:<interface>`), and the forwarding tables (`bridge-fdb`). */
export function createArpCollector(context: CollectorContext, setup: ArpSetup): Collector {
  const { options } = setup;
  let parts: readonly Part[] = [];
  let stopped: Promise<void> | null = null;
  return {
    name: 'arp',
    async start() {
      parts = [...options.interfaces.map((name) => startListener(context, setup, name)), startBridge(context, setup)];
      await Promise.all(parts.map(({ started }) => started));
    },
    stop() {
      stopped ??= Promise.all(parts.map((part) => part.stop())).then(() => undefined);
      return stopped;
    },
  };
}

interface Part {
  readonly started: Promise<void>;
  stop(): Promise<void>;
}

/** Listens on one interface for as long as it is there. */
function startListener(context: CollectorContext, setup: ArpSetup, name: string): Part {
  const { machine = THIS_MACHINE, lookMs = LOOK_MS, blockedMs = BLOCKED_MS } = setup;
  const reporter = createReporter(context, `arp:${name}`, setup.mask);
  const chunks = createProgramChunks({
    context,
    source: 'tcpdump',
    path: `tcpdump:${name}`,
    mask: setup.mask,
    zone: 'UTC',
    onTrouble: reporter.trouble,
  });
  const ear = createEar({ program: machine.run(tcpdumpOn(name)), chunks, reporter, blockedMs });
  const stopping = new AbortController();
  let child: SupervisedChild | null = null;

  async function look(): Promise<void> {
    if (await machine.exists(name)) child ??= ear.open();
    else {
      await child?.stop();
      child = null;
      reporter.say('missing', `there is no interface ${name}: create it, or correct \`arp.interfaces\``);
    }
    await child?.started;
  }

  async function keepLooking(first: Promise<void>): Promise<void> {
    await first;
    while (!stopping.signal.aborted) {
      await pause(lookMs, null, { signal: stopping.signal }).catch(() => null);
      if (!stopping.signal.aborted) await look();
    }
  }

  const started = look();
  const looking = keepLooking(started);
  const marking = setInterval(ear.mark, setup.markMs ?? MARK_MS);
  return {
    started,
    async stop() {
      stopping.abort();
      clearInterval(marking);
      ear.mark();
      await looking;
      await child?.stop();
      await endOutput(chunks, reporter);
    },
  };
}

interface EarParts {
  readonly program: Program;
  readonly chunks: ProgramChunks;
  readonly reporter: Reporter;
  readonly blockedMs: number;
}

interface Ear {
  open(): SupervisedChild;
  /** Says that it listens, if it does. */
  mark(): void;
}

/** tcpdump, and whether it hears. */
function createEar({ program, chunks, reporter, blockedMs }: EarParts): Ear {
  let isListening = false;
  return {
    open: () =>
      superviseChild({
        ...program,
        onStart: () => chunks.begin(),
        onOutput: chunks.push,
        onErrorLine(line) {
          // its last word before the first frame
          if (!/\blistening on \S/.test(line)) return;
          isListening = true;
          reporter.say('running', null);
          reporter.listening();
        },
        onEnd() {
          isListening = false;
          return chunks.end();
        },
        report: (state, problem) => state !== 'running' && reporter.say(state, problem),
      }),
    mark() {
      const waitMs = chunks.takeLongestWaitMs();
      if (!isListening) return;
      if (waitMs > blockedMs) {
        reporter.say('failing', `the stream took nothing for ${Math.round(waitMs / 1000)} s: frames may have been lost`);
        reporter.say('running', null);
      }
      reporter.listening();
    },
  };
}

/** What this machine's bridges learn and forget. */
function startBridge(context: CollectorContext, { mask, machine = THIS_MACHINE }: ArpSetup): Part {
  const reporter = createReporter(context, 'bridge-fdb', mask);
  const output = { context, source: 'bridge-fdb', path: 'bridge-fdb', mask, zone: 'UTC', onTrouble: reporter.trouble } as const;
  const chunks = createProgramChunks({ ...output, startsRecord: /^Timestamp: / });
  const child = superviseChild({
    ...machine.run(BRIDGE),
    onStart: () => chunks.begin(),
    onOutput: chunks.push,
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
