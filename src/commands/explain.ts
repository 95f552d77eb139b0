import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { detectors } from '../detectors/index.ts';
import type { Detector } from '../detectors/detector.ts';
import { AppError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { SOURCES, type Source } from '../model/source.ts';
import { explainText } from '../parsers/explain.ts';
import { parsers } from '../parsers/index.ts';
import { explanationDocument, explanationReport } from '../reports/explanation.ts';
import { runbookDocument, runbookReport } from '../reports/runbook.ts';
import type { Sheet } from '../reports/sheet.ts';
import type { Terminal } from './analyze.ts';
import { orUsage } from './command-line.ts';

const HELP = `precopy explain LINE | -     what Precopy makes of a line of a log, or why nothing
precopy explain DETECTOR     what a finding means, and what to do about it

LINE is a record as the program printed it, in quotes; - reads lines of one
program from standard input. DETECTOR is the name of a finding:
cpu-incompatible, not-converging …

  --source KIND   the lines are of this program; else of the one that the first
                  of them looks like: ${SOURCES.slice(0, 3).join(', ')},
                  ${SOURCES.slice(3, 8).join(', ')} …
  --vm NAME       the lines are of a file about this VM
  --json          a document (precopy/explain@1) instead

Exit status: 0 every record can be read, 1 one cannot, 2 bad usage.
`;

const OPTIONS = {
  source: { type: 'string' },
  vm: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Columns: where nothing says how many there are, and at most. */
const WIDTH = 80;
const MOST_COLUMNS = 116;

/** A log may be piped in whole; its explanation is for people. */
const MOST_CHARS = 4 << 20;

/**
 * `precopy explain`: what becomes of a line, or what a finding means; returns the exit status.
 *
 * @throws AppError `usage`, `no-input`.
 */
export async function explain(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const sheet: Sheet = { width: Math.min(MOST_COLUMNS, terminal.width ?? WIDTH), color: terminal.color };
  const asked = positionals.join(' ');
  if (asked === '') throw usage('nothing to explain', 'give a line in quotes, - for standard input, or the name of a finding');
  const detector = detectorNamed(asked);
  if (detector !== null) {
    const runbook = runbookOf(detector);
    terminal.out(values.json ? json(runbookDocument(detector, runbook)) : runbookReport(detector, runbook, sheet));
    return 0;
  }
  const text = asked === '-' ? await textOf(terminal) : asked;
  const explanations = explainText(parsers, text, { source: sourceNamed(values.source), vm: values.vm ?? null });
  terminal.out(values.json ? json(explanationDocument(explanations)) : explanationReport(explanations, parsers, sheet));
  return Number(explanations.some(({ outcome }) => outcome === 'no-header' || outcome === 'rejected'));
}

function parse(args: readonly string[]) {
  return orUsage(
    () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
    'put a line in quotes; see precopy explain --help',
  );
}

function usage(message: string, hint: string): AppError {
  return new AppError('usage', message, { hint });
}

/** The detector of this name; `null` for what is a line. One word that looks like a name has to be one. */
function detectorNamed(asked: string): Detector | null {
  const detector = detectors.find(({ id }) => id === asked);
  if (detector !== undefined || !/^[a-z]+(?:-[a-z]+)+$/.test(asked)) return detector ?? null;
  const ids = detectors.map(({ id }) => id);
  const meant = nearest(asked, ids);
  throw usage(`no such finding: ${asked}`, meant === null ? `there are ${ids.join(', ')}` : `did you mean ${meant}?`);
}

function sourceNamed(name: string | undefined): Source | null {
  if (name === undefined) return null;
  const kinds = parsers.map(({ source }) => source);
  const source = kinds.find((kind) => kind === name);
  if (source === undefined) throw usage(`--source ${name}: no such kind`, `kinds are ${kinds.join(', ')}`);
  return source;
}

/** Runbooks come with the program. */
function runbookOf({ id }: Detector): string {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  return readFileSync(join(root, 'docs', 'detectors', `${id}.md`), 'utf8');
}

async function textOf({ stdin }: Terminal): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MOST_CHARS) throw usage('too much to explain line by line', 'a whole log is for precopy analyze');
  }
  text += decoder.decode();
  if (text.trim() === '')
    throw new AppError('no-input', 'standard input is empty', {
      hint: "pipe lines into it: grep 'Migration' agent.log | precopy explain -",
    });
  return text;
}

function json(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
