import { whereNow } from '../../detectors/words.ts';
import { plural } from '../../lib/units.ts';
import type { Finding, Remedy } from '../../model/finding.ts';
import type { Migration } from '../../model/timeline.ts';
import { isProblem, isUnexplained, type Block } from './blocks.ts';
import { convergenceChart } from './chart.ts';
import { EVIDENCE_SHOWN, evidenceLines, LABEL, labelled } from './evidence.ts';
import { runIn, type Page } from './page.ts';
import { columns, cut, fold, foldTo, pad } from './text.ts';
import { moment, stretch } from './time.ts';

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

/** What there is to say without a finding: good news only where every migration went well. */
export function verdictOfNone(page: Page): readonly string[] {
  const { migrations, outside } = page.analysis;
  if (migrations.length === 0 && outside > 0) return [`No live migration touches the time asked for; ${outside} outside it.`];
  if (migrations.length === 0) return ['No live migration is in these files.'];
  const ended = migrations.filter(isUnexplained);
  if (ended.length === 0) return openEnds(migrations, page);
  const which = ended.length === 1 ? '1 migration did not complete' : `${ended.length} migrations did not complete`;
  return fold(
    `${which}, and no detector says why; see below what was seen of ${ended.length === 1 ? 'it' : 'them'}.`,
    page.width,
  );
}

/** A migration whose end nobody saw, or has not come, went neither well nor wrong. */
function openEnds(migrations: readonly Migration[], page: Page): readonly string[] {
  const unseen = migrations.filter(({ outcome }) => outcome === 'unknown').length;
  const running = migrations.filter(({ outcome }) => outcome === 'running').length;
  if (unseen + running === 0) return [page.paint('good', 'Nothing wrong was found.')];
  const of = (count: number): string =>
    migrations.length === 1 ? 'the migration' : `${count} of ${plural(migrations.length, 'migration')}`;
  const parts = [
    ...(running === 0 ? [] : [`${of(running)} still ran when these logs end`]),
    ...(unseen === 0 ? [] : [`how ${of(unseen)} ended is not in these logs`]),
  ];
  return fold(`Nothing wrong was found; ${parts.join(', and ')}.`, page.width);
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
  const { migration, head, rest, folded } = block;
  const converges = migration === null || ![head, ...rest].some(({ detector }) => detector === 'not-converging');
  return [
    ...headLines(head, migration, page),
    ...prose(summaryOf(head, migration), page),
    ...(migration === null ? [] : nowLines(migration, page)),
    ...(converges ? [] : convergenceChart(migration, page)),
    ...evidenceLines({ events: head.evidence, certainty: head.confidence, most: EVIDENCE_SHOWN }, page),
    ...remedyLines(head.remedies, page),
    ...rest.flatMap((finding, i) => alsoLines(finding, { above: [head, ...rest.slice(0, i)], migration }, page)),
    ...foldedLines(folded, head, page),
  ];
}

function headLines(finding: Finding, migration: Migration | null, page: Page): readonly string[] {
  const about = migration === null ? [finding.vm ?? finding.host ?? ''] : [migration.vm, routeOf(migration, page)];
  const rest = [...about, timeOf(finding, migration, page)].map((part) => page.show(part)).join('   ');
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

function routeOf({ source, destination, destinationAddress }: Migration, { glyphs: { arrow } }: Page): string {
  return `${source ?? '?'} ${arrow} ${destination ?? destinationAddress ?? '?'}`;
}

function timeOf({ from, to }: Finding, migration: Migration | null, { withDates }: Page): string {
  if (to !== null) return stretch(from, to, withDates);
  return `since ${moment(from, withDates)}${migration?.outcome === 'running' ? ', still running' : ''}`;
}

/** Without the sentence on where the VM is: the line below says it for every host. */
function summaryOf({ summary }: Finding, migration: Migration | null): string {
  if (migration === null || migration.after.length === 0) return summary;
  const sentence = whereNow(migration);
  return sentence.includes('(') ? summary.replace(sentence, '').trim() : summary;
}

function prose(text: string, page: Page): readonly string[] {
  return fold(page.show(text), Math.min(PROSE, page.width - 2)).map((line) => `  ${line}`);
}

/** Where the VM is when the logs end, and why one thinks so. */
function nowLines({ after }: Migration, page: Page): readonly string[] {
  const host = Math.max(0, ...after.map((state) => columns(page.show(state.host))));
  const lines = after.flatMap((state) => {
    const why = state.certainty === 'unobserved' ? 'not observed' : state.certainty;
    const place = `${pad(page.show(state.host), host)}  ${pad(state.state, 7)}  `;
    const [first = '', ...more] = fold(page.show(`${why}: ${state.because}`), page.width - LABEL - columns(place));
    return [place + first, ...more.map((line) => ' '.repeat(columns(place)) + line)];
  });
  return labelled('now', lines, page);
}

function remedyLines(remedies: readonly Remedy[], page: Page): readonly string[] {
  const width = Math.min(PROSE, page.width - LABEL);
  const lines = remedies.flatMap(({ what, command }) => {
    const commands = command === null ? [] : command.split('\n').map((line) => `  ${page.paint('strong', page.show(line))}`);
    return [...fold(page.show(what + (command === null || what.endsWith(':') ? '' : ':')), width), ...commands];
  });
  return labelled('do', lines, page);
}

interface Beside {
  /** Findings that stand above it in the same block. */
  readonly above: readonly Finding[];
  readonly migration: Migration | null;
}

/** Lines of evidence of a finding that is not the head of its block. */
const ALSO_SHOWN = 1;

/** Another problem of the same migration: shorter, and without commands that stand above. */
function alsoLines(finding: Finding, { above, migration }: Beside, page: Page): readonly string[] {
  const { detector, evidence, confidence } = finding;
  const given = new Set(above.flatMap(({ remedies }) => remedies.map(nameOf)));
  const remedies = finding.remedies.filter((remedy) => !given.has(nameOf(remedy)));
  const again = !page.allEvidence && remedies.length > 0 && above.some((other) => other.detector === detector);
  const where = migration === null ? '' : ` ${whereNow(migration)}`;
  return [
    '',
    ...titled(`  also ${finding.severity.toUpperCase()}`, finding, { rest: timeOf(finding, migration, page), page }),
    ...prose(where === '' ? finding.summary : finding.summary.replace(where, ''), page),
    ...evidenceLines({ events: evidence, certainty: confidence, most: ALSO_SHOWN }, page),
    ...(again ? labelled('do', ['as above; in full with --all-evidence'], page) : remedyLines(remedies, page)),
  ];
}

/** A command that names its host is the same whatever is said of it; another one may be for another host. */
function nameOf({ command, what }: Remedy): string {
  return command?.includes('://') === true ? command : `${what}\n${command ?? ''}`;
}

function foldedLines(folded: readonly Finding[], head: Finding, page: Page): readonly string[] {
  return folded.map(({ severity, detector }) => {
    const worse = severity === 'critical' && head.severity !== 'critical' ? ` (${severity})` : '';
    return `  ${page.paint('dim', `also: ${detector}${worse}`)}`;
  });
}

/** Advice lines of one kind that are shown without being asked for more. */
const ALIKE = 2;

/** What nobody has to act on tonight. */
export function advice(page: Page): readonly string[] {
  const infos = page.analysis.findings.filter((finding) => !isProblem(finding));
  const kinds = [...new Set(infos.map(({ detector }) => detector))];
  const lines = kinds.flatMap((kind) => {
    const own = infos.filter(({ detector }) => detector === kind);
    const shown = page.allEvidence ? own : own.slice(0, ALIKE);
    const more = own.length - shown.length;
    return [
      ...shown.flatMap((finding) => adviceLines(finding, page)),
      ...(more > 0 ? [page.paint('dim', `${kind}: ${more} more with --all-evidence`)] : []),
    ];
  });
  return runIn('ADVICE', lines, page);
}

function adviceLines(finding: Finding, page: Page): readonly string[] {
  const { detector, title, vm, host, summary, evidence, confidence, remedies } = finding;
  const width = Math.min(PROSE, page.width - ADVICE_MARGIN - 2);
  const { ellipsis } = page.glyphs;
  if (page.allEvidence) {
    const beside = { ...page, width: page.width - ADVICE_MARGIN };
    const lines = evidenceLines({ events: evidence, certainty: confidence, most: EVIDENCE_SHOWN }, beside);
    return [...hung(fold(page.show(`${detector}: ${summary}`), width)), ...lines, ...remedyLines(remedies, beside)];
  }
  const about = page.analysis.migrations.length === 1 ? '' : ` (${vm ?? host ?? ''})`;
  // beside a problem, advice must not take its place
  if (page.analysis.findings.some(isProblem)) return [cut(page.show(`${detector}: ${title}${about}`), width, ellipsis)];
  return hung(foldTo(page.show(`${detector}: ${summary}`), { width, lines: 2, ellipsis }));
}

/** Columns before advice. */
const ADVICE_MARGIN = 8;

function hung(lines: readonly string[]): readonly string[] {
  return lines.map((line, i) => (i === 0 ? line : `  ${line}`));
}
