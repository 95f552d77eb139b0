import { html, type Markup } from './html.ts';

/** On paper folded parts are open, as far as the browser lets a style say so, and heads of tables stand on every sheet. Comes last. */
export const PAPER_STYLE: Markup = html`<style>
  @media print {
    @page {
      size: A4;
      margin: 14mm 12mm;
    }
    body {
      padding: 0;
      max-width: none;
      font-size: 9.5pt;
    }
    table,
    code,
    pre,
    .mono,
    .line,
    summary,
    small,
    .dim,
    figcaption {
      font-size: 8pt;
    }
    .scroll {
      overflow: visible;
    }
    svg.drawing {
      min-width: 0;
    }
    details::details-content {
      content-visibility: visible;
      block-size: auto;
    }
    details > summary {
      list-style: none;
      color: var(--dim);
    }
    a {
      text-decoration: none;
    }
    .screen-only {
      display: none;
    }
    h2 {
      break-after: avoid;
    }
    pre.command,
    figure,
    tr {
      break-inside: avoid;
    }
  }
</style>`;
