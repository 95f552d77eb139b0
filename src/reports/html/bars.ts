import { cut } from '../terminal/text.ts';
import { drawing } from './drawing.ts';
import { html, type Markup } from './html.ts';
import { linearScale } from './scale.ts';

/** One bar: what it is of, how long, and the same in words. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The value with its unit, behind the bar. */
  readonly text: string;
  readonly style: BarStyle;
}

/** A series' colour, or that of a severity, which the label then says too. */
export type BarStyle = 'fill-1' | 'fill-2' | 'fill-3' | 'fill-4' | 'critical' | 'warning' | 'info' | 'good' | 'plain';

const ROW = 20;
const WIDTH = 720;
const LABELS = 240;
const TEXTS = 130;
/** Letters of a label that fit before the bars. */
const LETTERS = 38;

/** Bars one below the other, on one scale from 0: the longest fills the width. */
export function bars(label: string, rows: readonly Bar[]): Markup {
  const x = linearScale([0, Math.max(...rows.map(({ value }) => value), 0) || 1], [0, WIDTH - LABELS - TEXTS]);
  const body = rows.map(({ label: of, value, text, style }, i) => {
    const length = Math.max(value > 0 ? 1 : 0, x(value));
    const y = i * ROW;
    return html`<g>
      <title>${of}: ${text}</title>
      <text x="${LABELS - 8}" y="${y + 14}" text-anchor="end">${cut(of, LETTERS)}</text>
      <rect class="${style}" x="${LABELS}" y="${y + 4}" width="${length}" height="${ROW - 8}" />
      <text class="dim" x="${LABELS + length + 6}" y="${y + 14}">${text}</text>
    </g>`;
  });
  const description = rows.map((row) => `${row.label}: ${row.text}`).join('; ');
  return drawing({ label, description, width: WIDTH, height: Math.max(1, rows.length) * ROW, body });
}
