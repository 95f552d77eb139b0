import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig, type Config } from '../config.ts';
import { schemaSql } from '../store/schema.ts';
import { orUsage } from './command-line.ts';
import { openConfiguredStore, schemaOptions } from './configured-store.ts';
import type { AskContext } from './query.ts';

const HELP = `precopy schema   the tables, as one script of SQL

  --apply             make them, or bring them to this version, in the data
                      folder; precopy up does so by itself
  -c, --config FILE   else /etc/precopy/precopy.yaml where it exists, else the
                      defaults

Days after which rows go are those of the configuration (store.ttlDays).

Exit status: 0 printed or applied, 2 bad usage, or an instance is running.
`;

const OPTIONS = {
  apply: { type: 'boolean', default: false },
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * `precopy schema`: prints the tables, or applies them, and returns the exit status.
 *
 * @throws AppError `usage`, `locked` where an instance runs, `store` where the tables are newer than this program.
 */
export async function schema(args: readonly string[], { terminal, env }: AskContext): Promise<number> {
  const values = parsed(args);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const config = loadConfig(values.config ?? null, env);
  if (values.apply) terminal.out(await applied(config, terminal));
  else {
    const steps = await schemaSql(schemaOptions(config.store));
    terminal.out(steps.map(({ sql }) => `${sql.trim()};\n`).join('\n'));
  }
  return 0;
}

function parsed(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS }).values, 'see precopy schema --help');
}

/** Opening the store brings its tables to this version. */
async function applied(config: Config, terminal: AskContext['terminal']): Promise<string> {
  const store = await openConfiguredStore(config, {
    retrying() {},
    waiting: (problem) => terminal.out(`${problem}: waiting for it\n`),
  });
  await store.close();
  const version = (await schemaSql()).at(-1)?.version ?? 0;
  const where = config.store.clickhouse?.url ?? join(config.data, 'store');
  return `${where}: the tables have schema version ${version}\n`;
}
