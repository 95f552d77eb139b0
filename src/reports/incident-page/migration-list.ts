import { plural } from '../../lib/units.ts';
import type { Migration } from '../../model/timeline.ts';
import { html, type Fragment, type Markup } from '../html/html.ts';
import { table, type TableColumn } from '../html/table.ts';
import { leftOut, MIGRATION_COLUMNS, mostTelling } from '../incident/migration-rows.ts';
import { cutMiddle } from '../terminal/text.ts';
import { quietCourses } from './courses.ts';
import { folded } from './quoted.ts';
import { LETTERS } from './sheet-limits.ts';
import type { Sheet } from './sheet.ts';

/** Every migration in a row; where there are very many, those that went wrong and the slowest, the others folded. */
export function migrationList(sheet: Sheet): Markup | null {
  const { analysis, limits } = sheet;
  const { migrations } = analysis;
  if (migrations.length === 0) return null;
  const open = mostTelling(analysis, limits.rows);
  const kept = new Set(open);
  const others = migrations.filter((migration) => !kept.has(migration));
  const shown = others.slice(0, limits.folded);
  const hidden = others.length - shown.length;
  return html`<section>
    <h2>Migrations</h2>
    ${migrationTable(open, sheet)} ${quietCourses(sheet)}
    ${others.length === 0 ? null : html`<p class="dim">Shown are those that did not complete or have a problem, then the slowest.</p>`}
    ${shown.length === 0 ? null : folded(leftOut(migrations, open) ?? '', migrationTable(shown, sheet))}
    ${hidden > 0 ? html`<p class="dim">${plural(hidden, 'migration')} of ${migrations.length} are not on this page; precopy analyze --json has them all.</p>` : null}
  </section>`;
}

const COLUMNS: readonly TableColumn[] = MIGRATION_COLUMNS.map(({ title, right }) => ({
  title,
  kind: right === true ? 'number' : 'fixed',
}));

function migrationTable(migrations: readonly Migration[], sheet: Sheet): Markup {
  return table({
    caption: null,
    columns: COLUMNS,
    rows: migrations.map((migration) =>
      MIGRATION_COLUMNS.map(({ title, cell }) =>
        cellOf(title, cutMiddle(cell(migration, sheet.withDates), LETTERS.name), { migration, sheet }),
      ),
    ),
  });
}

function cellOf(
  title: string,
  text: string,
  { migration, sheet }: { readonly migration: Migration; readonly sheet: Sheet },
): Fragment {
  if (title === 'outcome') return html`<span class="${OUTCOME_STYLE[migration.outcome]}">${text}</span>`;
  const course = title === 'VM' ? sheet.courses.get(migration) : undefined;
  return course === undefined ? text : html`<a href="#${course}">${text}</a>`;
}

const OUTCOME_STYLE: Readonly<Record<Migration['outcome'], string>> = {
  completed: 'good',
  failed: 'critical',
  aborted: 'warning',
  running: 'info',
  unknown: 'warning',
};
