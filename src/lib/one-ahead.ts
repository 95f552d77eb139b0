import { quiet } from './quiet.ts';

/** What is done with each item. */
export interface Steps<T, P> {
  prepare(item: T): Promise<P>;
  keep(prepared: P): Promise<void>;
}

/**
 * Keeps items one after the other, and prepares each while the one before it is being kept. Where one cannot be prepared or kept,
 * those after it are left; nothing is under way any more when it resolves or rejects.
 */
export async function oneAhead<T, P>(items: Iterable<T>, { prepare, keep }: Steps<T, P>): Promise<void> {
  let keeping = Promise.resolve();
  try {
    for (const item of items) {
      const prepared = await prepare(item);
      await keeping;
      keeping = keep(prepared);
      // it fails where it is awaited, which may be later
      void quiet(keeping);
    }
    await keeping;
  } finally {
    await quiet(keeping);
  }
}
