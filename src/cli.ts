#!/usr/bin/env node
import { createRequire } from 'node:module';
import { AppError } from './lib/errors.ts';
import { nearest } from './lib/nearest.ts';
import { quietTimers } from './lib/warnings.ts';
import type { Terminal } from './commands/analyze.ts';
import type { AskContext } from './commands/query.ts';
import type { RunCommand, RunContext } from './commands/run.ts';

const HELP = `precopy   what every KVM live migration of CloudStack did, why one failed,
          and which one is about to

  precopy analyze PATH…    read logs of hypervisors, tell what happened
  precopy demo             the same on recordings of real migrations
  precopy up               collect on this machine, store, tell what is wrong
                           as it happens
  precopy collect          the half that collects
  precopy process          the half that stores and tells
  precopy query NAME       what happened: migrations, findings, one VM's timeline,
                           downtimes … or SQL
  precopy tail             the same live
  precopy report           the health of a week's migrations, to read on Monday
  precopy alerts           what people have to know now; acknowledge, silence
  precopy test-alert NAME  whether a notifier reaches somebody
  precopy doctor           whether anything is lost, late or not seen
  precopy backtest         what other limits of a detector would have found
  precopy schema           the tables
  precopy replay-dead      put back what could not be read before an upgrade
  precopy explain LINE     what a line of a log means, or a finding
  precopy check            configuration, and what is missing on this machine
  precopy COMMAND --help   options, and what each exit status means
  precopy --version
`;

/** Exit status of bad usage, and of nothing to read. */
const EXIT_USAGE = 2;

/** What a command needs of this process: its arguments, the terminal, the environment. Loaded only when it is asked for. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  analyze: async (args) => (await import('./commands/analyze.ts')).analyze(args, terminal()),
  demo: async (args) => (await import('./commands/demo.ts')).demo(args, runContext()),
  explain: async (args) => (await import('./commands/explain.ts')).explain(args, terminal()),
  check: async (args) => (await import('./commands/check.ts')).check(args, { terminal: terminal(), env: process.env }),
  query: async (args) => (await import('./commands/query.ts')).query(args, asking()),
  report: async (args) => (await import('./commands/report.ts')).report(args, asking()),
  alerts: async (args) => (await import('./commands/alerts.ts')).alerts(args, asking()),
  'test-alert': async (args) => (await import('./commands/test-alert.ts')).testAlert(args, asking()),
  doctor: async (args) => (await import('./commands/doctor.ts')).doctor(args, asking()),
  backtest: async (args) => (await import('./commands/backtest.ts')).backtest(args, asking()),
  tail: async (args) => (await import('./commands/tail.ts')).tail(args, asking()),
  schema: async (args) => (await import('./commands/schema.ts')).schema(args, asking()),
  'replay-dead': async (args) =>
    (await import('./commands/replay-dead.ts')).replayDeadLetters(args, { terminal: terminal(), env: process.env }),
  up: (args) => running('up', args),
  collect: (args) => running('collect', args),
  process: (args) => running('process', args),
};

async function main(args: readonly string[]): Promise<number> {
  const [command = '', ...rest] = args;
  if (command === '') {
    process.stderr.write(HELP);
    return EXIT_USAGE;
  }
  if (['help', '--help', '-h'].includes(command)) {
    const [about] = rest;
    if (command === 'help' && about !== undefined) return commandNamed(about)(['--help']);
    process.stdout.write(HELP);
    return 0;
  }
  if (['--version', '-V'].includes(command)) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  return commandNamed(command)(rest);
}

function commandNamed(name: string): (args: readonly string[]) => Promise<number> {
  const run = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (run !== undefined) return run;
  const meant = nearest(name, Object.keys(COMMANDS));
  throw new AppError('usage', `no such command: ${name}`, {
    hint: meant === null ? 'see precopy --help' : `did you mean ${meant}?`,
  });
}

async function running(name: RunCommand['name'], args: readonly string[]): Promise<number> {
  const { run } = await import('./commands/run.ts');
  return run(name, args, runContext());
}

function runContext(): RunContext {
  return { terminal: terminal(), env: process.env, node: process.execPath };
}

function asking(): AskContext {
  return { terminal: terminal(), env: process.env, note: (text) => void process.stderr.write(`precopy: ${text}\n`) };
}

function version(): string {
  const { version: current } = createRequire(import.meta.url)('../package.json') as { readonly version: string };
  return current;
}

function terminal(): Terminal {
  const watched = process.stdout.isTTY;
  const shown = process.stderr.isTTY;
  return {
    stdin: process.stdin,
    out: (text) => void process.stdout.write(text),
    status: (text) => void (shown && process.stderr.write(`\r\u001b[K${text}`)),
    color: watched && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb',
    width: watched ? process.stdout.columns : null,
  };
}

/** A reader that has seen enough (`| head`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

quietTimers(process);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  process.stderr.write(`precopy: ${error.message}\n${error.hint === null ? '' : `  ${error.hint}\n`}`);
  process.exitCode = EXIT_USAGE;
}
