import { parseArgs } from 'node:util';
import { stableId } from '../lib/hash.ts';
import type { Notification } from '../alerts/alert.ts';
import { loadConfig, type Config } from '../config.ts';
import { AppError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { duration } from '../lib/units.ts';
import type { Sent } from '../notify/notifier.ts';
import type { Attempt } from '../store/alert-rows.ts';
import { attempted } from './attempt.ts';
import { orUsage } from './command-line.ts';
import { configuredNotifiers } from './configured-notifiers.ts';
import { openQuestions } from './open-questions.ts';
import type { AskContext } from './query.ts';

const HELP = `precopy test-alert NOTIFIER   tell somebody that this is a test

NOTIFIER is the name of one of alerts.notifiers in the configuration. It is told
once, by this process, whether an instance runs or not.

  -c, --config FILE   else /etc/precopy/precopy.yaml where it exists, else the
                      defaults

Exit status: 0 the receiver took it, 1 it did not, 2 bad usage.
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** A receiver that takes longer is as good as none at night. */
const PATIENCE_MS = 30_000;

/**
 * `precopy test-alert`: tells a notifier something, prints what its receiver answered, and returns the exit status.
 *
 * @throws AppError `usage`, `not-found` where no notifier has the name.
 */
export async function testAlert(args: readonly string[], { terminal, env }: AskContext): Promise<number> {
  const { values, positionals } = orUsage(
    () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
    'see precopy test-alert --help',
  );
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const config = loadConfig(values.config ?? null, env);
  const now = Date.now();
  const all = configuredNotifiers(config, { now: Date.now, out: terminal.out });
  const { name, type, notifier } = named(all, positionals);
  const notification = testNotification(config.cluster, name, now);
  const { id, cluster, kind } = notification;
  const summary = 'a test of notifications';
  try {
    const send = (signal: AbortSignal): Promise<Sent> => notifier.send(notification, signal);
    const { attempt, hint } = await attempted({ id, cluster, kind, notifier: name, summary, patienceMs: PATIENCE_MS, send });
    const { outcome, status, tookMs } = attempt;
    const took = outcome === 'sent' ? `took it after ${duration(tookMs)}` : 'did not take it';
    terminal.out(`${name} (${type}) ${took}: ${status}\n${hint === null ? '' : `  ${hint}\n`}`);
    await writeDown(attempt, config);
    return outcome === 'sent' ? 0 : 1;
  } finally {
    for (const one of all) await one.notifier.close();
  }
}

/** Where anything is stored: before the first start there is nothing to write to. */
async function writeDown(attempt: Attempt, config: Config): Promise<void> {
  try {
    const opened = await openQuestions(config);
    try {
      await opened.attempted(attempt);
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'no-input') throw error;
  }
}

function named<T extends { readonly name: string }>(all: readonly T[], [name = '', ...more]: readonly string[]): T {
  const names = all.map((one) => one.name);
  const hint =
    names.length === 0 ? 'alerts.notifiers of the configuration is empty: docs/notifiers.md' : `there are ${names.join(', ')}`;
  if (name === '' || more.length > 0) throw new AppError('usage', 'name one notifier', { hint });
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const meant = nearest(name, names);
  throw new AppError('not-found', `no notifier has the name ${name}`, { hint: meant === null ? hint : `did you mean ${meant}?` });
}

function testNotification(cluster: string, name: string, at: number): Notification {
  const id = stableId('test', name, String(at));
  return { id, kind: 'test', cluster, group: stableId('test', name), at, alerts: [], others: [], explains: [], counts: [] };
}
