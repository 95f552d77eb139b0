import { duration, isoMs } from '../lib/units.ts';
import type { Event } from '../model/event.ts';
import { SEVERITIES } from '../model/finding.ts';
import type { AnalysisDocument } from './json.ts';
import { paint, type Sheet } from './sheet.ts';
import { countersOf } from './terminal/counters.ts';
import { EVIDENCE_SHOWN, LABEL, labelled } from './terminal/evidence.ts';
import { columns, cut, cutMiddle, fold, foldTo, inert, pad, shortIds } from './terminal/text.ts';
import { moment, precise } from './terminal/time.ts';

/** A finding as documents have it. */
export type LiveFinding = AnalysisDocument['findings'][number];
/** A migration as documents have it. */
export type LiveMigration = AnalysisDocument['migrations'][number];

/** A finding to tell. */
export interface ToldFinding {
  readonly finding: LiveFinding;
  /** As far as it is known. */
  readonly migration: LiveMigration | null;
  /** The words of each record of evidence, without time and logger. */
  readonly quotes: readonly string[];
}

/** Prose is not wider, however wide the screen. */
const PROSE = 116;

const SEVERITY_COLORS = { info: 'good', warning: 'warn', critical: 'bad' } as const;
const OUTCOME_COLORS = { completed: 'good', failed: 'bad', aborted: 'warn', unknown: 'warn', running: 'strong' } as const;

/**
 * A finding as it is found: what and how bad, where the VM is as far as its migration tells, what it rests on, what to do. No line is
 * wider than the sheet, except commands, which are to be pasted. Advice is short: nobody has to act on it now.
 */
export function findingLines({ finding, migration, quotes }: ToldFinding, sheet: Sheet): readonly string[] {
  const { severity, detector, summary, vm, host, from } = finding;
  const word = paint(sheet, SEVERITY_COLORS[severity], pad(severity.toUpperCase(), 8));
  const about = migration === null ? (vm ?? host ?? '') : `${vm ?? migration.vm}   ${routeOf(migration)}`;
  const rest = inert(`${about}   ${moment(isoMs(from), true)}`);
  const head = `${word}  ${paint(sheet, 'strong', detector)}`;
  const fits = 8 + 2 + columns(detector) + 3 + columns(rest) <= sheet.width;
  const short = fits ? [`${head}   ${rest}`] : [head, ...indented(rest, sheet)];
  if (severity === 'info') return [...short, ...indented(summary, sheet)];
  return [
    ...short,
    ...indented(migration === null ? summary : summary.replace(WHEREABOUTS, ''), sheet),
    ...(migration === null ? [] : whereabouts(migration, sheet)),
    ...evidenceOf(finding, quotes, sheet),
    ...remediesOf(finding, sheet),
  ];
}

/** The sentence on where the VM is (src/detectors/words.ts), which the lines below it say for every host. */
const WHEREABOUTS = / It (?:runs|is paused) on \S+(?: and is paused on \S+)? \((?:seen|follows|unobserved): .*?\)\.(?= |$)/;

/** Whether a severity is worse than another. */
export function isWorse(severity: LiveFinding['severity'], than: LiveFinding['severity']): boolean {
  return SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(than);
}

/** A migration that began, or how it ended, in one line where it fits. */
export function migrationLines(migration: LiveMigration, sheet: Sheet): readonly string[] {
  const { vm, outcome, startedAt, endedAt } = migration;
  const at = moment(isoMs(outcome === 'running' ? startedAt : (endedAt ?? startedAt)), true);
  const what = outcome === 'running' ? 'begins' : outcome;
  const facts = outcome === 'running' ? [] : endOf(migration);
  const text = inert([`${at}  ${vm}`, routeOf(migration), ...facts].join('   '));
  const line = `${pad('migration', 10)} ${what}  `;
  const sign = `${pad('migration', 10)} ${paint(sheet, OUTCOME_COLORS[outcome], what)}  `;
  const room = sheet.width - columns(line);
  const [first = '', ...more] = columns(text) <= room ? [text] : fold(text, room);
  return [sign + first, ...more.map((next) => ' '.repeat(columns(line)) + next)];
}

/** What a record means, in one line: time, host, program, kind, VM and the record's own words. */
export function eventLine(event: Event, sheet: Sheet): string {
  const { at, body, origin } = event;
  const vm = ('vm' in body ? body.vm : null) ?? origin.file.vm;
  const words = countersOf(event) ?? origin.text.slice(origin.messageAt).trim().split('\n')[0] ?? '';
  const head = inert(`${precise(at)}  ${origin.file.host}  ${body.kind}${vm === null ? '' : `  ${vm}`}`);
  return cut(`${head}  ${inert(words)}`, sheet.width);
}

function routeOf({ source, destination }: LiveMigration): string {
  return `${source ?? '?'} → ${destination ?? '?'}`;
}

function endOf({ startedAt, endedAt, cause, downtimeMs, downtimeFrom, iterations, announced }: LiveMigration): readonly string[] {
  const took = endedAt === null ? [] : [`took ${duration(isoMs(endedAt) - isoMs(startedAt))}`];
  const stood = downtimeMs === null ? [] : [`downtime ${downtimeFrom === 'at-least' ? '≥ ' : ''}${duration(downtimeMs)}`];
  const passes = iterations === null ? [] : [`${iterations} ${iterations === 1 ? 'pass' : 'passes'}`];
  const told = announced === 'no' ? ['not announced'] : [];
  return [[...(cause === null ? [] : [cause]), ...took, ...stood, ...passes, ...told].join(', ')].filter((text) => text !== '');
}

function indented(text: string, { width }: Sheet): readonly string[] {
  return fold(inert(text), Math.min(PROSE, width - 2)).map((line) => `  ${line}`);
}

function whereabouts({ after }: LiveMigration, sheet: Sheet): readonly string[] {
  const host = Math.max(0, ...after.map((state) => columns(inert(state.host))));
  const lines = after.flatMap((state) => {
    const place = `${pad(inert(state.host), host)}  ${pad(state.state, 7)}  `;
    const why = state.certainty === 'unobserved' ? 'not observed' : state.certainty;
    const [first = '', ...more] = fold(inert(`${why}: ${state.because}`), sheet.width - LABEL - columns(place));
    return [place + first, ...more.map((line) => ' '.repeat(columns(place)) + line)];
  });
  return labelled('now', lines, pageOf(sheet));
}

function evidenceOf({ evidence, confidence }: LiveFinding, quotes: readonly string[], sheet: Sheet): readonly string[] {
  const lines = evidence.slice(0, EVIDENCE_SHOWN).flatMap(({ host, path, line, at, text }, i) => {
    const time = `  ${precise(isoMs(at))}`;
    const place = cutMiddle(inert(`${host} ${path}:${line}`), sheet.width - LABEL - columns(time));
    const quote = foldTo(shortIds(inert(quotes[i] ?? text)), { width: sheet.width - LABEL - 2, lines: 2 });
    return [paint(sheet, 'dim', place + time), ...quote.map((part) => `  ${part}`)];
  });
  const hidden = evidence.length - EVIDENCE_SHOWN;
  const more = hidden > 0 ? [paint(sheet, 'dim', `${hidden} more`)] : [];
  const label = confidence === 'unobserved' ? 'not observed; nearest to it:' : confidence;
  return labelled(label, [...lines, ...more], pageOf(sheet));
}

function remediesOf({ remedies }: LiveFinding, sheet: Sheet): readonly string[] {
  const width = Math.min(PROSE, sheet.width - LABEL);
  const lines = remedies.flatMap(({ what, command }) => {
    const commands = command === null ? [] : command.split('\n').map((line) => `  ${paint(sheet, 'strong', inert(line))}`);
    return [...fold(inert(what + (command === null || what.endsWith(':') ? '' : ':')), width), ...commands];
  });
  return labelled('do', lines, pageOf(sheet));
}

function pageOf(sheet: Sheet): Parameters<typeof labelled>[2] {
  return { paint: (as, text) => (as === 'dim' || as === 'strong' ? paint(sheet, as, text) : text) };
}
