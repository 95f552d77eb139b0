#!/usr/bin/env node
import { createRequire } from 'node:module';
import { AppError } from './lib/errors.ts';
import type { Terminal } from './commands/analyze.ts';

const HELP = `precopy   what every KVM live migration of CloudStack did, why one failed,
          and which one is about to

  precopy analyze PATH…    read logs of hypervisors, tell what happened
                           (precopy analyze --help)
  precopy demo             the same on recordings of real migrations
  precopy up               collect on this machine, store, tell what is wrong
                           as it happens
  precopy collect          the half that collects
  precopy process          the half that stores and tells
  precopy explain LINE     what a line of a log means, or a finding
  precopy check            configuration, and what is missing on this machine
  precopy --version
  precopy --help
`;

/** Exit status of bad usage, and of nothing to read. */
const EXIT_USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case undefined:
      process.stderr.write(HELP);
      return EXIT_USAGE;
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(HELP);
      return 0;
    case '--version':
    case '-V':
      process.stdout.write(`${version()}\n`);
      return 0;
    case 'analyze': {
      const { analyze } = await import('./commands/analyze.ts');
      return analyze(rest, terminal());
    }
    case 'explain': {
      const { explain } = await import('./commands/explain.ts');
      return explain(rest, terminal());
    }
    case 'check': {
      const { check } = await import('./commands/check.ts');
      return check(rest, { terminal: terminal(), env: process.env });
    }
    case 'up':
    case 'collect':
    case 'process': {
      const { run, RUN_COMMANDS } = await import('./commands/run.ts');
      const found = RUN_COMMANDS.find(({ name }) => name === command);
      if (found === undefined) throw new Error(`no command ${command}`);
      return run(found, rest, { terminal: terminal(), env: process.env });
    }
    case 'demo': {
      const { demo } = await import('./commands/demo.ts');
      return demo(terminal());
    }
    default:
      throw new AppError('usage', `no such command: ${command}`, { hint: 'see precopy --help' });
  }
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

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  process.stderr.write(`precopy: ${error.message}\n${error.hint === null ? '' : `  ${error.hint}\n`}`);
  process.exitCode = EXIT_USAGE;
}
