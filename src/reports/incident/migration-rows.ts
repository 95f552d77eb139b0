import { duration } from '../../lib/units.ts';
import type { Cause, Migration } from '../../model/timeline.ts';
import type { Analysis } from '../analysis.ts';
import { isProblem } from './blocks.ts';
import { shortMoment } from './time.ts';

/** What stands in a cell where nothing is known. */
export const NONE = '–';

/** One thing that the table says of every migration. */
export interface MigrationColumn {
  readonly title: string;
  /** Dropped where there is no room, the highest first; 0 stays. */
  readonly drop: number;
  /** A number, to be set to the right. */
  readonly right?: boolean;
  cell(migration: Migration, withDates: boolean): string;
}

/** The columns of the table of migrations; the last one says the outcome. */
export const MIGRATION_COLUMNS: readonly MigrationColumn[] = [
  { title: 'VM', drop: 0, cell: ({ vm }) => vm },
  { title: 'from', drop: 0, cell: ({ source }) => source ?? NONE },
  { title: 'to', drop: 0, cell: ({ destination, destinationAddress }) => destination ?? destinationAddress ?? NONE },
  { title: 'start', drop: 0, cell: ({ startedAt }, withDates) => shortMoment(startedAt, withDates) },
  { title: 'took', drop: 0, cell: tookCell },
  { title: 'passes', drop: 3, right: true, cell: ({ iterations }) => (iterations === null ? NONE : String(iterations)) },
  { title: 'downtime', drop: 1, right: true, cell: downtimeCell },
  { title: 'announced', drop: 2, cell: announcedCell },
  { title: 'outcome', drop: 0, cell: outcomeCell },
];

function tookCell({ startedAt, endedAt, lastSeenAt, outcome: ended }: Migration): string {
  if (endedAt !== null) return duration(endedAt - startedAt);
  return ended === 'running' ? `≥ ${duration(lastSeenAt - startedAt)}` : NONE;
}

function downtimeCell({ downtime: known }: Migration): string {
  return known === null ? NONE : `${known.from === 'at-least' ? '≥ ' : ''}${duration(known.ms)}`;
}

function announcedCell({ announcement: { state } }: Migration): string {
  return state === 'unobserved' ? NONE : state;
}

function outcomeCell({ outcome: ended, cause }: Migration): string {
  if (ended === 'aborted' && cause?.kind === 'aborted-by-operator') return 'aborted by operator';
  return cause === null || ended === 'completed' || ended === 'running' ? ended : `${ended}: ${causeWords(cause)}`;
}

/** An error that means none of the causes is no unknown one: its text is told. */
function causeWords({ kind, certainty }: Cause): string {
  if (kind !== 'unknown') return kind;
  return certainty === 'unobserved' ? 'cause unknown' : 'other error';
}

/** At most so many: those that did not complete or have a problem, then the slowest, in the order of time. */
export function mostTelling(
  { migrations, findings }: Pick<Analysis, 'migrations' | 'findings'>,
  most: number,
): readonly Migration[] {
  if (migrations.length <= most) return migrations;
  const troubled = new Set(findings.filter(isProblem).map(({ migration }) => migration));
  const took = ({ startedAt, lastSeenAt }: Migration): number => lastSeenAt - startedAt;
  const bad = (migration: Migration): number => Number(migration.outcome !== 'completed' || troubled.has(migration.id));
  const kept = new Set(migrations.toSorted((a, b) => bad(b) - bad(a) || took(b) - took(a)).slice(0, most));
  return migrations.filter((migration) => kept.has(migration));
}

/** How many rows are left out, in words; `null` where none is. */
export function leftOut(all: readonly Migration[], shown: readonly Migration[]): string | null {
  const hidden = all.length - shown.length;
  if (hidden <= 0) return null;
  const kept = new Set(shown);
  const onlyCompleted = all.every((migration) => migration.outcome === 'completed' || kept.has(migration));
  return `${hidden} more${onlyCompleted ? ' completed' : ''}`;
}
