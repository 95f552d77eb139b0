import type { Severity } from '../../model/finding.ts';
import type { Analysis } from '../analysis.ts';
import { ascii, inert } from './text.ts';
import { fileNamesOf, type FileName } from '../incident/file-names.ts';
import { spansDays } from '../incident/time.ts';

/** What the report is shown on. */
export interface Screen {
  /** Columns. */
  readonly width: number;
  readonly color: boolean;
  readonly allEvidence: boolean;
  /** Nothing but ASCII, for terminals and pagers that show other characters as boxes. */
  readonly ascii?: boolean;
}

/** What a text is, which colour may underline and never says alone. */
export type Paint = Severity | 'good' | 'strong' | 'dim';

/** Signs beyond ASCII, or what stands for them. */
export interface Glyphs {
  readonly arrow: string;
  readonly ellipsis: string;
  readonly none: string;
  readonly atLeast: string;
  /** From the smallest to the largest; empty where there are none. */
  readonly bars: readonly string[];
}

/** What every part of the report is written with. */
export interface Page {
  readonly analysis: Analysis;
  readonly width: number;
  readonly allEvidence: boolean;
  /** The logs span more than one day. */
  readonly withDates: boolean;
  readonly glyphs: Glyphs;
  paint(as: Paint, text: string): string;
  /** Makes foreign text harmless, and ASCII where the screen wants that. */
  show(text: string): string;
  readonly fileName: FileName;
}

const SIGNS: Glyphs = { arrow: '→', ellipsis: '…', none: '–', atLeast: '≥', bars: '▁ ▂ ▃ ▄ ▅ ▆ ▇ █'.split(' ') };
const ASCII_SIGNS: Glyphs = { arrow: '->', ellipsis: '...', none: '-', atLeast: '>=', bars: [] };

/** SGR parameters. */
const COLORS: Readonly<Record<Paint, string>> = {
  critical: '1;31',
  warning: '1;33',
  info: '1;36',
  good: '32',
  strong: '1',
  dim: '2',
};

/** Nothing fits into less. */
const NARROWEST = 40;

/** The page for one analysis on one screen. */
export function createPage(analysis: Analysis, { width, color, allEvidence, ascii: onlyAscii = false }: Screen): Page {
  return {
    analysis,
    width: Math.max(NARROWEST, width),
    allEvidence,
    withDates: spansDays(analysis),
    glyphs: onlyAscii ? ASCII_SIGNS : SIGNS,
    paint: (as, text) => (color && text !== '' ? `\x1b[${COLORS[as]}m${text}\x1b[0m` : text),
    show: (text) => (onlyAscii ? ascii(inert(text)) : inert(text)),
    fileName: fileNamesOf(analysis),
  };
}

/** Lines behind a title in capitals, the later ones below the first's text. */
export function runIn(title: string, lines: readonly string[], page: Page): readonly string[] {
  return lines.map((line, i) => `${i === 0 ? page.paint('strong', title) : ' '.repeat(title.length)}  ${line}`);
}
