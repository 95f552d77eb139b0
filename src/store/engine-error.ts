import { AppError, type ErrorCode } from '../lib/errors.ts';

/** How an error of the engine counts, by ClickHouse's number (`src/Common/ErrorCodes.cpp` of ClickHouse). */
interface Meaning {
  readonly code: ErrorCode;
  readonly retriable: boolean;
  readonly hint: string | null;
}

const BUSY: Meaning = { code: 'store', retriable: true, hint: null };

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [159, { code: 'timed-out', retriable: true, hint: 'Ask for a shorter period, or raise the time limit.' }],
  [160, { code: 'timed-out', retriable: true, hint: 'Ask for a shorter period, or raise the time limit.' }],
  [241, { code: 'store', retriable: true, hint: 'Ask for less at once, or give the engine more memory.' }],
  [243, { code: 'disk-full', retriable: true, hint: 'Free space on the disk of the store, or lower its days of retention.' }],
  [164, { code: 'not-allowed', retriable: false, hint: null }],
  [497, { code: 'not-allowed', retriable: false, hint: null }],
  [194, { code: 'not-allowed', retriable: false, hint: 'Check user and password of the store.' }],
  [516, { code: 'not-allowed', retriable: false, hint: 'Check user and password of the store.' }],
  // too many simultaneous queries, socket time-out, network error, too many parts, aborted, unfinished, no connection, keeper, cannot schedule a task
  ...[202, 209, 210, 252, 236, 319, 279, 999, 439, 425].map((number) => [number, BUSY] as const),
]);

/** Numbers that say the same of a user's SQL: it is wrong, or asks for what is not there. */
const OTHER: Meaning = { code: 'store', retriable: false, hint: null };

/** Errors of Node for a server that is not there or does not answer. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** An error of the engine as ours, classified by ClickHouse's number; `what` says what was tried. */
export function engineError(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error;
  const { code, retriable, hint } = meaningOf(error);
  return new AppError(code, `${what}: ${wordsOf(error)}`, { cause: error, retriable, ...(hint === null ? {} : { hint }) });
}

/** The same for SQL of a user: what is not the engine's trouble is the query's. */
export function userQueryError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const meaning = meaningOf(error);
  if (meaning.code === 'store' && !meaning.retriable)
    return new AppError('bad-query', `The query failed: ${wordsOf(error)}`, {
      cause: error,
      hint: 'precopy schema lists tables and columns.',
    });
  return engineError(
    error,
    meaning.code === 'not-allowed' ? 'Only reading the tables of Precopy is allowed' : 'The query failed',
  );
}

function meaningOf(error: unknown): Meaning {
  const number = numberOf(error);
  if (number !== null) return MEANINGS.get(number) ?? OTHER;
  return NETWORK_CODES.has(String(codeOf(error))) ? BUSY : OTHER;
}

function numberOf(error: unknown): number | null {
  const code = codeOf(error);
  return typeof code === 'string' && /^\d+$/.test(code) ? Number(code) : null;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
}

/** The first line, without the engine's list of all that it would have liked instead, and without the query. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ''] = text.split(/\n|\. Expected one of: |: In scope SELECT /);
  return line.length > 500 ? `${line.slice(0, 500)} …` : line;
}
