import { listed, plural } from '../../lib/units.ts';
import type { InputResult, Tally } from '../../model/input.ts';
import type { Source } from '../../model/source.ts';
import { runIn, type Page } from './page.ts';
import { cutMiddle, fold, MOST_NAMES } from './text.ts';

/** Sources whose absence no migration mentions, and what they would have told. */
const WOULD_TELL: readonly (readonly [source: Source, tells: string])[] = [
  ['sensors', 'temperatures (no sensors output)'],
  ['heartbeat', 'storage heartbeat (no probe)'],
];

/** Named gaps that are shown without being asked for more. */
const GAPS = 8;

/** What would have told more and was not there. */
export function notObserved(page: Page): readonly string[] {
  const { migrations, inputs } = page.analysis;
  const read = new Set(inputs.map(({ source }) => source));
  const counts = new Map<string, number>();
  for (const gap of migrations.flatMap(({ unobserved }) => unobserved)) counts.set(gap, (counts.get(gap) ?? 0) + 1);
  const gaps = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([gap, count]) =>
      migrations.length > 1 && count < migrations.length ? `${gap} (${count} of ${migrations.length} migrations)` : gap,
    );
  const shown = page.allEvidence ? gaps : gaps.slice(0, GAPS);
  const more = gaps.length > shown.length ? [`${gaps.length - shown.length} more with --all-evidence`] : [];
  const all = [...shown, ...more, ...WOULD_TELL.flatMap(([source, tells]) => (read.has(source) ? [] : [tells]))];
  if (all.length === 0) return [];
  return runIn('NOT OBSERVED', fold(page.show(all.join('; ')), page.width - 14), page);
}

/** Columns before the notes on files. */
const FILES_MARGIN = 7;

/** Files named one by one without being asked for more. */
const NAMED = 6;

/** What was not read, and what of it was not understood; nothing where all of it was. */
export function fileNotes(page: Page): readonly string[] {
  const { inputs } = page.analysis;
  const troubled = inputs.filter((input) => input.skipped !== null || input.problem !== null || rejectedIn(input.tally) > 0);
  if (troubled.length === 0) return [];
  const named = troubled.filter((input) => !isHarmless(input));
  const shown = page.allEvidence ? troubled : named.toSorted(worstFirst).slice(0, NAMED);
  const more = named.length - shown.length;
  const notes = [
    ...shown.flatMap((input) => noteOf(input, page)),
    ...(more > 0 ? [page.paint('dim', `${more} more with --all-evidence`)] : []),
    ...(page.allEvidence ? [] : harmlessNotes(troubled.filter(isHarmless), page)),
    ...(shown.length > 0 ? hung(`read: ${totals(inputs)}`, page) : []),
  ];
  return runIn('FILES', notes, page);
}

/** Files that were not read come first, then those of which the most was not understood. */
function worstFirst(a: InputResult, b: InputResult): number {
  return Number(b.skipped !== null) - Number(a.skipped !== null) || rejectedIn(b.tally) - rejectedIn(a.tally);
}

/** Nothing could have been in it. */
function isHarmless({ skipped }: InputResult): boolean {
  return skipped === 'not a log' || skipped === 'empty';
}

/** One line for all that were left aside for the same reason. */
function harmlessNotes(inputs: readonly InputResult[], page: Page): readonly string[] {
  const reasonOf = ({ skipped, problem }: InputResult): string => problem ?? skipped ?? '';
  return [...new Set(inputs.map(reasonOf))].flatMap((reason) => {
    const own = inputs.filter((input) => reasonOf(input) === reason);
    const names = [...new Set(own.map(({ path }) => path.split('/').at(-1) ?? path))];
    return hung(
      `not read: ${own.length > names.length ? `${own.length} times ` : ''}${listed(names, MOST_NAMES)} (${reason})`,
      page,
    );
  });
}

function noteOf({ path, skipped, problem, tally }: InputResult, page: Page): readonly string[] {
  const rejected = rejectedIn(tally);
  const said = [
    skipped === null ? null : `not read: ${problem ?? skipped}`,
    skipped === null && problem !== null ? problem : null,
    rejected > 0 && tally !== null ? `${rejected} of ${plural(tally.records, 'record')} rejected (${reasons([tally])})` : null,
  ];
  const name = cutMiddle(page.show(path), Math.floor(page.width / 2), page.glyphs.ellipsis);
  return hung(`${name}: ${said.filter((part) => part !== null).join('; ')}`, page);
}

function hung(text: string, page: Page): readonly string[] {
  return fold(page.show(text), page.width - FILES_MARGIN - 2).map((line, i) => (i === 0 ? line : `  ${line}`));
}

function totals(inputs: readonly InputResult[]): string {
  const tallies = inputs.flatMap(({ tally }) => tally ?? []);
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((count, tally) => count + of(tally), 0);
  const rejected = sum(rejectedIn);
  const why = rejected === 0 ? '' : ` (${reasons(tallies)})`;
  return `${plural(
    sum(({ lines }) => lines),
    'line',
  )} in ${plural(
    sum(({ records }) => records),
    'record',
  )}: ${sum(({ withEvents }) => withEvents)} with events, ${sum(({ plain }) => plain)} plain, ${rejected} rejected${why}`;
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
