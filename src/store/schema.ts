import { readdir, readFile } from 'node:fs/promises';
import { AppError } from '../lib/errors.ts';
import { alteredTable, clusterStatements, everywhereStatement, localName, type ClusterName } from './cluster-schema.ts';
import type { Store } from './store.ts';

/** For how many days a table keeps its rows, by the time of the row. */
export type TtlDays = Readonly<Record<KeptTable, number>>;

/** Tables that keep rows, and for how many days unless configured otherwise. */
export const DEFAULT_TTL_DAYS = {
  lines: 30,
  events: 90,
  samples: 90,
  migrations: 400,
  findings: 400,
  rejected: 30,
  ranges: 400,
  host_facts: 400,
  alerts: 400,
  alert_actions: 400,
  notifications: 400,
  reports: 4000,
} as const satisfies Readonly<Record<string, number>>;

/** A table that keeps rows. */
export type KeptTable = keyof typeof DEFAULT_TTL_DAYS;

/** A step of the schema: one file of `schema/`, one statement. */
export interface SchemaStep {
  /** The number that the file's name begins with. */
  readonly version: number;
  readonly name: string;
  /** With comments, as it stands in the file; days filled in. Of a cluster, all its statements with semicolons between. */
  readonly sql: string;
  /** One by one, as they are run. */
  readonly statements: readonly string[];
}

/** What a schema may be told. */
export interface SchemaOptions {
  readonly ttlDays?: Partial<TtlDays>;
  /** Tables for all servers of a cluster; `null`: for one server. */
  readonly cluster?: ClusterName | null;
}

/** `schema/` lies beside `src` and beside `dist`; the benchmarks are built one folder deeper. */
const FOLDERS = [new URL('../../schema/', import.meta.url), new URL('../../../schema/', import.meta.url)];

const VERSION_TABLE = `
CREATE TABLE IF NOT EXISTS schema_version
(
    version UInt32 COMMENT 'number of the file in schema/ that was run',
    name String COMMENT 'its name',
    applied_at DateTime DEFAULT now() COMMENT 'when'
)
ENGINE = ReplacingMergeTree
ORDER BY version
COMMENT 'which files of schema/ were run'`;

/** Every step in its order, as it is run. */
export async function schemaSql({ ttlDays = {}, cluster = null }: SchemaOptions = {}): Promise<readonly SchemaStep[]> {
  const days: TtlDays = { ...DEFAULT_TTL_DAYS, ...ttlDays };
  const { folder, names } = await stepFiles();
  return Promise.all(
    names.map(async (file) => {
      const name = file.slice(4, -4);
      const text = await readFile(new URL(file, folder), 'utf8');
      const sql = isKept(name) ? text.replaceAll('{days}', String(days[name])) : text;
      const statements = cluster === null ? [sql] : clusterStatements(sql, cluster);
      return { version: Number(file.slice(0, 3)), name, sql: statements.map((each) => each.trimEnd()).join(';\n\n'), statements };
    }),
  );
}

async function stepFiles(): Promise<{ readonly folder: URL; readonly names: readonly string[] }> {
  for (const folder of FOLDERS) {
    try {
      const names = (await readdir(folder)).filter((file) => /^\d{3}_\w+\.sql$/.test(file)).toSorted();
      if (names.length > 0) return { folder, names };
    } catch {
      // not here
    }
  }
  throw new AppError('store', `The folder schema is missing beside the program (${FOLDERS[0]?.pathname})`, {
    hint: 'Install precopy again.',
  });
}

/**
 * Brings the tables to this version and to these days; does nothing where they are.
 * @throws AppError `store` where the tables belong to a newer version of Precopy.
 */
export async function applySchema(store: Store, options: SchemaOptions = {}): Promise<void> {
  const steps = await schemaSql(options);
  const { cluster = null } = options;
  await store.command(cluster === null ? VERSION_TABLE : everywhereStatement(VERSION_TABLE, cluster));
  const [{ version } = { version: 0 }] = await store.query<{ readonly version: number }>(
    'SELECT max(version) AS version FROM schema_version',
  );
  const newest = steps.at(-1)?.version ?? 0;
  if (version > newest) {
    throw new AppError('store', `The tables have schema version ${version}; this precopy knows only ${newest}`, {
      hint: 'Run the version of precopy that made them, or a newer one, or give this one another folder or database.',
    });
  }
  for (const step of steps.filter((each) => each.version > version)) {
    for (const statement of step.statements) await store.command(statement);
    await store.insert({ table: 'schema_version', rows: [{ version: step.version, name: step.name }] });
  }
  await keepFor(store, { ...DEFAULT_TTL_DAYS, ...options.ttlDays }, cluster);
}

/**
 * Sees to it that the tables are those of this version, and changes nothing.
 * @throws AppError `store` where they are older, newer, or not there.
 */
export async function requireSchema(store: Store): Promise<void> {
  const newest = (await schemaSql()).at(-1)?.version ?? 0;
  const version = await schemaVersion(store);
  if (version === newest) return;
  const [what, hint] =
    version < newest
      ? [
          version === 0 ? 'There are no tables yet' : `The tables have schema version ${version}, older than ${newest}`,
          'Run precopy up, or precopy schema --apply: it brings them up to date.',
        ]
      : [
          `The tables have schema version ${version}; this precopy knows only ${newest}`,
          'Ask with the version of precopy that made them.',
        ];
  throw new AppError('store', what, { hint });
}

/** 0 where there are no tables. */
async function schemaVersion(store: Store): Promise<number> {
  const tables = await store.query("SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'schema_version'");
  if (tables.length === 0) return 0;
  const [row] = await store.query<{ readonly version: number }>('SELECT max(version) AS version FROM schema_version');
  return row?.version ?? 0;
}

/** Changes the days of tables that exist with others. Rows that are too old then go when the engine merges next. */
async function keepFor(store: Store, ttlDays: TtlDays, cluster: ClusterName | null): Promise<void> {
  const tables = await store.query<{ readonly name: string; readonly ddl: string }>(
    'SELECT name, create_table_query AS ddl FROM system.tables WHERE database = currentDatabase()',
  );
  const ddls = new Map(tables.map(({ name, ddl }) => [name, ddl]));
  for (const [table, wanted] of Object.entries(ttlDays)) {
    const ddl = ddls.get(cluster === null ? table : localName(table)) ?? '';
    const [, column = '', days = ''] = /TTL toDateTime\((\w+)\) \+ toIntervalDay\((\d+)\)/.exec(ddl) ?? [];
    if (column === '' || Number(days) === wanted) continue;
    const altered = cluster === null ? table : alteredTable(table, cluster);
    await store.command(`ALTER TABLE ${altered} MODIFY TTL toDateTime(${column}) + toIntervalDay(${wanted})`);
  }
}

function isKept(name: string): name is KeptTable {
  return Object.hasOwn(DEFAULT_TTL_DAYS, name);
}
