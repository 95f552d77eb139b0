import { statfsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { configFile, DEFAULT_CONFIG_FILE, loadConfig, renderConfig, type Config } from '../config.ts';
import { serverOptionsOf } from '../config/clickhouse.ts';
import { sizeBytes } from '../config/size.ts';
import { collectorNeeds, folderNeed, nearestExisting, portNeed, type Machine, type Need } from '../ingest/needs.ts';
import { AppError } from '../lib/errors.ts';
import { plural } from '../lib/units.ts';
import { parsers } from '../parsers/index.ts';
import { sampleProblems } from '../parsers/samples.ts';
import { paint, type Sheet } from '../reports/sheet.ts';
import { fold, inert, pad } from '../reports/terminal/text.ts';
import { openServerStore } from '../store/server.ts';
import type { Terminal } from './analyze.ts';
import { orUsage } from './command-line.ts';
import { openStream } from './open-stream.ts';

const HELP = `precopy check   the configuration in force, and what is missing on this machine

  -c, --config FILE   else ${DEFAULT_CONFIG_FILE} where it exists, else the
                      defaults

Prints every setting (secrets as ***), then a line for each thing that Precopy
needs: ok, warn (something will not be seen until it is there) or fail (it
cannot work).

Exit status: 0 nothing fails, 1 something does, 2 bad usage.
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const WIDTH = 80;
const MOST_COLUMNS = 116;
/** Blanks before what was found. */
const INDENT = 6;

/** What `check` needs of the process it runs in. */
export interface CheckContext {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * `precopy check`: prints the configuration and what is missing, and returns the exit status.
 *
 * @throws AppError `usage`.
 */
export async function check(args: readonly string[], { terminal, env }: CheckContext): Promise<number> {
  const values = parse(args);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const sheet: Sheet = { width: Math.min(MOST_COLUMNS, terminal.width ?? WIDTH), color: terminal.color };
  const config = configOrProblem(values.config ?? null, env);
  if (config instanceof AppError) {
    terminal.out(`${paint(sheet, 'bad', 'fail')}  ${problemText(config, sheet)}\n`);
    return 1;
  }
  terminal.out(
    `# ${configFile(values.config ?? null) ?? `defaults: there is no ${DEFAULT_CONFIG_FILE}`}\n${renderConfig(config)}\n`,
  );
  const needs = [parserNeed(), ...(await collectorNeeds(config.collect, machineOf(env))), ...(await ownNeeds(config))];
  terminal.out(`${needs.flatMap((need) => needLines(need, sheet)).join('\n')}\n\n${summary(needs)}\n`);
  return Number(needs.some(({ state }) => state === 'fail'));
}

function parse(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS }).values, 'see precopy check --help');
}

/** A configuration that cannot be read is what this command is there to tell. */
function configOrProblem(named: string | null, env: NodeJS.ProcessEnv): Config | AppError {
  try {
    return loadConfig(named, env);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function machineOf(env: NodeJS.ProcessEnv): Machine {
  return { programPath: env['PATH'] ?? '', interfacesFolder: '/sys/class/net', mountsFile: '/proc/self/mounts' };
}

function parserNeed(): Need {
  const broken = parsers.flatMap((parser) => sampleProblems(parser).map((problem) => ({ source: parser.source, ...problem })));
  const rules = parsers.flatMap((parser) => parser.rules);
  const samples = rules.flatMap((rule) => rule.samples).length;
  const [first] = broken;
  if (first === undefined) {
    const found = `${parsers.length} parsers, ${plural(rules.length, 'message')}: all ${samples} samples yield what they must`;
    return { state: 'ok', of: 'parsers', found, remedy: null };
  }
  const what = `${plural(broken.length, 'sample')} of ${samples}: ${first.source} ${first.rule} ${first.what}`;
  return { state: 'fail', of: 'parsers', found: what, remedy: 'this installation is damaged: install it again' };
}

async function ownNeeds({ data, stream, api, store, alerts }: Config): Promise<readonly Need[]> {
  const { bavail, bsize } = statfsSync(nearestExisting(data));
  const wanted = stream.kafka === null ? sizeBytes(stream.retention.maxBytes) : 0;
  return [
    folderNeed('data', data, { bytes: bavail * bsize, wanted }),
    ...(stream.kafka === null ? [] : [await kafkaNeed({ data, stream }, stream.kafka.brokers)]),
    ...(store.clickhouse === null ? [] : [await serverNeed(store.clickhouse)]),
    await portNeed('api', api.listen, ['tcp']),
    ...openNeeds(api.listen),
    notifierNeed(alerts.notifiers),
  ];
}

/** Who reaches the API reads all that is stored, and may silence alerts. */
function openNeeds(listen: string): readonly Need[] {
  if (/^(?:127\.|localhost:|\[::1\]:)/.test(listen)) return [];
  const remedy = 'listen on 127.0.0.1, and put a proxy that asks for a password before it where others must reach it';
  return [{ state: 'warn', of: 'api', found: `it has no password, and ${listen} lets other machines reach it`, remedy }];
}

/** Receivers are not asked: each test is a message to somebody. */
function notifierNeed(notifiers: Config['alerts']['notifiers']): Need {
  if (notifiers.length === 0) {
    const remedy = 'name somebody in alerts.notifiers (docs/notifiers.md); precopy alerts shows what nobody was told';
    return { state: 'warn', of: 'alerts', found: 'nobody is told: alerts.notifiers is empty', remedy };
  }
  const named = notifiers.map(({ name, type }) => `${name} (${type})`).join(', ');
  return {
    state: 'ok',
    of: 'alerts',
    found: `${named}; precopy test-alert NAME tells whether one reaches somebody`,
    remedy: null,
  };
}

/** Asks the server once. What may pass is a warning: precopy waits for it as well. */
async function serverNeed(clickhouse: NonNullable<Config['store']['clickhouse']>): Promise<Need> {
  const { url, database, username } = clickhouse;
  try {
    const server = await openServerStore({ ...serverOptionsOf(clickhouse), retryMs: 0 });
    await server.close();
    return { state: 'ok', of: 'store', found: `${url} lets ${username} use the database ${database}`, remedy: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { state: error.retriable ? 'warn' : 'fail', of: 'store', found: error.message, remedy: error.hint };
  }
}

/** Whether brokers let us in. */
async function kafkaNeed(config: Pick<Config, 'data' | 'stream'>, brokers: readonly string[]): Promise<Need> {
  try {
    await (await openStream(config, null)).close();
    return { state: 'ok', of: 'kafka', found: `${brokers.join(', ')} let us in`, remedy: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { state: 'fail', of: 'kafka', found: error.message, remedy: error.hint };
  }
}

function needLines({ state, of, found, remedy }: Need, sheet: Sheet): readonly string[] {
  const sign = paint(sheet, ({ ok: 'good', warn: 'warn', fail: 'bad' } as const)[state], pad(state, INDENT));
  const width = sheet.width - INDENT;
  const [first = '', ...more] = fold(`${of}: ${inert(found)}`, width);
  const todo = remedy === null ? [] : fold(inert(remedy), width - 2).map((line) => `  ${line}`);
  return [sign + first, ...[...more, ...todo].map((line) => ' '.repeat(INDENT) + line)];
}

function summary(needs: readonly Need[]): string {
  const count = (state: Need['state']): number => needs.filter((need) => need.state === state).length;
  return `${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail`;
}

/** The lines of an error, folded; later lines of one stand further in. */
function problemText({ message, hint }: AppError, sheet: Sheet): string {
  const lines = [...message.split('\n'), ...(hint === null ? [] : [hint])];
  const folded = lines.map((line) => fold(inert(line), sheet.width - INDENT - 2).join(`\n${' '.repeat(INDENT + 2)}`));
  return folded.join(`\n${' '.repeat(INDENT)}`);
}
