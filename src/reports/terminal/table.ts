import type { Migration } from '../../model/timeline.ts';
import { leftOut, MIGRATION_COLUMNS, mostTelling, NONE, type MigrationColumn } from '../incident/migration-rows.ts';
import type { Page, Paint } from './page.ts';
import { columns, cut, cutMiddle, pad, padStart } from './text.ts';

/** Rows shown without being asked for more. */
const ROWS = 40;

/** One line per migration; the failed and the slow ones where there are too many. */
export function migrationTable(page: Page): readonly string[] {
  const { migrations } = page.analysis;
  if (migrations.length === 0) return [];
  const shown = page.allEvidence ? migrations : mostTelling(page.analysis, ROWS);
  const kept = fittingColumns(shown, page);
  const rows = shown.map((migration) => kept.map(({ cell }) => page.show(cell(migration, page.withDates))));
  const titles = kept.map(({ title }) => title);
  const limits = limitsOf([titles, ...rows], page.width);
  const line = (cells: readonly string[]): readonly string[] =>
    cells.map((cell, i) => sized(cell, limits[i] ?? 0, { column: kept[i], page }));
  const body = rows.map((cells, i) => painted(line(cells), shown[i]?.outcome, page));
  const hidden = leftOut(migrations, shown);
  const more = hidden === null ? [] : [page.paint('dim', `  ${page.glyphs.ellipsis} and ${hidden} (all with --all-evidence)`)];
  return [page.paint('strong', 'MIGRATIONS'), page.paint('dim', `  ${line(titles).join(GAP)}`.trimEnd()), ...body, ...more];
}

const GAP = '  ';

/** Columns without a single value give way first, then by their rank. */
function fittingColumns(migrations: readonly Migration[], page: Page): readonly MigrationColumn[] {
  const cells = MIGRATION_COLUMNS.map(({ title, cell }) => [
    title,
    ...migrations.map((migration) => page.show(cell(migration, page.withDates))),
  ]);
  const widths = cells.map((texts) => Math.max(...texts.map(columns)));
  const ranks = MIGRATION_COLUMNS.map(({ drop }, i) =>
    drop > 0 && cells[i]?.slice(1).every((text) => text === page.show(NONE)) === true ? drop + MIGRATION_COLUMNS.length : drop,
  );
  const kept = new Set(MIGRATION_COLUMNS.keys());
  for (const i of [...kept].filter((column) => (ranks[column] ?? 0) > 0).toSorted((a, b) => (ranks[b] ?? 0) - (ranks[a] ?? 0))) {
    if (total([...kept].map((column) => widths[column] ?? 0)) <= page.width) break;
    kept.delete(i);
  }
  return MIGRATION_COLUMNS.filter((_, i) => kept.has(i));
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + GAP.length, 0);
}

/** Narrowest that a column of names is cut to. */
const SHORTEST = 8;

/** Widths of columns; where they do not fit, the widest gives way first. */
function limitsOf(rows: readonly (readonly string[])[], width: number): readonly number[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((cells) => columns(cells[i] ?? ''))));
  while (total(widths) > width) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= SHORTEST) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function sized(
  cell: string,
  width: number,
  { column, page }: { readonly column: MigrationColumn | undefined; readonly page: Page },
): string {
  const { ellipsis } = page.glyphs;
  const fitted = column?.title === 'outcome' ? cut(cell, width, ellipsis) : cutMiddle(cell, width, ellipsis);
  return column?.right === true ? padStart(fitted, width) : pad(fitted, width);
}

const OUTCOME_PAINT: Readonly<Record<Migration['outcome'], Paint>> = {
  completed: 'good',
  failed: 'critical',
  aborted: 'warning',
  running: 'info',
  unknown: 'warning',
};

/** The last cell says the outcome. */
function painted(cells: readonly string[], ended: Migration['outcome'] | undefined, page: Page): string {
  const last = (cells.at(-1) ?? '').trimEnd();
  return `  ${[...cells.slice(0, -1), ended === undefined ? last : page.paint(OUTCOME_PAINT[ended], last)].join(GAP)}`;
}
