import { parseArgs } from 'node:util';
import { configFile, DEFAULT_CONFIG_FILE, loadConfig } from '../config.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { onSignals } from '../lib/signals.ts';
import type { Terminal } from './analyze.ts';
import { orUsage } from './command-line.ts';
import { createInstance, type Roles } from './instance.ts';

/** What a command that runs needs of its process. */
export interface RunContext {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Path of the program `node`, for collectors that run a process of ours. */
  readonly node: string;
}

/** A command that runs until it is told to end. */
export interface RunCommand {
  readonly name: 'up' | 'collect' | 'process';
  readonly roles: Roles;
  readonly help: string;
}

const COMMON_HELP = `  -c, --config FILE   else ${DEFAULT_CONFIG_FILE} where it exists, else the
                      defaults (precopy check shows them)

Runs in the foreground and logs to standard error. SIGINT and SIGTERM end it
after what is in hand, a second one at once; SIGHUP reads the configuration
anew. Nothing is lost by any of them, nor by kill -9: it goes on where it was.

Exit status: 0 ended as told, 2 it could not start, 130 or 143 ended at once.
`;

const RUN_COMMANDS: readonly RunCommand[] = [
  {
    name: 'up',
    roles: { collect: true, process: true },
    help: `precopy up   collect on this machine, store, tell what is wrong as it happens

Collectors, a durable stream, the tables and an API on loopback, in one
process. Ask it: precopy query, precopy tail, precopy doctor.

${COMMON_HELP}`,
  },
  {
    name: 'collect',
    roles: { collect: true, process: false },
    help: `precopy collect   the half of precopy up that collects, into the stream

${COMMON_HELP}`,
  },
  {
    name: 'process',
    roles: { collect: false, process: true },
    help: `precopy process   the half of precopy up that stores and tells what the stream holds

${COMMON_HELP}`,
  },
];

/**
 * Runs an instance until a signal ends it; returns the exit status.
 *
 * @throws AppError where it cannot start.
 */
export async function run(
  name: RunCommand['name'],
  args: readonly string[],
  { terminal, env, node }: RunContext,
): Promise<number> {
  const { roles, help } = commandNamed(name);
  const options = parsed(args, name);
  if (options.help) {
    terminal.out(help);
    return 0;
  }
  const named = options.config ?? null;
  const config = loadConfig(named, env);
  const log = createLog({ level: config.log.level });
  const instance = createInstance(config, { roles, log, node, out: terminal.out, metrics: createMetrics({ withProcess: true }) });
  const ended = new Promise<string>((resolve) => {
    onSignals({
      stop: resolve,
      reload: () => void reload().catch((error: unknown) => log.error({ error }, 'the configuration was not taken over')),
    });
  });

  async function reload(): Promise<void> {
    await instance.reload(loadConfig(named, env));
    log.info({ config: configFile(named) }, 'configuration read anew');
  }

  await instance.start();
  log.info({ cluster: config.cluster, host: config.host, data: config.data, config: configFile(named) }, `${name} runs`);
  const signal = await ended;
  log.info({ signal }, 'ending');
  await instance.stop();
  log.info({}, 'ended');
  return 0;
}

function commandNamed(name: RunCommand['name']): RunCommand {
  const found = RUN_COMMANDS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
}

function parsed(args: readonly string[], name: string) {
  return orUsage(
    () =>
      parseArgs({
        args: [...args],
        options: { config: { type: 'string', short: 'c' }, help: { type: 'boolean', short: 'h', default: false } },
      }).values,
    `see precopy ${name} --help`,
  );
}
