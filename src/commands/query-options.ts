import { parseArgs } from 'node:util';
import type { Filter } from '../forensics/filter.ts';
import { questions, type Question } from '../forensics/questions.ts';
import { AppError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { pad } from '../reports/terminal/text.ts';
import { orUsage } from './command-line.ts';
import { timeNamed } from './asked-time.ts';

/** How an answer is printed. */
export const FORMATS = ['table', 'json', 'csv'] as const;

/** One of `FORMATS`. */
export type Format = (typeof FORMATS)[number];

/** `precopy query`, as the user asked for it. */
export interface QueryOptions {
  /** What is asked: a question with a name, or SQL. */
  readonly asked: { readonly name: string } | { readonly sql: string };
  readonly filter: Filter & { readonly limit: number };
  readonly format: Format;
  readonly config: string | null;
}

const NAME_COLUMNS = Math.max(...questions.map(({ name, ofVm }) => (ofVm ? `${name} VM` : name).length)) + 2;

/** What `precopy query --help` prints. */
export const QUERY_HELP = `precopy query NAME [VM]     ask what is stored
precopy query --sql SELECT  ask in SQL, read-only (precopy schema lists the tables)

${questions.map(({ name, ofVm, help }) => `  ${pad(ofVm ? `${name} VM` : name, NAME_COLUMNS)}${help}`).join('\n')}

  --since TIME      24h, 7d before now, or 2026-11-23T04:00 (UTC), or with an
                    offset
  --until TIME      the same
  --host HOST       of one host, --vm VM of one VM, --cluster CLUSTER of one
                    cluster
  --limit N         rows at most (default 1000)
  --format FORMAT   table (default), json or csv
  -c, --config FILE else /etc/precopy/precopy.yaml where it exists, else defaults

A running instance is asked through its API; where none runs, the data folder is
read. Exit status: 0 answered, 2 bad usage or nothing to ask.
`;

const OPTIONS = {
  sql: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  host: { type: 'string' },
  vm: { type: 'string' },
  cluster: { type: 'string' },
  limit: { type: 'string' },
  format: { type: 'string', default: 'table' },
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const DEFAULT_LIMIT = 1000;
const MOST_ROWS = 1_000_000;

/**
 * Reads the arguments of `precopy query`; `null` where only help is wanted.
 *
 * @throws AppError `usage`.
 */
export function queryOptions(args: readonly string[], now: number): QueryOptions | null {
  const { values, positionals } = parsed(args);
  if (values.help) return null;
  const [name = '', vm, ...rest] = positionals;
  if (rest.length > 0) throw usage(`${rest.join(' ')}: too many words`, 'precopy query NAME [VM]');
  const period = periodOf(values, now);
  const { host, cluster } = values;
  const named = defined({ vm: vmOf(vm, values.vm), host, cluster });
  return {
    asked: askedFor(name, values.sql, Object.keys({ ...named, ...period })),
    filter: { ...named, ...period, limit: limitOf(values.limit) },
    format: formatOf(values.format),
    config: values.config ?? null,
  };
}

function parsed(args: readonly string[]) {
  return orUsage(() => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }), 'see precopy query --help');
}

function usage(message: string, hint: string): AppError {
  return new AppError('usage', message, { hint });
}

function vmOf(word: string | undefined, option: string | undefined): string | undefined {
  if (word !== undefined && option !== undefined && word !== option) throw usage(`two VMs: ${word} and ${option}`, 'name one');
  return word ?? option;
}

interface Period {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

function periodOf({ since, until }: Period, now: number): Pick<Filter, 'since' | 'until'> {
  const period = {
    ...(since === undefined ? {} : { since: timeNamed('--since', since, now) }),
    ...(until === undefined ? {} : { until: timeNamed('--until', until, now) }),
  };
  if ((period.since ?? -Infinity) >= (period.until ?? Infinity))
    throw usage('--since is not before --until', 'name the earlier time with --since');
  return period;
}

function defined(values: Readonly<Record<string, string | undefined>>): Pick<Filter, 'vm' | 'host' | 'cluster'> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function askedFor(name: string, sql: string | undefined, restricted: readonly string[]): QueryOptions['asked'] {
  if (sql === undefined) return { name: questionNamed(name).name };
  if (name !== '') throw usage(`${name}: a question, and --sql`, 'ask one of them');
  if (restricted.length > 0)
    throw usage(`--${restricted.join(', --')} with --sql`, 'write it into the SQL: WHERE at >= now() - INTERVAL 1 DAY');
  return { sql };
}

function questionNamed(name: string): Question {
  const names = questions.map((question) => question.name);
  if (name === '') throw usage('no question given', `there are ${names.join(', ')}; or ask in SQL with --sql`);
  const question = questions.find((one) => one.name === name);
  if (question !== undefined) return question;
  const meant = nearest(name, names);
  throw usage(`no question is named ${name}`, meant === null ? `there are ${names.join(', ')}` : `did you mean ${meant}?`);
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ROWS)
    throw usage(`--limit ${text}: not a number of rows`, `a whole number from 1 to ${MOST_ROWS}`);
  return limit;
}

function formatOf(text: string): Format {
  const format = FORMATS.find((known) => known === text);
  if (format === undefined) throw usage(`--format ${text}: no such format`, `formats are ${FORMATS.join(', ')}`);
  return format;
}
