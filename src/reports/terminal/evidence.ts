import type { Event } from '../../model/event.ts';
import type { Certainty } from '../../model/timeline.ts';
import { CERTAINTY_WORDS, quoteOf, tellingEvidence, type Quote } from '../incident/quotes.ts';
import type { Page } from './page.ts';
import { columns, cutMiddle, fold, foldTo, pad, shortIds } from './text.ts';

/** Columns of the label beside a block of lines (`seen`, `now`, `do`), its margin included. */
export const LABEL = 11;

/** What a statement rests on. */
export interface Evidence {
  readonly events: readonly Event[];
  readonly certainty: Certainty;
  /** So many lines at most, unless all evidence is asked for. */
  readonly most: number;
}

/** Evidence of one statement, as the files have it: host, file and line, time as written, message. */
export function evidenceLines({ events, certainty, most }: Evidence, page: Page): readonly string[] {
  const shown = page.allEvidence ? events : tellingEvidence(events, most);
  const quotes = shown.map((event) => shownQuote(quoteOf(event, page), page));
  const place = Math.max(0, ...quotes.map((quote) => columns(quote.place)));
  const written = Math.max(0, ...quotes.map((quote) => columns(quote.written)));
  const room = page.width - LABEL - place - written - 4;
  const beside = room >= ROOMY || quotes.every(({ message }) => columns(message) <= room);
  const widths = { place, written, room };
  const lines = quotes.flatMap((quote) => (beside ? besideLines(quote, widths, page) : belowLines(quote, widths, page)));
  const hidden = events.length - shown.length;
  return labelled(
    CERTAINTY_WORDS[certainty],
    hidden > 0 ? [...lines, page.paint('dim', `${hidden} more with --all-evidence`)] : lines,
    page,
  );
}

interface Widths {
  readonly place: number;
  readonly written: number;
  /** What is left for the message. */
  readonly room: number;
}

function besideLines(quote: Quote, { place, written, room }: Widths, page: Page): readonly string[] {
  const head = `${pad(quote.place, place)}  ${pad(quote.written, written)}`;
  const [first = '', ...more] = fitted(quote.message, room, page);
  return [`${page.paint('dim', head)}  ${first}`, ...more.map((line) => ' '.repeat(place + written + 4) + line)];
}

function belowLines(quote: Quote, { place }: Widths, page: Page): readonly string[] {
  const width = page.width - LABEL;
  const head = `${pad(quote.place, place)}  ${quote.written}`.trimEnd();
  const heads =
    columns(head) <= width ? [head] : [cutMiddle(quote.place, width, page.glyphs.ellipsis), ...fold(quote.written, width)];
  return [...heads.map((line) => page.paint('dim', line)), ...fitted(quote.message, width - 2, page).map((line) => `  ${line}`)];
}

/** From so many columns on, a message stands beside its place and time. */
const ROOMY = 64;
const MESSAGE_LINES = 2;

/** Lines beside a label, which stands before the first, or above it where it is long. */
export function labelled(label: string, lines: readonly string[], page: Pick<Page, 'paint'>): readonly string[] {
  if (columns(label) > LABEL - 3) return [`  ${page.paint('dim', label)}`, ...labelled('', lines, page)];
  const margin = ' '.repeat(LABEL);
  return lines.map((line, i) =>
    i === 0 && label !== '' ? `  ${page.paint('dim', pad(label, LABEL - 2))}${line}` : margin + line,
  );
}

function fitted(message: string, width: number, page: Page): readonly string[] {
  if (page.allEvidence) return fold(message, width);
  const { ellipsis } = page.glyphs;
  const text = columns(message) > width ? shortIds(message, ellipsis) : message;
  return foldTo(text, { width, lines: MESSAGE_LINES, ellipsis });
}

function shownQuote({ place, written, message }: Quote, page: Page): Quote {
  return { place: page.show(place), written: page.show(written), message: page.show(message) };
}
