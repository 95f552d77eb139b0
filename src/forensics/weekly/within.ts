import type { ReportScope } from '../../reports/weekly/rows.ts';
import type { QueryParams } from '../../store/store.ts';

/** What a report is about, as SQL. Names of columns are ours, values are bound. */
export interface Within {
  /** The column's moment is in the week, and the row of the cluster. */
  readonly week: string;
  /** The same for the week and the four before. */
  readonly allWeeks: string;
  /** The row is of the cluster; always true where the report is about all. */
  readonly cluster: string;
  readonly params: QueryParams;
}

/** The conditions of a scope on a table, by its column of time and, where the name alone is ambiguous, its column of the cluster. */
export function within({ week, before, cluster }: ReportScope, at: string, clusterColumn = 'cluster'): Within {
  const ofCluster = cluster === null ? '1' : `${clusterColumn} = {cluster: String}`;
  const between = (from: string): string =>
    `${at} >= fromUnixTimestamp64Milli({${from}: Int64}) AND ${at} < fromUnixTimestamp64Milli({to: Int64}) AND ${ofCluster}`;
  return {
    week: between('from'),
    allWeeks: between('earliest'),
    cluster: ofCluster,
    params: {
      from: week.from,
      to: week.to,
      earliest: Math.min(week.from, ...before.map(({ from }) => from)),
      // of each week from the earliest on its end, to tell weeks apart
      ends: [...before.toReversed(), week].map(({ to }) => to),
      ...(cluster === null ? {} : { cluster }),
    },
  };
}

/** Which week a moment is in, as an index: 0 is the week itself, 1 the one before. */
export function weekIndex(at: string): string {
  return `length({ends: Array(Int64)}) - arrayFirstIndex(upto -> toUnixTimestamp64Milli(${at}) < upto, {ends: Array(Int64)})`;
}

/** The one row of an aggregate without groups. */
export function onlyRow<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error('an aggregate gave no row');
  return row;
}
