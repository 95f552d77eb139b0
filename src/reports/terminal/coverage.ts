import { fileNotesOf, gapsOf, totalsOf, type FileNote } from '../incident/coverage-words.ts';
import { runIn, type Page } from './page.ts';
import { cutMiddle, fold } from './text.ts';

/** Named gaps that are shown without being asked for more. */
const GAPS = 8;

/** What would have told more and was not there. */
export function notObserved(page: Page): readonly string[] {
  const { ofMigrations, ofAll } = gapsOf(page.analysis);
  const shown = page.allEvidence ? ofMigrations : ofMigrations.slice(0, GAPS);
  const more = ofMigrations.length > shown.length ? [`${ofMigrations.length - shown.length} more with --all-evidence`] : [];
  const all = [...shown, ...more, ...ofAll];
  return all.length === 0 ? [] : runIn('NOT OBSERVED', fold(page.show(all.join('; ')), page.width - 14), page);
}

/** Columns before the notes on files. */
const FILES_MARGIN = 7;

/** Files named one by one without being asked for more. */
const NAMED = 6;

/** What was not read, and what of it was not understood; nothing where all of it was. */
export function fileNotes(page: Page): readonly string[] {
  const { troubled, harmless, every } = fileNotesOf(page.analysis);
  if (every.length === 0) return [];
  const shown = page.allEvidence ? every : troubled.slice(0, NAMED);
  const more = troubled.length - shown.length;
  const notes = [
    ...shown.flatMap((note) => noteLines(note, page)),
    ...(more > 0 ? [page.paint('dim', `${more} more with --all-evidence`)] : []),
    ...(page.allEvidence ? [] : harmless.flatMap((note) => hung(note, page))),
    ...(shown.length > 0 ? hung(`read: ${totalsOf(page.analysis.inputs)}`, page) : []),
  ];
  return runIn('FILES', notes, page);
}

function noteLines({ path, said }: FileNote, page: Page): readonly string[] {
  return hung(`${cutMiddle(page.show(path), Math.floor(page.width / 2), page.glyphs.ellipsis)}: ${said}`, page);
}

function hung(text: string, page: Page): readonly string[] {
  return fold(page.show(text), page.width - FILES_MARGIN - 2).map((line, i) => (i === 0 ? line : `  ${line}`));
}
