import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { applySchema, type SchemaOptions } from '../../src/store/schema.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { ServerOptions } from '../../src/store/server-connection.ts';
import type { Store } from '../../src/store/store.ts';
import { openHttpFront } from './http-front.ts';

/** A real store with tables of its own. */
export interface TemporaryStore {
  readonly store: Store;
  /** Closes the store and removes its tables. */
  remove(): Promise<void>;
}

/** A way to have a store; what holds for one holds for all. */
export interface StoreKind {
  readonly name: string;
  open(options?: SchemaOptions): Promise<TemporaryStore>;
}

/** A ClickHouse server to test with: `http://user:password@host:8123`. It needs the right to create databases. */
const SERVER = process.env['CLICKHOUSE_URL'];

/** Every kind; the engine opens one folder a process, so one follows the other. */
export const STORES: readonly StoreKind[] = [
  { name: 'embedded', open: openEmbedded },
  { name: 'over HTTP', open: openOverHttp },
  ...(SERVER === undefined
    ? []
    : [{ name: 'on a server', open: (options: SchemaOptions = {}) => openOnServer(SERVER, options) }]),
];

/** The embedded one, for tests that need any. */
export async function openEmbedded(options: SchemaOptions = {}): Promise<TemporaryStore> {
  const folder = await mkdtemp(join(tmpdir(), 'precopy-store-'));
  const store = await openEmbeddedStore({ folder });
  await applySchema(store, options);
  return {
    store,
    async remove() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How a front is reached by its first user. */
export const FRONT_USER = { database: 'precopy', user: { username: 'precopy', password: 'secret' } } as const;

async function openOverHttp(options: SchemaOptions = {}): Promise<TemporaryStore> {
  const front = await openHttpFront();
  const store = await openServerStore({ url: front.url, ...FRONT_USER });
  await applySchema(store, options);
  return {
    store,
    async remove() {
      await store.close();
      await front.remove();
    },
  };
}

async function openOnServer(url: string, options: SchemaOptions): Promise<TemporaryStore> {
  const database = `precopy_test_${process.pid}_${Date.now()}`;
  const { username, password, origin } = new URL(url);
  const server: ServerOptions = { url: origin, database: 'default', user: { username: username || 'default', password } };
  const admin = await openServerStore(server);
  await admin.command(`CREATE DATABASE ${database}`);
  const store = await openServerStore({ ...server, database });
  await applySchema(store, options);
  return {
    store,
    async remove() {
      await store.close();
      await admin.command(`DROP DATABASE ${database}`);
      await admin.close();
    },
  };
}
