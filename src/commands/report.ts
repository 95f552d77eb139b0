import { loadConfig, type Config } from '../config.ts';
import { AppError } from '../lib/errors.ts';
import { stableId } from '../lib/hash.ts';
import type { Sent } from '../notify/notifier.ts';
import { answerTable } from '../reports/answer-table.ts';
import type { WeeklyReport } from '../reports/weekly/document.ts';
import { reportHtml } from '../reports/weekly/report-html.ts';
import { reportMarkdown } from '../reports/weekly/report-markdown.ts';
import { reportText } from '../reports/weekly/report-text.ts';
import type { KeptReport } from '../store/kept-reports.ts';
import { attempted } from './attempt.ts';
import { configuredNotifiers } from './configured-notifiers.ts';
import { mailedReport } from './mailed-report.ts';
import { openQuestions, type OpenQuestions } from './open-questions.ts';
import type { AskContext } from './query.ts';
import { REPORT_HELP, reportOptions, type ReportOptions } from './report-options.ts';
import { writeReportFile } from './report-file.ts';

/** Columns: where nothing says how many there are, and at most. */
const WIDTH = 100;
const MOST_COLUMNS = 120;

/**
 * `precopy report`: makes the report of a week, prints its summary, writes the files that are asked for, and returns the exit status.
 *
 * @throws AppError `usage`, `no-input`, `not-allowed` where a file cannot be written.
 */
export async function report(args: readonly string[], context: AskContext): Promise<number> {
  const options = reportOptions(args);
  if (options === null) {
    context.terminal.out(REPORT_HELP);
    return 0;
  }
  const config = loadConfig(options.config, context.env);
  const opened = await openQuestions(config);
  try {
    if (!options.list) return await make(opened, options, { ...context, config });
    await list(opened, context);
    return 0;
  } finally {
    await opened.close();
  }
}

interface MakeContext extends Omit<AskContext, 'env'> {
  readonly config: Config;
}

/** The exit status. */
async function make(opened: OpenQuestions, options: ReportOptions, { config, terminal, note }: MakeContext): Promise<number> {
  const { week, cluster, zone } = options;
  const made = await opened.report({ week, cluster, zone: zone ?? config.report.timezone ?? config.timezone });
  await write(made, options, note);
  if (options.json === '-') {
    terminal.out(jsonText(made));
  } else {
    const width = Math.min(MOST_COLUMNS, terminal.width ?? WIDTH);
    terminal.out(reportText(made, { width, color: terminal.color }));
  }
  return options.mail && !(await mailed(made, opened, { config, terminal, note })) ? 1 : 0;
}

/** Longer than any server takes. */
const PATIENCE_MS = 60_000;

/** Whether every receiver took it. @throws AppError `usage` where the configuration names none. */
async function mailed(made: WeeklyReport, opened: OpenQuestions, { config, terminal, note }: MakeContext): Promise<boolean> {
  const names = config.report.mail;
  if (names.length === 0)
    throw new AppError('usage', 'report.mail names nobody', { hint: 'name notifiers of type email there (docs/notifiers.md)' });
  const mail = mailedReport(made);
  const about = { kind: 'report', cluster: made.cluster ?? '', summary: mail.subject, patienceMs: PATIENCE_MS } as const;
  const receivers = configuredNotifiers(config, { now: Date.now, out: terminal.out });
  const outcomes: string[] = [];
  for (const { name, notifier } of receivers.filter((one) => names.includes(one.name))) {
    const id = stableId('report by hand', made.week, name, made.madeAt);
    const send = (signal: AbortSignal): Promise<Sent> => notifier.report?.(mail, signal) ?? Promise.resolve({ status: '' });
    const { attempt } = await attempted({ ...about, id, notifier: name, send });
    await opened.attempted(attempt);
    outcomes.push(attempt.outcome);
    note(`${attempt.outcome === 'sent' ? 'mailed' : 'not mailed'} by ${name}: ${attempt.status}`);
  }
  for (const { notifier } of receivers) await notifier.close();
  return outcomes.every((outcome) => outcome === 'sent');
}

async function write(made: WeeklyReport, { html, md, json }: ReportOptions, note: AskContext['note']): Promise<void> {
  const files: readonly (readonly [path: string | null, text: (report: WeeklyReport) => string])[] = [
    [html, reportHtml],
    [md, reportMarkdown],
    [json === '-' ? null : json, jsonText],
  ];
  for (const [path, text] of files) {
    if (path === null) continue;
    await writeReportFile(path, text(made));
    note(`wrote ${path}`);
  }
}

function jsonText(made: WeeklyReport): string {
  return `${JSON.stringify(made, null, 2)}\n`;
}

async function list(opened: OpenQuestions, { terminal, note }: AskContext): Promise<void> {
  const kept = await opened.reports();
  if (kept.length === 0) {
    note('no report is kept yet: precopy report makes one');
    return;
  }
  const columns = [
    { name: 'week', kind: 'text' },
    { name: 'cluster', kind: 'text' },
    { name: 'zone', kind: 'text' },
    { name: 'madeAt', kind: 'time' },
    { name: 'verdict', kind: 'text' },
  ] as const;
  const rows = kept.map(({ week, cluster, zone, madeAt, verdict }: KeptReport) => [
    week,
    cluster ?? 'all',
    zone,
    madeAt,
    verdict,
  ]);
  terminal.out(answerTable({ columns, rows, truncated: false }, terminal));
}
