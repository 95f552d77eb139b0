import type { Alert } from './alert.ts';

/** The alerts of a book, and which of them a step changed. */
export interface Shelf {
  all(): IterableIterator<Alert>;
  get(id: string): Alert | undefined;
  /** Takes the place of the alert with its id; the very same is no change. */
  put(alert: Alert): void;
  /** Ids of those put since the last `changed`. */
  touched(): ReadonlySet<string>;
  /** Those put since the last call that are others now; then nothing counts as changed. */
  changed(): readonly Alert[];
  /** Ids of alerts with a finding about a migration. */
  ofMigration(migration: string): Iterable<string>;
  /** Drops what was resolved before a time and waits for nothing; returns the ids. */
  forget(before: number): readonly string[];
}

/** A shelf with alerts that count as unchanged. */
export function createShelf(alerts: readonly Alert[]): Shelf {
  const byId = new Map<string, Alert>();
  const byMigration = createMigrationIndex();
  const before = new Map<string, Alert | undefined>();
  for (const alert of alerts) {
    byId.set(alert.id, alert);
    byMigration.add(alert);
  }
  return {
    all: () => byId.values(),
    get: (id) => byId.get(id),
    put(alert) {
      const last = byId.get(alert.id);
      if (last === alert) return;
      if (!before.has(alert.id)) before.set(alert.id, last);
      byId.set(alert.id, alert);
      if (last?.said === alert.said) return;
      if (last !== undefined) byMigration.remove(last);
      byMigration.add(alert);
    },
    touched: () => new Set(before.keys()),
    changed() {
      const changed = [...before].flatMap(([id, was]) => {
        const alert = byId.get(id);
        return alert === undefined || alert === was ? [] : [alert];
      });
      before.clear();
      return changed;
    },
    ofMigration: (migration) => byMigration.of(migration),
    forget(until) {
      const gone: string[] = [];
      for (const alert of byId.values()) {
        const isWaiting = alert.told?.kind === 'storm' || alert.told?.state === 'firing';
        if (alert.resolvedAt === null || alert.resolvedAt >= until || isWaiting) continue;
        byId.delete(alert.id);
        byMigration.remove(alert);
        gone.push(alert.id);
      }
      return gone;
    },
  };
}

/** Which alerts speak of which migration. */
function createMigrationIndex() {
  const ids = new Map<string, Set<string>>();
  return {
    of: (migration: string): Iterable<string> => ids.get(migration) ?? [],
    add({ id, said }: Alert): void {
      for (const { migration } of said) {
        if (migration === null) continue;
        const known = ids.get(migration);
        if (known === undefined) ids.set(migration, new Set([id]));
        else known.add(id);
      }
    },
    remove({ id, said }: Alert): void {
      for (const { migration } of said) {
        const known = ids.get(migration ?? '');
        known?.delete(id);
        if (known?.size === 0) ids.delete(migration ?? '');
      }
    },
  };
}
