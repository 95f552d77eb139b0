/** How much of an analysis a page takes in; what is left out is said where it is missing. */
export interface SheetLimits {
  /** Problems in full, and in a line each. */
  readonly blocks: number;
  readonly short: number;
  /** Records of a finding that are folded below the most telling ones. */
  readonly evidence: number;
  /** Migrations whose course is drawn. */
  readonly courses: number;
  /** Lines of one host around the marks of one migration. */
  readonly lines: number;
  /** Rows of the table of migrations that are open, and those that are folded. */
  readonly rows: number;
  readonly folded: number;
  /** Advice of one kind. */
  readonly advice: number;
  /** Files in the list of what was read. */
  readonly files: number;
}

/** A page is not larger, in characters: browsers, mail and ticket systems take it. */
export const LARGEST_PAGE = 5_000_000;

/** From what one incident needs to what still fits where logs are made to be large. */
export const SHEET_LIMITS: readonly SheetLimits[] = [
  { blocks: 40, short: 400, evidence: 60, courses: 16, lines: 60, rows: 100, folded: 4000, advice: 20, files: 400 },
  { blocks: 16, short: 100, evidence: 12, courses: 6, lines: 30, rows: 60, folded: 500, advice: 4, files: 50 },
  { blocks: 6, short: 20, evidence: 3, courses: 1, lines: 6, rows: 20, folded: 0, advice: 1, files: 5 },
];

/** Letters of a name, of a sentence, and of a quoted record: more than any that is meant to be read. */
export const LETTERS = { name: 160, sentence: 2000, record: 600, command: 8000 } as const;
