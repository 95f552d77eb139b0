import { parseArgs } from 'node:util';
import { stableId } from '../lib/hash.ts';
import type { Notification } from '../alerts/alert.ts';
import { loadConfig } from '../config.ts';
import { AppError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { duration } from '../lib/units.ts';
import { orUsage } from './command-line.ts';
import { configuredNotifiers } from './configured-notifiers.ts';
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
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const { status } = await notifier.send(testNotification(config.cluster, name, now), signal);
    terminal.out(`${name} (${type}) took it after ${duration(Date.now() - now)}: ${status}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof AppError) && !signal.aborted) throw error;
    const { message, hint } = asAppError(error);
    terminal.out(`${name} (${type}) did not take it: ${message}\n${hint === null ? '' : `  ${hint}\n`}`);
    return 1;
  } finally {
    for (const one of all) await one.notifier.close();
  }
}

function asAppError(error: unknown): Pick<AppError, 'message' | 'hint'> {
  return error instanceof AppError ? error : { message: `no answer within ${duration(PATIENCE_MS)}`, hint: null };
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
