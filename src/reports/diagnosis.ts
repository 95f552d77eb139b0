import { duration, isoTime } from '../lib/units.ts';
import type { Check, Diagnosis } from '../model/diagnosis.ts';
import { paint, type Sheet } from './sheet.ts';
import { fold, inert, pad } from './terminal/text.ts';
import { moment } from './incident/time.ts';

/** What of a diagnosis is shown. */
export interface DiagnosisScreen extends Sheet {
  /** One line a file and program as well. */
  readonly withParts: boolean;
}

const COLORS = { ok: 'good', warn: 'warn', fail: 'bad' } as const;
/** Blanks before what was found. */
const INDENT = 6;

/** A diagnosis for people: a line a check with its state, what is wrong in detail, what to do; how many are well at the end. */
export function diagnosisReport(diagnosis: Diagnosis, screen: DiagnosisScreen): string {
  const lines = diagnosis.checks.flatMap((check) => checkLines(check, screen));
  return `${paint(screen, 'dim', headingOf(diagnosis))}\n${lines.join('\n')}\n\n${tally(diagnosis)}\n`;
}

function headingOf({ at, since }: Diagnosis): string {
  const period = since === null ? 'all that is stored' : `what was read in the last ${duration(at - since)}`;
  return `${moment(at, true)} UTC, ${period}`;
}

function checkLines({ name, state, summary, details, parts, hint }: Check, screen: DiagnosisScreen): readonly string[] {
  const sign = paint(screen, COLORS[state], pad(state, INDENT));
  const [first = '', ...more] = fold(inert(`${name}: ${summary}`), screen.width - INDENT);
  const shown = [...details, ...(screen.withParts ? parts : [])];
  const below = [
    ...more,
    ...shown.flatMap((line) => hung(line, screen.width - INDENT - 2)),
    ...(hint === null ? [] : fold(inert(hint), screen.width - INDENT - 2).map((line) => `  ${paint(screen, 'strong', line)}`)),
  ];
  return [sign + first, ...below.map((line) => ' '.repeat(INDENT) + line)];
}

/** A detail is one statement: its later lines stand further in. */
function hung(text: string, width: number): readonly string[] {
  return fold(inert(text), width - 2).map((line, i) => (i === 0 ? `  ${line}` : `    ${line}`));
}

function tally({ checks }: Diagnosis): string {
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  return `${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail`;
}

/** A diagnosis for other programs: `precopy/diagnosis@1`, times ISO 8601. */
export function diagnosisDocument({ at, since, checks }: Diagnosis): unknown {
  return { schema: 'precopy/diagnosis@1', at: isoTime(at), since: since === null ? null : isoTime(since), checks };
}
