import { setTimeout as pause } from 'node:timers/promises';
import { isoTime } from '../lib/units.ts';
import { runOnce, type OneRun, type Program } from './child.ts';
import type { Collector, CollectorContext } from './collector.ts';
import { durationMs } from '../lib/duration.ts';
import type { SensorsOptions } from './options.ts';
import { createProgramChunks, type Mask, type ProgramChunks } from './program-chunks.ts';
import { createReporter, endOutput, type Reporter } from './reporter.ts';

/** A chip that hangs on its bus keeps `sensors` for seconds; longer than this it keeps it for good. */
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1 << 20;
/** Until a program that is missing, or a machine without sensors, is looked at again. */
const LOOK_AGAIN_MS = 60_000;

/** How temperatures are read. */
export interface SensorsSetup {
  readonly options: SensorsOptions;
  readonly mask: Mask;
  /** The program, where it is not `sensors` of the path. */
  readonly command?: string;
}

interface Reading {
  readonly state: 'running' | 'missing' | 'failing' | 'timed-out';
  readonly problem: string | null;
  /** What it printed. */
  readonly text: string | null;
}

/** Temperatures of lm-sensors, one JSON line a look: `{"at":…,"sensors":"…"}`, with what `sensors -j` printed, or its text. */
export function createSensorsCollector(context: CollectorContext, setup: SensorsSetup): Collector {
  const { options, mask, command = 'sensors' } = setup;
  const stopping = new AbortController();
  let stop = (): Promise<void> => Promise.resolve();
  let stopped: Promise<void> | null = null;

  async function keepReading(chunks: ProgramChunks, say: Reporter['say']): Promise<void> {
    while (!stopping.signal.aborted) {
      const begunAt = performance.now();
      const at = isoTime(context.now());
      const reading = await read(command, stopping.signal);
      if (stopping.signal.aborted) return;
      if (reading.text !== null) await chunks.push(Buffer.from(lineOf(at, reading.text)));
      say(reading.state, reading.problem);
      const everyMs = reading.state === 'missing' ? LOOK_AGAIN_MS : durationMs(options.every);
      const restMs = Math.max(0, everyMs - (performance.now() - begunAt));
      await pause(restMs, null, { signal: stopping.signal }).catch(() => null);
    }
  }

  return {
    name: 'sensors',
    start() {
      const reporter = createReporter(context, 'sensors', mask);
      const output = { context, source: 'sensors', path: 'sensors', mask, onTrouble: reporter.trouble } as const;
      const chunks = createProgramChunks(output);
      const reading = keepReading(chunks, reporter.say);
      stop = async () => {
        stopping.abort();
        await reading;
        await endOutput(chunks, reporter);
      };
      return Promise.resolve();
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

async function read(command: string, signal: AbortSignal): Promise<Reading> {
  const json = await runSensors(command, ['-j'], signal);
  if (json.kind !== 'done') return failed(json);
  const text = json.output.toString('utf8');
  if (hasChips(text)) return { state: 'running', problem: null, text };
  // no JSON where sensors is older than 3.5, or where a chip cannot be read: the text may still have the others
  const plain = await runSensors(command, [], signal);
  if (plain.kind !== 'done') return failed(plain);
  if (plain.output.length > 0) return { state: 'running', problem: null, text: plain.output.toString('utf8') };
  return { state: 'missing', problem: `${plain.errorText.replaceAll('\n', ' ')} (looked for again every minute)`, text: null };
}

function runSensors(command: string, args: readonly string[], signal: AbortSignal): Promise<OneRun> {
  const program: Program = { command, args, debianPackage: 'lm-sensors' };
  return runOnce({ ...program, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, signal });
}

function failed(run: Exclude<OneRun, { readonly kind: 'done' }>): Reading {
  return { state: run.kind === 'failed' ? 'failing' : run.kind, problem: run.problem, text: null };
}

/** An object with something in it, as far as the first characters tell: it may be broken further down, and the parser reads it all the same. */
function hasChips(text: string): boolean {
  return /^\s*\{\s*"/.test(text);
}

/** What was printed goes in as a string, to the letter: JSON too, for two chips of one name are two equal keys. */
function lineOf(at: string, text: string): string {
  return `{"at":"${at}","sensors":${JSON.stringify(text)}}\n`;
}
