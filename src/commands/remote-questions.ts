import type { AlertOverview } from '../forensics/alerts.ts';
import type { Filter } from '../forensics/filter.ts';
import type { Questions } from '../forensics/questions.ts';
import { AppError, type ErrorCode } from '../lib/errors.ts';
import type { Answer } from '../model/answer.ts';
import type { Backtest } from '../model/backtest.ts';
import type { Diagnosis } from '../model/diagnosis.ts';
import type { WeeklyReport } from '../reports/weekly/document.ts';
import type { KeptReport } from '../store/kept-reports.ts';
import type { UserResult } from '../store/store.ts';

/** An answer takes 30 s at most (the limit of users' SQL); a busy instance may need a little more for the rest. */
const TIMEOUT_MS = 60_000;

/** A backtest gives up by itself before this, and fetch after 300 s. */
const BACKTEST_TIMEOUT_MS = 290_000;

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'usage',
  'no-input',
  'unreadable',
  'config',
  'not-found',
  'not-allowed',
  'locked',
  'timed-out',
  'disk-full',
  'bad-query',
  'stream',
  'store',
  'notify',
]);

/** Questions to a running instance, at the address that it announced. Its errors come out as they were there: code, words and hint. */
export function createRemoteQuestions(url: string): Questions {
  return {
    ask: (name, filter) => post<Answer>(url, `questions/${encodeURIComponent(name)}`, filter),
    sql: (sql, maxRows) => post<UserResult>(url, 'sql', { sql, maxRows }),
    doctor: (filter: Filter) => post<Diagnosis>(url, 'doctor', filter),
    backtest: (asked) => post<Backtest>(url, 'backtest', asked, BACKTEST_TIMEOUT_MS),
    report: (query) => post<WeeklyReport>(url, 'report', query),
    reports: () => post<readonly KeptReport[]>(url, 'reports', {}),
    alerts: (asked) => post<AlertOverview>(url, 'alerts', asked),
    attempted: async (attempt) => void (await post<unknown>(url, 'notifications', attempt)),
    act: async (action) => void (await post<unknown>(url, 'alerts/actions', action)),
  };
}

// oxlint-disable-next-line max-params -- where, what, with what, and how long
async function post<T>(url: string, path: string, body: unknown, timeoutMs = TIMEOUT_MS): Promise<T> {
  const response = await answered({ url, timeoutMs }, () =>
    fetch(`${url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    }),
  );
  const answer = await answered({ url, timeoutMs }, () => response.json());
  if (!response.ok) throw remoteError(answer, response.status);
  return answer as T;
}

interface Exchange {
  readonly url: string;
  readonly timeoutMs: number;
}

/**
 * The result of one exchange with an instance.
 *
 * @throws AppError `timed-out`, or `not-found` where nothing answers there any more.
 */
async function answered<T>({ url, timeoutMs }: Exchange, exchange: () => Promise<T>): Promise<T> {
  try {
    return await exchange();
  } catch (cause) {
    const late = cause instanceof Error && cause.name === 'TimeoutError';
    throw new AppError(
      late ? 'timed-out' : 'not-found',
      late ? `the instance at ${url} gave no answer within ${timeoutMs / 1000} s` : `the instance at ${url} does not answer`,
      {
        hint: late ? 'ask for a shorter time (--since)' : 'it may be starting or ending: try again, and see its log',
        cause,
        retriable: true,
      },
    );
  }
}

/** The error that an answer of the API is. */
export function remoteError(answer: unknown, status: number): AppError {
  const { error, code, hint } = (typeof answer === 'object' && answer !== null ? answer : {}) as Readonly<
    Record<string, unknown>
  >;
  return new AppError(
    typeof code === 'string' && CODES.has(code) ? (code as ErrorCode) : 'store',
    typeof error === 'string' ? error : `the instance answered with status ${status}`,
    typeof hint === 'string' ? { hint } : {},
  );
}
