import type { Finding } from '../../model/finding.ts';
import type { Migration } from '../../model/timeline.ts';
import { html, type Markup } from '../html/html.ts';
import { table } from '../html/table.ts';
import type { Block } from '../incident/blocks.ts';
import { ALSO_SHOWN, EVIDENCE_SHOWN } from '../incident/quotes.ts';
import { alsoIn, foldedWords, routeOf, summaryOf, timeOf, whyNow, type Also } from '../incident/verdict-words.ts';
import { evidenceOf, folded, remediesOf } from './quoted.ts';
import { cut, cutMiddle } from '../terminal/text.ts';
import { LETTERS } from './sheet-limits.ts';
import type { Sheet } from './sheet.ts';

/** Every problem, the worst first: the sentence, where the VM is now, what says so, what to do. */
export function problems(sheet: Sheet): Markup {
  const { blocks, limits } = sheet;
  const full = blocks.slice(0, limits.blocks);
  const short = blocks.slice(full.length);
  return html`${full.map((block) => problem(block, sheet))} ${short.length === 0 ? null : shortProblems(short, sheet)}`;
}

/** The id of a block's section, from 0. */
export function problemId(index: number): string {
  return `problem-${index + 1}`;
}

function problem(block: Block, sheet: Sheet): Markup {
  const { head, migration, folded: others } = block;
  const course = migration === null ? undefined : sheet.courses.get(migration);
  return html`<section class="problem ${head.severity}-edge" id="${problemId(sheet.blocks.indexOf(block))}">
    ${headOf(head, migration, sheet)}
    <p class="lead">${cut(summaryOf(head, migration), LETTERS.sentence)}</p>
    ${migration === null ? null : whereNow(migration)} ${evidenceOf(head, EVIDENCE_SHOWN, sheet)} ${remediesOf(head.remedies)}
    <p class="dim">
      ${course === undefined ? null : html`<a class="screen-only" href="#${course}">Its course</a>`} The runbook:
      <code>precopy explain ${head.detector}</code>
    </p>
    ${alsoIn(block).map((also) => alsoOf(also, migration, sheet))}
    ${others.map((finding) => folded(`also: ${foldedWords(finding, head)}`, wholeFinding(finding, sheet)))}
  </section>`;
}

function headOf(finding: Finding, migration: Migration | null, sheet: Sheet): Markup {
  const { severity, detector } = finding;
  return html`<h2 class="problem-head">
    <span class="severity ${severity}">${severity}</span> ${detector}
    <span class="about">${aboutOf(finding, migration)}</span>
    <span class="about">${timeOf(finding, migration, sheet.withDates)}</span>
  </h2>`;
}

function aboutOf({ vm, host }: Finding, migration: Migration | null): string {
  return cutMiddle(migration === null ? (vm ?? host ?? '') : `${migration.vm} ${routeOf(migration)}`, LETTERS.name);
}

/** Where the VM is when the logs end, and why one thinks so. */
function whereNow({ after }: Migration): Markup | null {
  if (after.length === 0) return null;
  return html`<div class="part">
    <h3>now</h3>
    <table class="now">
      ${after.map(
        (state) =>
          html`<tr>
            <th scope="row">${cutMiddle(state.host, LETTERS.name)}</th>
            <td class="state ${state.state}">${state.state}</td>
            <td class="long">${cut(whyNow(state), LETTERS.sentence)}</td>
          </tr>`,
      )}
    </table>
  </div>`;
}

function alsoOf({ finding, summary, remedies, again }: Also, migration: Migration | null, sheet: Sheet): Markup {
  const { severity, detector } = finding;
  return html`<div class="also">
    <h3 class="problem-head">
      also <span class="severity ${severity}">${severity}</span> ${detector}
      <span class="about">${timeOf(finding, migration, sheet.withDates)}</span>
    </h3>
    <p>${cut(summary, LETTERS.sentence)}</p>
    ${evidenceOf(finding, ALSO_SHOWN, sheet)}
    ${again ? folded('do: as above, with the names of this one', remediesOf(remedies)) : remediesOf(remedies)}
  </div>`;
}

function wholeFinding(finding: Finding, sheet: Sheet): Markup {
  return html`<p>${cut(finding.summary, LETTERS.sentence)}</p>
    ${evidenceOf(finding, EVIDENCE_SHOWN, sheet)} ${remediesOf(finding.remedies)}`;
}

function shortProblems(blocks: readonly Block[], sheet: Sheet): Markup {
  const shown = blocks.slice(0, sheet.limits.short);
  const hidden = blocks.length - shown.length;
  return html`<section>
    <h2>More problems</h2>
    ${table({
      caption: null,
      columns: [
        { title: 'severity', kind: 'fixed' },
        { title: 'what', kind: 'fixed' },
        { title: 'of', kind: 'text' },
        { title: 'when', kind: 'fixed' },
        { title: 'in a sentence', kind: 'long' },
      ],
      rows: shown.map(({ head, migration }) => [
        html`<span class="severity ${head.severity}">${head.severity}</span>`,
        head.detector,
        aboutOf(head, migration),
        timeOf(head, migration, sheet.withDates),
        cut(head.summary, LETTERS.sentence),
      ]),
    })}
    <p class="dim">
      ${hidden > 0 ? `${hidden} more are left out here. ` : null}What these rest on, and what to do:
      <code>precopy analyze --all-evidence</code>, with <code>--since</code> and <code>--until</code> around one of them.
    </p>
  </section>`;
}
