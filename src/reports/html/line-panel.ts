import { html, type Markup } from './html.ts';
import { linearScale, type Scale } from './scale.ts';

/** A value at a place of the axis; `null` breaks the line: nothing was known there. */
export interface Point {
  readonly at: number;
  readonly value: number | null;
}

/** One line of a panel. */
export interface Series {
  readonly name: string;
  /** Colour and dashes. */
  readonly style: 1 | 2 | 3 | 4;
  /** A value holds until the next one, instead of moving there in a straight line. */
  readonly step: boolean;
  /** In the order of the axis. */
  readonly points: readonly Point[];
}

/** Where a part of a drawing stands in it. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Lines over one axis, with their own scale from 0. */
export interface LinePanel {
  readonly title: string;
  readonly box: Box;
  /** From the axis' values to the drawing. */
  readonly x: Scale;
  /** From 0 up; the last one ends the scale. */
  readonly ticks: readonly number[];
  readonly series: readonly Series[];
  format(value: number): string;
}

/** The panel's rules, numbers, lines and their names. */
export function linePanel({ title, box, x, ticks, series, format }: LinePanel): Markup {
  const { left, top, width, height } = box;
  const y = linearScale([0, ticks.at(-1) ?? 1], [top + height, top]);
  const rules = ticks.map(
    (tick) => html`
      <line class="rule" x1="${left}" x2="${left + width}" y1="${y(tick)}" y2="${y(tick)}" />
      <text class="dim" x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${format(tick)}</text>
    `,
  );
  const lines = series.map((each) => lineOf(each, { x, y, most: width }));
  return html`<g>${rules} ${lines} ${legend(title, series, box)}</g>`;
}

/** Units of a letter, about: to place texts one after the other. */
const LETTER = 6.2;
const SWATCH = 22;

function legend(title: string, series: readonly Series[], { left, top }: Box): Markup {
  let at = left;
  const named = series.map(({ name, style }) => {
    const start = at + title.length * LETTER + 14;
    at += SWATCH + name.length * LETTER + 16;
    return html`
      <line class="series-${style}" x1="${start}" x2="${start + SWATCH - 4}" y1="${top - 10}" y2="${top - 10}" />
      <text x="${start + SWATCH}" y="${top - 6}">${name}</text>
    `;
  });
  return html`<text class="dim" x="${left}" y="${top - 6}">${title}</text> ${named}`;
}

interface Plane {
  readonly x: Scale;
  readonly y: Scale;
  /** More points than this cannot be told apart. */
  readonly most: number;
}

function lineOf({ style, step, points }: Series, { x, y, most }: Plane): Markup {
  let pen = 'M';
  const path = thinned(points, most).map(({ at, value }) => {
    if (value === null) {
      pen = 'M';
      return '';
    }
    const [across, down] = [x(at).toFixed(1), y(value).toFixed(1)];
    const drawn = pen === 'M' ? `M${across} ${down}` : step ? `H${across}V${down}` : `L${across} ${down}`;
    pen = 'L';
    return drawn;
  });
  return html`<path class="series-${style}" d="${path.join('')}" />`;
}

/** At most so many points: of each stretch the smallest and the largest value, so that no spike is lost. */
export function thinned(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const size = Math.ceil((points.length * 2) / most);
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const stretch = points.slice(start, start + size);
    const sorted = stretch.toSorted((a, b) => (a.value ?? -1) - (b.value ?? -1));
    const ends = new Set([sorted[0], sorted.at(-1)]);
    kept.push(...stretch.filter((point) => ends.has(point)));
  }
  return kept;
}
