import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { applySchema } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';

/** A real store in a folder of its own. */
export interface TemporaryStore {
  readonly store: Store;
  readonly folder: string;
  /** Closes the store and removes the folder. */
  remove(): Promise<void>;
}

/** Opens one; the engine opens one folder a process, so a test file shares it. */
export async function temporaryStore(): Promise<TemporaryStore> {
  const folder = await mkdtemp(join(tmpdir(), 'precopy-store-'));
  const store = await openEmbeddedStore({ folder });
  await applySchema(store);
  return {
    store,
    folder,
    async remove() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
