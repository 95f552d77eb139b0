import { html, type Markup } from './html.ts';

/** The look of every page: dense and plain. On paper folded parts are open, and heads of tables stand on every sheet. */
export const STYLE: Markup = html`<style>
  * {
    box-sizing: border-box;
  }
  html {
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
  }
  body {
    margin: 0 auto;
    padding: 1.25rem 1.5rem 3rem;
    max-width: 76rem;
    background: var(--ground);
    color: var(--ink);
    font: 0.9375rem/1.45 var(--sans);
    overflow-wrap: anywhere;
  }
  h1,
  h2,
  h3 {
    line-height: 1.25;
    margin: 0;
    break-after: avoid;
  }
  h1 {
    font-size: 1.25rem;
  }
  h2 {
    font-size: 1.0625rem;
    margin: 2rem 0 0.5rem;
  }
  h3 {
    font-size: 0.9375rem;
    margin: 1rem 0 0.25rem;
  }
  p {
    margin: 0.25rem 0;
    max-width: 76ch;
  }
  a {
    color: var(--link);
  }
  ul,
  ol {
    margin: 0.25rem 0;
    padding-left: 1.25rem;
  }
  section {
    margin: 1.25rem 0;
  }
  small,
  .dim {
    color: var(--dim);
    font-size: 0.8125rem;
  }
  .strong {
    font-weight: 600;
  }
  .lead {
    font-size: 1.0625rem;
    max-width: 72ch;
    margin: 0.35rem 0;
  }
  code,
  pre,
  .mono {
    font-family: var(--mono);
    font-size: 0.8125rem;
  }
  .critical {
    color: var(--critical);
  }
  .warning {
    color: var(--warning);
  }
  .info {
    color: var(--info);
  }
  .good {
    color: var(--good);
  }
  .severity {
    font-weight: 700;
    font-size: 0.8125rem;
    letter-spacing: 0.03em;
    text-transform: uppercase;
  }
  .problem {
    border-left: 4px solid var(--rule);
    padding: 0.1rem 0 0.1rem 1rem;
  }
  .problem.critical-edge {
    border-color: var(--critical);
  }
  .problem.warning-edge {
    border-color: var(--warning);
  }
  .problem.info-edge {
    border-color: var(--info);
  }
  pre.command {
    margin: 0.2rem 0 0.6rem;
    padding: 0.5rem 0.75rem;
    background: var(--panel);
    border: 1px solid var(--rule);
    border-radius: 3px;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    user-select: all;
    -webkit-user-select: all;
    break-inside: avoid;
  }
  dl.facts {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 0.15rem 1rem;
    margin: 0.4rem 0;
  }
  dl.facts dt {
    color: var(--dim);
  }
  dl.facts dd {
    margin: 0;
  }
  .scroll {
    overflow-x: auto;
    max-width: 100%;
  }
  table {
    border-collapse: collapse;
    font-size: 0.8125rem;
    font-variant-numeric: tabular-nums;
    margin: 0.25rem 0;
  }
  table.wide {
    width: 100%;
  }
  caption {
    text-align: left;
    color: var(--dim);
    padding-bottom: 0.25rem;
  }
  th,
  td {
    text-align: left;
    vertical-align: top;
    padding: 0.22rem 0.9rem 0.22rem 0;
    border-bottom: 1px solid var(--rule);
    overflow-wrap: normal;
  }
  th {
    color: var(--dim);
    font-weight: 600;
    white-space: nowrap;
  }
  td.number,
  th.number {
    text-align: right;
    white-space: nowrap;
  }
  td.fixed {
    white-space: nowrap;
  }
  td.long {
    overflow-wrap: anywhere;
    min-width: 16rem;
  }
  tr {
    break-inside: avoid;
  }
  thead {
    display: table-header-group;
  }
  tr:target td,
  .line:target {
    background: var(--mark);
  }
  details {
    margin: 0.3rem 0;
  }
  summary {
    cursor: pointer;
    color: var(--link);
    font-size: 0.8125rem;
  }
  summary:focus-visible,
  a:focus-visible {
    outline: 2px solid var(--link);
    outline-offset: 2px;
  }
  .line {
    font-family: var(--mono);
    font-size: 0.8125rem;
    padding: 0.1rem 0;
    white-space: pre-wrap;
    scroll-margin-top: 30vh;
  }
  .line .where {
    color: var(--dim);
  }
  figure {
    margin: 0.5rem 0;
    break-inside: avoid;
  }
  figcaption {
    color: var(--dim);
    font-size: 0.8125rem;
    margin-bottom: 0.25rem;
  }
  svg {
    display: block;
    font-family: var(--sans);
    font-size: 11px;
  }
  svg.drawing {
    width: 100%;
    min-width: 44rem;
    height: auto;
  }
  svg text {
    fill: var(--ink);
  }
  svg .dim {
    fill: var(--dim);
    font-size: 11px;
  }
  svg .rule {
    stroke: var(--rule);
    stroke-width: 1;
    fill: none;
  }
  svg .axis {
    stroke: var(--axis);
    stroke-width: 1;
    fill: none;
  }
  svg .band {
    fill: var(--panel);
  }
  svg a text {
    fill: var(--link);
  }
  svg a:hover text {
    text-decoration: underline;
  }
  .series-1,
  .series-2,
  .series-3,
  .series-4 {
    fill: none;
    stroke-width: 1.75;
  }
  .series-1 {
    stroke: var(--series-1);
  }
  .series-2 {
    stroke: var(--series-2);
    stroke-dasharray: 6 3;
  }
  .series-3 {
    stroke: var(--series-3);
    stroke-dasharray: 2 3;
  }
  .series-4 {
    stroke: var(--series-4);
    stroke-dasharray: 9 3 2 3;
  }
  .fill-1 {
    fill: var(--series-1);
  }
  .fill-2 {
    fill: var(--series-2);
  }
  .fill-3 {
    fill: var(--series-3);
  }
  .fill-4 {
    fill: var(--series-4);
  }
  svg .critical {
    fill: var(--critical);
  }
  svg .warning {
    fill: var(--warning);
  }
  svg .info {
    fill: var(--info);
  }
  svg .good {
    fill: var(--good);
  }
  svg .plain {
    fill: var(--axis);
  }
  svg .limit {
    stroke: var(--critical);
    stroke-width: 1;
    stroke-dasharray: 4 3;
    fill: none;
  }
  svg.spark {
    display: inline-block;
    vertical-align: middle;
  }
  @media (max-width: 40rem) {
    dl.facts {
      grid-template-columns: 1fr;
    }
    dl.facts dd {
      margin-bottom: 0.4rem;
    }

    body {
      padding: 0.75rem 0.75rem 2rem;
    }
    .problem {
      padding-left: 0.6rem;
    }
  }
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
