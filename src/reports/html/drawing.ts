import { cut } from '../terminal/text.ts';
import { html, type Fragment, type Markup } from './html.ts';

/** An inline SVG as wide as the page; on a narrow screen it scrolls instead of shrinking into dust. */
export interface Drawing {
  /** What it shows, in a few words: its name for those who do not see it. */
  readonly label: string;
  /** What is to be read from it, in a sentence; stands for the drawing where it cannot be seen. */
  readonly description: string;
  /** Size of the drawing's own units; one is a pixel on a screen of ordinary width. */
  readonly width: number;
  readonly height: number;
  readonly body: Fragment;
}

/** A description is read out: nobody listens to more. */
const DESCRIPTION_LETTERS = 4000;

/** A drawing with its text alternative. Links in it stay reachable by keyboard. */
export function drawing({ label, description, width, height, body }: Drawing): Markup {
  return html`<div class="scroll">
    <svg class="drawing" role="group" aria-label="${label}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
      <title>${label}</title>
      <desc>${cut(description, DESCRIPTION_LETTERS)}</desc>
      ${body}
    </svg>
  </div>`;
}
