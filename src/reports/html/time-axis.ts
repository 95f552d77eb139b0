import { html, type Markup } from './html.ts';
import type { Box } from './line-panel.ts';
import type { Scale } from './scale.ts';
import type { TimeTick } from './time-ticks.ts';

/** An axis below a box, with rules up through it. */
export function timeAxis(ticks: readonly TimeTick[], x: Scale, { left, top, width, height }: Box): Markup {
  const bottom = top + height;
  const marks = ticks.map(({ at, label }) => {
    // the outermost labels stay inside the drawing
    const anchor = x(at) > left + width - LABEL_ROOM ? 'end' : x(at) < left + LABEL_ROOM ? 'start' : 'middle';
    return html`
      <line class="rule" x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${bottom + 4}" />
      <text class="dim" x="${x(at)}" y="${bottom + 16}" text-anchor="${anchor}">${label}</text>
    `;
  });
  return html`<g>${marks} <line class="axis" x1="${left}" x2="${left + width}" y1="${bottom}" y2="${bottom}" /></g>`;
}

const LABEL_ROOM = 20;
