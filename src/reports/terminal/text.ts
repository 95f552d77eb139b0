import { spelled, visible } from '../visible.ts';

/** Text of a log that a terminal shows and does not obey: tabs and line ends are blanks, all else becomes `\x1b` or `\u{202e}`. */
export function inert(text: string): string {
  return visible(text.replace(/[\t\n]/g, ' '));
}

/** Text in ASCII: arrows, dashes and ellipses by their look, all else as `\u{…}`. */
export function ascii(text: string): string {
  const looks = text
    .replaceAll('→', '->')
    .replaceAll('…', '...')
    .replace(/[–—−]/g, '-')
    .replaceAll('≥', '>=')
    .replaceAll('°', ' deg ');
  return looks.replace(/[^\x20-\x7e\n]/gu, spelled);
}

/** Columns that a text takes, one per code point. */
export function columns(text: string): number {
  return Array.from(text).length;
}

/** Blanks behind a text up to a width. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

/** Blanks before a text up to a width. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - columns(text))) + text;
}

/** A text of at most so many columns; what is left out shows as the ellipsis at its end. */
export function cut(text: string, width: number, ellipsis = '…'): string {
  if (columns(text) <= width) return text;
  return `${Array.from(text)
    .slice(0, Math.max(0, width - columns(ellipsis)))
    .join('')
    .trimEnd()}${ellipsis}`;
}

/** A name of at most so many columns, its beginning and its end kept. */
export function cutMiddle(text: string, width: number, ellipsis = '…'): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  const kept = Math.max(2, width - columns(ellipsis));
  const tail = Math.floor(kept / 2);
  return characters.slice(0, kept - tail).join('') + ellipsis + characters.slice(characters.length - tail).join('');
}

/** A number and its unit stay on one line. */
const BEFORE_UNIT = /(?<=\d) (?=(?:ms|s|min|h|[KMGT]iB|[MG]B\/s|%|°C|MiB\/s)(?![\w]))/g;
const TIED = '\u00a0';

/** Lines of at most so many columns, broken at blanks, and words that are longer than a line behind a slash or hyphen where they can. */
export function fold(text: string, width: number): readonly string[] {
  const words = text
    .replace(BEFORE_UNIT, TIED)
    .split(/[ \t\n\r]+/)
    .filter((word) => word !== '');
  return broken(words, width).map((line) => line.replaceAll(TIED, ' '));
}

function broken(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (columns(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = piecesOf(word, width);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  return line === '' ? lines : [...lines, line];
}

function piecesOf(word: string, width: number): readonly string[] {
  const pieces: string[] = [];
  let rest = Array.from(word);
  while (rest.length > width) {
    const behind = rest.slice(0, width).findLastIndex((one) => one === '/' || one === '-') + 1;
    const length = behind > width / 2 ? behind : width;
    pieces.push(rest.slice(0, length).join(''));
    rest = rest.slice(length);
  }
  return [...pieces, rest.join('')];
}

/** At most so many lines; the last one ends in the ellipsis where something is left out. */
export function foldTo(
  text: string,
  { width, lines, ellipsis = '…' }: { readonly width: number; readonly lines: number; readonly ellipsis?: string },
): readonly string[] {
  const folded = fold(text, width);
  if (folded.length <= lines) return folded;
  const rest = folded.slice(lines - 1).join(' ');
  return [...folded.slice(0, lines - 1), cut(rest, width, ellipsis)];
}

/** Names in a line; of more the last ones are counted. */
export const MOST_NAMES = 4;

const LONG_ID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{24,}\b/gi;

/** Long identifiers cut in their middle, for lines that do not fit otherwise. */
export function shortIds(text: string, ellipsis = '…'): string {
  return text.replace(LONG_ID, (id) => id.slice(0, 8) + ellipsis + id.slice(-4));
}
