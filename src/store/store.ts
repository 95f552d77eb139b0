import type { TableBytes } from './row-binary.ts';

/** Bound values of a query, by name: `{name: Type}` in its SQL. */
export type QueryParams = Readonly<Record<string, unknown>>;

/** Rows to add to one table. */
export interface TableRows<T> {
  readonly table: string;
  readonly rows: readonly T[];
}

/** Result of a query of a user, as the engine names and types its columns. */
export interface UserResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** There was more than was asked for. */
  readonly truncated: boolean;
}

/** What a user's query may cost. */
export interface UserLimits {
  readonly maxRows: number;
  readonly maxSeconds: number;
  readonly maxMemoryBytes: number;
}

/**
 * Tables of one ClickHouse engine, in process or on a server. Inserting a row again replaces it, so every write may be repeated.
 * Foreign errors come out as AppError with `retriable` set.
 */
export interface Store {
  /** Resolves when the rows are stored. */
  insert<T>(rows: TableRows<T>): Promise<void>;
  /** The same for rows that are bytes already, which takes less time where they are many or long. */
  insertBytes(rows: TableBytes): Promise<void>;
  /** Our own SQL only; user text goes in by `params`. */
  query<T>(sql: string, params?: QueryParams): Promise<readonly T[]>;
  /** Our own DDL only. */
  command(sql: string): Promise<void>;
  /** SQL of a user, on a connection that cannot write, read files or reach the network. */
  userQuery(sql: string, limits: UserLimits): Promise<UserResult>;
  close(): Promise<void>;
}
