import { duration, isoMs } from '../lib/units.ts';
import type { Event } from '../model/event.ts';
import { SEVERITIES } from '../model/finding.ts';
import { routeOf, sayingOf, type LiveFinding, type LiveMigration, type Saying, type ToldFinding } from './saying.ts';
import { paint, type Sheet } from './sheet.ts';
import { countersOf } from './incident/counters.ts';
import { LABEL, labelled } from './terminal/evidence.ts';
import { columns, cut, cutMiddle, fold, foldTo, inert, pad, shortIds } from './terminal/text.ts';
import { moment, precise } from './incident/time.ts';

/** Prose is not wider, however wide the screen. */
const PROSE = 116;

const SEVERITY_COLORS = { info: 'good', warning: 'warn', critical: 'bad' } as const;
const OUTCOME_COLORS = { completed: 'good', failed: 'bad', aborted: 'warn', unknown: 'warn', running: 'strong' } as const;

/**
 * A finding as it is found: what and how bad, where the VM is as far as its migration tells, what it rests on, what to do. No line is
 * wider than the sheet, except commands, which are to be pasted. Advice is short: nobody has to act on it now.
 */
export function findingLines(told: ToldFinding, sheet: Sheet): readonly string[] {
  const saying = sayingOf(told);
  if (saying.severity === 'info') return [...headLines(saying, sheet), ...proseLines(told.finding.summary, sheet)];
  return [...headLines(saying, sheet), ...sayingLines(saying, sheet)];
}

/** How bad, which detector, what it is about and since when: one line where it fits. */
export function headLines({ severity, detector, about, at }: Saying, sheet: Sheet): readonly string[] {
  const word = severityWord(severity, sheet);
  const rest = inert([...about, moment(at, true)].join('   '));
  const head = `${word}  ${paint(sheet, 'strong', detector)}`;
  const fits = 8 + 2 + columns(detector) + 3 + columns(rest) <= sheet.width;
  return fits ? [`${head}   ${rest}`] : [head, ...proseLines(rest, sheet)];
}

/** How bad, as a word of eight columns in its colour. */
export function severityWord(severity: LiveFinding['severity'], sheet: Sheet): string {
  return paint(sheet, SEVERITY_COLORS[severity], pad(severity.toUpperCase(), 8));
}

/** What stands below the head of a finding. */
export function sayingLines(saying: Saying, sheet: Sheet): readonly string[] {
  return [
    ...proseLines(saying.summary, sheet),
    ...whereabouts(saying, sheet),
    ...evidenceOf(saying, sheet),
    ...remediesOf(saying, sheet),
  ];
}

/** Prose below a head. */
export function proseLines(text: string, { width }: Sheet): readonly string[] {
  return fold(inert(text), Math.min(PROSE, width - 2)).map((line) => `  ${line}`);
}

/** Prose beside a label (`now`, `do`). */
export function labelledProse(label: string, text: string, sheet: Sheet): readonly string[] {
  return labelled(label, fold(inert(text), Math.min(PROSE, sheet.width - LABEL)), pageOf(sheet));
}

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

function endOf({ startedAt, endedAt, cause, downtimeMs, downtimeFrom, iterations, announced }: LiveMigration): readonly string[] {
  const took = endedAt === null ? [] : [`took ${duration(isoMs(endedAt) - isoMs(startedAt))}`];
  const stood = downtimeMs === null ? [] : [`downtime ${downtimeFrom === 'at-least' ? '≥ ' : ''}${duration(downtimeMs)}`];
  const passes = iterations === null ? [] : [`${iterations} ${iterations === 1 ? 'pass' : 'passes'}`];
  const told = announced === 'no' ? ['not announced'] : [];
  return [[...(cause === null ? [] : [cause]), ...took, ...stood, ...passes, ...told].join(', ')].filter((text) => text !== '');
}

function whereabouts({ now }: Saying, sheet: Sheet): readonly string[] {
  const host = Math.max(0, ...now.map((state) => columns(inert(state.host))));
  const lines = now.flatMap((state) => {
    const place = `${pad(inert(state.host), host)}  ${pad(state.state, 7)}  `;
    const [first = '', ...more] = fold(inert(state.why), sheet.width - LABEL - columns(place));
    return [place + first, ...more.map((line) => ' '.repeat(columns(place)) + line)];
  });
  return labelled('now', lines, pageOf(sheet));
}

function evidenceOf({ evidence, hidden, certainty }: Saying, sheet: Sheet): readonly string[] {
  const lines = evidence.flatMap(({ place, at, quote }) => {
    const time = `  ${precise(at)}`;
    const where = cutMiddle(inert(place), sheet.width - LABEL - columns(time));
    const words = foldTo(shortIds(inert(quote)), { width: sheet.width - LABEL - 2, lines: 2 });
    return [paint(sheet, 'dim', where + time), ...words.map((part) => `  ${part}`)];
  });
  const more = hidden > 0 ? [paint(sheet, 'dim', `${hidden} more`)] : [];
  return labelled(certainty, [...lines, ...more], pageOf(sheet));
}

function remediesOf({ remedies }: Saying, sheet: Sheet): readonly string[] {
  const width = Math.min(PROSE, sheet.width - LABEL);
  const lines = remedies.flatMap(({ what, commands }) => [
    ...fold(inert(what), width),
    ...commands.map((line) => `  ${paint(sheet, 'strong', inert(line))}`),
  ]);
  return labelled('do', lines, pageOf(sheet));
}

function pageOf(sheet: Sheet): Parameters<typeof labelled>[2] {
  return { paint: (as, text) => (as === 'dim' || as === 'strong' ? paint(sheet, as, text) : text) };
}
