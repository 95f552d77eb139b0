/** What a column holds; names of fields end in their units, and these say the rest. */
export type ColumnKind = 'text' | 'number' | 'time' | 'duration' | 'share';

/** A column of an answer. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** Rows that answer a question. Instants are Unix ms, what is not known is `null`. */
export interface Answer {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly unknown[])[];
  /** There may be more: as many rows as were asked for. */
  readonly truncated: boolean;
}
