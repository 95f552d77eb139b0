import type { Detector, Story } from '../detectors/detector.ts';
import { limitsOf } from './catalogue.ts';
import { paint, type Sheet } from './sheet.ts';
import { fold } from './terminal/text.ts';

/** What a detector is about, what it reports and what not, its limits, and its runbook (Markdown), as text. */
export function runbookReport(detector: Detector, runbook: string, sheet: Sheet): string {
  const { id, title, severity, subject, fires, silent } = detector;
  const parts = [
    [paint(sheet, 'strong', id), ...hanging('', `${title}. Mostly ${severity}; about one ${subject}.`, sheet)],
    ...sections(runbook, sheet),
    [paint(sheet, 'strong', 'REPORTS'), ...stories(fires, sheet)],
    [paint(sheet, 'strong', 'DOES NOT REPORT'), ...stories(silent, sheet)],
    [paint(sheet, 'strong', 'LIMITS'), ...limitLines(detector, sheet)],
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** The same for programs. */
export function runbookDocument(detector: Detector, runbook: string): unknown {
  const { id, title, severity, subject, limits, fires, silent } = detector;
  return {
    schema: 'precopy/explain@1',
    detector: {
      id,
      title,
      severity,
      subject,
      limits: limitsOf(limits),
      fires: fires.map(({ name }) => name),
      silent: silent.map(({ name }) => name),
      runbook,
    },
  };
}

function stories(told: readonly Story[], sheet: Sheet): readonly string[] {
  return told.flatMap(({ name }) => hanging('- ', name, sheet));
}

function limitLines({ id, limits }: Detector, sheet: Sheet): readonly string[] {
  const known = limitsOf(limits);
  if (known.length === 0) return ['  none'];
  const example = known[0];
  return [
    ...known.flatMap(({ name, defaultValue, range, description }) =>
      hanging('- ', `${name} = ${defaultValue} (${range}): ${description}`, sheet),
    ),
    ...fold(
      `Set with: precopy analyze --limit ${id}.${example?.name ?? ''}=${example?.defaultValue ?? ''}, or under detectors in the configuration.`,
      sheet.width - 2,
    ).map((line) => `  ${paint(sheet, 'dim', line)}`),
  ];
}

/** The sections of a page of Markdown: prose and lists folded, what is fenced or a table as it is. */
function sections(markdown: string, sheet: Sheet): readonly (readonly string[])[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.trim().split('\n');
      return [paint(sheet, 'strong', heading.toUpperCase()), ...bodyLines(lines, sheet)];
    });
}

function bodyLines(lines: readonly string[], sheet: Sheet): readonly string[] {
  const shown: string[] = [];
  let fenced = false;
  for (const [i, line] of lines.entries()) {
    if (line.trim().startsWith('```')) fenced = !fenced;
    else if (fenced) shown.push(`    ${line}`);
    else if (line.startsWith('|')) shown.push(...tableRow(line, lines[i + 1], sheet));
    else if (line === '') shown.push('');
    else shown.push(...hanging(MARK.exec(line)?.[0] ?? '', line.replace(MARK, ''), sheet));
  }
  // a heading stands close to its text
  return shown[0] === '' ? shown.slice(1) : shown;
}

/** What begins an entry of a list. */
const MARK = /^(?:[-*]|\d+\.) /;
/** What parts the head of a table from its rows. */
const TABLE_RULE = /^\|[|\s:-]+$/;

/** A row of a table as an entry of a list; its head says nothing that the rows do not. */
function tableRow(row: string, next: string | undefined, sheet: Sheet): readonly string[] {
  if (TABLE_RULE.test(row) || (next !== undefined && TABLE_RULE.test(next))) return [];
  const cells = row.split(/(?<!\\)\|/).slice(1, -1);
  return hanging('- ', cells.map((cell) => cell.trim().replaceAll('\\|', '|')).join(': '), sheet);
}

/** Text behind a mark, folded, later lines below its first word. */
function hanging(mark: string, text: string, sheet: Sheet): readonly string[] {
  const plain = text.replace(/\*\*([^*]+)\*\*/g, '$1').replace(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)');
  const lines = fold(plain, sheet.width - 2 - mark.length);
  return lines.map((line, i) => `  ${i === 0 ? mark : ' '.repeat(mark.length)}${line}`);
}
