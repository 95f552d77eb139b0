import { parseArgs } from 'node:util';
import { loadConfig, type Config } from '../config.ts';
import type { Check, Diagnosis } from '../model/diagnosis.ts';
import { diagnosisDocument, diagnosisReport } from '../reports/diagnosis.ts';
import { orUsage } from './command-line.ts';
import { TIME_HELP, timeNamed } from './asked-time.ts';
import { openQuestions, type OpenQuestions } from './open-questions.ts';
import type { AskContext } from './query.ts';

const HELP = `precopy doctor   whether anything is lost, late, unreadable or not seen

  --since TIME        ${TIME_HELP}
                      (default 24h)
  --host HOST         of one host
  --files             one line a file and program as well
  --json              a document (precopy/diagnosis@1) instead
  -c, --config FILE   else /etc/precopy/precopy.yaml where it exists, else the
                      defaults

A line a check: ok, warn (something is not seen, or late) or fail (something is
lost: the bytes and lines that are missing are named).

Exit status: 0 nothing fails, 1 something does, 2 bad usage or nothing stored.
`;

const OPTIONS = {
  since: { type: 'string', default: '24h' },
  host: { type: 'string' },
  files: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Columns: where nothing says how many there are, and at most. */
const WIDTH = 100;
const MOST_COLUMNS = 116;

/**
 * `precopy doctor`: prints how an instance is and what it has not seen, and returns the exit status.
 *
 * @throws AppError `usage`, `no-input`.
 */
export async function doctor(args: readonly string[], { terminal, env }: AskContext): Promise<number> {
  const { since, host, files, json, config: named, help } = parsed(args);
  if (help) {
    terminal.out(HELP);
    return 0;
  }
  const from = timeNamed('--since', since, Date.now());
  const config = loadConfig(named ?? null, env);
  const opened = await openQuestions(config);
  try {
    const found = await opened.doctor({ since: from, ...(host === undefined ? {} : { host }) });
    const diagnosis: Diagnosis = { ...found, checks: [instanceCheck(opened, config), ...found.checks] };
    if (json) terminal.out(`${JSON.stringify(diagnosisDocument(diagnosis), null, 2)}\n`);
    else {
      const width = Math.min(MOST_COLUMNS, terminal.width ?? WIDTH);
      terminal.out(diagnosisReport(diagnosis, { width, color: terminal.color, withParts: files }));
    }
    return Number(diagnosis.checks.some(({ state }) => state === 'fail'));
  } finally {
    await opened.close();
  }
}

function parsed(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS }).values, 'see precopy doctor --help');
}

/** The rest may look well, and only because nothing runs. */
function instanceCheck({ pid }: OpenQuestions, { data }: Config): Check {
  const runs = pid !== null;
  return {
    name: 'instance',
    state: runs ? 'ok' : 'warn',
    summary: runs ? `process ${pid} has ${data} open` : `none has ${data} open: nothing is stored now`,
    details: [],
    parts: [],
    hint: runs ? null : 'precopy up starts one',
  };
}
