import { paint, type Sheet } from '../sheet.ts';
import { columns, cutMiddle, fold, inert, pad, padStart } from '../terminal/text.ts';
import type { Block, BlockColumn, Inline, Section } from './blocks.ts';
import type { WeeklyReport } from './document.ts';
import { reportPage } from './report-page.ts';

type Painted = Parameters<typeof paint>[1];

const TONES = { good: 'good', warning: 'warn', critical: 'bad', dim: 'dim', info: 'strong', strong: 'strong' } as const;
const GAP = '  ';
const INDENT = '  ';

/** What of a report a person at a terminal wants: how it went, what to do, what nobody saw. Commands are not folded: they are pasted. */
export function reportText(report: WeeklyReport, sheet: Sheet): string {
  const { title, verdict, about, sections } = reportPage(report);
  const word = verdict.word.toUpperCase();
  const head = [
    paint(sheet, 'strong', inert(title)),
    ...hanging(`${word}  `, inert(verdict.text), sheet).map((line, i) =>
      i === 0 ? line.replace(word, paint(sheet, TONES[verdict.tone], word)) : line,
    ),
    ...fold(inert(plain(about)), sheet.width - INDENT.length).map((line) => paint(sheet, 'dim', INDENT + line)),
  ];
  const parts = sections.filter(({ brief }) => brief).map((section) => sectionLines(section, sheet).join('\n'));
  return `${[head.join('\n'), ...parts].join('\n\n')}\n`;
}

function sectionLines({ title, blocks }: Section, sheet: Sheet): readonly string[] {
  return [paint(sheet, 'strong', title.toUpperCase()), ...blocks.flatMap((block) => blockLines(block, sheet))];
}

function blockLines(block: Block, sheet: Sheet): readonly string[] {
  if (block.kind === 'table') return tableLines(block, sheet);
  const text = inert(plain(block.of));
  const lines = fold(text, sheet.width - INDENT.length).map((line) => INDENT + line);
  if (block.kind === 'paragraph') return block.small === true ? lines.map((line) => paint(sheet, 'dim', line)) : lines;
  if (block.kind === 'heading') return lines.map((line) => paint(sheet, 'strong', line));
  const command =
    block.command === null ? [] : block.command.split('\n').map((line) => `${INDENT}${INDENT}${INDENT}${inert(line)}`);
  return [...fold(text, sheet.width - 2 * INDENT.length).map((line) => INDENT + INDENT + line), ...command];
}

function plain(pieces: Inline): string {
  return pieces
    .map((piece) => {
      if (typeof piece === 'string') return piece;
      if ('foreign' in piece) return piece.foreign;
      if ('tone' in piece) return piece.word;
      return 'trend' in piece ? '' : piece.text;
    })
    .join('');
}

/** The colour of a cell that is one word of a tone. */
function toneOf(pieces: Inline): Painted | null {
  const toned = pieces.find((piece) => typeof piece === 'object' && 'tone' in piece);
  return typeof toned === 'object' && 'tone' in toned ? TONES[toned.tone] : null;
}

interface Laid extends BlockColumn {
  readonly index: number;
  readonly width: number;
}

function tableLines({ caption, columns: all, rows }: Extract<Block, { kind: 'table' }>, sheet: Sheet): readonly string[] {
  const texts = rows.map((row) => row.map((cell) => inert(plain(cell))));
  const laid = narrowed(
    all.flatMap((column, index): readonly Laid[] => {
      if (column.drawn === true || column.kind === 'long') return [];
      return [{ ...column, index, width: Math.max(columns(column.title), ...texts.map((row) => columns(row[index] ?? ''))) }];
    }),
    sheet.width - INDENT.length,
  );
  const long = all.findIndex(({ kind }) => kind === 'long');
  const cellsOf = (cells: readonly string[]): readonly string[] =>
    laid.map(({ index, width, kind }) => {
      const cell = cutMiddle(cells[index] ?? '', width);
      return kind === 'number' ? padStart(cell, width) : pad(cell, width);
    });
  const body = texts.flatMap((row, r) => {
    const cells = cellsOf(row).map((cell, c) => {
      const tone = toneOf(rows[r]?.[laid[c]?.index ?? 0] ?? []);
      return tone === null ? cell : paint(sheet, tone, cell);
    });
    const below =
      long < 0 ? [] : fold(row[long] ?? '', sheet.width - 3 * INDENT.length).map((line) => INDENT + INDENT + INDENT + line);
    return [(INDENT + cells.join(GAP)).trimEnd(), ...below];
  });
  const titles = cellsOf(all.map(({ title }) => inert(title)));
  return [
    ...(caption === null ? [] : [paint(sheet, 'dim', INDENT + inert(caption))]),
    paint(sheet, 'dim', (INDENT + titles.join(GAP)).trimEnd()),
    ...body,
  ];
}

/** A column of names is cut to no less. */
const SHORTEST = 8;

/** The widest columns of text give way, a column at a time, until all fit or none can. */
function narrowed(all: readonly Laid[], width: number): readonly Laid[] {
  let laid = all;
  const total = (): number => laid.reduce((sum, one) => sum + one.width, 0) + GAP.length * Math.max(0, laid.length - 1);
  while (total() > width) {
    const names = laid.filter((one) => one.kind !== 'number' && one.width > SHORTEST);
    const widest = names.toSorted((a, b) => b.width - a.width)[0];
    if (widest === undefined) return laid.length > 2 ? narrowed(laid.slice(0, -1), width) : laid;
    laid = laid.map((one) => (one === widest ? { ...one, width: one.width - 1 } : one));
  }
  return laid;
}

function hanging(first: string, text: string, sheet: Sheet): readonly string[] {
  const room = Math.max(20, sheet.width - columns(first));
  return fold(text, room).map((line, i) => (i === 0 ? first : ' '.repeat(columns(first))) + line);
}
