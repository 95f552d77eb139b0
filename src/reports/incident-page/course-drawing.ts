import { duration } from '../../lib/units.ts';
import type { Migration } from '../../model/timeline.ts';
import { hostOf, ofKind } from '../../timeline/of-kind.ts';
import { drawing } from '../html/drawing.ts';
import { html, type Markup } from '../html/html.ts';
import { lanes, type Lane } from '../html/lanes.ts';
import { linePanel } from '../html/line-panel.ts';
import { linearScale, type Scale } from '../html/scale.ts';
import { timeAxis } from '../html/time-axis.ts';
import { timeTicks } from '../html/time-ticks.ts';
import { precise } from '../incident/time.ts';
import type { CoursePanel } from './convergence.ts';

/** One migration on one time axis. */
export interface Course {
  readonly migration: Migration;
  readonly title: string;
  readonly lanes: readonly Lane[];
  readonly panels: readonly CoursePanel[];
}

/** Units; the left margin holds the names of lanes and the numbers of scales. */
const WIDTH = 960;
const LEFT = 156;
const RIGHT = 952;
const PHASE = 18;
/** Above each panel, for its title. */
const TITLE = 30;
const AXIS = 24;
const MOST_TICKS = 10;

/** Phases, lanes, and below them the counters, all on one axis in UTC. */
export function courseDrawing({ migration, title, lanes: shown, panels }: Course): Markup {
  const x = timeScale(migration, shown);
  const strips = stripsOf(migration, x);
  const start = Math.max(1, ...strips.map(({ row }) => row + 1)) * PHASE;
  const laid = lanes(shown, x, { left: LEFT, top: start + 4, width: RIGHT - LEFT });
  let top = start + 4 + laid.height;
  const charts = panels.map(({ height, ...panel }) => {
    top += TITLE;
    const box = { left: LEFT, top, width: RIGHT - LEFT, height };
    top += height;
    return linePanel({ ...panel, box, x });
  });
  const bottom = top + 6;
  const { from, to } = endsOf(migration, shown);
  const box = { left: LEFT, top: start, width: RIGHT - LEFT, height: bottom - start };
  const body = html`
    ${timeAxis(timeTicks(from, to, MOST_TICKS), x, box)} ${standstill(migration, x, { top: start, bottom })} ${laid.markup}
    ${charts} ${phaseStrips(strips)}
  `;
  return drawing({ label: title, description: describe(shown), width: WIDTH, height: bottom + AXIS, body });
}

function describe(shown: readonly Lane[]): string {
  const marks = shown.flatMap(({ name, marks: own }) => own.map((mark) => ({ ...mark, name })));
  return marks
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, name, text }) => `${precise(at)} ${name}: ${text}`)
    .join('; ');
}

function endsOf({ startedAt, endedAt, lastSeenAt, samples }: Migration, shown: readonly Lane[]): { from: number; to: number } {
  const times = [
    startedAt,
    endedAt ?? lastSeenAt,
    ...samples.map(({ at }) => at),
    ...shown.flatMap(({ marks }) => marks.map(({ at }) => at)),
  ];
  const from = times.reduce((a, b) => Math.min(a, b));
  return {
    from,
    to: Math.max(
      from + 1000,
      times.reduce((a, b) => Math.max(a, b)),
    ),
  };
}

/** The first and the last mark do not stand on the edges. */
const MARGIN = 10;

function timeScale(migration: Migration, shown: readonly Lane[]): Scale {
  const { from, to } = endsOf(migration, shown);
  return linearScale([from, to], [LEFT + MARGIN, RIGHT - MARGIN]);
}

const PHASE_LETTER = 6.4;

/** A phase as it is drawn: the strip, and its name within it, or beside it where it is too short. */
interface Strip {
  readonly name: string;
  readonly ms: number;
  readonly row: number;
  readonly left: number;
  readonly width: number;
  readonly label: 'within' | 'behind' | 'before';
}

/** Phases overlap, the network hears of the guest while the source is cleaned up: what does not fit beside goes a row down. */
function stripsOf(migration: Migration, x: Scale): readonly Strip[] {
  const still = standstillOf(migration);
  const stillness = still === null ? [] : [{ name: STILL, from: still[0], to: still[1] }];
  /** Stretches taken, by row. */
  const taken: (readonly [number, number])[][] = [];
  return [...migration.phases, ...stillness]
    .toSorted((a, b) => a.from - b.from || a.to - b.to)
    .map(({ name, from, to }) => {
      const left = Math.max(LEFT, x(from));
      const width = Math.max(1, Math.min(RIGHT, x(to)) - left);
      const letters = name.length * PHASE_LETTER + 8;
      const label = width > letters ? 'within' : left + width + letters <= RIGHT ? 'behind' : 'before';
      const start = label === 'before' ? left - letters : left;
      const end = left + width + (label === 'behind' ? letters : 0);
      const free = taken.findIndex((row) => row.every(([other, till]) => start >= till || end <= other));
      const row = free < 0 ? taken.length : free;
      taken[row] = [...(taken[row] ?? []), [start, end]];
      return { name, ms: Math.max(0, to - from), row, left, width, label };
    });
}

const STILL = 'guest stands still';

/** What the migration was at, above everything. */
function phaseStrips(strips: readonly Strip[]): Markup {
  const drawn = strips.map(({ name, ms, row, left, width, label }) => {
    const y = row * PHASE;
    const at = { within: left + 4, behind: left + width + 4, before: left - 4 }[label];
    return html`<g>
      <title>${name}: ${duration(ms)}</title>
      <rect class="${name === STILL ? 'phase pause' : 'phase'}" x="${left}" y="${y}" width="${width}" height="${PHASE - 2}" />
      <text class="on-phase" x="${at}" y="${y + 12}" text-anchor="${label === 'before' ? 'end' : 'start'}">${name}</text>
    </g>`;
  });
  return html`<text class="dim" x="6" y="12">phase</text> ${drawn}`;
}

/** A standstill that is wider is a pale ground, so that marks on it can be read; a narrower one a line. */
const WIDE = 6;

/** While the guest stood still, through all lanes and panels; nothing where only its length is known. */
function standstill(migration: Migration, x: Scale, { top, bottom }: Stretch): Markup | null {
  const ends = standstillOf(migration);
  if (ends === null) return null;
  const [from, to] = ends;
  const width = Math.max(2, x(to) - x(from));
  return html`<rect
    class="${width > WIDE ? 'pause wide' : 'pause'}"
    x="${x(from)}"
    y="${top}"
    width="${width}"
    height="${bottom - top}"
  >
    <title>the guest stands still: ${duration(to - from)}</title>
  </rect>`;
}

interface Stretch {
  readonly top: number;
  readonly bottom: number;
}

/** From the guest's stop, or the agent's pause, to its run on the other host, or its end on this one: as far as events say so. */
function standstillOf({ events, source, pausedAt }: Migration): readonly [from: number, to: number] | null {
  const states = ofKind(events, 'guest-run-state');
  const stopped = states.findLast((event) => !event.body.running && hostOf(event) === source);
  const from = stopped?.at ?? pausedAt;
  if (from === null) return null;
  const resumed = states.find((event) => event.body.running && hostOf(event) !== source && event.at >= from);
  const left = ofKind(events, 'domain-stopped').find((event) => hostOf(event) === source && event.at >= from);
  const to = resumed?.at ?? left?.at;
  return to === undefined ? null : [from, to];
}
