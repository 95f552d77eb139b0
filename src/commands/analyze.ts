import type { Readable } from 'node:stream';
import { AppError } from '../lib/errors.ts';
import { plural } from '../lib/units.ts';
import { SEVERITIES, type Severity } from '../model/finding.ts';
import type { Analysis } from '../reports/analysis.ts';
import { incidentPage } from '../reports/incident-page.ts';
import { toDocument } from '../reports/json.ts';
import { terminalReport } from '../reports/terminal.ts';
import { analyzeOptions, ANALYZE_HELP, type AnalyzeOptions } from './analyze-options.ts';
import { writeReportFile } from './report-file.ts';
import { runAnalysis } from './run-analysis.ts';

/** What a command needs of the process it runs in; the command line makes it. */
export interface Terminal {
  readonly stdin: Readable;
  out(text: string): void;
  /** Shows a line that the next one replaces; does nothing where no terminal watches. */
  status(text: string): void;
  readonly color: boolean;
  /** Columns; `null` where no terminal watches. */
  readonly width: number | null;
}

/** Columns where nothing says how many there are. */
const DEFAULT_WIDTH = 100;
const PROGRESS_CELLS = 24;

/**
 * `precopy analyze`: prints what happened, and returns the exit status.
 *
 * @throws AppError `usage`, `no-input`, `unreadable`, or what `writeReportFile` throws, after the report is printed.
 */
export async function analyze(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = analyzeOptions(args);
  if (options.help) {
    terminal.out(ANALYZE_HELP);
    return 0;
  }
  const analysis = await runAnalysis(options.paths, options.settings, { stdin: terminal.stdin, progress: progressBar(terminal) });
  terminal.status('');
  mustBeReadable(analysis);
  terminal.out(rendered(analysis, options, terminal));
  if (options.html !== null) await writeReportFile(options.html, incidentPage(analysis));
  return statusOf(analysis, options.failOn);
}

function rendered(analysis: Analysis, options: AnalyzeOptions, terminal: Terminal): string {
  if (options.json) return `${JSON.stringify(toDocument(analysis), null, 2)}\n`;
  return terminalReport(analysis, {
    width: options.width ?? terminal.width ?? DEFAULT_WIDTH,
    color: options.color ?? terminal.color,
    allEvidence: options.allEvidence,
  });
}

/** Files that are named where none could be read. */
const REASONS = 5;

function mustBeReadable({ inputs }: Analysis): void {
  if (inputs.some(({ tally }) => tally !== null)) return;
  const told = inputs.slice(0, REASONS);
  const more = inputs.length - told.length;
  const reasons = [
    ...told.map(({ path, problem }) => `${path}: ${problem ?? 'not read'}`),
    ...(more === 0 ? [] : [`and ${plural(more, 'file')} more`]),
  ];
  throw new AppError('unreadable', `nothing to analyse${reasons.length > 0 ? ` (${reasons.join('; ')})` : ': no files found'}`, {
    hint: 'name agent.log, libvirt logs or folders that hold them; --source PATTERN=KIND says what a file is',
  });
}

/** 1 where a finding reaches the severity. */
function statusOf({ findings }: Pick<Analysis, 'findings'>, failOn: Severity): number {
  const from = SEVERITIES.indexOf(failOn);
  return Number(findings.some(({ severity }) => SEVERITIES.indexOf(severity) >= from));
}

function progressBar(terminal: Terminal): (done: number, total: number) => void {
  let shown = -1;
  return (done, total) => {
    const percent = total === 0 ? 0 : Math.min(100, Math.floor((done * 100) / total));
    if (percent === shown) return;
    shown = percent;
    const filled = Math.round((percent * PROGRESS_CELLS) / 100);
    terminal.status(`reading ${'█'.repeat(filled)}${'░'.repeat(PROGRESS_CELLS - filled)} ${percent} %`);
  };
}
