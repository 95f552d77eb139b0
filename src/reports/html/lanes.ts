import { cut } from '../terminal/text.ts';
import { visible } from '../visible.ts';
import { html, type Markup } from './html.ts';
import type { Box } from './line-panel.ts';
import type { Scale } from './scale.ts';

/** One thing that happened, on a lane. */
export interface LaneMark {
  readonly at: number;
  readonly text: string;
  /** Severity of it, where it has one. */
  readonly style: 'critical' | 'warning' | 'good' | 'plain';
  /** Id of an element of this page that tells more; `null` where none does. */
  readonly target: string | null;
}

/** A row of marks under one name. */
export interface Lane {
  readonly name: string;
  readonly marks: readonly LaneMark[];
  /** Why nothing is on it; shown only then. */
  readonly empty?: string;
}

/** Lanes laid out below each other. */
export interface LaidOut {
  readonly markup: Markup;
  readonly height: number;
}

const ROW = 17;
const PADDING = 5;
const RADIUS = 3.5;
/** Between the middle of a mark and its label, and behind that. */
const GAP = 13;
/** Units of a letter in a wide font, on average: labels that are estimated too wide leave a gap, too narrow ones would overlap. */
const LETTER = 6.4;
/** Letters of a mark's label; all of it is in its title. */
const LETTERS = 100;

/** Lanes on one axis. Labels stand beside their marks and never over each other: what does not fit beside goes a row down. */
export function lanes(all: readonly Lane[], x: Scale, { left, top, width }: Omit<Box, 'height'>): LaidOut {
  let y = top;
  const drawn = all.map(({ name, marks, empty = '' }, i) => {
    const placed = placedMarks(marks, x, { left, right: left + width });
    const rows = Math.max(1, ...placed.map(({ row }) => row + 1));
    const height = rows * ROW + 2 * PADDING;
    const at = y;
    y += height;
    const band = i % 2 === 0 ? html`<rect class="band" x="0" y="${at}" width="${left + width}" height="${height}" />` : null;
    return html`<g>
      ${band}
      <text x="6" y="${at + PADDING + 12}" class="strong">${cut(name, NAME_LETTERS)}</text>
      ${placed.map((mark) => markOf(mark, at + PADDING))}
      ${marks.length > 0 ? null : html`<text class="dim" x="${left + 4}" y="${at + PADDING + 12}">${cut(empty, EMPTY_LETTERS)}</text>`}
    </g>`;
  });
  return { markup: html`<g>${drawn}</g>`, height: y - top };
}

/** Letters of why a lane is empty that fit on it. */
const EMPTY_LETTERS = 140;

/** Letters of a lane's name that fit before the axis. */
const NAME_LETTERS = 22;

interface PlacedMark extends LaneMark {
  readonly across: number;
  readonly row: number;
  readonly label: string;
  /** The label stands before the mark: behind it there is no room. */
  readonly before: boolean;
}

function placedMarks(
  marks: readonly LaneMark[],
  x: Scale,
  { left, right }: { readonly left: number; readonly right: number },
): readonly PlacedMark[] {
  /** Stretches taken, by row. */
  const taken: (readonly [number, number])[][] = [];
  return marks.map((mark) => {
    const across = x(mark.at);
    const [behind, ahead] = [lettersIn(right - across), lettersIn(across - left)] as const;
    // spelled first: what is escaped later would be longer than its place
    const text = visible(mark.text);
    const before = Array.from(text).length > behind && ahead > behind;
    const label = cut(text, Math.min(LETTERS, Math.max(behind, ahead)));
    const length = Array.from(label).length * LETTER + GAP;
    const stretch = before ? ([across - length, across + RADIUS] as const) : ([across - RADIUS, across + length] as const);
    const free = taken.findIndex((row) => row.every(([from, to]) => stretch[0] > to + 4 || stretch[1] < from - 4));
    const row = free < 0 ? taken.length : free;
    taken[row] = [...(taken[row] ?? []), stretch];
    return { ...mark, across, row, label, before };
  });
}

function lettersIn(room: number): number {
  return Math.floor((room - GAP) / LETTER);
}

function markOf({ across, row, label, before, text, style, target }: PlacedMark, top: number): Markup {
  const y = top + row * ROW + ROW / 2;
  const [at, anchor] = before ? [across - RADIUS - 4, 'end'] : [across + RADIUS + 4, 'start'];
  const shape = html`
    <title>${text}</title>
    <circle class="${style}" cx="${across}" cy="${y}" r="${RADIUS}" />
    <text x="${at}" y="${y + 4}" text-anchor="${anchor}">${label}</text>
  `;
  return target === null ? html`<g>${shape}</g>` : html`<a href="#${target}">${shape}</a>`;
}
