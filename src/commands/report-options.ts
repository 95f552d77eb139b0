import { parseArgs } from 'node:util';
import { AppError } from '../lib/errors.ts';
import { zoneNamed } from '../timeline/zone.ts';
import { orUsage } from './command-line.ts';

/** `precopy report`, as the user asked for it. */
export interface ReportOptions {
  /** Only list what is kept. */
  readonly list: boolean;
  readonly week: string;
  readonly cluster: string | null;
  /** `null`: that of the configuration. */
  readonly zone: string | null;
  /** Mail it to whom report.mail of the configuration names. */
  readonly mail: boolean;
  /** Files to write; `null`: not. The JSON may go to standard output, `-`, instead of the summary. */
  readonly html: string | null;
  readonly md: string | null;
  readonly json: string | null;
  readonly config: string | null;
}

/** What `precopy report --help` prints. */
export const REPORT_HELP = `precopy report   the health of a week's live migrations

  --week WEEK         an ISO week, 2026-W47; last (default): the last one that
                      is over; this: the one that is not
  --cluster CLUSTER   of one cluster; else of all
  --zone ZONE         in whose clocks the week begins on Monday at 00:00:
                      Europe/Berlin, UTC+5:30; else report.timezone of the
                      configuration, else its timezone, or this machine's
  --html FILE         the whole report as one HTML file, to mail or print
  --md FILE           the same as Markdown
  --json FILE         the same as a document (precopy/report@1); - prints it
                      instead of the summary
  --mail              mail it, too: by the notifiers that report.mail names
  --list              the reports that are kept
  -c, --config FILE   else /etc/precopy/precopy.yaml where it exists, else the
                      defaults

Prints a summary; the files have all of it (docs/report.md: how each number is
counted). A running instance is asked through its API; where none runs, the data
folder is read. The report is kept.

Exit status: 0 made, 1 it could not be mailed, 2 bad usage or nothing stored.
`;

const OPTIONS = {
  week: { type: 'string', default: 'last' },
  cluster: { type: 'string' },
  zone: { type: 'string' },
  html: { type: 'string' },
  md: { type: 'string' },
  json: { type: 'string' },
  mail: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the arguments of `precopy report`; `null` where only help is wanted.
 *
 * @throws AppError `usage`.
 */
export function reportOptions(args: readonly string[]): ReportOptions | null {
  const { help, list, week, mail, ...named } = orUsage(
    () => parseArgs({ args: [...args], options: OPTIONS }).values,
    'see precopy report --help',
  );
  if (help) return null;
  const { cluster = null, zone = null, html = null, md = null, json = null, config = null } = named;
  if (zone !== null && zoneNamed(zone) === null)
    throw new AppError('usage', `--zone ${zone}: no such time zone`, {
      hint: 'name one like Europe/Berlin, or an offset like UTC+5:30',
    });
  const empty = Object.entries({ cluster, html, md, json }).find(([, value]) => value === '');
  if (empty !== undefined) throw new AppError('usage', `--${empty[0]} names nothing`, { hint: 'see precopy report --help' });
  return { list, mail, week, cluster, zone, html, md, json, config };
}
