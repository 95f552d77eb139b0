import { plural } from '../../lib/units.ts';
import type { InputResult } from '../../model/input.ts';
import { html, type Fragment, type Markup } from '../html/html.ts';
import { table, type TableColumn } from '../html/table.ts';
import { fileNotesOf, gapsOf, totalsOf } from '../incident/coverage-words.ts';
import { NONE } from '../incident/migration-rows.ts';
import { folded } from './quoted.ts';
import { cut, cutMiddle } from '../terminal/text.ts';
import { LETTERS } from './sheet-limits.ts';
import type { Sheet } from './sheet.ts';

/** What would have told more and was not there. */
export function notObserved(sheet: Sheet): Markup | null {
  const { ofMigrations, ofAll } = gapsOf(sheet.analysis);
  const all = [...ofMigrations, ...ofAll];
  if (all.length === 0) return null;
  const shown = all.slice(0, sheet.limits.files);
  const hidden = all.length - shown.length;
  return html`<section>
    <h2>Not observed</h2>
    <ul>
      ${shown.map((gap) => html`<li>${cut(gap, LETTERS.sentence)}</li>`)} ${hidden > 0 ? html`<li>${hidden} more</li>` : null}
    </ul>
  </section>`;
}

/** What was read, and what was not. */
export function files(sheet: Sheet): Markup | null {
  const { inputs } = sheet.analysis;
  if (inputs.length === 0) return null;
  const { troubled, harmless } = fileNotesOf(sheet.analysis);
  const { files: most } = sheet.limits;
  const notes = [...troubled.slice(0, most).map(({ path, said }) => `${path}: ${said}`), ...harmless.slice(0, most)];
  const hidden = troubled.length - Math.min(troubled.length, most);
  return html`<section>
    <h2>Files</h2>
    <p>Read: ${totalsOf(inputs)}.</p>
    ${
      notes.length === 0
        ? null
        : html`<ul>
            ${notes.map((note) => html`<li>${cut(note, LETTERS.sentence)}</li>`)}${hidden > 0 ? html`<li>${hidden} more with trouble</li>` : null}
          </ul>`
    }
    ${folded(plural(inputs.length, 'file'), fileTable(inputs, most))}
  </section>`;
}

function fileTable(inputs: readonly InputResult[], most: number): Markup {
  const number = (title: string): TableColumn => ({ title, kind: 'number' });
  const hidden = inputs.length - most;
  return html`
    ${table({
      caption: null,
      columns: [
        { title: 'file', kind: 'long' },
        { title: 'host', kind: 'text' },
        { title: 'kind', kind: 'fixed' },
        number('lines'),
        number('records'),
        number('with events'),
        number('plain'),
        { title: 'not read', kind: 'text' },
      ],
      rows: inputs.slice(0, most).map(fileRow),
    })}
    ${hidden > 0 ? html`<p class="dim">${hidden} more files.</p>` : null}
  `;
}

function fileRow({ path, host, source, tally, skipped, problem }: InputResult): readonly Fragment[] {
  const counts = tally === null ? [NONE, NONE, NONE, NONE] : [tally.lines, tally.records, tally.withEvents, tally.plain];
  return [
    cutMiddle(path, LETTERS.name),
    cutMiddle(host ?? NONE, LETTERS.name),
    source ?? NONE,
    ...counts,
    cut(problem ?? skipped ?? '', LETTERS.record),
  ];
}
