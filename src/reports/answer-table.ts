import { duration, isoTime } from '../lib/units.ts';
import type { Answer, Column } from '../model/answer.ts';
import { paint, type Sheet } from './sheet.ts';
import { columns, cutMiddle, fold, foldTo, inert, pad, padStart } from './terminal/text.ts';
import { day } from './incident/time.ts';

/** What a table is shown on. `width` is `null` where nothing watches: every row is one line then, and nothing is left out. */
export interface TableScreen {
  readonly width: number | null;
  readonly color: boolean;
}

const GAP = '  ';
const NONE = '–';
/** Text wider than this is prose: it is folded, and not cut. */
const PROSE = 32;
/** Prose that has less room than this beside its row stands below it. */
const PROSE_ROOM = 36;
const PROSE_LINES = 6;
const BELOW = '    ';
/** A name is cut to no less. */
const SHORTEST = 10;

/** An answer as a table for people: times in UTC, durations in words, what is not known as a dash. */
export function answerTable(answer: Answer, { width, color }: TableScreen): string {
  const sheet: Sheet = { width: width ?? Number.MAX_SAFE_INTEGER, color };
  const clock = clockOf(answer);
  const cells = answer.rows.map((row) => answer.columns.map((column, i) => cellText(row[i], column, clock)));
  const layout = layoutOf(answer.columns, cells, sheet.width);
  const heading = clock === null ? [] : [paint(sheet, 'dim', clock.heading)];
  const lines = cells.flatMap((row) => rowLines(row, layout, { sheet, columns: answer.columns }));
  return `${[...heading, paint(sheet, 'strong', titleLine(layout)), ...lines, ...leftOut(layout, sheet)].join('\n')}\n`;
}

/** How times are written in one answer: what is the same in all of them is said once, above. */
interface Clock {
  readonly heading: string;
  write(at: number): string;
}

function clockOf({ columns: all, rows }: Answer): Clock | null {
  const times = all.map((column, i) => (column.kind === 'time' ? rows.flatMap((row) => numberIn(row[i])) : []));
  const known = times.flat();
  const [first] = known;
  if (first === undefined) return null;
  const fine = times.some((column) => column.some((at, i) => i > 0 && sameSecond(at, column[i - 1])));
  const end = fine ? 23 : 19;
  const oneDay = known.every((at) => day(at) === day(first));
  const oneYear = known.every((at) => day(at).slice(0, 4) === day(first).slice(0, 4));
  const from = oneDay ? 11 : oneYear ? 5 : 0;
  return {
    heading: oneDay ? `${day(first)}, times are UTC` : oneYear ? `${day(first).slice(0, 4)}, times are UTC` : 'times are UTC',
    write: (at) => isoTime(at).slice(from, end).replace('T', ' '),
  };
}

function numberIn(value: unknown): readonly number[] {
  return typeof value === 'number' ? [value] : [];
}

function sameSecond(a: number, b: number | undefined): boolean {
  return b !== undefined && a !== b && Math.floor(a / 1000) === Math.floor(b / 1000);
}

function cellText(value: unknown, { kind }: Column, clock: Clock | null): string {
  if (value === null || value === undefined) return NONE;
  if (typeof value === 'number') return numberText(value, kind, clock);
  if (typeof value !== 'string') return inert(JSON.stringify(value));
  const [first = '', ...more] = value.trim().split('\n');
  return inert(first.trim()) + (more.length > 0 ? ' …' : '');
}

function numberText(value: number, kind: Column['kind'], clock: Clock | null): string {
  if (kind === 'time' && clock !== null) return clock.write(value);
  if (kind === 'duration') return value < 0 ? `-${duration(-value)}` : duration(value);
  if (kind === 'share') return `${Math.round(value * 1000) / 10} %`;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

interface Shown {
  readonly index: number;
  readonly title: string;
  readonly width: number;
  readonly right: boolean;
  /** A name, which is known by its beginning and its end too. */
  readonly cuttable: boolean;
}

interface Layout {
  readonly shown: readonly Shown[];
  /** The column of long text; beside the others, or below them. */
  readonly prose: (Shown & { readonly below: boolean }) | null;
  /** Titles of columns for which there is no room, or nothing to show where room is short. */
  readonly leftOut: readonly string[];
}

/** Columns give way where the screen is narrow: those without a value go, long names are cut, then the last columns go. */
function layoutOf(all: readonly Column[], cells: readonly (readonly string[])[], width: number): Layout {
  const natural = all.map((column, index): Shown => {
    const title = titleOf(column);
    const widest = cells.reduce((most, row) => Math.max(most, columns(row[index] ?? '')), columns(title));
    return { index, title, width: widest, right: !['text', 'time'].includes(column.kind), cuttable: column.kind === 'text' };
  });
  if (total(natural) <= width) return { shown: natural, prose: null, leftOut: [] };
  const long = natural.findLast(({ index, width: own }) => all[index]?.kind === 'text' && own > PROSE) ?? null;
  const others = natural.filter((column) => column !== long);
  const valued = others.filter(({ index }) => cells.some((row) => row[index] !== NONE));
  const shown = narrowed(fitting(valued, width), width);
  const kept = new Set(shown.map(({ index }) => index));
  const left = others.filter(({ index }) => !kept.has(index)).map(({ title }) => title);
  if (long === null) return { shown, prose: null, leftOut: left };
  const room = width - total(shown) - GAP.length;
  const below = room < Math.min(PROSE_ROOM, long.width);
  return { shown, prose: { ...long, below, width: below ? width - BELOW.length : room }, leftOut: left };
}

function total(shown: readonly Shown[]): number {
  return shown.reduce((sum, { width }) => sum + width, 0) + GAP.length * Math.max(0, shown.length - 1);
}

/** Columns that have room when names are cut as short as may be, those further left first. */
function fitting(all: readonly Shown[], width: number): readonly Shown[] {
  const kept: Shown[] = [];
  for (const column of all)
    if (kept.length === 0 || total([...kept, column].map((one) => ({ ...one, width: leastOf(one) }))) <= width) kept.push(column);
  return kept;
}

function leastOf({ title, width, cuttable }: Shown): number {
  return cuttable ? Math.min(width, Math.max(SHORTEST, columns(title))) : width;
}

/** Names are cut, the longest first, until all fit. */
function narrowed(all: readonly Shown[], width: number): readonly Shown[] {
  let shown = all;
  while (total(shown) > width) {
    const names = shown.filter((column) => column.width > leastOf(column));
    const widest = Math.max(...names.map((column) => column.width));
    const victim = names.find((column) => column.width === widest);
    if (victim === undefined) break;
    shown = shown.map((column) => (column === victim ? { ...column, width: column.width - 1 } : column));
  }
  return shown;
}

/** `downtimeMs` is `downtime`, `startedAt` is `started`, `lastCelsius` is `last °C`. */
function titleOf({ name, kind }: Column): string {
  if (kind === 'time') return name === 'at' ? 'time' : words(name.replace(/At$/, ''));
  return kind === 'duration' ? words(name.replace(/Ms$/, '')) : words(name).replace(/ celsius$/, ' °C');
}

function words(name: string): string {
  return inert(name.replace(/([a-z\d])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`));
}

function titleLine({ shown, prose }: Layout): string {
  const titles = shown.map((column) => sized(column.title, column));
  return [...titles, ...(prose === null || prose.below ? [] : [prose.title])].join(GAP).trimEnd();
}

function sized(text: string, { width, right }: Shown): string {
  const fitted = cutMiddle(text, width);
  return right ? padStart(fitted, width) : pad(fitted, width);
}

interface RowParts {
  readonly sheet: Sheet;
  readonly columns: readonly Column[];
}

function rowLines(row: readonly string[], { shown, prose }: Layout, parts: RowParts): readonly string[] {
  const cells = shown.map((column) => coloured(sized(row[column.index] ?? NONE, column), row[column.index], parts.sheet));
  const line = cells.join(GAP);
  if (prose === null) return [line.trimEnd()];
  const folded = foldTo(row[prose.index] ?? NONE, { width: prose.width, lines: PROSE_LINES });
  if (prose.below) return [line.trimEnd(), ...folded.map((text) => BELOW + text)];
  const margin = ' '.repeat(total(shown) + GAP.length);
  return folded.length === 0 ? [line.trimEnd()] : folded.map((text, i) => (i === 0 ? line + GAP + text : margin + text));
}

const COLORS: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
  completed: 'good',
  failed: 'bad',
  critical: 'bad',
  aborted: 'warn',
  unknown: 'warn',
  warning: 'warn',
};

/** Words that say how something went have the colour that they have in reports. */
function coloured(cell: string, text: string | undefined, sheet: Sheet): string {
  const color = COLORS[text ?? ''];
  return color === undefined ? cell : paint(sheet, color, cell);
}

function leftOut({ leftOut: titles }: Layout, sheet: Sheet): readonly string[] {
  if (titles.length === 0) return [];
  const text = `not shown at this width: ${titles.join(', ')} (--format json has all)`;
  return fold(text, sheet.width).map((line) => paint(sheet, 'dim', line));
}
