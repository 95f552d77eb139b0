import type { CollectorReport } from '../model/event.ts';
import { isoTime } from '../lib/units.ts';
import type { CollectorContext, CollectorState } from './collector.ts';
import { createProgramChunks, type Mask, type ProgramChunks } from './program-chunks.ts';

/** What a collector may say of itself. */
export type ReportedState = CollectorReport['state'];

/** A collector's own words: they go to who runs it, and into the stream beside what it collects. */
export interface Reporter {
  /** A change of state; the same twice in a row is said once. `problem`: what is wrong and what to do, `null` where nothing is. */
  say(state: Exclude<ReportedState, 'listening'>, problem: string | null): void;
  /** The stream does not take what is collected, or (`null`) does so again. */
  trouble(problem: string | null): void;
  /** An observer of the network was at work since it last said so, whether or not it saw anything. */
  listening(): void;
  /** Says `stopped`, and resolves when the stream has all that was said. @throws what the stream said, where it takes nothing. */
  stop(): Promise<void>;
}

/** A reporter of one collector: `arp:cloudbr0`. It says `starting` at once. */
export function createReporter(context: CollectorContext, collector: string, mask: Mask): Reporter {
  const chunks = createProgramChunks({ context, source: 'collector', path: `collector:${collector}`, mask });
  let lastSaid = '';
  let ended: Promise<void> | null = null;

  function write(state: ReportedState, text: string): void {
    const line = { at: isoTime(context.now()), collector, state, text };
    // what the stream does not take is held there, and told when it is asked to close
    chunks.push(Buffer.from(`${JSON.stringify(line)}\n`)).catch(() => undefined);
  }

  function say(state: Exclude<ReportedState, 'listening'>, problem: string | null): void {
    const said = `${state} ${problem ?? ''}`;
    if (ended !== null || said === lastSaid) return;
    lastSaid = said;
    write(state, problem ?? '');
    context.report({ collector, state: stateOf(state), problem });
  }

  say('starting', null);
  return {
    say,
    trouble: (problem) => say(problem === null ? 'running' : 'failing', problem),
    listening() {
      if (ended === null) write('listening', '');
    },
    stop() {
      say('stopped', null);
      ended ??= chunks.close();
      return ended;
    },
  };
}

/** The end of a collector: what is in hand goes out, then it says that it stopped, even to a stream that took nothing more. */
export async function endOutput(chunks: ProgramChunks, reporter: Reporter): Promise<void> {
  try {
    await chunks.close();
  } finally {
    await reporter.stop();
  }
}

function stateOf(state: Exclude<ReportedState, 'listening'>): CollectorState {
  return state === 'timed-out' ? 'failing' : state;
}
