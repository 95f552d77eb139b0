import type { Analysis } from './analysis.ts';
import { htmlPage } from './html/document.ts';
import { html, type Fragment, type Markup } from './html/html.ts';
import { drawnCourses, troubledCourses } from './incident-page/courses.ts';
import { problemId, problems } from './incident-page/problems.ts';
import { advice } from './incident-page/advice.ts';
import { files, notObserved } from './incident-page/coverage.ts';
import { migrationList } from './incident-page/migration-list.ts';
import { LARGEST_PAGE, LETTERS, SHEET_LIMITS, type SheetLimits } from './incident-page/sheet-limits.ts';
import type { Sheet } from './incident-page/sheet.ts';
import { blocksOf } from './incident/blocks.ts';
import { fileNamesOf } from './incident/file-names.ts';
import { headWords } from './incident/head-words.ts';
import { shortMoment, spansDays } from './incident/time.ts';
import { routeOf, verdictOfNone } from './incident/verdict-words.ts';
import { cut, cutMiddle } from './terminal/text.ts';

/**
 * An analysis as one page that stands alone: what is wrong, where the VM is, what says so and what to do; how the troubled migrations
 * went, on one time axis; all migrations; advice; what nobody saw. It says the same as the terminal, in the same order. Never larger than
 * `LARGEST_PAGE`, unless names in the logs are absurd: what had to be left out is said where it is missing.
 */
export function incidentPage(analysis: Analysis): string {
  let page = '';
  for (const limits of SHEET_LIMITS) {
    page = pageWithin(analysis, limits);
    if (page.length <= LARGEST_PAGE) break;
  }
  return page;
}

function pageWithin(analysis: Analysis, limits: SheetLimits): string {
  const most = { analysis, limits, blocks: blocksOf(analysis), withDates: spansDays(analysis), fileName: fileNamesOf(analysis) };
  const sheet: Sheet = { ...most, courses: drawnCourses(most) };
  return htmlPage({
    title: cut(`precopy: ${titleOf(sheet)}`, LETTERS.name),
    body: html`<main>
      ${head(sheet)} ${sheet.blocks.length === 0 ? noProblem(sheet) : problems(sheet)} ${troubledCourses(sheet)}
      ${migrationList(sheet)} ${advice(sheet)} ${notObserved(sheet)} ${files(sheet)}
    </main>`,
  });
}

function titleOf({ blocks, analysis }: Sheet): string {
  const [worst] = blocks;
  if (worst === undefined) return verdictOfNone(analysis).text;
  const { head: finding, migration } = worst;
  const about = migration === null ? (finding.vm ?? finding.host ?? '') : `${migration.vm} ${routeOf(migration)}`;
  return `${finding.detector} ${about}${blocks.length > 1 ? ` and ${blocks.length - 1} more` : ''}`;
}

/** What was read, of when, in which zone; and where there are several problems, the way to each. */
function head(sheet: Sheet): Markup {
  const { read, zones, warnings, skews } = headWords(sheet.analysis, false);
  const notes: readonly Fragment[] = [
    zones === null ? null : html`<p class="dim">${cut(zones, LETTERS.sentence)}.</p>`,
    warnings.map((text) => html`<p class="warning">${cut(text, LETTERS.sentence)}</p>`),
    skews.map((text) => html`<p>${cut(text, LETTERS.sentence)}</p>`),
  ];
  return html`<header>
    <h1><span class="name">precopy</span> ${cut(read, LETTERS.sentence)}</h1>
    ${notes} ${contents(sheet)}
  </header>`;
}

function contents({ blocks, limits, withDates }: Sheet): Markup | null {
  if (blocks.length < 2) return null;
  const shown = blocks.slice(0, limits.blocks);
  const hidden = blocks.length - shown.length;
  return html`<ol class="contents screen-only">
      ${shown.map(
        ({ head: { severity, detector, vm, host, from } }, i) =>
          html`<li>
            <span class="severity ${severity}">${severity}</span>
            <a href="#${problemId(i)}">${detector}</a> ${cutMiddle(vm ?? host ?? '', LETTERS.name)}
            <span class="dim">${shortMoment(from, withDates)}</span>
          </li>`,
      )}
    </ol>
    ${hidden > 0 ? html`<p class="dim">${hidden} more problems stand below these, in a line each.</p>` : null}`;
}

function noProblem({ analysis }: Sheet): Markup {
  const { text, good } = verdictOfNone(analysis);
  return html`<p class="lead ${good ? 'good' : 'strong'}">${text}</p>`;
}
