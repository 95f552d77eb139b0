import { parseArgs } from 'node:util';
import type { Hint, Hints } from '../ingest/identify.ts';
import { hintPattern } from '../ingest/identify.ts';
import { AppError } from '../lib/errors.ts';
import { SEVERITIES, type Severity } from '../model/finding.ts';
import { SOURCES, type Source } from '../model/source.ts';
import type { ZoneSettings } from '../timeline/clock.ts';
import { momentNamed, zoneNamed, type Zone } from '../timeline/zone.ts';
import { orUsage } from './command-line.ts';
import { limitOptions } from './limit-options.ts';
import type { AnalysisSettings } from './run-analysis.ts';

/** `precopy analyze`, as the user asked for it. */
export interface AnalyzeOptions {
  readonly paths: readonly string[];
  readonly settings: AnalysisSettings;
  readonly json: boolean;
  /** File to write the page to, besides what is printed. */
  readonly html: string | null;
  readonly allEvidence: boolean;
  /** Exit status 1 from this severity on. */
  readonly failOn: Severity;
  readonly color: boolean | null;
  readonly width: number | null;
  readonly help: boolean;
}

/** What `precopy analyze --help` prints. */
export const ANALYZE_HELP = `precopy analyze PATH…   what happened to every migration in these logs

PATH is a log file, a folder (searched to its depths), or - for standard input;
.gz is read as it is. Host and program of a file come from its path and its
content: hosts/HOST/var/log/…, HOST/var/log/…, HOST-agent.log,
sosreport-HOST-…/var/log/….

  --json                   one document (precopy/analysis@1) instead of a report
  --html FILE              also write one page with everything, to open, mail or print
  --all-evidence           every line of evidence, every migration, every lane
  --fail-on SEVERITY       exit status 1 from this severity on: info, warning
                           (default) or critical
  --limit DETECTOR.NAME=N  another limit of a detector (docs/detectors):
                           --limit downtime-exceeded.warnMs=2000

  --host PATTERN=NAME      files whose path ends in PATTERN (* ? **) are of NAME
  --source PATTERN=KIND    … are of this kind: cloudstack-agent, libvirt-qemu,
                           libvirtd, domjobinfo, sensors, tcpdump, bridge-fdb,
                           heartbeat, journal
  --timezone [HOST=]ZONE   local times (agent.log, tcpdump) are of this zone:
                           Europe/Berlin, UTC+5:30; else it is inferred
  --since TIME             leave out what ended before: 2026-11-23T04:00 (UTC),
                           or with an offset
  --until TIME             leave out what began after

  --color, --no-color      else: colours on a terminal, unless NO_COLOR is set
  --width COLUMNS          else: the terminal's, or 100

Exit status: 0 nothing of severity warning or above, 1 something, 2 bad usage or
nothing readable.
`;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  html: { type: 'string' },
  'all-evidence': { type: 'boolean', default: false },
  'fail-on': { type: 'string', default: 'warning' },
  limit: { type: 'string', multiple: true },
  host: { type: 'string', multiple: true },
  source: { type: 'string', multiple: true },
  timezone: { type: 'string', multiple: true },
  since: { type: 'string' },
  until: { type: 'string' },
  color: { type: 'boolean' },
  width: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the arguments of `precopy analyze`.
 *
 * @throws AppError `usage` with one line that says what is wrong, and a hint.
 */
export function analyzeOptions(args: readonly string[]): AnalyzeOptions {
  const { values, positionals } = parse(args);
  if (positionals.length === 0 && !values.help) throw usage('no path given', 'name log files or folders: precopy analyze hosts/');
  const [since, until] = [momentOf('--since', values.since), momentOf('--until', values.until)];
  if (since !== null && until !== null && since > until)
    throw usage('--since is later than --until', 'name the earlier time with --since');
  return {
    paths: positionals,
    settings: {
      hints: hintsOf(values.host ?? [], values.source ?? []),
      zones: zonesOf(values.timezone ?? []),
      since,
      until,
      limits: limitOptions(values.limit ?? []),
    },
    json: values.json,
    html: fileOf(values.html),
    allEvidence: values['all-evidence'],
    failOn: severityOf(values['fail-on']),
    color: values.color ?? null,
    width: widthOf(values.width),
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  return orUsage(
    () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, allowNegative: true }),
    'see precopy analyze --help',
  );
}

function usage(message: string, hint: string): AppError {
  return new AppError('usage', message, { hint });
}

function split(option: string, value: string): readonly [string, string] {
  const at = value.lastIndexOf('=');
  if (at <= 0 || at === value.length - 1)
    throw usage(`${option} ${value}: not of the form PATTERN=VALUE`, `for example ${option} '*/a/*=kvm-a'`);
  return [value.slice(0, at), value.slice(at + 1)];
}

function hintsOf(hosts: readonly string[], sources: readonly string[]): Hints {
  const hostHints = hosts.map((value): Hint => {
    const [pattern, name] = split('--host', value);
    return { pattern: hintPattern(pattern), value: name };
  });
  const sourceHints = sources.map((value) => {
    const [pattern, kind] = split('--source', value);
    const source = SOURCES.find((known) => known === kind);
    if (source === undefined) throw usage(`--source ${value}: no such kind ${kind}`, `kinds are ${SOURCES.join(', ')}`);
    return { pattern: hintPattern(pattern), value: source satisfies Source };
  });
  return { hosts: hostHints, sources: sourceHints };
}

function zonesOf(values: readonly string[]): ZoneSettings {
  const hosts = new Map<string, Zone>();
  let all: Zone | null = null;
  for (const value of values) {
    const [, host, name = ''] = /^(?:(.+)=)?([^=]+)$/.exec(value) ?? [];
    const zone = zoneNamed(name);
    if (zone === null)
      throw usage(`--timezone ${value}: no such time zone`, 'name one like Europe/Berlin, or an offset like UTC+5:30');
    if (host === undefined) all = zone;
    else hosts.set(host, zone);
  }
  return { all, hosts };
}

function momentOf(option: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  const moment = momentNamed(value);
  if (moment === null)
    throw usage(`${option} ${value}: not a time`, 'write it as 2026-11-23T04:00 (UTC) or 2026-11-23T05:00+01:00');
  return moment;
}

function fileOf(path: string | undefined): string | null {
  if (path === '' || path === '-') throw usage(`--html ${path}: not a file`, 'name a file: --html incident.html');
  return path ?? null;
}

function severityOf(value: string): Severity {
  const severity = SEVERITIES.find((known) => known === value);
  if (severity === undefined) throw usage(`--fail-on ${value}: no such severity`, `severities are ${SEVERITIES.join(', ')}`);
  return severity;
}

function widthOf(value: string | undefined): number | null {
  if (value === undefined) return null;
  const width = Number(value);
  if (!Number.isInteger(width) || width < 40 || width > 1000)
    throw usage(`--width ${value}: not a number of columns`, 'a whole number from 40 to 1000');
  return width;
}
