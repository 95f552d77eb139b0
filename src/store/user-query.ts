import { AppError } from '../lib/errors.ts';
import type { QueryParams, UserLimits, UserResult } from './store.ts';

/** Table functions that only make numbers. All others read from somewhere. */
const TABLE_FUNCTIONS = new Set([
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'generateseries',
  'generate_series',
  'values',
  'null',
]);

/**
 * Functions that look outside our tables. `readonly` of the engine lets all of them through: `file('/etc/passwd')` reads the file.
 * dictGet and the like need dictionaries, of which we have none.
 */
const FORBIDDEN_FUNCTION =
  /^(?:file|joinGet\w*|dict\w+|dictionary|catboostEvaluate|hasColumnInTable|ai[A-Z]\w+|getServerSetting|getMergeTreeSetting|getSetting\w*|getMacro|getServerPort|getClientHTTPHeader|showCertificate|globalVariable|evalMLMethod|mergeTreePartInfo|filesystem\w+|generateSerialID|addressTo\w+|logTrace|structureTo\w+|sleep\w*|remote\w*|url|embed\w*|iceberg\w+|fuzz\w+|hostName|FQDN|serverUUID|zookeeper\w+|currentUser|authenticatedUser|initialQuery\w*|tcpPort|regionTo\w+|regionIn|regionHierarchy)$/i;

/** Stands for the table of a SELECT that has none: one row that says 0. */
const NOTHING = 'system.one';

/** Databases of the engine itself: settings, users, processes, logs of queries. */
const FOREIGN_DATABASE = /^(?:system|information_schema|_temporary_and_external_tables)$/i;

/** Asks the engine, and reads the answer whole. */
export interface Ask {
  rows<T>(sql: string, params?: QueryParams): Promise<readonly T[]>;
  table(sql: string): Promise<Table>;
}

/** An answer with the names and types of its columns. */
export interface Table {
  readonly meta?: readonly { readonly name: string; readonly type: string }[];
  readonly data: readonly (readonly unknown[])[];
}

/**
 * What a connection for SQL of a user is set to. `readonly` comes last, for nothing can be set after it. `final`: a row that came
 * twice counts once. A row more than asked for tells that there are more.
 */
export function userSettings({ maxRows, maxSeconds, maxMemoryBytes }: UserLimits): Readonly<Record<string, string | number>> {
  return {
    max_execution_time: maxSeconds,
    max_memory_usage: Math.round(maxMemoryBytes),
    max_result_rows: Math.round(maxRows) + 1,
    result_overflow_mode: 'break',
    output_format_json_quote_64bit_integers: 1,
    session_timezone: 'UTC',
    final: 1,
    allow_ddl: 0,
    readonly: 1,
  };
}

/**
 * Runs one SELECT of a user on a connection that has the settings for it.
 * @throws AppError `not-allowed` for what is no SELECT of our tables, `bad-query` where the query is wrong, `timed-out`.
 */
export async function readAsUser(ask: Ask, sql: string, { maxRows }: UserLimits): Promise<UserResult> {
  const statement = await oneStatement(ask, sql);
  await onlyOurTables(ask, statement);
  const { meta = [], data } = await ask.table(statement.select);
  return {
    columns: meta.map(({ name, type }) => ({ name, type })),
    rows: data.slice(0, maxRows).map((row) => row.map((value, i) => withNumbers(value, meta[i]?.type ?? ''))),
    truncated: data.length > maxRows,
  };
}

/** Integers of 64 bits and more come in quotes: those that a number holds exactly become one, the others stay text. */
function withNumbers(value: unknown, type: string): unknown {
  if (!/Int\d+/.test(type) || type.includes('String')) return value;
  if (Array.isArray(value)) return value.map((part: unknown) => withNumbers(part, type));
  if (typeof value !== 'string' || !/^-?\d+$/.test(value)) return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

interface Statement {
  readonly select: string;
  /** The database of our tables. */
  readonly own: string;
}

/** The engine's own parser says whether it is one statement, and gives it back without comments. */
async function oneStatement(ask: Ask, sql: string): Promise<Statement> {
  const [statement] = await ask.rows<Statement>('SELECT formatQuery({sql: String}) AS select, currentDatabase() AS own', { sql });
  if (statement === undefined) throw new Error('the engine gave no row');
  const [verb = ''] = /[A-Za-z]+/.exec(statement.select) ?? [];
  if (NO_SELECT.test(verb)) throw forbidden(verb.toUpperCase());
  return statement;
}

/** What statements that change something, or show what is not ours, begin with; in the place of a subquery each is an error anyway. */
const NO_SELECT =
  /^(?:INSERT|DROP|TRUNCATE|ALTER|CREATE|REPLACE|SET|SYSTEM|KILL|ATTACH|DETACH|BACKUP|RESTORE|SHOW|RENAME|EXCHANGE|DELETE|UPDATE|OPTIMIZE|GRANT|REVOKE|USE|UNDROP)$/i;

/**
 * Reads the tree of the query as the engine prints it before anything is looked up: as a subquery the statement can only be a SELECT,
 * and has no `INTO OUTFILE`. Only then the tree with tables looked up, for that may already run functions.
 */
async function onlyOurTables(ask: Ask, { select, own }: Statement): Promise<void> {
  for (const { field, value } of await partsOf(ask, `EXPLAIN QUERY TREE run_passes = 0 SELECT * FROM (${select})`)) {
    if (isForbidden(field, value)) throw forbidden(value);
  }
  for (const { field, value } of await partsOf(ask, `EXPLAIN QUERY TREE SELECT * FROM (${select})`)) {
    if (isForbidden(field, value) || (field === 'table_name' && value !== NOTHING && !value.startsWith(`${own}.`)))
      throw forbidden(value);
  }
}

function isForbidden(field: string, value: string): boolean {
  if (field === 'SETTINGS') return true;
  if (field === 'function_name') return FORBIDDEN_FUNCTION.test(value);
  if (field === 'table_function_name') return !TABLE_FUNCTIONS.has(value.toLowerCase());
  if (field !== 'identifier' || value === NOTHING) return false;
  return value.includes('.') && value.split('.').some((part) => FOREIGN_DATABASE.test(part));
}

interface Part {
  readonly field: string;
  readonly value: string;
}

/**
 * What a tree names, line by line: `FUNCTION id: 5, function_name: file, function_type: ordinary`. Aliases of the user stand in the
 * same lines, so everything that looks like a field counts: too much is forbidden rather than too little.
 */
const FIELD = /\b(function_name|table_function_name|identifier|table_name): ([^,]+)|^\s*(SETTINGS) /g;

async function partsOf(ask: Ask, query: string): Promise<readonly Part[]> {
  const lines = await ask.rows<{ readonly explain: string }>(query);
  return lines.flatMap(({ explain }) =>
    [...explain.matchAll(FIELD)].map(([, field, value, settings]) => ({
      field: field ?? settings ?? '',
      value: value ?? settings ?? '',
    })),
  );
}

function forbidden(what: string): AppError {
  return new AppError('not-allowed', `Only reading the tables of Precopy is allowed, not ${what}`, {
    hint: 'precopy schema lists tables and columns.',
  });
}
