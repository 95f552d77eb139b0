import type { Store } from '../store/store.ts';
import { whereOf, type Filter } from './filter.ts';

/** A stretch of a file of which every byte arrived. */
export interface CoveredRange {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly path: string;
  readonly fileId: string;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly fromLine: number;
  readonly toLine: number;
  /** Times of its first and last record, Unix ms; `null` where no record has one. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  /** When it was read. */
  readonly firstObservedAt: number;
  readonly lastObservedAt: number;
  readonly chunks: number;
  readonly records: number;
  readonly rejected: number;
  /** Bytes between the stretch before and this one, which never arrived; 0 for the first stretch of a file in the period. */
  readonly missingBytes: number;
  readonly missingLines: number;
  /** Bytes that arrived again in other chunks. Lines are stored once all the same. */
  readonly overlapBytes: number;
}

const FILTERED = { at: 'observed_at', hosts: ['host'] } as const;

/**
 * What arrived of every file that was read in the period: one row where all of it did, one more for every gap. By when it was read,
 * for that is what can be missing; a period that cuts a file begins with the first chunk in it.
 */
export async function coverage(store: Store, filter: Filter = {}): Promise<readonly CoveredRange[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<CoveredRange>(`${stretchesOf(where)} SELECT * FROM stretches ${IN_ORDER}`, params);
}

/** Stretches that something is missing before. */
export async function gapsOf(store: Store, filter: Filter = {}): Promise<readonly CoveredRange[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<CoveredRange>(`${stretchesOf(where)} SELECT * FROM stretches WHERE missingBytes > 0 ${IN_ORDER}`, params);
}

const IN_ORDER = 'ORDER BY cluster, host, path, fileId, fromOffset LIMIT {limit: UInt32}';

function stretchesOf(where: string): string {
  return `WITH placed AS (
      SELECT *, max(to_offset) OVER before AS reached, max(to_line) OVER before AS reached_line, row_number() OVER upto = 1 AS first
      FROM ranges FINAL ${where}
      WINDOW
        before AS (PARTITION BY cluster, host, file_id ORDER BY from_offset, to_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        upto AS (PARTITION BY cluster, host, file_id ORDER BY from_offset, to_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ), numbered AS (
      SELECT *, NOT first AND from_offset > reached AS gap,
        sum(gap) OVER (PARTITION BY cluster, host, file_id ORDER BY from_offset, to_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS stretch
      FROM placed
    ), stretches AS (
      SELECT cluster, host, any(source) AS source, any(path) AS path, file_id AS fileId,
        min(from_offset) AS fromOffset, max(to_offset) AS toOffset, min(from_line) AS fromLine, max(to_line) AS toLine,
        toUnixTimestamp64Milli(min(first_at)) AS firstAt, toUnixTimestamp64Milli(max(last_at)) AS lastAt,
        toUnixTimestamp64Milli(min(observed_at)) AS firstObservedAt, toUnixTimestamp64Milli(max(observed_at)) AS lastObservedAt,
        count() AS chunks, sum(numbered.records) AS records, sum(numbered.rejected) AS rejected,
        sum(if(gap, from_offset - reached, 0)) AS missingBytes,
        sum(if(gap AND from_line > reached_line, from_line - reached_line, 0)) AS missingLines,
        sum(if(NOT first AND from_offset < reached, least(reached, to_offset) - from_offset, 0)) AS overlapBytes
      FROM numbered GROUP BY cluster, host, file_id, stretch
    )`;
}

/** What became of the records of one program on one host. */
export interface RejectedRate {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly records: number;
  readonly withEvents: number;
  readonly plain: number;
  readonly rejected: number;
  /** Of all records, from 0 to 1. */
  readonly rejectedShare: number;
}

/** How much could not be read, per host and program, the worst share first; by when it was read. */
export async function rejectedRates(store: Store, filter: Filter = {}): Promise<readonly RejectedRate[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<RejectedRate>(
    `SELECT cluster, host, source, sum(stored.records) AS records, sum(with_events) AS withEvents, sum(stored.plain) AS plain,
       sum(stored.rejected) AS rejected, if(records = 0, 0, rejected / records) AS rejectedShare
     FROM ranges AS stored FINAL ${where} GROUP BY cluster, host, source
     ORDER BY rejectedShare DESC, cluster, host, source LIMIT {limit: UInt32}`,
    params,
  );
}

/** A record that could not be read. */
export interface RejectedRecord {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly path: string;
  readonly line: number;
  readonly reason: string;
  readonly at: number;
  readonly observedAt: number;
  readonly text: string;
}

/** Records that could not be read, the newest first; by when they were read. */
export async function rejectedRecords(store: Store, filter: Filter = {}): Promise<readonly RejectedRecord[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<RejectedRecord>(
    `SELECT cluster, host, source, path, line, reason, toUnixTimestamp64Milli(stored.at) AS at,
       toUnixTimestamp64Milli(observed_at) AS observedAt, text
     FROM rejected AS stored FINAL ${where} ORDER BY observed_at DESC, path, offset LIMIT {limit: UInt32}`,
    params,
  );
}

/** How late the records of one program on one host arrive. */
export interface Lateness {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly chunks: number;
  /** From the last record of a chunk to its reading, ms. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  /** The least; below zero where records come from the future: the zone, or the clock of what wrote them, is not the collector's. */
  readonly minMs: number;
}

/** How late records are read, per host and program, the latest first. Chunks none of whose records has a time do not count. */
export async function lateness(store: Store, filter: Filter = {}): Promise<readonly Lateness[]> {
  const { where, params } = whereOf(filter, FILTERED);
  return store.query<Lateness>(
    `WITH toUnixTimestamp64Milli(observed_at) - toUnixTimestamp64Milli(assumeNotNull(last_at)) AS late_ms
     SELECT cluster, host, source, count() AS chunks, quantile(0.5)(late_ms) AS p50Ms, quantile(0.95)(late_ms) AS p95Ms,
       max(late_ms) AS maxMs, min(late_ms) AS minMs
     FROM ranges FINAL ${where} AND last_at IS NOT NULL GROUP BY cluster, host, source
     ORDER BY p95Ms DESC, cluster, host, source LIMIT {limit: UInt32}`,
    params,
  );
}
