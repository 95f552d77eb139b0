import { visible } from '../visible.ts';
import type { Block, BlockColumn, Inline, Section } from './blocks.ts';
import type { WeeklyReport } from './document.ts';
import { reportPage } from './report-page.ts';

/** A report as Markdown (GitHub's, for its tables). No text of a log can become markup. */
export function reportMarkdown(report: WeeklyReport): string {
  const { title, verdict, about, sections } = reportPage(report);
  const head = [`# ${literal(title)}`, `**${literal(verdict.word)}:** ${literal(verdict.text)}`, inline(about)];
  return `${[...head, ...sections.flatMap(sectionLines)].join('\n\n')}\n`;
}

function sectionLines({ title, blocks }: Section): readonly string[] {
  return [`## ${literal(title)}`, ...blocks.map(blockText)];
}

function blockText(block: Block): string {
  if (block.kind === 'heading') return `### ${inline(block.of)}`;
  if (block.kind === 'paragraph') return inline(block.of);
  if (block.kind === 'table') return tableText(block.caption, block.columns, block.rows);
  return block.command === null ? inline(block.of) : `${inline(block.of)}\n\n${codeBlock(block.command)}`;
}

function tableText(caption: string | null, columns: readonly BlockColumn[], rows: readonly (readonly Inline[])[]): string {
  const kept = columns.flatMap((column, i) => (column.drawn === true ? [] : [{ ...column, i }]));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    ...(caption === null ? [] : [`${literal(caption)}:`, '']),
    line(kept.map(({ title }) => literal(title))),
    line(kept.map(({ kind }) => (kind === 'number' ? '---:' : '---'))),
    ...rows.map((row) => line(kept.map(({ i }) => inline(row[i] ?? [])))),
  ].join('\n');
}

/** A fence longer than any run of its mark in the command holds it. */
function codeBlock(command: string): string {
  const longest = Math.max(2, ...[...command.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}sh\n${visible(command)}\n${fence}`;
}

function inline(pieces: Inline): string {
  return pieces
    .map((piece) => {
      if (typeof piece === 'string') return literal(piece);
      if ('foreign' in piece) return literal(piece.foreign);
      if ('tone' in piece) return piece.tone === 'strong' || piece.tone === 'critical' ? strong(piece.word) : literal(piece.word);
      return 'trend' in piece ? '' : literal(piece.text);
    })
    .join('');
}

/** Marks stand at the word, not at blanks beside it. */
function strong(word: string): string {
  const [, before = '', kept = '', after = ''] = /^(\s*)([^]*?)(\s*)$/.exec(word) ?? [];
  return kept === '' ? word : `${before}**${literal(kept)}**${after}`;
}

/** Marks, and what begins a link: addresses become links by themselves. */
const MARKS = /[\\`*_{}[\]<>#|~!&@$^]|:(?=\/\/)|(?<=\bwww)\./gi;

/** A text as it reads, on one line. */
function literal(text: string): string {
  return visible(text)
    .replace(/[\n\t]+/g, ' ')
    .replace(MARKS, String.raw`\$&`);
}
