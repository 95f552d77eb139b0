import { bytes, duration, isoTime, plural } from '../lib/units.ts';
import type { Store } from '../store/store.ts';
import type { Position } from '../stream/stream.ts';
import { coverage, lateness, rejectedRates, type CoveredRange } from './coverage.ts';
import type { Filter } from './filter.ts';

/** How one thing is. */
export interface Check {
  /** What was looked at: `loss`, `lag`. */
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** In a sentence with numbers. */
  readonly summary: string;
  readonly details: readonly string[];
  /** What to do; `null` where nothing is to be done. */
  readonly hint: string | null;
}

/** How an instance is, and what it has not seen. */
export interface Diagnosis {
  /** Unix ms. */
  readonly at: number;
  readonly checks: readonly Check[];
}

/** What a diagnosis is made of. */
export interface DoctorParts {
  readonly store: Store;
  /** How far the processors are behind; `null` where that cannot be told from here. */
  positions(): Promise<readonly Position[]>;
  now(): number;
}

const MOST_DETAILS = 20;
/** Rows of one check's query. */
const MOST_ROWS = 100_000;
/** A processor further behind than this shows what is wrong late. */
const LAG_WARN_MS = 10_000;
/** Records that come later than this are told of late, ms. */
const LATE_WARN_MS = 60_000;
/** Records from further in the future: a clock or a zone is wrong, ms. */
const FUTURE_WARN_MS = 5_000;
const REJECTED_WARN_SHARE = 0.05;

/** Looks at loss, lag, clocks, records that could not be read, and what collectors say of themselves. */
export async function diagnose(parts: DoctorParts, filter: Filter): Promise<Diagnosis> {
  const asked = { limit: MOST_ROWS, ...filter };
  const checks = [
    lossCheck(await coverage(parts.store, asked)),
    lagCheck(await parts.positions(), parts.now()),
    await clockCheck(parts.store, asked),
    await rejectedCheck(parts.store, asked),
    ...(await collectorChecks(parts.store, asked)),
  ];
  return { at: parts.now(), checks };
}

/** Whether every byte of every file that was read is there. */
function lossCheck(ranges: readonly CoveredRange[]): Check {
  const gaps = ranges.filter(({ missingBytes }) => missingBytes > 0);
  const files = new Set(ranges.map(({ host, fileId }) => `${host} ${fileId}`)).size;
  const hosts = new Set(ranges.map(({ host }) => host)).size;
  const arrived = ranges.reduce((sum, { fromOffset, toOffset }) => sum + toOffset - fromOffset, 0);
  const again = ranges.reduce((sum, { overlapBytes }) => sum + overlapBytes, 0);
  const missing = gaps.reduce((sum, { missingBytes }) => sum + missingBytes, 0);
  const what = `${bytes(arrived)} of ${plural(files, 'file')} of ${plural(hosts, 'host')}`;
  const repeated = again === 0 ? 'no overlap' : `${bytes(again)} arrived twice and are stored once`;
  if (ranges.length === 0)
    return {
      name: 'loss',
      state: 'warn',
      summary: 'nothing was read in this time',
      details: [],
      hint: 'is a collector running?',
    };
  if (gaps.length === 0) return { name: 'loss', state: 'ok', summary: `${what}: no gap, ${repeated}`, details: [], hint: null };
  return {
    name: 'loss',
    state: 'fail',
    summary: `${what}: ${plural(gaps.length, 'gap')}, ${bytes(missing)} never arrived; ${repeated}`,
    details: cutList(gaps.map(gapLine)),
    hint: 'the collector of that host says why in its log; what it still finds it reads, what was deleted before it was read is lost',
  };
}

function gapLine({ host, path, fromOffset, fromLine, missingBytes, missingLines, firstAt }: CoveredRange): string {
  const lines = missingLines === 0 ? '' : ` (lines ${fromLine - missingLines + 1} to ${fromLine})`;
  const before = firstAt === null ? '' : `, before ${isoTime(firstAt)}`;
  return `${host} ${path}: bytes ${fromOffset - missingBytes} to ${fromOffset}${lines}${before}`;
}

function lagCheck(positions: readonly Position[], now: number): Check {
  const behind = positions.reduce((sum, { end, committed, begin }) => sum + end - (committed ?? begin), 0);
  const since = positions.flatMap(({ waitingSince }) => (waitingSince === null ? [] : [waitingSince]));
  const lagMs = since.length === 0 ? 0 : now - Math.min(...since);
  const late = lagMs >= LAG_WARN_MS;
  return {
    name: 'lag',
    state: late ? 'warn' : 'ok',
    summary: behind === 0 ? 'all chunks are processed' : `${plural(behind, 'chunk')} wait, the oldest for ${duration(lagMs)}`,
    details: [],
    hint: late ? 'is the processor running, and does the store take rows? see the log' : null,
  };
}

async function clockCheck(store: Store, filter: Filter): Promise<Check> {
  const all = await lateness(store, filter);
  const ahead = all.filter(({ minMs }) => minMs < -FUTURE_WARN_MS);
  const late = all.filter(({ p50Ms }) => p50Ms > LATE_WARN_MS);
  const details = [
    ...ahead.map(({ host, source, minMs }) => `${host} ${source}: records from ${duration(-minMs)} in the future`),
    ...late.map(
      ({ host, source, p50Ms }) => `${host} ${source}: half of the chunks are read ${duration(p50Ms)} after they were written`,
    ),
  ];
  const worst = all.reduce((max, { p95Ms }) => Math.max(max, p95Ms), 0);
  return {
    name: 'clocks',
    state: ahead.length > 0 ? 'warn' : 'ok',
    summary:
      ahead.length > 0
        ? `${plural(ahead.length, 'program')} writes times that have not come yet`
        : `no times from the future; 95 % of the chunks are read within ${duration(worst)}`,
    details: cutList(details),
    hint: ahead.length > 0 ? 'check the host with chronyc tracking, and the timezone of that file in the configuration' : null,
  };
}

async function rejectedCheck(store: Store, filter: Filter): Promise<Check> {
  const rates = await rejectedRates(store, filter);
  const records = rates.reduce((sum, rate) => sum + rate.records, 0);
  const rejected = rates.reduce((sum, rate) => sum + rate.rejected, 0);
  const plain = rates.reduce((sum, rate) => sum + rate.plain, 0);
  const bad = rates.filter(({ rejectedShare }) => rejectedShare >= REJECTED_WARN_SHARE);
  const share = (part: number): string => `${records === 0 ? 0 : Math.round((part * 1000) / records) / 10} %`;
  return {
    name: 'records',
    state: bad.length > 0 ? 'warn' : 'ok',
    summary: `${plural(records, 'record')}: ${share(rejected)} could not be read, ${share(plain)} mean nothing for a migration`,
    details: cutList(
      bad.map(
        ({ host, source, rejectedShare, rejected: count }) =>
          `${host} ${source}: ${plural(count, 'record')} rejected, ${Math.round(rejectedShare * 100)} %`,
      ),
    ),
    hint: bad.length > 0 ? "see them: precopy query --sql 'SELECT * FROM rejected ORDER BY observed_at DESC LIMIT 20'" : null,
  };
}

/** What a collector said last. */
interface LastWord {
  readonly host: string;
  readonly collector: string;
  readonly state: string;
  readonly text: string;
  readonly at: number;
}

/** The last word of each collector, `listening` aside: an observer says that while it runs. */
async function collectorChecks(store: Store, { host, cluster }: Filter): Promise<readonly Check[]> {
  const words = await store.query<LastWord>(
    `SELECT host, JSONExtractString(body, 'collector') AS collector,
       argMax(JSONExtractString(body, 'state'), stored.at) AS state,
       argMax(JSONExtractString(body, 'text'), stored.at) AS text, toUnixTimestamp64Milli(max(stored.at)) AS at
     FROM events AS stored
     WHERE kind = 'collector-report' AND JSONExtractString(body, 'state') != 'listening'
       AND {host: String} IN ('', host) AND {cluster: String} IN ('', cluster)
     GROUP BY host, collector ORDER BY host, collector`,
    { host: host ?? '', cluster: cluster ?? '' },
  );
  return words.map(({ host: of, collector, state, text, at }) => ({
    name: `${collector} of ${of}`,
    state: state === 'running' || state === 'starting' ? 'ok' : 'warn',
    summary: `${state} since ${isoTime(at)}`,
    details: text === '' ? [] : [text],
    hint: null,
  }));
}

function cutList(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_DETAILS) return lines;
  return [...lines.slice(0, MOST_DETAILS), `and ${lines.length - MOST_DETAILS} more`];
}
