import { headLines, labelledProse, proseLines, sayingLines } from '../reports/live.ts';
import { paint, type Sheet } from '../reports/sheet.ts';
import { inert } from '../reports/terminal/text.ts';
import type { AlertTelling, Brief, Telling } from './telling.ts';

/** A notification as a terminal or a plain mail shows it: no line but commands is wider than the sheet. */
export function tellingText(telling: Telling, sheet: Sheet): string {
  const { where, lead, alerts, briefs, more, others, moreOthers, explains, counts } = telling;
  const lines = sections([
    [paint(sheet, 'dim', inert(where)), ...(lead === null ? [] : plainLines(lead, sheet))],
    counts.flatMap((line) => proseLines(line, sheet)),
    ...alerts.map((alert) => alertLines(alert, sheet)),
    briefLines(briefs, more, sheet),
    others.length === 0 ? [] : ['STILL FIRES, OF THE SAME GROUP', ...briefLines(others, moreOthers, sheet)],
    explains === null ? [] : plainLines(explains, sheet),
  ]);
  return `${lines.join('\n')}\n`;
}

function alertLines(
  { saying, over, often, resolves, acknowledged, explain, runbook, acknowledge }: AlertTelling,
  sheet: Sheet,
): readonly string[] {
  if (over !== null)
    return [
      ...resolvedHead(saying.about, sheet, saying.detector),
      ...proseLines(over, sheet),
      ...labelledProse('was', saying.summary, sheet),
    ];
  return [
    ...headLines(saying, sheet),
    ...sayingLines(saying, sheet),
    ...labelledProse('ends', resolves === null ? '' : `when ${resolves}`, sheet),
    ...labelledProse('often', often ?? '', sheet),
    ...labelledProse('who', acknowledged ?? '', sheet),
    ...labelledProse('more', `${explain}; ${runbook}`, sheet),
    ...(acknowledged === null ? labelledProse('take it', acknowledge, sheet) : []),
  ];
}

function resolvedHead(about: readonly string[], sheet: Sheet, detector: string): readonly string[] {
  return [`${paint(sheet, 'good', 'RESOLVED')}  ${paint(sheet, 'strong', detector)}   ${inert(about.join('   '))}`];
}

function briefLines(briefs: readonly Brief[], more: string | null, sheet: Sheet): readonly string[] {
  const lines = briefs.flatMap(({ word, title, about, summary }) => [
    ...proseLines(`${word}  ${title}: ${about}`, sheet),
    ...labelledProse('', summary, sheet),
  ]);
  return more === null ? lines : [...lines, ...proseLines(more, sheet)];
}

function plainLines(text: string, sheet: Sheet): readonly string[] {
  return proseLines(text, { ...sheet, width: sheet.width + 2 }).map((line) => line.slice(2));
}

/** Blocks with an empty line between them; empty ones left out. */
function sections(blocks: readonly (readonly string[])[]): readonly string[] {
  return blocks.filter((block) => block.length > 0).flatMap((block, i) => (i === 0 ? block : ['', ...block]));
}
