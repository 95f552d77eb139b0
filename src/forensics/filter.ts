import type { QueryParams } from '../store/store.ts';

/** What a question is about; what is left out does not restrict it. */
export interface Filter {
  /** Unix ms, inclusive. */
  readonly since?: number;
  /** Unix ms, exclusive. */
  readonly until?: number;
  readonly cluster?: string;
  readonly host?: string;
  readonly vm?: string;
  /** Rows at most; 1,000 unless told. */
  readonly limit?: number;
}

/** Rows that a question gives unless told. */
const DEFAULT_LIMIT = 1000;

/** Columns of a table that a filter speaks of. Where a table has none for a part of the filter, that part does not restrict it. */
export interface FilterColumns {
  readonly at: string;
  /** Any of which counts. */
  readonly hosts: readonly string[];
  readonly vm?: string;
}

/** Conditions of a filter, and its values. */
export interface Where {
  /** Begins with `WHERE`. */
  readonly where: string;
  readonly params: QueryParams;
}

/** The conditions on a table. Names of columns are ours, values are bound. */
export function whereOf(filter: Filter, columns: FilterColumns): Where {
  const { since, until, cluster, host, vm, limit = DEFAULT_LIMIT } = filter;
  const { hosts } = columns;
  const conditions = [
    ...(since === undefined ? [] : [`${columns.at} >= fromUnixTimestamp64Milli({since: Int64})`]),
    ...(until === undefined ? [] : [`${columns.at} < fromUnixTimestamp64Milli({until: Int64})`]),
    ...(cluster === undefined ? [] : ['cluster = {cluster: String}']),
    ...(host === undefined || hosts.length === 0
      ? []
      : [`(${hosts.map((column) => `${column} = {host: String}`).join(' OR ')})`]),
    ...(vm === undefined || columns.vm === undefined ? [] : [`${columns.vm} = {vm: String}`]),
  ];
  const bound = Object.entries({ since, until, cluster, host, vm, limit }).filter(([, value]) => value !== undefined);
  return { where: `WHERE ${conditions.length === 0 ? '1' : conditions.join(' AND ')}`, params: Object.fromEntries(bound) };
}
