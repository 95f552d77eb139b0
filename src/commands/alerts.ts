import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Alert, AlertAction } from '../alerts/alert.ts';
import { alertListLines, matcherText } from '../alerts/alert-list.ts';
import { parseMatchers } from '../alerts/matchers.ts';
import { loadConfig } from '../config.ts';
import type { AlertOverview } from '../forensics/alerts.ts';
import { AppError } from '../lib/errors.ts';
import { currentUser } from '../lib/user.ts';
import { moment } from '../reports/incident/time.ts';
import { TIME_HELP, timeNamed } from './asked-time.ts';
import { orUsage } from './command-line.ts';
import { openQuestions, type OpenQuestions } from './open-questions.ts';
import type { AskContext } from './query.ts';

const HELP = `precopy alerts                       what people have to know now
precopy alerts ack ID                I take care of it: nobody is told again until
                                     it is over, or gets worse
precopy alerts silence MATCHER…      tell nobody of what all of these match:
                                     detector=missing-garp, host=kvm-a, vm=~i-2-.*,
                                     cluster, severity, id; with =, !=, =~ and !~
precopy alerts expire ID             end a silence

  --all               those that are over, too, of --since
  --since TIME        ${TIME_HELP}
                      (default 24h)
  --for DURATION      how long a silence lasts: 30min, 2h, 7d (default 2h)
  --comment TEXT      why; shown wherever the alert is
  --by NAME           who does it (default: this user)
  --json              a list of alerts as JSON
  -c, --config FILE   else /etc/precopy/precopy.yaml where it exists, else the
                      defaults

An ID is any beginning of it that only one has. Every attempt to tell somebody:
precopy query notifications.

Exit status: 0 done, 2 bad usage or nothing stored.
`;

const OPTIONS = {
  all: { type: 'boolean', default: false },
  since: { type: 'string', default: '24h' },
  for: { type: 'string', default: '2h' },
  comment: { type: 'string', default: '' },
  by: { type: 'string' },
  json: { type: 'boolean', default: false },
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const WIDTH = 100;

/** A command line of `precopy alerts`, checked as far as that is possible without asking. */
interface Asked {
  readonly opened: OpenQuestions;
  readonly words: readonly string[];
  readonly values: ReturnType<typeof parsed>['values'];
  readonly now: number;
  readonly context: AskContext;
}

/**
 * `precopy alerts`: lists alerts, acknowledges and silences; returns the exit status.
 *
 * @throws AppError `usage`, `no-input`, `not-found` where no alert or silence has the id.
 */
export async function alerts(args: readonly string[], context: AskContext): Promise<number> {
  const { values, positionals } = parsed(args);
  if (values.help) {
    context.terminal.out(HELP);
    return 0;
  }
  const [verb = 'list', ...words] = positionals;
  const act = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (act === undefined)
    throw new AppError('usage', `precopy alerts ${verb}: no such thing`, { hint: `there are ${Object.keys(VERBS).join(', ')}` });
  const opened = await openQuestions(loadConfig(values.config ?? null, context.env));
  try {
    await act({ opened, words, values, now: Date.now(), context });
    return 0;
  } finally {
    await opened.close();
  }
}

const VERBS: Readonly<Record<string, (asked: Asked) => Promise<void>>> = { list, ack: acknowledge, silence, expire };

function parsed(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }), 'see precopy alerts --help');
}

async function list({ opened, words, values, now, context: { terminal } }: Asked): Promise<void> {
  if (words.length > 0) throw new AppError('usage', `${words.join(' ')}: too many words`, { hint: 'see precopy alerts --help' });
  const overview = await opened.alerts({ since: values.all ? timeNamed('--since', values.since, now) : null });
  if (values.json) terminal.out(`${JSON.stringify(overview.alerts, null, 2)}\n`);
  else {
    const sheet = { width: terminal.width ?? WIDTH, color: terminal.color };
    terminal.out(`${alertListLines({ ...overview, now }, sheet).join('\n')}\n`);
  }
}

async function acknowledge({ opened, words, values, now, context: { terminal } }: Asked): Promise<void> {
  const alert = only<Alert>((await overviewOf(opened)).alerts, words, 'alert');
  await opened.act({ kind: 'acknowledge', ...whoAndWhen(values, now), alert: alert.id });
  terminal.out(`acknowledged: ${alert.detector} of ${alert.subject}; nobody is told again until it is over, or gets worse\n`);
}

async function silence({ opened, words, values, now, context: { terminal } }: Asked): Promise<void> {
  const { matchers, problem } = parseMatchers(words);
  if (matchers === null) throw new AppError('usage', problem, { hint: 'see precopy alerts --help' });
  const until = now + (now - timeNamed('--for', values.for, now));
  const action: AlertAction = { kind: 'silence', ...whoAndWhen(values, now), matchers, from: now, until };
  await opened.act(action);
  terminal.out(`${action.id.slice(0, 8)}: silent until ${moment(until, true)} UTC: ${matchers.map(matcherText).join(' ')}\n`);
}

async function expire({ opened, words, values, now, context: { terminal } }: Asked): Promise<void> {
  const found = only((await overviewOf(opened)).silences, words, 'silence');
  await opened.act({ kind: 'expire', ...whoAndWhen(values, now), silence: found.id });
  terminal.out(`${found.id.slice(0, 8)} is over: ${found.matchers.map(matcherText).join(' ')}\n`);
}

function overviewOf(opened: OpenQuestions): Promise<AlertOverview> {
  return opened.alerts({ since: null });
}

/** The one whose id begins with the word. */
function only<T extends { readonly id: string }>(all: readonly T[], [word = '', ...more]: readonly string[], what: string): T {
  if (word === '' || more.length > 0)
    throw new AppError('usage', `name one ${what} by its id`, { hint: 'precopy alerts shows them, at the end of the line' });
  const [found, other] = all.filter(({ id }) => id.startsWith(word));
  if (found === undefined)
    throw new AppError('not-found', `no open ${what} has an id that begins with ${word}`, { hint: 'precopy alerts lists them' });
  if (other !== undefined)
    throw new AppError('usage', `${word}: several ids begin so`, { hint: `as ${found.id} and ${other.id}; write more of it` });
  return found;
}

function whoAndWhen({ by, comment }: Asked['values'], at: number): Pick<AlertAction, 'id' | 'by' | 'at' | 'comment'> {
  return { id: randomBytes(8).toString('hex'), by: by ?? currentUser().name, at, comment };
}
