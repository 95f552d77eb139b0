import { duration } from '../../lib/units.ts';
import type { Migration } from '../../model/timeline.ts';
import { isProblem } from './blocks.ts';
import type { Page, Paint } from './page.ts';
import { columns, cut, cutMiddle, pad, padStart } from './text.ts';
import { shortMoment } from './time.ts';

/** Rows shown without being asked for more. */
const ROWS = 40;

interface Column {
  readonly title: string;
  /** Dropped where the screen is narrow, the highest first; 0 stays. */
  readonly drop: number;
  readonly right?: boolean;
  cell(migration: Migration, page: Page): string;
}

const COLUMNS: readonly Column[] = [
  { title: 'VM', drop: 0, cell: ({ vm }) => vm },
  { title: 'from', drop: 0, cell: ({ source }, { glyphs }) => source ?? glyphs.none },
  {
    title: 'to',
    drop: 0,
    cell: ({ destination, destinationAddress }, { glyphs }) => destination ?? destinationAddress ?? glyphs.none,
  },
  { title: 'start', drop: 0, cell: ({ startedAt }, { withDates }) => shortMoment(startedAt, withDates) },
  { title: 'took', drop: 0, cell: tookCell },
  {
    title: 'passes',
    drop: 3,
    right: true,
    cell: ({ iterations }, { glyphs }) => (iterations === null ? glyphs.none : String(iterations)),
  },
  { title: 'downtime', drop: 1, right: true, cell: downtimeCell },
  { title: 'announced', drop: 2, cell: announcedCell },
  { title: 'outcome', drop: 0, cell: outcomeCell },
];

/** One line per migration; the failed and the slow ones where there are too many. */
export function migrationTable(page: Page): readonly string[] {
  const { migrations } = page.analysis;
  if (migrations.length === 0) return [];
  const shown = page.allEvidence ? migrations : mostTelling(page);
  const kept = fittingColumns(shown, page);
  const rows = shown.map((migration) => kept.map(({ cell }) => page.show(cell(migration, page))));
  const titles = kept.map(({ title }) => title);
  const limits = limitsOf([titles, ...rows], page.width);
  const line = (cells: readonly string[]): readonly string[] =>
    cells.map((cell, i) => sized(cell, limits[i] ?? 0, { column: kept[i], page }));
  const body = rows.map((cells, i) => painted(line(cells), shown[i]?.outcome, page));
  const hidden = migrations.length - shown.length;
  const more =
    hidden > 0
      ? [
          page.paint(
            'dim',
            `  ${page.glyphs.ellipsis} and ${hidden} more${completedOnly(migrations, shown)} (all with --all-evidence)`,
          ),
        ]
      : [];
  return [page.paint('strong', 'MIGRATIONS'), page.paint('dim', `  ${line(titles).join(GAP)}`.trimEnd()), ...body, ...more];
}

const GAP = '  ';

function completedOnly(all: readonly Migration[], shown: readonly Migration[]): string {
  return all.every((migration) => migration.outcome === 'completed' || shown.includes(migration)) ? ' completed' : '';
}

function tookCell({ startedAt, endedAt, lastSeenAt, outcome: ended }: Migration, { glyphs }: Page): string {
  if (endedAt !== null) return duration(endedAt - startedAt);
  return ended === 'running' ? `${glyphs.atLeast} ${duration(lastSeenAt - startedAt)}` : glyphs.none;
}

function downtimeCell({ downtime: known }: Migration, { glyphs }: Page): string {
  if (known === null) return glyphs.none;
  return `${known.from === 'at-least' ? `${glyphs.atLeast} ` : ''}${duration(known.ms)}`;
}

function announcedCell({ announcement: { state } }: Migration, { glyphs }: Page): string {
  return state === 'unobserved' ? glyphs.none : state;
}

function outcomeCell({ outcome: ended, cause }: Migration): string {
  if (ended === 'aborted' && cause?.kind === 'aborted-by-operator') return 'aborted by operator';
  return cause === null || ended === 'completed' || ended === 'running'
    ? ended
    : `${ended}: ${cause.kind === 'unknown' ? 'cause unknown' : cause.kind}`;
}

/** Those that did not complete or have a problem, then the slowest, in the order of time. */
function mostTelling({ analysis: { migrations, findings } }: Page): readonly Migration[] {
  if (migrations.length <= ROWS) return migrations;
  const troubled = new Set(findings.filter(isProblem).map(({ migration }) => migration));
  const took = ({ startedAt, lastSeenAt }: Migration): number => lastSeenAt - startedAt;
  const bad = (migration: Migration): number => Number(migration.outcome !== 'completed' || troubled.has(migration.id));
  const kept = new Set(migrations.toSorted((a, b) => bad(b) - bad(a) || took(b) - took(a)).slice(0, ROWS));
  return migrations.filter((migration) => kept.has(migration));
}

/** Columns without a single value give way first, then by their rank. */
function fittingColumns(migrations: readonly Migration[], page: Page): readonly Column[] {
  const cells = COLUMNS.map(({ title, cell }) => [title, ...migrations.map((migration) => page.show(cell(migration, page)))]);
  const widths = cells.map((texts) => Math.max(...texts.map(columns)));
  const ranks = COLUMNS.map(({ drop }, i) =>
    drop > 0 && cells[i]?.slice(1).every((text) => text === page.glyphs.none) === true ? drop + COLUMNS.length : drop,
  );
  const kept = new Set(COLUMNS.keys());
  for (const i of [...kept].filter((column) => (ranks[column] ?? 0) > 0).toSorted((a, b) => (ranks[b] ?? 0) - (ranks[a] ?? 0))) {
    if (total([...kept].map((column) => widths[column] ?? 0)) <= page.width) break;
    kept.delete(i);
  }
  return COLUMNS.filter((_, i) => kept.has(i));
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
  { column, page }: { readonly column: Column | undefined; readonly page: Page },
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
