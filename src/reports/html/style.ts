import { html, type Markup } from './html.ts';

/** The look of text and tables: dense and plain. */
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
    max-width: 100ch;
  }
  a {
    color: var(--link);
  }
  ul,
  ol {
    margin: 0.25rem 0;
    padding-left: 1.25rem;
  }
  header h1 {
    font-size: 0.8125rem;
    font-weight: 400;
    color: var(--dim);
  }
  header h1 .name {
    font-weight: 700;
    color: var(--ink);
  }
  .contents {
    margin: 0.75rem 0;
    padding-left: 2rem;
    columns: 30rem;
    font-size: 0.8125rem;
  }
  .contents li {
    break-inside: avoid;
  }
  .problem-head {
    display: flex;
    flex-wrap: wrap;
    gap: 0 0.9rem;
    align-items: baseline;
    font-size: 0.9375rem;
    margin: 0;
  }
  .problem-head .about {
    font-weight: 400;
    color: var(--dim);
  }
  .part {
    margin: 0.6rem 0;
    padding-left: 5.5rem;
    position: relative;
  }
  .part > h3 {
    position: absolute;
    left: 0;
    margin: 0;
    font-weight: 600;
    font-size: 0.8125rem;
    color: var(--dim);
    max-width: 5rem;
  }
  .also {
    margin: 1.1rem 0 0.6rem;
    padding-top: 0.7rem;
    border-top: 1px solid var(--rule);
  }
  .advice {
    margin: 0.4rem 0 0.7rem;
  }
  table.now {
    margin: 0;
  }
  table.now th,
  table.now td {
    border: 0;
    padding-top: 0;
    padding-bottom: 0.1rem;
  }
  table.now th {
    color: var(--ink);
  }
  .state {
    font-weight: 600;
    white-space: nowrap;
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
    max-width: 88ch;
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
  p + .scroll,
  .scroll + .scroll,
  .scroll + p {
    margin-top: 0.6rem;
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
  .lines {
    display: grid;
    grid-template-columns: fit-content(21rem) fit-content(12rem) minmax(0, 1fr);
    column-gap: 1rem;
  }
  .line {
    display: grid;
    grid-column: 1 / -1;
    grid-template-columns: fit-content(21rem) fit-content(12rem) minmax(0, 1fr);
    grid-template-columns: subgrid;
    padding: 0.08rem 0;
    font-family: var(--mono);
    font-size: 0.8125rem;
    scroll-margin-top: 30vh;
  }
  .line .where,
  .line .when {
    color: var(--dim);
  }
  .line code {
    white-space: pre-wrap;
  }
  .line.marked .when {
    color: var(--ink);
    font-weight: 700;
  }
  .line.gap {
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
  @media (max-width: 56rem) {
    th,
    td {
      padding-right: 0.5rem;
    }
  }
  @media (max-width: 40rem) {
    table.now td.long {
      min-width: 0;
    }

    .part {
      padding-left: 0;
    }
    .part > h3 {
      position: static;
      max-width: none;
    }
    .lines,
    .line {
      display: block;
    }
    .line {
      padding: 0.2rem 0;
    }
    .line code {
      display: block;
    }

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
</style>`;
