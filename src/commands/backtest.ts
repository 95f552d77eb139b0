import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { AppError } from '../lib/errors.ts';
import type { BacktestAsked } from '../model/backtest.ts';
import { backtestDocument, backtestReport } from '../reports/backtest.ts';
import { detectorNamed, limitsHint } from '../reports/limit-problem.ts';
import { TIME_HELP, timeNamed } from './asked-time.ts';
import { orUsage } from './command-line.ts';
import { limitOptions } from './limit-options.ts';
import { openQuestions } from './open-questions.ts';
import type { AskContext } from './query.ts';

const HELP = `precopy backtest --detector DETECTOR --limit NAME=N…
                            which findings another limit would have added or
                            dropped

  --detector DETECTOR  one of docs/detectors
  --limit NAME=N       the limit to try; give it again for another one. Limits
                       that are not named stay as they are configured
  --since TIME         ${TIME_HELP}
                       (default 30d)
  --until TIME         the same (default: now)
  --cluster CLUSTER    of one cluster
  --json               a document (precopy/backtest@1) instead
  -c, --config FILE    else /etc/precopy/precopy.yaml where it exists, else the
                       defaults

Timelines are built again from stored events, and judged with the limits in
force and with the changed ones. A line a difference: - it would not be found,
+ it would be found too, ~ it would have another severity. Nothing is stored or
sent. Time whose events are no longer stored is named and not judged.

A running instance is asked through its API; where none runs, the data folder is
read. Exit status: 0 answered, 2 bad usage or nothing to ask.
`;

const OPTIONS = {
  detector: { type: 'string' },
  limit: { type: 'string', multiple: true },
  since: { type: 'string', default: '30d' },
  until: { type: 'string' },
  cluster: { type: 'string' },
  json: { type: 'boolean', default: false },
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * `precopy backtest`: prints what other limits of a detector would have found, and returns the exit status.
 *
 * @throws AppError `usage`, `no-input`, `timed-out`.
 */
export async function backtest(args: readonly string[], { terminal, env }: AskContext): Promise<number> {
  const values = parsed(args);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const asked = askedOf(values, Date.now());
  const opened = await openQuestions(loadConfig(values.config ?? null, env));
  try {
    const found = await opened.backtest(asked);
    if (values.json) terminal.out(`${JSON.stringify(backtestDocument(found), null, 2)}\n`);
    else terminal.out(backtestReport(found, { ...terminal, untilNow: values.until === undefined }));
    return 0;
  } finally {
    await opened.close();
  }
}

function parsed(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS }).values, 'see precopy backtest --help');
}

function askedOf({ detector, limit = [], since, until, cluster }: ReturnType<typeof parsed>, now: number): BacktestAsked {
  if (detector === undefined)
    throw new AppError('usage', 'no detector given', {
      hint: 'precopy backtest --detector downtime-exceeded --limit warnMs=2000',
    });
  const named = detectorNamed(detector);
  if ('problem' in named) throw new AppError('usage', `--detector ${detector}: ${named.problem}`, { hint: named.hint });
  if (limit.length === 0) throw new AppError('usage', 'no limit given', { hint: limitsHint(named) });
  const period = { since: timeNamed('--since', since, now), until: until === undefined ? now : timeNamed('--until', until, now) };
  if (period.since >= period.until)
    throw new AppError('usage', '--since is not before --until', { hint: 'name the earlier time with --since' });
  const limits = limitOptions(limit, detector)[detector] ?? {};
  return { detector, limits, ...period, ...(cluster === undefined ? {} : { cluster }) };
}
