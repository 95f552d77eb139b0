import type { Analysis } from './analysis.ts';
import { blocksOf, type Block } from './incident/blocks.ts';
import { troubledMigrations } from './incident/verdict-words.ts';
import { fileNotes, notObserved } from './terminal/coverage.ts';
import { advice, findings, noFinding } from './terminal/findings.ts';
import { header } from './terminal/header.ts';
import { lanes } from './terminal/lanes.ts';
import { createPage, type Page, type Screen } from './terminal/page.ts';
import { migrationTable } from './terminal/table.ts';

/** More timelines than this would bury the findings. */
const TIMELINES = 3;

/**
 * An analysis as a tired person reads it: what was read; what is wrong, where the VM is, what says so and what to do; every
 * migration in a line; how the troubled ones went; what nobody saw. No line is wider than the screen, except commands, which are to be
 * pasted. Text of logs cannot reach the terminal's controls.
 */
export function terminalReport(analysis: Analysis, screen: Screen): string {
  const page = createPage(analysis, screen);
  const blocks = blocksOf(analysis);
  const sections = [
    header(page),
    ...(blocks.length === 0 ? [[...noFinding(page), ...advice(page)]] : [...findings(blocks, page), advice(page)]),
    migrationTable(page),
    ...timelines(blocks, page),
    [...notObserved(page), ...fileNotes(page)],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** One per troubled migration: a healthy one is its line in the table. */
function timelines(blocks: readonly Block[], page: Page): readonly (readonly string[])[] {
  if (page.allEvidence) return page.analysis.migrations.map((migration) => lanes(migration, page));
  const troubled = troubledMigrations(page.analysis, blocks);
  return troubled.length > TIMELINES ? [] : troubled.map((migration) => lanes(migration, page));
}
