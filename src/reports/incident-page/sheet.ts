import type { Migration } from '../../model/timeline.ts';
import type { Analysis } from '../analysis.ts';
import type { Block } from '../incident/blocks.ts';
import type { QuoteStyle } from '../incident/quotes.ts';
import type { SheetLimits } from './sheet-limits.ts';

/** What every part of the page is made with. */
export interface Sheet extends QuoteStyle {
  readonly analysis: Analysis;
  /** The problems, the worst first. */
  readonly blocks: readonly Block[];
  /** The migrations whose course is drawn, the troubled ones first, and the ids of their sections. */
  readonly courses: ReadonlyMap<Migration, string>;
  readonly limits: SheetLimits;
}
