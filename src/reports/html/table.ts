import { html, type Fragment, type Markup } from './html.ts';

/** How the cells of a column are set: `fixed` is not broken, `number` stands to the right, `long` takes what is left. */
export type ColumnKind = 'text' | 'fixed' | 'number' | 'long';

/** A column of a table. */
export interface TableColumn {
  readonly title: string;
  readonly kind: ColumnKind;
}

/** Rows under heads that stand on every printed sheet again. */
export interface Table {
  /** What its rows are; `null` where the heading above says it. */
  readonly caption: string | null;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Fragment[])[];
}

/** A table that scrolls in itself where the screen is narrower than it. */
export function table({ caption, columns, rows }: Table): Markup {
  return html`<div class="scroll">
    <table>
      ${
        caption === null
          ? null
          : html`<caption>
              ${caption}
            </caption>`
      }
      <thead>
        <tr>
          ${columns.map(({ title, kind }) => html`<th scope="col" class="${kind}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell, i) => html`<td class="${columns[i]?.kind ?? 'text'}">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
