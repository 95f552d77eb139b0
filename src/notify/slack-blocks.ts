import type { AlertTelling, Brief, Telling } from '../alerts/telling.ts';
import { plural } from '../lib/units.ts';
import { cut, inert } from '../reports/terminal/text.ts';
import { moment, precise } from '../reports/incident/time.ts';

/** A block of Slack's Block Kit, of the few kinds that are needed. */
export type SlackBlock =
  | { readonly type: 'header'; readonly text: { readonly type: 'plain_text'; readonly text: string; readonly emoji: true } }
  | { readonly type: 'section'; readonly text: { readonly type: 'mrkdwn'; readonly text: string } }
  | { readonly type: 'context'; readonly elements: readonly { readonly type: 'mrkdwn'; readonly text: string }[] }
  | { readonly type: 'divider' };

/** Limits of Block Kit (docs.slack.dev/reference/block-kit/blocks): blocks of a message, characters of a text and of a header. */
const MOST_BLOCKS = 50;
const MOST_TEXT = 3000;
const MOST_HEADER = 150;
/** Characters of a sentence, and of what stands in a block of code: one of both fits into one text. */
const MOST_PROSE = 900;
const MOST_CODE = 2000;

/** A notification as a message of Slack. */
export function slackBlocks(telling: Telling): readonly SlackBlock[] {
  const { subject, where, lead, counts, alerts, briefs, more, others, moreOthers, explains } = telling;
  const blocks = [
    header(`${markOf(telling)} ${subject}`),
    ...sections([...(lead === null ? [] : [shown(lead)]), ...counts.map((line) => `• ${shown(line)}`)]),
    ...alerts.flatMap((alert) => alertBlocks(alert, alerts.length + briefs.length === 1)),
    ...sections([...briefs.map(briefText), ...known(more).map(shown)]),
    ...(others.length === 0
      ? []
      : sections(['*Still fires, of the same group*', ...others.map(briefText), ...known(moreOthers).map(shown)])),
    ...sections(known(explains).map(shown)),
  ];
  return [...blocks.slice(0, MOST_BLOCKS - 1), context([shown(where)])];
}

/** The only one is in the header already. */
function alertBlocks(alert: AlertTelling, only: boolean): readonly SlackBlock[] {
  const { saying, word, title, over } = alert;
  const since = `since ${moment(saying.at, true)} UTC`;
  const head = only
    ? [`_${since}_`]
    : [
        `${MARKS[over === null ? saying.severity : 'good']} *${word}  ${shown(title)}*`,
        `*${shown(saying.about.join('  '))}*, ${since}`,
      ];
  if (over !== null) return [...sections([...head, shown(over), `_It was:_ ${shown(saying.summary)}`]), DIVIDER];
  const { now, evidence, hidden, certainty, remedies } = saying;
  return [
    ...sections([...head, shown(saying.summary)]),
    ...sections(
      now.length === 0
        ? []
        : ['*Where the VM is now*', ...now.map(({ host, state, why }) => `• *${shown(host)}: ${state}* (${shown(why)})`)],
    ),
    ...sections([
      `*${EVIDENCE[certainty] ?? 'Not observed; the nearest lines are'}*`,
      ...evidence.map(({ place, at, quote }) => `${shown(place)}  ${precise(at)}\n${code([quote])}`),
      ...(hidden === 0 ? [] : [plural(hidden, 'more line')]),
    ]),
    ...sections(
      remedies.length === 0
        ? []
        : [
            '*What to do*',
            ...remedies.map(({ what, commands }) => shown(what) + (commands.length === 0 ? '' : `\n${code(commands)}`)),
          ],
    ),
    ...sections(endingOf(alert)),
    DIVIDER,
  ];
}

function endingOf({ resolves, often, acknowledged, runbook, explain, acknowledge }: AlertTelling): readonly string[] {
  return [
    ...(resolves === null ? [] : [`*It ends when* ${shown(resolves)}.`]),
    ...[...known(often), ...known(acknowledged)].map(shown),
    `*More${acknowledged === null ? ', and to take it' : ''}:* ${shown(runbook)}`,
    code(acknowledged === null ? [explain, acknowledge] : [explain]),
  ];
}

const DIVIDER: SlackBlock = { type: 'divider' };
const MARKS = {
  critical: ':red_circle:',
  warning: ':large_orange_circle:',
  info: ':large_blue_circle:',
  good: ':large_green_circle:',
};
const EVIDENCE: Readonly<Record<string, string>> = { seen: 'Seen in these lines', follows: 'Follows from these lines' };

function briefText({ word, severity, title, about, summary }: Brief): string {
  return `${MARKS[word === 'RESOLVED' ? 'good' : severity]} *${word}  ${shown(`${title}: ${about}`)}*\n${shown(summary)}`;
}

function markOf({ kind, severity }: Telling): string {
  return kind === 'firing' || kind === 'storm' ? MARKS[severity] : MARKS.good;
}

function header(text: string): SlackBlock {
  return { type: 'header', text: { type: 'plain_text', text: cut(inert(text), MOST_HEADER), emoji: true } };
}

function context(texts: readonly string[]): SlackBlock {
  return { type: 'context', elements: texts.map((text) => ({ type: 'mrkdwn', text: cut(text, MOST_TEXT) })) };
}

/** Pieces in as few blocks as hold them; none is torn. */
function sections(pieces: readonly string[]): readonly SlackBlock[] {
  const texts: string[] = [];
  for (const piece of pieces) {
    const joined = `${texts.at(-1) ?? ''}\n${piece}`;
    if (texts.length > 0 && joined.length <= MOST_TEXT) texts[texts.length - 1] = joined;
    else texts.push(piece);
  }
  return texts.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }));
}

/** Text of a log: no mention, no link, no code. Stars and underscores stay: a name has to be right where it is copied. */
function shown(text: string): string {
  return fitted(inert(text).replaceAll('`', "'"), MOST_PROSE);
}

/** Commands to copy; a backtick would end the block. */
function code(lines: readonly string[]): string {
  return `\`\`\`${fitted(lines.map(inert).join('\n').replaceAll('`', "'"), MOST_CODE)}\`\`\``;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Escaped, and cut where it is longer then. */
function fitted(text: string, most: number): string {
  let written = '';
  for (const character of text) {
    const next = ENTITIES[character] ?? character;
    if (written.length + next.length > most) return `${written}…`;
    written += next;
  }
  return written;
}

function known(text: string | null): readonly string[] {
  return text === null ? [] : [text];
}
