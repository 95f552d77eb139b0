import { listed } from '../../lib/units.ts';
import type { Finding, Remedy } from '../../model/finding.ts';
import type { Migration } from '../../model/timeline.ts';
import type { Block } from '../incident/blocks.ts';
import { ALSO_SHOWN, EVIDENCE_SHOWN } from '../incident/quotes.ts';
import {
  adviceOf,
  alsoIn,
  foldedWords,
  hasChart,
  purposeOf,
  routeOf,
  summaryOf,
  timeOf,
  verdictOfNone,
  whyNow,
  type Also,
} from '../incident/verdict-words.ts';
import { convergenceChart } from './chart.ts';
import { evidenceLines, LABEL, labelled } from './evidence.ts';
import { runIn, type Page } from './page.ts';
import { columns, fold, foldTo, pad } from './text.ts';

/** Prose is not wider, however wide the screen: eyes lose the line. */
const PROSE = 116;

/** Blocks in full; the others are one line each. */
const IN_FULL = 12;
const IN_SHORT = 40;

/** Every problem, the worst block first, with what it rests on and what to do. */
export function findings(blocks: readonly Block[], page: Page): readonly (readonly string[])[] {
  const full = page.allEvidence ? blocks : blocks.slice(0, IN_FULL);
  const short = blocks.slice(full.length);
  const sections = full.map((block) => blockLines(block, page));
  return short.length === 0 ? sections : [...sections, shortLines(short, page)];
}

/** What there is to say without a finding. */
export function noFinding(page: Page): readonly string[] {
  const { text, good } = verdictOfNone(page.analysis);
  const lines = fold(text, page.width);
  return good ? lines.map((line) => page.paint('good', line)) : lines;
}

function shortLines(blocks: readonly Block[], page: Page): readonly string[] {
  const lines = blocks.slice(0, IN_SHORT).flatMap(({ head, migration }) => headLines(head, migration, page));
  const left = blocks.length - IN_SHORT;
  return [
    ...lines,
    page.paint('dim', `${left > 0 ? `and ${left} more; ` : ''}what these rest on, and what to do: --all-evidence`),
  ];
}

function blockLines(block: Block, page: Page): readonly string[] {
  const { migration, head, folded } = block;
  return [
    ...headLines(head, migration, page),
    ...prose(summaryOf(head, migration), page),
    ...(migration === null ? [] : nowLines(migration, page)),
    ...(migration !== null && hasChart(block) ? convergenceChart(migration, page) : []),
    ...evidenceLines({ events: head.evidence, certainty: head.confidence, most: EVIDENCE_SHOWN }, page),
    ...remedyLines(head.remedies, page),
    ...alsoIn(block).flatMap((also) => alsoLines(also, migration, page)),
    ...foldedLines(folded, head, page),
  ];
}

function foldedLines(folded: readonly Finding[], head: Finding, page: Page): readonly string[] {
  if (folded.length === 0) return [];
  const names = listed(folded.map((finding) => foldedWords(finding, head)));
  return fold(`also: ${names}`, page.width - 2).map((line) => `  ${page.paint('dim', line)}`);
}

function headLines(finding: Finding, migration: Migration | null, page: Page): readonly string[] {
  const about = migration === null ? [finding.vm ?? finding.host ?? ''] : [migration.vm, routeOf(migration, page.glyphs.arrow)];
  const rest = [...about, timeOf(finding, migration, page.withDates)].map((part) => page.show(part)).join('   ');
  return titled(pad(finding.severity.toUpperCase(), 8), finding, { rest, page });
}

/** Severity, detector, and what it is about; on more lines where the screen is narrow. */
function titled(
  word: string,
  { severity, detector }: Finding,
  { rest, page }: { readonly rest: string; readonly page: Page },
): readonly string[] {
  const start = `${page.paint(severity, word)}  ${page.paint('strong', detector)}`;
  const plain = columns(word) + 2 + columns(detector) + 3 + columns(rest);
  return plain <= page.width ? [`${start}   ${rest}`] : [start, ...fold(rest, page.width - 2).map((line) => `  ${line}`)];
}

function prose(text: string, page: Page): readonly string[] {
  return fold(page.show(text), Math.min(PROSE, page.width - 2)).map((line) => `  ${line}`);
}

/** Where the VM is when the logs end, and why one thinks so. */
function nowLines({ after }: Migration, page: Page): readonly string[] {
  const host = Math.max(0, ...after.map((state) => columns(page.show(state.host))));
  const lines = after.flatMap((state) => {
    const place = `${pad(page.show(state.host), host)}  ${pad(state.state, 7)}  `;
    const [first = '', ...more] = fold(page.show(whyNow(state)), page.width - LABEL - columns(place));
    return [place + first, ...more.map((line) => ' '.repeat(columns(place)) + line)];
  });
  return labelled('now', lines, page);
}

function remedyLines(remedies: readonly Remedy[], page: Page): readonly string[] {
  const width = Math.min(PROSE, page.width - LABEL);
  const lines = remedies.flatMap((remedy) => {
    const { command } = remedy;
    const commands = command === null ? [] : command.split('\n').map((line) => `  ${page.paint('strong', page.show(line))}`);
    return [...fold(page.show(purposeOf(remedy)), width), ...commands];
  });
  return labelled('do', lines, page);
}

/** Another problem of the same migration: shorter, and without commands that stand above. */
function alsoLines({ finding, summary, remedies, again }: Also, migration: Migration | null, page: Page): readonly string[] {
  const { severity, evidence, confidence } = finding;
  return [
    '',
    ...titled(`  also ${severity.toUpperCase()}`, finding, { rest: timeOf(finding, migration, page.withDates), page }),
    ...prose(summary, page),
    ...evidenceLines({ events: evidence, certainty: confidence, most: ALSO_SHOWN }, page),
    ...(again && !page.allEvidence
      ? labelled('do', ['as above; in full with --all-evidence'], page)
      : remedyLines(remedies, page)),
  ];
}

/** Advice lines of one kind that are shown without being asked for more. */
const ALIKE = 2;

/** What nobody has to act on tonight. */
export function advice(page: Page): readonly string[] {
  const lines = adviceOf(page.analysis).flatMap(({ detector, findings: own }) => {
    const shown = page.allEvidence ? own : own.slice(0, ALIKE);
    const more = own.length - shown.length;
    return [
      ...shown.flatMap((finding) => adviceLines(finding, page)),
      ...(more > 0 ? [page.paint('dim', `${detector}: ${more} more with --all-evidence`)] : []),
    ];
  });
  return runIn('ADVICE', lines, page);
}

function adviceLines(finding: Finding, page: Page): readonly string[] {
  const { detector, summary, evidence, confidence, remedies } = finding;
  const width = Math.min(PROSE, page.width - ADVICE_MARGIN - 2);
  const { ellipsis } = page.glyphs;
  if (page.allEvidence) {
    const beside = { ...page, width: page.width - ADVICE_MARGIN };
    const lines = evidenceLines({ events: evidence, certainty: confidence, most: EVIDENCE_SHOWN }, beside);
    return [...hung(fold(page.show(`${detector}: ${summary}`), width)), ...lines, ...remedyLines(remedies, beside)];
  }
  return hung(foldTo(page.show(`${detector}: ${summary}`), { width, lines: ADVICE_LINES, ellipsis }));
}

/** Columns before advice. */
const ADVICE_MARGIN = 8;

/** Lines of an advice on 80 columns: longer, it would take the place of what is wrong. */
const ADVICE_LINES = 3;

function hung(lines: readonly string[]): readonly string[] {
  return lines.map((line, i) => (i === 0 ? line : `  ${line}`));
}
