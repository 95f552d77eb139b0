import { duration } from '../../lib/units.ts';
import type { Event } from '../../model/event.ts';
import type { Migration } from '../../model/timeline.ts';
import { html, type Fragment, type Markup } from '../html/html.ts';
import { isUnexplained } from '../incident/blocks.ts';
import { countersOf } from '../incident/counters.ts';
import { marksOf, type Mark } from '../incident/lane-events.ts';
import { moment, precise } from '../incident/time.ts';
import { routeOf, troubledMigrations } from '../incident/verdict-words.ts';
import { cutMiddle } from '../terminal/text.ts';
import { convergencePanels, predictionWords } from './convergence.ts';
import { courseDrawing } from './course-drawing.ts';
import { nearbyLines, type NearbyLine, type NearbyLines } from './nearby-lines.ts';
import { pageLanes } from './page-lanes.ts';
import { folded, quotedLine } from './quoted.ts';
import { LETTERS } from './sheet-limits.ts';
import type { Sheet } from './sheet.ts';

/** Marks of one migration. */
const MARKS = 24;

/** How the troubled migrations went. */
export function troubledCourses(sheet: Sheet): Markup | null {
  const troubled = troubledMigrations(sheet.analysis, sheet.blocks);
  const drawn = troubled.filter((migration) => sheet.courses.has(migration));
  if (drawn.length === 0) return null;
  const left = troubled.length - drawn.length;
  return html`<section>
    <h2>Course of ${drawn.length === 1 ? 'the migration' : 'the migrations'}</h2>
    ${drawn.map((migration) => course(migration, sheet))}
    ${left === 0 ? null : html`<p class="dim">${left} more had trouble; their course is not drawn here. Narrow the time with --since and --until.</p>`}
  </section>`;
}

/** How the others went, folded: a healthy migration is a line of the table. */
export function quietCourses(sheet: Sheet): Fragment {
  const troubled = new Set(troubledMigrations(sheet.analysis, sheet.blocks));
  const quiet = [...sheet.courses.keys()].filter((migration) => !troubled.has(migration));
  return quiet.map((migration) => folded(`Course of ${titleOf(migration)}`, course(migration, sheet)));
}

/** The migrations whose course is drawn, with the ids of their sections: the troubled ones, then others while there is room. */
export function drawnCourses({ analysis, blocks, limits }: Omit<Sheet, 'courses'>): ReadonlyMap<Migration, string> {
  const troubled = troubledMigrations(analysis, blocks);
  const all = new Set([...troubled, ...analysis.migrations.filter((migration) => !isUnexplained(migration))]);
  return new Map([...all].slice(0, limits.courses).map((migration, i) => [migration, `course-${i + 1}`]));
}

function titleOf(migration: Migration): string {
  const { vm, outcome, startedAt, endedAt, lastSeenAt } = migration;
  const took = duration(Math.max(0, (endedAt ?? lastSeenAt) - startedAt));
  return `${cutMiddle(`${vm} ${routeOf(migration)}`, LETTERS.name)}: ${outcome === 'running' ? `running for ${took} when the logs end` : `${outcome} after ${took}`}`;
}

function course(migration: Migration, sheet: Sheet): Markup {
  const id = sheet.courses.get(migration) ?? 'course';
  const marks = marksOf(migration, sheet.analysis.hosts, MARKS);
  const near = nearbyLines(marks, sheet.analysis.hosts, sheet.limits.lines).toSorted(
    (a, b) => rank(a, migration) - rank(b, migration),
  );
  const ids = lineIds(near, marks, id);
  const title = titleOf(migration);
  const panels = convergencePanels(migration);
  const prediction = predictionWords(migration, sheet.withDates);
  const read = new Set(sheet.analysis.inputs.map(({ source }) => source));
  const lanes = pageLanes(migration, {
    marks,
    read,
    targetOf: ({ event }) => (event === null ? null : (ids.get(event) ?? null)),
  });
  return html`<div class="course" id="${id}">
    <figure>
      <figcaption>
        <span class="strong">${title}</span>, from ${moment(migration.startedAt, true)} UTC.
        ${panels.length === 0 ? 'No job statistics: memory left, dirty rate and bandwidth were not observed.' : null}
        ${prediction}
      </figcaption>
      ${courseDrawing({ migration, title, lanes, panels })}
    </figure>
    ${near.map((lines) => hostLines(lines, ids, sheet))}
  </div>`;
}

/** The source's lines come first, then the destination's, then those of observers. */
function rank({ host }: NearbyLines, { source, destination }: Migration): number {
  return host === source ? 0 : host === destination ? 1 : 2;
}

/** Ids of the lines that marks lead to. */
function lineIds(near: readonly NearbyLines[], marks: readonly Mark[], prefix: string): ReadonlyMap<Event, string> {
  const marked = new Set(marks.map(({ event }) => event));
  const lines = near.flatMap(({ lines: own }) => own.map(({ event }) => event)).filter((event) => marked.has(event));
  return new Map(lines.map((event, i) => [event, `${prefix}-line-${i + 1}`]));
}

function hostLines({ host, lines, left }: NearbyLines, ids: ReadonlyMap<Event, string>, sheet: Sheet): Fragment {
  if (lines.length === 0) return null;
  const title = `Lines of ${cutMiddle(host, LETTERS.name)} around the marks (${lines.length})`;
  return folded(title, [
    html`<div class="lines">${lines.map((line) => nearbyLine(line, ids, sheet))}</div>`,
    left > 0 ? html`<p class="dim">Lines of ${left} more marks are not on this page.</p>` : null,
  ]);
}

function nearbyLine({ event, gap }: NearbyLine, ids: ReadonlyMap<Event, string>, sheet: Sheet): Fragment {
  return [
    gap ? html`<div class="line gap">…</div>` : null,
    quotedLine({
      place: `${sheet.fileName(event.origin.file)}:${event.origin.line}`,
      written: precise(event.at),
      message: countersOf(event) ?? beginningOf(event.origin.text),
      id: ids.get(event) ?? null,
    }),
  ];
}

/** Dumps of a domain's XML or of QEMU's arguments go on for pages. */
const RECORD_LINES = 4;

function beginningOf(text: string): string {
  const lines = text.trimEnd().split('\n');
  const shown = lines.length > RECORD_LINES ? [...lines.slice(0, RECORD_LINES), '…'] : lines;
  return shown.join('\n');
}
