import type { Config } from '../config.ts';
import { lastWeek, makeReport } from '../forensics/weekly/make-report.ts';
import { stableId } from '../lib/hash.ts';
import type { Lifecycle } from '../lib/lifecycle.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import { startSchedule } from '../lib/schedule.ts';
import { createAlertStore } from '../pipeline/alerts/alert-store.ts';
import { mailReport } from '../pipeline/alerts/mail-report.ts';
import type { WeeklyReport } from '../reports/weekly/document.ts';
import { keepReport, keptReports } from '../store/kept-reports.ts';
import type { Store } from '../store/store.ts';
import type { Alerting } from './alerting.ts';
import { mailedReport } from './mailed-report.ts';

/** By then, ms, it is known who leads, and what waited in the stream is stored. */
const SETTLED_MS = 60_000;

/** What the schedule of reports needs of an instance. */
export interface WeeklyReportsParts {
  readonly store: Store;
  readonly log: Log;
  alerting(): Pick<Alerting, 'leads' | 'receivers'> | null;
  /** How long after the start it looks whether a report is due, ms; a minute unless told. */
  readonly settledMs?: number;
  /** Unix ms. */
  now(): number;
}

/**
 * Makes the report of the last week when the configuration says so, keeps it, and mails it. Of several processes one does: the one that
 * leads alerting. What was due while none ran is made at the start, if one was ever kept before.
 */
export function createWeeklyReports(
  config: Config,
  { store, log, alerting, settledMs = SETTLED_MS, now }: WeeklyReportsParts,
): Lifecycle {
  const { schedule, mail } = config.report;
  const zone = config.report.timezone ?? config.timezone;
  const stopping = new AbortController();
  let stopSchedule = (): void => {};
  let working: Promise<void> = Promise.resolve();
  let settling: Promise<void> = Promise.resolve();

  async function make(): Promise<void> {
    const made = await makeReport(store, { week: 'last', zone, cluster: null, now: now() });
    await keepReport(store, made);
    log.info({ week: made.week, verdict: made.verdict.text }, 'weekly report made');
    await send(made);
  }

  async function send(made: WeeklyReport): Promise<void> {
    const id = stableId('report', made.week, made.zone, '');
    const mailing = { id, report: mailedReport(made), store: createAlertStore(store, now), signal: stopping.signal, now };
    const receivers = (alerting()?.receivers ?? []).filter(({ name }) => mail.includes(name));
    await Promise.all(
      receivers.map(async (receiver) => {
        const last = await mailReport(receiver, mailing);
        if (last?.outcome === 'dead')
          log.error({ notifier: receiver.name, status: last.status }, 'the weekly report could not be mailed');
      }),
    );
  }

  async function whenDue(): Promise<void> {
    if (alerting()?.leads() === true) await make();
  }

  async function catchUp(): Promise<void> {
    const kept = (await keptReports(store)).filter((one) => one.cluster === null && one.zone === zone);
    if (kept.length > 0 && !kept.some(({ week }) => week === lastWeek(zone, now()))) await whenDue();
  }

  function begin(work: () => Promise<void>): Promise<void> {
    working = working.then(work).catch((error: unknown) => {
      if (!stopping.signal.aborted) log.error({ error }, 'the weekly report could not be made; precopy report makes it');
    });
    return working;
  }

  async function settled(): Promise<void> {
    await pause(settledMs, stopping.signal);
    if (!stopping.signal.aborted) await begin(catchUp);
  }

  return {
    start() {
      if (schedule === null) return Promise.resolve();
      stopSchedule = startSchedule({ pattern: schedule, zone }, () => begin(whenDue));
      settling = settled();
      return Promise.resolve();
    },
    async stop() {
      stopSchedule();
      stopping.abort();
      await settling;
      await working;
    },
  };
}
