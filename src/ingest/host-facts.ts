import { setTimeout as pause } from 'node:timers/promises';
import type { Collector, CollectorContext } from './collector.ts';
import type { EmitLines } from './emit-lines.ts';
import { factReaders, type FactPlaces, type FactReader } from './fact-readers.ts';
import type { Facts } from './fact-texts.ts';
import { durationMs } from '../lib/duration.ts';
import type { HostFactsOptions } from './options.ts';

/** What the collector of host facts is made of. */
export interface HostFactsParts extends Omit<FactPlaces, 'root'> {
  readonly options: HostFactsOptions;
  readonly context: Pick<CollectorContext, 'now' | 'report'>;
  readonly emit: EmitLines;
  /** `/`; another folder in tests. */
  readonly root?: string;
}

/** A longer value is cut: a setting is a line, the flags of a CPU are some 2,000 characters. */
const MAX_VALUE_CHARS = 16_384;

/**
 * Tells versions, CPU, addresses, MTU, settings, services and pools of this host: all at start, afterwards what changed, with an empty value
 * what is gone. A place that does not answer is asked again; what it told before holds meanwhile. A program that is not there
 * tells nothing.
 */
export function createHostFactsCollector({ options, context, emit, root = '/', ...places }: HostFactsParts): Collector {
  const { now, report } = context;
  const stopping = new AbortController();
  const readers = factReaders({ ...places, root });
  const known = new Map<FactReader, Facts>();
  let running: Promise<void> = Promise.resolve();
  let told = '';

  function tell(state: 'starting' | 'running' | 'failing' | 'stopped', problem: string | null): void {
    const key = `${state} ${problem}`;
    if (key !== told) report({ collector: 'host-facts', state, problem });
    told = key;
  }

  /** Asks every place, and tells what changed since it was last told. */
  async function look(): Promise<void> {
    const problems: string[] = [];
    const found = await Promise.all(
      readers.map(async (reader) => {
        try {
          return [reader, await reader.read()] as const;
        } catch (error) {
          problems.push(`${reader.name}: ${error instanceof Error ? error.message : String(error)}`);
          return [reader, null] as const;
        }
      }),
    );
    if (stopping.signal.aborted) return;
    const changed = found.filter((pair): pair is readonly [FactReader, Facts] => pair[1] !== null);
    const at = now();
    const lines = changed.flatMap(([reader, facts]) => changes(known.get(reader), facts).map((fact) => line(at, fact)));
    if (lines.length > 0) await emit(lines.join(''), at);
    // told for good only now: what the stream refused comes again
    for (const [reader, facts] of changed) known.set(reader, facts);
    if (problems.length === 0) tell('running', null);
    else tell('failing', `some facts cannot be read: ${problems.join('; ')}`);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await look();
      } catch (error) {
        tell('failing', `facts were not stored, and come again: ${String(error)}`);
      }
      await pause(durationMs(options.every), null, { signal: stopping.signal }).catch(() => null);
    }
  }

  return {
    name: 'host-facts',
    async start() {
      tell('starting', null);
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
      tell('stopped', null);
    },
  };
}

type Fact = readonly [name: string, value: string];

function changes(before: Facts | undefined, after: Facts): readonly Fact[] {
  const gone = [...(before?.keys() ?? [])].filter((name) => !after.has(name));
  const differ = [...after].filter(([name, value]) => before?.get(name) !== value);
  return [...differ, ...gone.map((name): Fact => [name, ''])];
}

function line(at: number, [name, value]: Fact): string {
  const cut = value.length > MAX_VALUE_CHARS ? `${value.slice(0, MAX_VALUE_CHARS)}…` : value;
  return `${JSON.stringify({ at: new Date(at).toISOString(), name, value: cut })}\n`;
}
