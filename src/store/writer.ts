import { retry, type RetryOptions } from '../lib/retry.ts';
import type { Migration } from '../model/timeline.ts';
import { linesIn, toBlocks, toRangeRow, toRejectedRows, type ReadChunk } from './chunk-rows.ts';
import type { TableBytes } from './row-binary.ts';
import { toEventBytes, type StoredEvent } from './rows.ts';
import { hostFactsOf, toSampleBytes } from './sample-rows.ts';
import type { Store, TableRows } from './store.ts';
import {
  toFindingRow,
  toMigrationRow,
  vanishedFinding,
  vanishedMigration,
  type Edition,
  type FoundFinding,
} from './timeline-rows.ts';

/** What became of some chunks. All other tables of records are worked out from these two. */
export interface StoredBatch {
  readonly chunks: readonly ReadChunk[];
  readonly events: readonly StoredEvent[];
}

/** Timelines of one cluster that changed. */
export interface ChangedTimelines extends Edition {
  readonly migrations: readonly Migration[];
  readonly findings: readonly FoundFinding[];
  /** Ids that were written once and are no more. */
  readonly vanished: { readonly migrations: readonly string[]; readonly findings: readonly string[] };
}

/** Rows written, by table; lines are counted as lines. */
export type WrittenRows = Readonly<Record<string, number>>;

/** Writes to the store; every writing may be repeated, and doubles nothing. */
export interface Writer {
  /** Resolves when all rows are stored. @throws AppError where that did not succeed in time; some tables may then have them already. */
  writeBatch(batch: StoredBatch): Promise<WrittenRows>;
  writeTimelines(timelines: ChangedTimelines): Promise<WrittenRows>;
}

/** How patient a writer is: errors that may pass are tried again for a minute unless told. */
export type WriterOptions = Pick<RetryOptions, 'budgetMs' | 'retrying' | 'now' | 'wait'>;

const BUDGET_MS = 60_000;
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 5_000;
/**
 * Bytes of text that one batch should hold: they are one insert. Fewer, larger inserts are merged less often (12 MiB took a quarter
 * less CPU a line than 4 MiB), but the engine splits the rows of an insert at once, and its memory grows with them (16 MiB: 1.7 GB
 * resident; 4 MiB: 0.8).
 */
export const INSERT_BYTES = 8 << 20;

/** A writer on a store whose tables are there. */
export function createWriter(store: Store, options: WriterOptions = {}): Writer {
  const patience: RetryOptions = {
    budgetMs: BUDGET_MS,
    firstMs: FIRST_WAIT_MS,
    mostMs: MAX_WAIT_MS,
    random: () => 1,
    ...options,
  };

  async function write(tables: readonly TableRows<unknown>[]): Promise<void> {
    for (const rows of tables) await retry(() => store.insert(rows), patience);
  }

  async function writeBytes(tables: readonly TableBytes[]): Promise<void> {
    for (const rows of tables) await retry(() => store.insertBytes(rows), patience);
  }

  return {
    async writeBatch({ chunks, events }) {
      for (const chunk of chunks) checkLines(chunk);
      const facts = { table: 'host_facts', rows: events.flatMap(hostFactsOf) };
      const rejected = { table: 'rejected', rows: chunks.flatMap(toRejectedRows) };
      const ranges = { table: 'ranges', rows: chunks.map(toRangeRow) };
      const meant = [toEventBytes(events), toSampleBytes(events)];
      // what takes longest beside the rest: two connections take one insert each
      await together([writeBytes([toBlocks(chunks)]), writeBytes(meant).then(() => write([facts, rejected]))]);
      // last: they say what has arrived
      await write([ranges]);
      return {
        lines: chunks.reduce((sum, { outcomes }) => sum + outcomes.length, 0),
        ...Object.fromEntries(meant.map(({ table, rows }) => [table, rows])),
        ...countsOf([facts, rejected, ranges]),
      };
    },
    async writeTimelines({ migrations, findings, vanished, ...edition }) {
      const tables: readonly TableRows<unknown>[] = [
        { table: 'migrations', rows: migrations.map((migration) => toMigrationRow(migration, edition)) },
        { table: 'findings', rows: findings.map((finding) => toFindingRow(finding, edition)) },
        { table: 'migrations', rows: vanished.migrations.map((id) => vanishedMigration(id, edition)) },
        { table: 'findings', rows: vanished.findings.map((id) => vanishedFinding(id, edition)) },
      ];
      await write(tables);
      return countsOf(tables);
    },
  };
}

/** Resolves, or rejects, when all have ended: what failed may be done again at once. */
async function together(works: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(works);
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** A bug of the caller would be an error of the engine that nobody understands. */
function checkLines({ header, bytes, at, outcomes }: ReadChunk): void {
  const lines = linesIn(bytes);
  if (at.length !== lines || outcomes.length !== lines) {
    throw new Error(
      `${header.path} at ${header.offset}: ${lines} lines, but ${at.length} times and ${outcomes.length} outcomes of lines`,
    );
  }
}

function countsOf(tables: readonly TableRows<unknown>[]): WrittenRows {
  const counts: Record<string, number> = {};
  for (const { table, rows } of tables) counts[table] = (counts[table] ?? 0) + rows.length;
  return counts;
}
