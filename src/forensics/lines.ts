import type { Store } from '../store/store.ts';
import { whereOf, type Filter } from './filter.ts';

/** A line as its host wrote it. */
export interface StoredLine {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly path: string;
  readonly fileId: string;
  readonly line: number;
  readonly offset: number;
  /** Unix ms, by the clock of the host. */
  readonly at: number;
  readonly outcome: string;
  readonly text: string;
}

const COLUMNS =
  'cluster, host, source, path, file_id AS fileId, line, offset, toUnixTimestamp64Milli(stored.at) AS at, outcome, text';

/** Lines of one host in a period, in the order of time; each once. Lines of other files of the same time stand between them. */
export async function linesBetween(
  store: Store,
  filter: Filter & { readonly host: string; readonly since: number; readonly until: number },
): Promise<readonly StoredLine[]> {
  const { where, params } = whereOf(filter, { at: 'stored.at', hosts: ['host'] });
  return store.query<StoredLine>(
    `SELECT ${COLUMNS} FROM lines AS stored ${where}
     ORDER BY stored.at, path, fileId, offset LIMIT 1 BY cluster, host, fileId, offset LIMIT {limit: UInt32}`,
    params,
  );
}

/** Lines that hold all of these words (letters and digits between anything else), the newest first. */
export async function linesWithWords(store: Store, filter: Filter, words: readonly string[]): Promise<readonly StoredLine[]> {
  const { where, params } = whereOf(filter, { at: 'stored.at', hosts: ['host'] });
  return store.query<StoredLine>(
    `SELECT ${COLUMNS} FROM lines AS stored
     ${where} AND ${words.map((_, index) => `hasToken(text, {word${index}: String})`).join(' AND ') || '1'}
     ORDER BY stored.at DESC, host, fileId, offset LIMIT 1 BY cluster, host, fileId, offset LIMIT {limit: UInt32}`,
    { ...params, ...Object.fromEntries(words.map((word, index) => [`word${index}`, word])) },
  );
}
