import { migrationDocument, findingDocument } from '../../src/reports/json.ts';
import type { Store } from '../../src/store/store.ts';
import { analysedFolder } from '../recording.ts';

/** Migrations and findings as documents. */
export interface Told {
  readonly migrations: readonly unknown[];
  readonly findings: readonly unknown[];
}

/** What the tables say of a cluster. */
export async function storedOf(store: Store, cluster: string): Promise<Told> {
  const documents = async (table: string): Promise<readonly unknown[]> => {
    const rows = await store.query<{ readonly document: string }>(
      `SELECT document FROM ${table} FINAL WHERE cluster = {cluster: String}`,
      { cluster },
    );
    return sorted(rows.map(({ document }) => JSON.parse(document) as Named));
  };
  return { migrations: await documents('migrations'), findings: await documents('findings') };
}

/** What `precopy analyze` says of a recording. */
export async function analysedOf(folder: string): Promise<Told> {
  const { migrations, findings } = await analysedFolder(folder);
  return { migrations: sorted(migrations.map(migrationDocument)), findings: sorted(findings.map(findingDocument)) };
}

interface Named {
  readonly id: string;
}

function sorted(documents: readonly Named[]): readonly unknown[] {
  return documents.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
