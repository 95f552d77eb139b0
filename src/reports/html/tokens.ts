import { html, type Markup } from './html.ts';

/**
 * Colours and letters of every page, as tokens. Each colour has at least 4.5 : 1 against its ground for text and 3 : 1 for lines, in light
 * and in dark; a colour never says alone what no word says. Drawings take the same tokens, so they follow the reader's mode, and paper.
 */
export const TOKENS: Markup = html`<style>
  :root {
    color-scheme: light dark;
    --ground: #ffffff;
    --panel: #f4f5f7;
    --rule: #d3d8de;
    --axis: #767e88;
    --ink: #16191d;
    --dim: #545c66;
    --link: #0b57a4;
    --critical: #b00d1b;
    --warning: #855000;
    --info: #0b57a4;
    --good: #176632;
    --series-1: #1667ad;
    --series-2: #b24e00;
    --series-3: #6f46ad;
    --series-4: #17733a;
    --mark: #fff3c4;
    --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif;
    --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ground: #14171b;
      --panel: #1d2126;
      --rule: #363d46;
      --axis: #8a939e;
      --ink: #e3e6ea;
      --dim: #a2abb6;
      --link: #84b9f5;
      --critical: #ff8f8a;
      --warning: #efb45c;
      --info: #84b9f5;
      --good: #7fd196;
      --series-1: #6cb2f4;
      --series-2: #f0a04b;
      --series-3: #bda0f2;
      --series-4: #7fd196;
      --mark: #4a3d10;
    }
  }
  @media print {
    :root {
      color-scheme: light;
      --ground: #ffffff;
      --panel: #f4f5f7;
      --rule: #c4c9cf;
      --axis: #666e78;
      --ink: #000000;
      --dim: #454c55;
      --link: #000000;
      --critical: #a00a17;
      --warning: #744500;
      --info: #0a4c90;
      --good: #145a2c;
      --series-1: #1667ad;
      --series-2: #b24e00;
      --series-3: #6f46ad;
      --series-4: #17733a;
      --mark: #ffffff;
    }
  }
</style>`;
