import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { schemaSql } from '../../src/store/schema.ts';

/** A Keeper in memory, the macros, and a cluster of which nobody is reached: enough to make tables, not to fill them. */
const SERVER = `<clickhouse>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>s1</shard><replica>r1</replica></macros>
  <remote_servers><main><shard><replica><host>127.0.0.1</host><port>1</port></replica></shard></main></remote_servers>
</clickhouse>`;

/** Runs statements, and says what it made. Its replicas never let it end by itself. */
const SCRIPT = `
  const { Session } = require('chdb');
  const session = new Session(process.argv[1], { connectionArgs: ['--config-file=' + process.argv[2]] });
  try {
    for (const sql of require(process.argv[3])) session.query(sql, 'TSV');
    console.log(session.query("SELECT concat(name, ' ', engine) FROM system.tables WHERE database = 'precopy' ORDER BY name", 'TSV'));
  } catch (error) {
    console.log(String(error.message));
  }`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'precopy-cluster-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the engine says of them, in a process of its own. */
async function made(statements: readonly string[]): Promise<string> {
  const [config, sql] = [join(folder, 'server.xml'), join(folder, 'statements.json')];
  await writeFile(config, SERVER);
  await writeFile(sql, JSON.stringify(statements));
  const child = spawn(process.execPath, ['-e', SCRIPT, join(folder, 'store'), config, sql], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const [said] = (await once(child.stdout, 'data')) as readonly unknown[];
  child.kill('SIGKILL');
  await ended;
  return String(said);
}

/** What is asked of all servers, for one: only a server has a queue of such statements, and it is what gives tables their uuid. */
function forOne(sql: string, n: number): string {
  const uuid = ` UUID '0f8e1b6e-0000-4000-8000-${String(n).padStart(12, '0')}'`;
  return sql.replace(" ON CLUSTER 'main'", sql.includes('Replicated') ? uuid : '');
}

it('the engine makes every table of a cluster: replicated, and one over all shards', async () => {
  const steps = await schemaSql({ cluster: { name: 'main', database: 'precopy' } });
  const statements = ['CREATE DATABASE precopy ENGINE = Atomic', ...steps.flatMap((step) => step.statements).map(forOne)];
  const tables = (await made(statements)).trim().split('\n');
  const expected = steps.flatMap(({ name, statements: own }) => {
    if (own.length === 2) return [`${name} Distributed`, `${name}_local ReplicatedReplacingMergeTree`];
    return [name === 'line_blocks' ? 'line_blocks Null' : `${name} MaterializedView`];
  });
  expect(tables).toEqual(expected.toSorted());
}, 60_000);
