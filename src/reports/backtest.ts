import { isoTime, plural } from '../lib/units.ts';
import type { Backtest, BacktestChange, JudgedFinding, Unjudged } from '../model/backtest.ts';
import type { Severity } from '../model/finding.ts';
import { paint, type Sheet } from './sheet.ts';
import { columns, fold, inert } from './terminal/text.ts';
import { moment, span } from './incident/time.ts';

/** What a backtest is shown on. `width` is `null` where nothing watches: every change is one line then. */
export interface BacktestScreen {
  readonly width: number | null;
  readonly color: boolean;
  /** The period ends at the moment of asking. */
  readonly untilNow: boolean;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A summary that has less room than this beside its finding stands below it. */
const ROOM = 60;

/** A backtest for people: the difference in a sentence, a line a change, and what was not judged. */
export function backtestReport(found: Backtest, screen: BacktestScreen): string {
  const sheet: Sheet = { width: screen.width ?? Number.MAX_SAFE_INTEGER, color: screen.color };
  const verdict = fold(verdictOf(found, periodOf(found, screen.untilNow)), sheet.width);
  const listed = found.changes.length;
  const all = found.gone + found.fresh + found.otherSeverity;
  return [
    ...verdict,
    ...(listed === 0
      ? []
      : ['', paint(sheet, 'dim', listed < all ? `the latest ${listed} of them, times are UTC` : 'times are UTC')]),
    ...found.changes.flatMap((change) => changeLines(change, sheet)),
    ...(found.unjudged.length === 0 ? [] : ['']),
    ...found.unjudged.flatMap((one) => fold(unjudgedText(one), sheet.width)),
    '',
  ].join('\n');
}

function verdictOf({ asked, inForce, found, gone, fresh, otherSeverity }: Backtest, period: string): string {
  const limits = Object.entries(asked.limits).map(
    ([name, value]) => `${asked.detector}.${name}=${value} instead of ${inForce[name] ?? '?'}`,
  );
  const where = asked.cluster === undefined ? '' : ` in ${inert(asked.cluster)}`;
  const begin = `With ${limits.join(' and ')}`;
  const of = `${plural(found, 'finding')} ${period}${where}`;
  const isOne = (count: number): string => (count === 1 ? 'is' : 'are');
  if (gone + fresh + otherSeverity === 0)
    return found === 0
      ? `${begin}, nothing changes: there is no finding ${period}${where}.`
      : `${begin}, nothing changes: ${of} as before.`;
  const parts = [
    gone === 0 ? `none of ${of} goes` : `${gone} of ${of} ${gone === 1 ? 'goes' : 'go'}`,
    `${fresh === 0 ? 'none' : fresh} ${fresh === 0 ? 'is' : isOne(fresh)} new`,
    ...(otherSeverity === 0 ? [] : [`${otherSeverity} ${otherSeverity === 1 ? 'gets' : 'get'} another severity`]),
  ];
  return `${begin}, ${parts.slice(0, -1).join(', ')}${parts.length > 2 ? ' and ' : ', '}${parts.at(-1) ?? ''}.`;
}

function periodOf({ asked: { since, until } }: Backtest, untilNow: boolean): string {
  if (!untilNow) return `from ${span(since, until)} UTC`;
  const ms = until - since;
  if (ms >= 2 * DAY_MS) return `of the last ${Math.round(ms / DAY_MS)} days`;
  return `of the last ${plural(Math.max(1, Math.round(ms / HOUR_MS)), 'hour')}`;
}

const SIGNS = { gone: '-', fresh: '+', other: '~' } as const;
const COLORS: Readonly<Record<Severity, 'bad' | 'warn' | 'dim'>> = { critical: 'bad', warning: 'warn', info: 'dim' };

function changeLines(change: BacktestChange, sheet: Sheet): readonly string[] {
  const { before, after } = change;
  const shown = after ?? before;
  if (shown === null) return [];
  const sign = before === null ? SIGNS.fresh : after === null ? SIGNS.gone : SIGNS.other;
  const severity = before !== null && after !== null ? `${before.severity} → ${after.severity}` : shown.severity;
  const head = inert([sign, moment(shown.from, true), ...subjectOf(shown), severity].join('  '));
  const painted = head.slice(0, -severity.length) + paint(sheet, COLORS[shown.severity], severity);
  const summary = inert(shown.summary);
  const room = sheet.width - columns(head) - 2;
  if (room >= columns(summary)) return [`${painted}  ${summary}`];
  if (room >= ROOM) {
    const [first = '', ...more] = fold(summary, room);
    return [`${painted}  ${first}`, ...more.map((line) => ' '.repeat(columns(head) + 2) + line)];
  }
  return [painted, ...fold(summary, sheet.width - 4).map((line) => `    ${line}`)];
}

/** The VM and its route, or the host. */
function subjectOf({ vm, host, source, destination }: JudgedFinding): readonly string[] {
  if (source === null && destination === null) return [host ?? '?'];
  return [vm ?? '?', `${source ?? '?'} → ${destination ?? '?'}`];
}

function unjudgedText({ cluster, from, to, migrations }: Unjudged): string {
  const stored =
    migrations === 0 ? 'no migration is stored of it' : `${plural(migrations, 'migration')} of it could not be judged`;
  return `not judged: ${inert(cluster)}, ${span(from, to)} UTC: no events are stored of this time (store.ttlDays.events); ${stored}`;
}

/** A backtest for other programs: `precopy/backtest@1`, times ISO 8601. */
export function backtestDocument({ asked, changes, unjudged, ...rest }: Backtest): unknown {
  const { detector, limits, since, until, cluster = null } = asked;
  return {
    schema: 'precopy/backtest@1',
    detector,
    limits,
    since: isoTime(since),
    until: isoTime(until),
    cluster,
    ...rest,
    changes: changes.map(({ before, after }) => ({ before: findingOf(before), after: findingOf(after) })),
    unjudged: unjudged.map(({ from, to, ...other }) => ({ ...other, from: isoTime(from), to: isoTime(to) })),
  };
}

function findingOf(finding: JudgedFinding | null): unknown {
  if (finding === null) return null;
  return { ...finding, from: isoTime(finding.from), to: finding.to === null ? null : isoTime(finding.to) };
}
