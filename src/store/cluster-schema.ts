import { AppError } from '../lib/errors.ts';

/** Where tables of a cluster go. */
export interface ClusterName {
  /** As `remote_servers` of the servers names it. */
  readonly name: string;
  readonly database: string;
}

/** Replicas of a shard meet under this path in Keeper; a table that is dropped and made again has another uuid. */
const KEEPER_PATH = '/clickhouse/tables/{uuid}';

/**
 * Tables whose rows belong to a file, and are many: its shard is the file's. All others go with their CloudStack cluster, so that a
 * timeline is built from one shard.
 */
const BY_FILE = new Set(['lines', 'rejected', 'ranges']);

/**
 * The statements that make on every server of a cluster what `sql` makes on one: the rows of a table `t` lie in `t_local`, replicated
 * within its shard, and `t` reads and writes all shards. Rows that replace each other have the same shard, for its key is part of
 * their identity: FINAL, which each shard does for itself, stays right.
 */
export function clusterStatements(sql: string, cluster: ClusterName): readonly string[] {
  const { on, database } = checked(cluster);
  const view = /^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) AS$/m.exec(sql);
  if (view !== null) {
    const head = `CREATE MATERIALIZED VIEW IF NOT EXISTS ${database}.${view[1]} ${on} TO ${database}.${view[2]} AS`;
    return [sql.replace(view[0], head).replace(/^(\s*FROM )(\w+)$/m, `$1${database}.$2`)];
  }
  const [create = '', table = ''] = /^CREATE TABLE IF NOT EXISTS (\w+)$/m.exec(sql) ?? [];
  // a table that keeps nothing is where its insert arrives
  if (/^ENGINE = Null$/m.test(sql)) return [sql.replace(create, `CREATE TABLE IF NOT EXISTS ${database}.${table} ${on}`)];
  return [
    replicated(sql.replace(create, `CREATE TABLE IF NOT EXISTS ${database}.${table}_local ${on}`), {
      path: `${KEEPER_PATH}/{shard}`,
      replica: '{replica}',
    }),
    distributed(table, cluster),
  ];
}

/** The same for a table of which every server has all rows. */
export function everywhereStatement(sql: string, cluster: ClusterName): string {
  const { on, database } = checked(cluster);
  const everywhere = sql.replace(/^CREATE TABLE IF NOT EXISTS (\w+)$/m, `CREATE TABLE IF NOT EXISTS ${database}.$1 ${on}`);
  return replicated(everywhere, { path: `${KEEPER_PATH}/all`, replica: '{shard}-{replica}' });
}

/** The words for a change of a table that exists: its name where the rows are, and where the change is made. */
export function alteredTable(table: string, cluster: ClusterName): string {
  const { on, database } = checked(cluster);
  return `${database}.${localName(table)} ${on}`;
}

/** The table that has the rows of another. */
export function localName(table: string): string {
  return `${table}_local`;
}

function replicated(sql: string, { path, replica }: { readonly path: string; readonly replica: string }): string {
  return sql.replace(/^ENGINE = ReplacingMergeTree(?:\((.*)\))?$/m, (_, columns: string | undefined) => {
    const rest = columns === undefined ? '' : `, ${columns}`;
    return `ENGINE = ReplicatedReplacingMergeTree('${path}', '${replica}'${rest})`;
  });
}

function distributed(table: string, cluster: ClusterName): string {
  const { on, database, name } = checked(cluster);
  const key = BY_FILE.has(table) ? 'cityHash64(cluster, host, file_id)' : 'cityHash64(cluster)';
  return `-- Reads and writes ${localName(table)} of all shards.
CREATE TABLE IF NOT EXISTS ${database}.${table} ${on} AS ${database}.${localName(table)}
ENGINE = Distributed('${name}', '${database}', '${localName(table)}', ${key})
COMMENT '${localName(table)} of all shards'`;
}

/** Names become part of SQL, so they must be no more than names. @throws AppError `config`. */
function checked({ name, database }: ClusterName): ClusterName & { readonly on: string } {
  for (const text of [name, database]) {
    if (!/^[A-Za-z_][\w.-]*$/.test(text)) {
      throw new AppError('config', `${text} is no name of a cluster or a database`, {
        hint: 'Names are of letters, digits, _, and for clusters - and . as well.',
      });
    }
  }
  return { name, database, on: `ON CLUSTER '${name}'` };
}
