import { alertOverview } from '../forensics/alerts.ts';
import { diagnose } from '../forensics/doctor.ts';
import { answerOf, type Questions } from '../forensics/questions.ts';
import { AppError } from '../lib/errors.ts';
import type { Backtest } from '../model/backtest.ts';
import { backtest } from '../pipeline/backtest.ts';
import { createAlertStore } from '../pipeline/alerts/alert-store.ts';
import { PROCESSORS_GROUP } from '../pipeline/processor.ts';
import type { DetectorSettings } from '../reports/analysis.ts';
import { makeReport } from '../forensics/weekly/make-report.ts';
import { keepReport, keptReports } from '../store/kept-reports.ts';
import type { Store } from '../store/store.ts';
import { DEAD_LETTERS_TOPIC, RECORDS_TOPIC, type Stream } from '../stream/stream.ts';

/** What questions are answered from in this process. */
export interface LocalParts {
  /** Called after somebody did something to alerts. */
  readonly acted?: () => Promise<void>;
  readonly store: Store;
  /** `null` where there is none: nothing is known of lag and dead letters. */
  readonly stream: Stream | null;
  /** Limits of detectors in force. */
  limits(): DetectorSettings;
}

/** What a user's SQL may cost. */
const MAX_SECONDS = 30;
const MAX_MEMORY_BYTES = 2e9;

/** Answers from a store that this process has open. */
export function createLocalQuestions({ store, stream, limits, acted }: LocalParts): Questions {
  let testing: Promise<Backtest> | null = null;
  return {
    ask: (name, filter) => answerOf(store, name, filter),
    sql: (text, maxRows) => store.userQuery(text, { maxRows, maxSeconds: MAX_SECONDS, maxMemoryBytes: MAX_MEMORY_BYTES }),
    doctor: (filter) =>
      diagnose(
        {
          store,
          positions: async () => (await stream?.positions(RECORDS_TOPIC, PROCESSORS_GROUP)) ?? null,
          deadLetters: async () => (await stream?.positions(DEAD_LETTERS_TOPIC, PROCESSORS_GROUP)) ?? null,
          now: Date.now,
        },
        filter,
      ),
    async backtest(asked) {
      // one takes a core for its time
      if (testing !== null) throw new AppError('not-allowed', 'another backtest runs', { hint: 'try again in a few minutes' });
      testing = backtest(asked, { store, inForce: limits(), now: Date.now });
      try {
        return await testing;
      } finally {
        testing = null;
      }
    },
    async report(query) {
      const report = await makeReport(store, { ...query, now: Date.now() });
      await keepReport(store, report);
      return report;
    },
    reports: () => keptReports(store),
    alerts: ({ since }) => alertOverview(store, { since, now: Date.now() }),
    async act(action) {
      await createAlertStore(store, Date.now).act(action);
      await acted?.();
    },
    attempted: (attempt) => createAlertStore(store, Date.now).attempted([attempt]),
  };
}
