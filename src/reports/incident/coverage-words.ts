import { listed, plural } from '../../lib/units.ts';
import type { InputResult, Tally } from '../../model/input.ts';
import type { Source } from '../../model/source.ts';
import type { Analysis } from '../analysis.ts';
import { MOST_NAMES } from '../terminal/text.ts';

/** Sources whose absence no migration mentions, and what they would have told. */
const WOULD_TELL: readonly (readonly [source: Source, tells: string])[] = [
  ['sensors', 'temperatures (no sensors output)'],
  ['heartbeat', 'storage heartbeat (no probe)'],
];

/** What would have told more and was not there. */
export interface Gaps {
  /** What migrations miss, that of the most migrations first. */
  readonly ofMigrations: readonly string[];
  /** What nobody recorded at all. */
  readonly ofAll: readonly string[];
}

/** What was not observed. */
export function gapsOf({ migrations, inputs }: Pick<Analysis, 'migrations' | 'inputs'>): Gaps {
  const read = new Set(inputs.map(({ source }) => source));
  const counts = new Map<string, number>();
  for (const gap of migrations.flatMap(({ unobserved }) => unobserved)) counts.set(gap, (counts.get(gap) ?? 0) + 1);
  const ofMigrations = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([gap, count]) =>
      migrations.length > 1 && count < migrations.length ? `${gap} (${count} of ${migrations.length} migrations)` : gap,
    );
  return { ofMigrations, ofAll: WOULD_TELL.flatMap(([source, tells]) => (read.has(source) ? [] : [tells])) };
}

/** A file of which something was not read, and what. */
export interface FileNote {
  readonly path: string;
  readonly said: string;
}

/** What was not read, and what of it was not understood. */
export interface FileNotes {
  /** Files that were not read come first, then those of which the most was not understood. */
  readonly troubled: readonly FileNote[];
  /** Files that could not have told anything, by why they were left aside. */
  readonly harmless: readonly string[];
  /** All troubled files, harmless or not, in the order they were read. */
  readonly every: readonly FileNote[];
}

/** The files that were not read as a whole. */
export function fileNotesOf({ inputs }: Pick<Analysis, 'inputs'>): FileNotes {
  const troubled = inputs.filter((input) => input.skipped !== null || input.problem !== null || rejectedIn(input.tally) > 0);
  return {
    troubled: troubled
      .filter((input) => !isHarmless(input))
      .toSorted(worstFirst)
      .map(noteOf),
    harmless: harmlessNotes(troubled.filter(isHarmless)),
    every: troubled.map(noteOf),
  };
}

function worstFirst(a: InputResult, b: InputResult): number {
  return Number(b.skipped !== null) - Number(a.skipped !== null) || rejectedIn(b.tally) - rejectedIn(a.tally);
}

/** Nothing could have been in it. */
function isHarmless({ skipped }: InputResult): boolean {
  return skipped === 'not a log' || skipped === 'empty';
}

function harmlessNotes(inputs: readonly InputResult[]): readonly string[] {
  const reasonOf = ({ skipped, problem }: InputResult): string => problem ?? skipped ?? '';
  return [...new Set(inputs.map(reasonOf))].map((reason) => {
    const own = inputs.filter((input) => reasonOf(input) === reason);
    const names = [...new Set(own.map(({ path }) => path.split('/').at(-1) ?? path))];
    return `not read: ${own.length > names.length ? `${own.length} times ` : ''}${listed(names, MOST_NAMES)} (${reason})`;
  });
}

function noteOf({ path, skipped, problem, tally }: InputResult): FileNote {
  const rejected = rejectedIn(tally);
  const said = [
    skipped === null ? null : `not read: ${problem ?? skipped}`,
    skipped === null && problem !== null ? problem : null,
    rejected > 0 && tally !== null ? `${rejected} of ${plural(tally.records, 'record')} rejected (${reasons([tally])})` : null,
  ];
  return { path, said: said.filter((part) => part !== null).join('; ') };
}

/** How many lines and records were read, and what became of them. */
export function totalsOf(inputs: readonly InputResult[]): string {
  const tallies = inputs.flatMap(({ tally }) => tally ?? []);
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((count, tally) => count + of(tally), 0);
  const rejected = sum(rejectedIn);
  const why = rejected === 0 ? '' : ` (${reasons(tallies)})`;
  const lines = plural(
    sum((tally) => tally.lines),
    'line',
  );
  const records = plural(
    sum((tally) => tally.records),
    'record',
  );
  return `${lines} in ${records}: ${sum(({ withEvents }) => withEvents)} with events, ${sum(({ plain }) => plain)} plain, ${rejected} rejected${why}`;
}

function rejectedIn(tally: Tally | null): number {
  return tally === null ? 0 : Object.values(tally.rejected).reduce((sum, count) => sum + count, 0);
}

function reasons(tallies: readonly Tally[]): string {
  const counts = new Map<string, number>();
  for (const [reason, count] of tallies.flatMap(({ rejected }) => Object.entries(rejected)))
    counts.set(reason, (counts.get(reason) ?? 0) + count);
  return [...counts].map(([reason, count]) => `${reason} ${count}`).join(', ');
}
