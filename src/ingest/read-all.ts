import type { ParsedEvent } from '../model/event.ts';
import type { Span } from '../model/source.ts';
import { createCollector } from './collect.ts';
import type { Discovery } from './discover.ts';
import type { InputResult } from '../model/input.ts';
import { readInput, type ReadOptions } from './read.ts';

/** Everything that the inputs hold. */
export interface Gathered {
  readonly events: readonly ParsedEvent[];
  /** One per input, in the order of paths, those not read included. */
  readonly inputs: readonly InputResult[];
  readonly spans: readonly Span[];
}

/** What reading needs besides the files. */
export type GatherOptions = Omit<ReadOptions, 'emit'>;

/** Reads all inputs, one after the other. */
export async function readAll(found: Discovery, options: GatherOptions): Promise<Gathered> {
  const collector = createCollector();
  const results: InputResult[] = [...found.skipped];
  for (const file of found.files) {
    results.push(await readInput(file, { ...options, emit: (event) => collector.add(event) }));
  }
  const inputs = results.toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  return { events: collector.events(), inputs, spans: inputs.flatMap(spanOf) };
}

function spanOf({ host, source, tally, modifiedAt }: InputResult): readonly Span[] {
  if (host === null || source === null || tally === null || tally.first === null || tally.last === null) return [];
  return [{ host, source, first: tally.first, last: tally.last, modifiedAt }];
}
