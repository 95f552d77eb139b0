import type { ClickHouseClient } from '@clickhouse/client';
import { AppError } from '../lib/errors.ts';
import { userQueryError } from './engine-error.ts';
import type { UserLimits, UserResult } from './store.ts';

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

/**
 * Runs one SELECT of a user on a connection that is used for nothing else, and is of no use afterwards: settings stick to it.
 * @throws AppError `not-allowed` for what is no SELECT of our tables, `bad-query` where the query is wrong, `timed-out`.
 */
export async function readAsUser(client: ClickHouseClient, sql: string, limits: UserLimits): Promise<UserResult> {
  try {
    for (const setting of settingsOf(limits)) await client.command({ query: setting });
    const statement = await oneStatement(client, sql);
    await onlyOurTables(client, statement);
    return await rowsOf(client, statement.select, limits.maxRows);
  } catch (error) {
    throw userQueryError(error);
  }
}

/** `readonly` comes last, for nothing can be set after it. `final`: a row that came twice counts once. A row more than asked for tells that there are more. */
function settingsOf({ maxRows, maxSeconds, maxMemoryBytes }: UserLimits): readonly string[] {
  return [
    `SET max_execution_time = ${maxSeconds}`,
    `SET max_memory_usage = ${Math.round(maxMemoryBytes)}`,
    `SET max_result_rows = ${Math.round(maxRows) + 1}`,
    `SET result_overflow_mode = 'break'`,
    `SET output_format_json_quote_64bit_integers = 0`,
    `SET session_timezone = 'UTC'`,
    `SET final = 1`,
    `SET allow_ddl = 0`,
    `SET readonly = 1`,
  ];
}

interface Statement {
  readonly select: string;
  /** The database of our tables. */
  readonly own: string;
}

/** The engine's own parser says whether it is one statement, and gives it back without comments. */
async function oneStatement(client: ClickHouseClient, sql: string): Promise<Statement> {
  const result = await client.query({
    query: 'SELECT formatQuery({sql: String}) AS select, currentDatabase() AS own',
    query_params: { sql },
    format: 'JSONEachRow',
  });
  const [statement] = await result.json<Statement>();
  if (statement === undefined) throw new Error('the engine gave no row');
  return statement;
}

/**
 * Reads the tree of the query as the engine prints it before anything is looked up: as a subquery the statement can only be a SELECT,
 * and has no `INTO OUTFILE`. Only then the tree with tables looked up, for that may already run functions.
 */
async function onlyOurTables(client: ClickHouseClient, { select, own }: Statement): Promise<void> {
  for (const { field, value } of await partsOf(client, `EXPLAIN QUERY TREE run_passes = 0 SELECT * FROM (${select})`)) {
    if (isForbidden(field, value)) throw forbidden(value);
  }
  for (const { field, value } of await partsOf(client, `EXPLAIN QUERY TREE SELECT * FROM (${select})`)) {
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

async function partsOf(client: ClickHouseClient, query: string): Promise<readonly Part[]> {
  const result = await client.query({ query, format: 'JSONEachRow' });
  const lines = await result.json<{ readonly explain: string }>();
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

async function rowsOf(client: ClickHouseClient, select: string, maxRows: number): Promise<UserResult> {
  const result = await client.query({ query: select, format: 'JSONCompact' });
  const { meta = [], data } = await result.json<readonly unknown[]>();
  return {
    columns: meta.map(({ name, type }) => ({ name, type })),
    rows: data.slice(0, maxRows),
    truncated: data.length > maxRows,
  };
}
