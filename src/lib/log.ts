import type { Writable } from 'node:stream';
import { pino, type DestinationStream } from 'pino';

/** How much is said: `error`: something is lost or somebody must act; `warn`: worse than it should be, and recovered; `info`: lifecycle; `debug`: once a batch. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a message is about; `error` takes an Error whole. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Tells what the program does. Messages are constant and in lower case, what varies stands in the fields. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** The same log with fields that every line has. */
  with(fields: LogFields): Log;
}

/** Where a log goes, and how much of it. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go, a file descriptor or a stream; standard error by default. */
  readonly destination?: Writable | number;
  /** One line for people instead of JSON; by default where a terminal shows standard error. */
  readonly pretty?: boolean;
}

const STANDARD_ERROR = 2;

/** Bytes kept while nothing can be written; what comes then is lost. */
const MOST_UNWRITTEN = 1 << 20;

/**
 * A log of JSON lines (`time` in ISO 8601, `level` as a word), or of readable lines on a terminal. Lines are written at once, so
 * that none is lost when the process dies. Where they cannot be written (the disk is full), some are kept for later: that must
 * not end the process.
 */
export function createLog({ level, destination = STANDARD_ERROR, pretty }: LogOptions): Log {
  const target: DestinationStream = typeof destination === 'number' ? descriptor(destination) : destination;
  const readable = pretty ?? (destination === STANDARD_ERROR && process.stderr.isTTY);
  return wrapped(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
      },
      readable ? prettyLines(target) : target,
    ),
  );
}

function descriptor(fd: number): DestinationStream {
  const target = pino.destination({ dest: fd, sync: true, maxLength: MOST_UNWRITTEN });
  target.on('error', () => {});
  return target;
}

/** What a log needs of pino. */
type Backend = ReturnType<typeof pino>;

function wrapped(backend: Backend): Log {
  return {
    debug: (fields, message) => backend.debug(fields, message),
    info: (fields, message) => backend.info(fields, message),
    warn: (fields, message) => backend.warn(fields, message),
    error: (fields, message) => backend.error(fields, message),
    with: (fields) => wrapped(backend.child(fields)),
  };
}

function prettyLines(target: DestinationStream): DestinationStream {
  return { write: (line: string) => target.write(prettyLine(line)) };
}

const SIGNS: Readonly<Record<string, string>> = {
  debug: '\x1b[2mdebug\x1b[0m',
  info: '\x1b[36minfo \x1b[0m',
  warn: '\x1b[33mwarn \x1b[0m',
  error: '\x1b[31merror\x1b[0m',
};

/** `09:41:12.345 info  consumer assigned  topic=records partition=0` */
function prettyLine(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const shown = Object.entries(fields).map(([key, value]) => `  ${key}=${shownValue(value)}`);
  return `${String(time).slice(11, 23)} ${SIGNS[String(level)] ?? String(level)} ${inert(String(msg))}${shown.join('')}\n`;
}

function shownValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : inert(JSON.stringify(value));
  if (typeof value === 'object' && value !== null && 'stack' in value && 'message' in value) {
    return inert(JSON.stringify('code' in value ? `${String(value.code)}: ${String(value.message)}` : value.message));
  }
  return inert(JSON.stringify(value) ?? String(value));
}

/** Text that a terminal shows and does not obey. */
function inert(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}
