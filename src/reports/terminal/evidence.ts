import type { Event } from '../../model/event.ts';
import type { Certainty } from '../../model/timeline.ts';
import { countersOf } from './counters.ts';
import type { Page } from './page.ts';
import { columns, cut, cutMiddle, fold, foldTo, pad, shortIds } from './text.ts';

/** Columns of the label beside a block of lines (`seen`, `now`, `do`), its margin included. */
export const LABEL = 11;

/** Lines of evidence that are shown without being asked for more. */
export const EVIDENCE_SHOWN = 3;

const WORDS: Readonly<Record<Certainty, string>> = {
  seen: 'seen',
  follows: 'follows',
  unobserved: 'not observed; nearest to it:',
};

/** What a statement rests on. */
export interface Evidence {
  readonly events: readonly Event[];
  readonly certainty: Certainty;
  /** So many lines at most, unless all evidence is asked for. */
  readonly most: number;
}

/** Evidence of one statement, as the files have it: host, file and line, time as written, message. */
export function evidenceLines({ events, certainty, most }: Evidence, page: Page): readonly string[] {
  const shown = page.allEvidence ? events : withoutEchoes(events).slice(0, most);
  const quotes = shown.map((event) => quoteOf(event, page));
  const place = Math.max(0, ...quotes.map((quote) => columns(quote.place)));
  const written = Math.max(0, ...quotes.map((quote) => columns(quote.written)));
  const room = page.width - LABEL - place - written - 4;
  const beside = room >= ROOMY || quotes.every(({ message }) => columns(message) <= room);
  const widths = { place, written, room };
  const lines = quotes.flatMap((quote) => (beside ? besideLines(quote, widths, page) : belowLines(quote, widths, page)));
  const hidden = events.length - shown.length;
  return labelled(
    WORDS[certainty],
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

/** The same words again in the same file prove nothing more. */
function withoutEchoes(events: readonly Event[]): readonly Event[] {
  const keys = events.map((event) => `${event.origin.file.host} ${event.origin.file.path} ${messageOf(event)}`);
  return events.filter((_, i) => keys.indexOf(keys[i] ?? '') === i);
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

interface Quote {
  readonly place: string;
  readonly written: string;
  readonly message: string;
}

function quoteOf(event: Event, page: Page): Quote {
  const { origin } = event;
  return {
    place: page.show(`${origin.file.host} ${page.fileName(origin.file)}:${origin.line}`),
    written: page.show(timeWritten(origin.written, page)),
    message: page.show(messageOf(event)),
  };
}

/** The time as the file has it, without the date where the header names the only one; `bridge monitor` spreads its over six words. */
function timeWritten(text: string, { withDates }: Page): string {
  if (withDates) return text;
  return text.replace(/^\d{4}-\d\d-\d\d[T ]/, '').replace(/^\w{3} \w{3} +\d+ (\d\d:\d\d:\d\d) \d{4} (\d{6}) usec$/, '$1.$2');
}

/** The first line of what the record says, without time, level and logger; counters in words. */
export function messageOf(event: Event): string {
  const counters = countersOf(event);
  if (counters !== null) return counters;
  const { text, messageAt } = event.origin;
  return (
    text
      .slice(messageAt)
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '') ?? cut(text.trim(), 200)
  );
}
