/** What a short text is shown on. */
export interface Sheet {
  /** Columns. */
  readonly width: number;
  readonly color: boolean;
}

const SGR = { good: '32', warn: '33', bad: '31', strong: '1', dim: '2' } as const;

/** Marks a text with a colour, on screens that have any. */
export function paint(sheet: Sheet, as: keyof typeof SGR, text: string): string {
  return sheet.color && text !== '' ? `\x1b[${SGR[as]}m${text}\x1b[0m` : text;
}
