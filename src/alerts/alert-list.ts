import { duration, plural } from '../lib/units.ts';
import { proseLines, severityWord } from '../reports/live.ts';
import { routeOf } from '../reports/saying.ts';
import { paint, type Sheet } from '../reports/sheet.ts';
import { columns, inert } from '../reports/terminal/text.ts';
import { moment } from '../reports/incident/time.ts';
import type { Alert, AlertAction, Matcher } from './alert.ts';

/** Digits of an id that are shown; `precopy alerts` takes any beginning that only one alert has. */
const ID_SHOWN = 8;

/** A list of alerts to print. */
export interface AlertList {
  readonly alerts: readonly Alert[];
  readonly silences: readonly Extract<AlertAction, { kind: 'silence' }>[];
  /** Unix ms. */
  readonly now: number;
}

/** Alerts as `precopy alerts` lists them: how many, then each with what is wrong, since when, and why nobody is told where that is so. */
export function alertListLines({ alerts, silences, now }: AlertList, sheet: Sheet): readonly string[] {
  return [
    headline(alerts),
    ...alerts.flatMap((alert) => ['', ...alertLines(alert, now, sheet)]),
    ...(silences.length === 0 ? [] : ['', 'SILENCES']),
    ...silences.flatMap((silence) => silenceLines(silence, now, sheet)),
  ];
}

/** A matcher as it is typed: `detector=missing-garp`. */
export function matcherText({ field, is, value }: Matcher): string {
  return `${field}${is}${value}`;
}

function headline(alerts: readonly Alert[]): string {
  const open = alerts.filter(({ state }) => state !== 'resolved');
  if (open.length === 0)
    return alerts.length === 0 ? 'No alert is open.' : `No alert is open; ${alerts.length} were. Times are UTC.`;
  const of = (what: string, count: number): readonly string[] => (count === 0 ? [] : [`${count} ${what}`]);
  const parts = [
    ...of('pending', open.filter(({ state }) => state === 'pending').length),
    ...of('muted', open.filter(({ muted }) => muted !== null).length),
    ...of('acknowledged', open.filter(({ acknowledged }) => acknowledged !== null).length),
  ];
  const which = open.length === 1 ? '1 alert is open' : `${open.length} alerts are open`;
  return `${which}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}. Times are UTC.`;
}

function alertLines(alert: Alert, now: number, sheet: Sheet): readonly string[] {
  const { finding, migration, detector, subject, id } = alert;
  const route = migration === null ? [] : [routeOf(migration)];
  const word = severityWord(finding.severity, sheet);
  const rest = inert([subject, ...route, stateOf(alert, now)].join('   '));
  const short = id.slice(0, ID_SHOWN);
  const head = `${word}  ${paint(sheet, 'strong', detector)}`;
  const fits = 8 + 2 + columns(detector) + 3 + columns(rest) + 3 + ID_SHOWN <= sheet.width;
  return [
    ...(fits
      ? [`${head}   ${rest}   ${paint(sheet, 'dim', short)}`]
      : [`${head}   ${paint(sheet, 'dim', short)}`, ...proseLines(rest, sheet)]),
    ...proseLines(finding.summary, sheet),
    ...notes(alert).flatMap((note) => proseLines(note, sheet).map((line) => paint(sheet, 'dim', line))),
  ];
}

function stateOf({ state, since, firingAt, resolvedAt, count }: Alert, now: number): string {
  const often = count > 1 ? `, ${plural(count, 'finding')}` : '';
  if (state === 'resolved') return `resolved ${moment(resolvedAt ?? now, true)}${often}`;
  if (state === 'pending') return `pending since ${moment(since, true)}${often}`;
  return `firing since ${moment(firingAt ?? since, true)} (${duration(Math.max(0, now - (firingAt ?? since)))})${often}`;
}

function notes({ muted, acknowledged, resolvedBecause, told }: Alert): readonly string[] {
  return [
    ...(muted === null ? [] : [`nobody is told: ${muted.because}`]),
    ...(acknowledged === null
      ? []
      : [
          `acknowledged by ${acknowledged.by} ${moment(acknowledged.at, true)}${acknowledged.comment === '' ? '' : `: ${acknowledged.comment}`}`,
        ]),
    ...(resolvedBecause === null ? [] : [`over: ${resolvedBecause}`]),
    ...(told === null ? [] : [`told ${moment(told.at, true)}${told.inStorm ? ', among many' : ''}`]),
  ];
}

function silenceLines(
  { id, by, comment, matchers, from, until }: AlertList['silences'][number],
  now: number,
  sheet: Sheet,
): readonly string[] {
  const begins = from > now ? `from ${moment(from, true)} ` : '';
  const text = `${id.slice(0, ID_SHOWN)} ${matchers.map(matcherText).join(' ')}   ${begins}until ${moment(until, true)}, by ${by}${comment === '' ? '' : `: ${comment}`}`;
  return proseLines(text, sheet);
}
