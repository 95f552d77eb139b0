import type { FileContext, Source } from '../model/source.ts';
import type { Parser } from '../parsers/parser.ts';
import { VM_NAME } from '../parsers/text.ts';

/** What the user says of files that cannot tell it themselves. */
export interface Hints {
  readonly hosts: readonly Hint[];
  readonly sources: readonly { readonly pattern: RegExp; readonly value: Source }[];
}

/** A host's name for the paths that match. */
export interface Hint {
  readonly pattern: RegExp;
  readonly value: string;
}

/** `.gz`, a date or a number behind a log's name. */
const ROTATION = /(?:[.-]\d{4}-?\d{2}-?\d{2}(?:-\d+)?|\.\d{1,3})?(?:\.gz)?$/;

/** Folder names that say nothing about a host. */
const GENERIC = new Set([
  '',
  '.',
  'log',
  'logs',
  'var',
  'tmp',
  'agent',
  'cloudstack',
  'libvirt',
  'qemu',
  'management',
  'home',
  'root',
  'data',
  'hosts',
  'mnt',
  'work',
  'src',
  'opt',
]);

/** The path without its rotation suffix and compression. */
export function unrotated(path: string): string {
  return path.replace(ROTATION, '');
}

/** The glob of a hint: `*` within a name, `**` across folders; it may match any tail of the path. */
export function hintPattern(glob: string): RegExp {
  const body = glob.replace(/\*\*|\*|\?|[.+^${}()|[\]\\]/g, (part) => GLOB_PARTS[part] ?? `\\${part}`);
  return new RegExp(`(?:^|/)${body}$`);
}

const GLOB_PARTS: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };

/**
 * The host whose file this is, from its path: `hosts/HOST/…`, `HOST/var/log/…`, `sosreport-HOST-…/…`, `HOST-agent.log`,
 * `HOST-i-2-31-VM.log`, or a folder `switch` for what watched the network; `null` where the path does not say.
 */
export function hostOfPath(path: string): string | null {
  const parts = path.split('/');
  return (
    hostOfSosreport(parts) ??
    partAfter(parts, 'hosts') ??
    partBeforeVarLog(parts) ??
    (parts.slice(0, -1).includes('switch') ? 'switch' : hostOfName(parts))
  );
}

/** `sosreport-HOST-2026-11-23-abcdefg`, with a case number or a label between, or `sosreport-HOST-20261123…` of older releases. */
function hostOfSosreport(parts: readonly string[]): string | null {
  for (const part of parts) {
    const host = /^sosreport-(.+?)(?:[.-]\d{8,}.*|(?:-(?:case)?\d+)?-\d{4}-\d{2}-\d{2}-[a-z0-9]+)$/.exec(part)?.[1];
    if (host !== undefined) return host;
  }
  return null;
}

/** The folder below one of this name; not the file itself. */
function partAfter(parts: readonly string[], name: string): string | null {
  const at = parts.slice(0, -2).lastIndexOf(name);
  return at < 0 ? null : (parts[at + 1] ?? null);
}

function partBeforeVarLog(parts: readonly string[]): string | null {
  const at = parts.findLastIndex((part, i) => part === 'var' && parts[i + 1] === 'log');
  const before = parts[at - 1];
  return before === undefined || before === '' ? null : before;
}

function hostOfName(parts: readonly string[]): string | null {
  const name = unrotated(parts.at(-1) ?? '');
  const vm = instanceIn(name);
  if (vm !== null) return hostBefore(name.slice(0, vm.at));
  return /^(.+?)[-_.](?:agent|libvirtd|virtqemud|heartbeat|domjobinfo|sensors)\.(?:log|jsonl|txt)$/.exec(name)?.[1] ?? null;
}

/** The host that a file's name begins with, from what stands before the VM's name; `null` where that is no host. */
function hostBefore(prefix: string): string | null {
  const host = prefix
    .replace(/[-_.]+$/, '')
    .replace(/(?:^|[-_.]+)(?:qemu|libvirt|libvirtd|virtqemud|domjobinfo|sensors|tcpdump)$/, '');
  return GENERIC.has(host) ? null : host;
}

/** A CloudStack name within a file's name, and where it begins; `null` where there is none. */
function instanceIn(name: string): { readonly vm: string; readonly at: number } | null {
  // an underscore parts names in file names, not in text
  const match = VM_NAME.exec(name.replaceAll('_', '-'));
  return match === null ? null : { vm: match[0], at: match.index };
}

/** The nearest folder whose name could be a host's. */
function folderOf(path: string): string | null {
  const parts = path.split('/').slice(0, -1);
  const at = parts.findLastIndex((part) => !GENERIC.has(part));
  return at < 0 ? null : parts.slice(0, at + 1).join('/');
}

function hostOfFolder(path: string): string | null {
  return folderOf(path)?.split('/').at(-1) ?? null;
}

/** The folder that a file's host could be named after. */
export interface HostFolder {
  readonly folder: string;
  /** The host is known from the folder's name alone. */
  readonly guessed: boolean;
}

/** Whether a file's host is guessed from a folder; `null` where the path or the user tells it. */
export function hostFolderOf(
  file: { readonly path: string; readonly absolute: string },
  host: string,
  hints: Hints,
): HostFolder | null {
  if (hints.hosts.some(({ pattern }) => pattern.test(file.path)) || hostOfPath(file.absolute) !== null) return null;
  const folder = folderOf(file.absolute);
  return folder === null ? null : { folder, guessed: hostOfFolder(file.absolute) === host };
}

/** The host name that libvirt writes into its own logs, or each line of a system log has, from the first lines of one. */
function hostOfText(text: string, { source }: Parser): string | null {
  return /(?:, |: info : )hostname: (\S+)/.exec(text)?.[1] ?? (source === 'journal' ? hostOfJournal(text) : null);
}

/** The host that lines of a system log name, where it is one. */
function hostOfJournal(text: string): string | null {
  const lines = text.split('\n').slice(0, HEAD_LINES);
  const hosts = new Set(lines.map((line) => SYSLOG_HOST.exec(line)?.[1] ?? 'localhost'));
  hosts.delete('localhost');
  return hosts.size === 1 ? ([...hosts][0] ?? null) : null;
}

/** Behind the time, before the program. */
const SYSLOG_HOST = /^[^[\]]*\d\d:\d\d:\d\d\S*(?: [A-Z][\w+:-]*)? ([\w.-]+) [\w./-]+(?:\[\d+\])?: /;

/** The parser for a file, by its path where its lines bear that out, else by its first lines; `null` where no line reads like anything known. */
function parserFor(parsers: readonly Parser[], path: string, text: string): Parser | null {
  const lines = text.split('\n').slice(0, HEAD_LINES);
  const named = parsers.find((parser) => parser.paths.test(unrotated(path)) && lines.some((line) => beginsRecord(parser, line)));
  if (named !== undefined) return named;
  const scores = parsers.map((parser) => ({ parser, score: lines.filter((line) => parser.recognises.test(line)).length }));
  const best = scores.reduce((a, b) => (b.score > a.score ? b : a));
  return best.score > 0 ? best.parser : null;
}

/** Lines that are looked at to tell what a file is. */
const HEAD_LINES = 400;

function beginsRecord({ header }: Parser, line: string): boolean {
  header.lastIndex = 0;
  return line !== '' && header.test(line);
}

/** The VM whose name the file bears: a CloudStack name within the file's name, else for a QEMU log the whole name. */
export function vmOfPath(path: string, source: Source): string | null {
  const name = unrotated(path).split('/').at(-1) ?? '';
  return instanceIn(name)?.vm ?? (source === 'libvirt-qemu' ? (/^(.+)\.log$/.exec(name)?.[1] ?? null) : null);
}

/** The VM that the command line in a QEMU log names; libvirt quotes it where it has to, and doubles a comma in a name. */
export function vmOfCommand(text: string): string | null {
  const match = /(?:^|\s)-name (?:guest=((?:[^,\s'\\]|,,)+)|'guest=((?:[^,'\n]|,,)+))/.exec(text);
  return (match?.[1] ?? match?.[2])?.replaceAll(',,', ',') ?? null;
}

/** Everything that is known of a file before it is read. */
export interface Identity {
  readonly context: FileContext;
  readonly parser: Parser;
}

/** Names the file's host, program and VM; `null` where its format is unknown. */
export function identify(
  file: { readonly path: string; readonly absolute: string; readonly head: string },
  parsers: readonly Parser[],
  hints: Hints,
): Identity | null {
  const hinted = hints.sources.find(({ pattern }) => pattern.test(file.path))?.value;
  const parser =
    hinted === undefined ? parserFor(parsers, file.path, file.head) : (parsers.find(({ source }) => source === hinted) ?? null);
  if (parser === null) return null;
  const host =
    hints.hosts.find(({ pattern }) => pattern.test(file.path))?.value ??
    hostOfPath(file.absolute) ??
    hostOfText(file.head, parser) ??
    hostOfFolder(file.absolute) ??
    'unknown';
  const named = parser.source === 'libvirt-qemu' ? vmOfCommand(file.head) : null;
  const vm = named ?? vmOfPath(file.path, parser.source);
  return { context: { host, source: parser.source, path: file.path, vm }, parser };
}
