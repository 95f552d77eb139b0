import { html, type Markup } from './html.ts';
import { linearScale } from './scale.ts';

const WIDTH = 96;
const HEIGHT = 20;
const MARGIN = 2;

/** A line as high as a word, from 0 to its largest value; `null` leaves a gap. The label says what it shows in words and numbers. */
export function sparkline(label: string, values: readonly (number | null)[]): Markup {
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  const x = linearScale([0, Math.max(1, values.length - 1)], [MARGIN, WIDTH - MARGIN]);
  const y = linearScale([0, largest || 1], [HEIGHT - MARGIN, MARGIN]);
  let pen = 'M';
  const path = values.map((value, i) => {
    if (value === null) {
      pen = 'M';
      return '';
    }
    // a lone value between gaps is a dot
    const dot = pen === 'M' && (values[i + 1] ?? null) === null ? 'h1' : '';
    const drawn = `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}${dot}`;
    pen = 'L';
    return drawn;
  });
  return html`<svg
    class="spark"
    role="img"
    aria-label="${label}"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    width="${WIDTH}"
    height="${HEIGHT}"
  >
    <title>${label}</title>
    <path class="series-1" d="${path.join('')}" />
  </svg>`;
}
