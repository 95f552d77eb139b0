import { htmlPage } from '../html/document.ts';
import { html, type Fragment, type Markup } from '../html/html.ts';
import { sparkline } from '../html/sparkline.ts';
import { table } from '../html/table.ts';
import type { Block, Inline, Section } from './blocks.ts';
import type { WeeklyReport } from './document.ts';
import { reportPage } from './report-page.ts';

/** A report as one HTML file. Every number of the document stands in an element that names its field (`data-field`). */
export function reportHtml(report: WeeklyReport): string {
  const { title, verdict, about, sections } = reportPage(report);
  const body = html`<header>
      <h1>${title}</h1>
      <p class="lead"><span class="severity ${verdict.tone}">${verdict.word}</span> ${verdict.text}</p>
      <p class="dim">${inline(about)}</p>
    </header>
    <main>${sections.map(sectionHtml)}</main>`;
  return htmlPage({ title, body });
}

function sectionHtml({ title, folded, blocks }: Section): Markup {
  const content = blocks.map(blockHtml);
  const body = folded
    ? html`<details>
        <summary>Every sum, and the question that gives it again</summary>
        ${content}
      </details>`
    : content;
  return html`<section>
    <h2>${title}</h2>
    ${body}
  </section>`;
}

function blockHtml(block: Block): Markup {
  if (block.kind === 'heading') return html`<h3>${inline(block.of)}</h3>`;
  if (block.kind === 'paragraph')
    return block.small === true ? html`<p class="dim">${inline(block.of)}</p>` : html`<p>${inline(block.of)}</p>`;
  if (block.kind === 'table')
    return table({ caption: block.caption, columns: block.columns, rows: block.rows.map((row) => row.map(inline)) });
  return html`<p>${inline(block.of)}</p>
    ${block.command === null ? null : html`<pre class="command">${block.command}</pre>`}`;
}

function inline(pieces: Inline): Fragment {
  return pieces.map((piece): Fragment => {
    if (typeof piece === 'string') return piece;
    if ('foreign' in piece) return piece.foreign;
    if ('tone' in piece) return html`<span class="${piece.tone}">${piece.word}</span>`;
    if ('trend' in piece) return sparkline(piece.label, piece.trend);
    return typeof piece.value === 'number'
      ? html`<data value="${String(piece.value)}" data-field="${piece.field}">${piece.text}</data>`
      : html`<time datetime="${piece.value}" data-field="${piece.field}">${piece.text}</time>`;
  });
}
