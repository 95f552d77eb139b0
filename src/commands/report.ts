import { loadConfig, type Config } from '../config.ts';
import { answerTable } from '../reports/answer-table.ts';
import type { WeeklyReport } from '../reports/weekly/document.ts';
import { reportHtml } from '../reports/weekly/report-html.ts';
import { reportMarkdown } from '../reports/weekly/report-markdown.ts';
import { reportText } from '../reports/weekly/report-text.ts';
import type { KeptReport } from '../store/kept-reports.ts';
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
    await (options.list ? list(opened, context) : make(opened, options, { ...context, config }));
    return 0;
  } finally {
    await opened.close();
  }
}

interface MakeContext extends AskContext {
  readonly config: Config;
}

async function make(opened: OpenQuestions, options: ReportOptions, { config, terminal, note }: MakeContext): Promise<void> {
  const { week, cluster, zone } = options;
  const made = await opened.report({ week, cluster, zone: zone ?? config.timezone });
  await write(made, options, note);
  if (options.json === '-') {
    terminal.out(jsonText(made));
    return;
  }
  const width = Math.min(MOST_COLUMNS, terminal.width ?? WIDTH);
  terminal.out(reportText(made, { width, color: terminal.color }));
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
