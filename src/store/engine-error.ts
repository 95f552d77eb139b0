import { AppError, type ErrorCode } from '../lib/errors.ts';

/** How an error of the engine counts. */
interface Meaning {
  readonly code: ErrorCode;
  readonly retriable: boolean;
  readonly hint: string | null;
}

/** An error that says more than the engine did; its `code` is one of those in `MEANINGS`. */
export interface ToldError extends Error {
  readonly code: string;
  /** What to do about it here, with the names of here. */
  readonly hint: string | null;
}

const BUSY: Meaning = { code: 'store', retriable: true, hint: null };
const TOO_LONG: Meaning = { code: 'timed-out', retriable: true, hint: 'Ask for a shorter period, or raise the time limit.' };
const DISK_FULL: Meaning = {
  code: 'disk-full',
  retriable: true,
  hint: 'Free space on the disk of the store, or lower its days of retention.',
};
const NOT_ALLOWED: Meaning = { code: 'not-allowed', retriable: false, hint: null };
const NOT_KNOWN: Meaning = { code: 'not-allowed', retriable: false, hint: 'Check user and password of the store.' };

/** By ClickHouse's number (`src/Common/ErrorCodes.cpp`), by HTTP status, or by Node's code of the error. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...each(['159', '160'], TOO_LONG),
  ['241', { code: 'store', retriable: true, hint: 'Ask for less at once, or give the engine more memory.' }],
  ...each(['243', 'ENOSPC', 'EDQUOT'], DISK_FULL),
  [
    '201',
    {
      code: 'store',
      retriable: true,
      hint: 'The quota of the user is used up for now: raise it, or wait for its next interval.',
    },
  ],
  [
    '202',
    { code: 'store', retriable: true, hint: 'The server has max_concurrent_queries running: raise it, or lower connections.' },
  ],
  ['242', { code: 'store', retriable: true, hint: 'The replica lost its Keeper: see system.replicas on the server.' }],
  ...each(['164', '472', '495', '497', '774'], NOT_ALLOWED),
  // unknown user, wrong, no, or refused password
  ...each(['192', '193', '194', '516'], NOT_KNOWN),
  // socket time-out, network, DNS, another server, too many parts, aborted, unfinished, no connection, quorum, Keeper, overload, restart
  ...each(
    [
      '198',
      '209',
      '210',
      '225',
      '236',
      '252',
      '254',
      '265',
      '279',
      '285',
      '286',
      '319',
      '364',
      '369',
      '373',
      '394',
      '410',
      '425',
    ],
    BUSY,
  ),
  ...each(['439', '519', '574', '700', '733', '745', '904', '999'], BUSY),
  // what a proxy or a server that starts answers without a number of ClickHouse
  ...each(['HTTP_408', 'HTTP_429', 'HTTP_500', 'HTTP_502', 'HTTP_503', 'HTTP_504', 'HTTP_200'], BUSY),
  ...each(['HTTP_401', 'HTTP_403', 'HTTP_407'], NOT_KNOWN),
  ['TIME_LIMIT', { code: 'timed-out', retriable: true, hint: null }],
  // a server that is not there, does not answer, or answers only in part
  ...each(['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH'], BUSY),
  ...each(['ENOTFOUND', 'EAI_AGAIN', 'ERR_STREAM_PREMATURE_CLOSE', 'Z_BUF_ERROR', 'Z_DATA_ERROR', 'HPE_INVALID_EOF_STATE'], BUSY),
]);

/** What else the engine says: that our SQL is wrong, or asks for what is not there. */
const OTHER: Meaning = { code: 'store', retriable: false, hint: null };

function each(codes: readonly string[], meaning: Meaning): readonly (readonly [string, Meaning])[] {
  return codes.map((code) => [code, meaning]);
}

/** An error of the engine as ours, classified by its code; `what` says what was tried. */
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
  const meaning = MEANINGS.get(String(codeOf(error))) ?? OTHER;
  const hint = typeof error === 'object' && error !== null && 'hint' in error ? (error as ToldError).hint : null;
  return { ...meaning, hint: hint ?? meaning.hint };
}

/** Of ClickHouse's errors the number, of Node's the name; chDB's own errors hold the number beside a name. */
function codeOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return null;
  if ('clickhouseCode' in error && error.clickhouseCode !== undefined) return error.clickhouseCode;
  return 'code' in error ? error.code : null;
}

/** The first line, without the engine's list of all that it would have liked instead, and without the query. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ''] = text.split(/\n|\. Expected one of: |: In scope SELECT /);
  return line.length > 500 ? `${line.slice(0, 500)} …` : line;
}
