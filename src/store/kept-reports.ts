import { isoMs } from '../lib/units.ts';
import type { WeeklyReport } from '../reports/weekly/document.ts';
import type { Store } from './store.ts';

/** A row of the table `reports`; instants in Unix ms, all clusters are an empty name. */
interface ReportRow {
  readonly cluster: string;
  readonly week: string;
  readonly zone: string;
  readonly from_at: number;
  readonly made_at: number;
  readonly verdict: string;
  readonly document: string;
  readonly version: number;
}

/** Keeps a report; the one of the same week, zone and cluster that was made last counts. @throws AppError where the store refuses it. */
export async function keepReport(store: Store, report: WeeklyReport): Promise<void> {
  const madeAt = isoMs(report.madeAt);
  const row: ReportRow = {
    cluster: report.cluster ?? '',
    week: report.week,
    zone: report.zone,
    from_at: isoMs(report.from),
    made_at: madeAt,
    verdict: report.verdict.text,
    document: JSON.stringify(report),
    version: madeAt,
  };
  await store.insert({ table: 'reports', rows: [row] });
}

/** A report that is kept. */
export interface KeptReport {
  readonly week: string;
  readonly zone: string;
  /** `null`: of all clusters. */
  readonly cluster: string | null;
  readonly fromAt: number;
  readonly madeAt: number;
  readonly verdict: string;
}

const MOST_REPORTS = 1000;

/** Reports that are kept, the newest week first, without their documents. */
export async function keptReports(store: Store): Promise<readonly KeptReport[]> {
  return store.query<KeptReport>(
    `SELECT week, zone, nullIf(cluster, '') AS cluster, toUnixTimestamp64Milli(from_at) AS fromAt, toUnixTimestamp64Milli(made_at) AS madeAt, verdict
     FROM reports FINAL ORDER BY from_at DESC, cluster ASC NULLS FIRST, zone LIMIT ${MOST_REPORTS}`,
  );
}
