import type { MailedReport } from '../notify/notifier.ts';
import type { WeeklyReport } from '../reports/weekly/document.ts';
import { reportHtml } from '../reports/weekly/report-html.ts';
import { reportText } from '../reports/weekly/report-text.ts';

/** Columns of a mail that is read as text. */
const WIDTH = 76;

/** A weekly report as it is mailed: its summary as text, all of it as a page. */
export function mailedReport(report: WeeklyReport): MailedReport {
  const { week, cluster, verdict } = report;
  const of = cluster === null ? '' : ` of ${cluster}`;
  return {
    subject: `Migrations${of} in ${week}: ${verdict.text}`,
    text: reportText(report, { width: WIDTH, color: false }),
    html: reportHtml(report),
    fileName: `precopy-${week}.html`,
  };
}
