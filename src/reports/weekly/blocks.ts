/** A number or time of the document, as it is shown. */
export interface Figure {
  /** Where in the document it stands: `downtime.worst.0.downtimeMs`. */
  readonly field: string;
  /** As it stands there. */
  readonly value: number | string;
  readonly text: string;
}

/** Text that comes from logs, configurations or users: it is shown, and never obeyed. */
export interface Foreign {
  readonly foreign: string;
}

/** What a word is, which a colour may underline and never says alone. */
export interface Toned {
  readonly tone: 'critical' | 'warning' | 'info' | 'good' | 'dim' | 'strong';
  readonly word: string;
}

/** A small line over the weeks, the oldest first; only where there are drawings. */
export interface Trend {
  readonly trend: readonly (number | null)[];
  readonly label: string;
}

/** Pieces of a sentence or of a cell. A plain string is our own words, and has no digits in it that are a number of the document. */
export type Inline = readonly (string | Figure | Foreign | Toned | Trend)[];

/** How a column is set: as `ColumnKind` of the HTML kit. */
export interface BlockColumn {
  readonly title: string;
  readonly kind: 'text' | 'fixed' | 'number' | 'long';
  /** Has only drawings. */
  readonly drawn?: boolean;
}

/** A piece of a report, whatever it is written in. */
export type Block =
  | { readonly kind: 'paragraph'; readonly of: Inline; readonly small?: boolean }
  | {
      readonly kind: 'table';
      readonly caption: string | null;
      readonly columns: readonly BlockColumn[];
      readonly rows: readonly (readonly Inline[])[];
    }
  | { readonly kind: 'heading'; readonly of: Inline }
  | { readonly kind: 'step'; readonly of: Inline; readonly command: string | null };

/** A part of a report under one heading. */
export interface Section {
  readonly title: string;
  /** Stands in a summary too. */
  readonly brief: boolean;
  /** Nobody reads it every week. */
  readonly folded: boolean;
  readonly blocks: readonly Block[];
}

/** A whole report, to be written in HTML, in Markdown or for a terminal. */
export interface ReportPage {
  readonly title: string;
  /** Level and sentence of the verdict. */
  readonly verdict: { readonly tone: 'good' | 'warning' | 'critical' | 'dim'; readonly word: string; readonly text: string };
  /** Which week, of what, in which zone, when made. */
  readonly about: Inline;
  readonly sections: readonly Section[];
}

/** Longer names are broken: a column must not grow beyond the paper. */
const LONGEST_NAME = 32;

/** How a column of names is set: whole, where they are as short as names usually are. */
export function nameKind(names: readonly (string | null)[]): BlockColumn['kind'] {
  return names.every((name) => (name ?? '').length <= LONGEST_NAME) ? 'fixed' : 'text';
}
