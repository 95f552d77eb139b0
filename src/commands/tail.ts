import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { AppError } from '../lib/errors.ts';
import { onSignals } from '../lib/signals.ts';
import type { Sheet } from '../reports/sheet.ts';
import { orUsage } from './command-line.ts';
import { runningInstance, type RunningInstance } from './instance-file.ts';
import { createLiveTeller, type LiveTeller } from './live-teller.ts';
import type { AskContext } from './query.ts';
import { serverEvents } from './tail-stream.ts';

const HELP = `precopy tail   migrations and findings of the running instance, as they happen

  --events            also what each record means: thousands of lines
  --vm VM             of one VM
  --host HOST         of one host
  -c, --config FILE   else /etc/precopy/precopy.yaml where it exists, else the
                      defaults

Waits when the instance restarts. Ctrl-C ends it.

Exit status: 0 ended as told, 2 bad usage, or no instance runs.
`;

const OPTIONS = {
  events: { type: 'boolean', default: false },
  vm: { type: 'string' },
  host: { type: 'string' },
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const WIDTH = 100;
/** How soon an instance that comes back is found. */
const LOOK_MS = 500;

/**
 * `precopy tail`: prints what the running instance finds until a signal ends it; returns the exit status.
 *
 * @throws AppError `usage`, or `not-found` where no instance runs.
 */
export async function tail(args: readonly string[], { terminal, env, note }: AskContext): Promise<number> {
  const values = parsed(args);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const { data } = loadConfig(values.config ?? null, env);
  const instance = await runningInstance(data);
  if (instance === null)
    throw new AppError('not-found', `no instance runs on ${data}`, {
      hint: 'start one: precopy up; what is stored already: precopy query migrations, precopy query findings',
    });
  const ended = new AbortController();
  const release = onSignals({ stop: () => ended.abort() });
  const sheet: Sheet = { width: terminal.width ?? WIDTH, color: terminal.color };
  const teller = createLiveTeller({ sheet, out: (lines) => terminal.out(`${lines.join('\n')}\n`), note });
  note(`following process ${instance.pid} at ${instance.url}; times are UTC`);
  try {
    await followed({ data, query: queryOf(values), signal: ended.signal, teller, note }, instance);
  } finally {
    release();
  }
  return 0;
}

function parsed(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS }).values, 'see precopy tail --help');
}

function queryOf({ events, vm, host }: ReturnType<typeof parsed>): string {
  const chosen = {
    ...(events ? { events: '1' } : {}),
    ...(vm === undefined ? {} : { vm }),
    ...(host === undefined ? {} : { host }),
  };
  return new URLSearchParams(chosen).toString();
}

interface Following {
  readonly data: string;
  readonly query: string;
  readonly signal: AbortSignal;
  readonly teller: LiveTeller;
  note(text: string): void;
}

/** Follows one instance after the other. */
async function followed({ data, query, signal, teller, note }: Following, first: RunningInstance): Promise<void> {
  for (let instance: RunningInstance | null = first; instance !== null;) {
    for await (const event of serverEvents(`${instance.url}/api/v1/tail?${query}`, signal)) teller.tell(event);
    if (signal.aborted) return;
    note('the instance does not answer any more; waiting for it');
    instance = await nextInstance(data, signal);
    if (instance !== null)
      note(`following process ${instance.pid} at ${instance.url}; what happened meanwhile: precopy query findings`);
  }
}

/** The next instance that answers; `null` where the wait was ended. */
async function nextInstance(data: string, signal: AbortSignal): Promise<RunningInstance | null> {
  while (!signal.aborted) {
    const instance = await runningInstance(data);
    if (instance !== null && (await answers(instance.url))) return instance;
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return null;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(LOOK_MS) });
    // a body that nobody reads would keep its connection
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}
