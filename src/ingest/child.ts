import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { programEnvironment, signalGroup } from '../lib/processes.ts';

/** A program and where it comes from. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Its package in Debian, which a person without the program is told to install. */
  readonly debianPackage: string;
}

/** What happens to a program that is kept running. */
export interface Supervision extends Program {
  /** A run begins. */
  onStart?(pid: number): void;
  /** What it printed. Nothing more is read before it resolves; where it rejects, the program is ended and started anew. */
  onOutput(bytes: Uint8Array): Promise<void>;
  /** A line of its standard error, cut at 1,000 characters. */
  onErrorLine?(line: string): void;
  /** A run is over and all that it printed was taken. */
  onEnd?(): Promise<void>;
  /** Told of each run that lasts, of each that ended by itself, and once of a program that is not there. */
  report(state: 'running' | 'missing' | 'failing', problem: string | null): void;
  readonly pauses?: Partial<Pauses>;
}

/** How long to wait for what, ms. */
export interface Pauses {
  /** Before a program that ended is started again; doubles from one time to the next. */
  readonly restartMs: number;
  readonly longestRestartMs: number;
  /** A program that ran this long is sound: the next wait is the shortest again. */
  readonly steadyMs: number;
  /** Until a program that is missing is looked for again. */
  readonly missingMs: number;
  /** A program that has run this long is said to be running. */
  readonly settledMs: number;
  /** From SIGTERM to SIGKILL, and from there until it is given up. */
  readonly killMs: number;
}

const PAUSES: Pauses = {
  restartMs: 1000,
  longestRestartMs: 60_000,
  steadyMs: 60_000,
  missingMs: 60_000,
  settledMs: 1000,
  killMs: 2000,
};

/** A program that is kept running. */
export interface SupervisedChild {
  /** Resolves when it first runs, or is known to be missing. */
  readonly started: Promise<void>;
  /** The process that runs now. */
  pid(): number | null;
  /** SIGTERM, after 2 s SIGKILL; resolves when it is gone and all that it printed was taken. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Keeps a program running: starts it anew when it ends, looks again for one that is missing, and reads no faster than its output
 * is taken. It runs in a process group of its own, so that Ctrl-C in a terminal reaches only us, and its children end with it.
 */
export function superviseChild(supervision: Supervision): SupervisedChild {
  const pauses = { ...PAUSES, ...supervision.pauses };
  const stopping = new AbortController();
  let begun = (): void => undefined;
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let current: ChildProcess | null = null;
  let stopped: Promise<void> | null = null;

  async function keepRunning(): Promise<void> {
    for (let waitMs = pauses.restartMs; !stopping.signal.aborted;) {
      const begunAt = performance.now();
      current = start(supervision);
      const end = await runToEnd(current, { supervision, pauses, begun });
      current = null;
      if (stopping.signal.aborted) return;
      if (end.kind === 'missing') supervision.report('missing', missingText(supervision));
      else supervision.report('failing', end.text);
      if (performance.now() - begunAt >= pauses.steadyMs) waitMs = pauses.restartMs;
      await pause(end.kind === 'missing' ? pauses.missingMs : waitMs, null, { signal: stopping.signal }).catch(() => null);
      if (end.kind !== 'missing') waitMs = Math.min(waitMs * 2, pauses.longestRestartMs);
    }
  }

  const kept = keepRunning();
  return {
    started,
    pid: () => current?.pid ?? null,
    stop() {
      stopping.abort();
      stopped ??= endProcess(current, pauses.killMs).then((gone) => (gone ? kept : undefined));
      return stopped;
    },
  };
}

/** How a program that runs once ended. */
export type OneRun =
  | { readonly kind: 'done'; readonly code: number; readonly output: Buffer; readonly errorText: string }
  | { readonly kind: 'missing'; readonly problem: string }
  /** It did not end in time and was killed. */
  | { readonly kind: 'timed-out'; readonly problem: string }
  /** It ended on a signal, printed too much, or could not be started. */
  | { readonly kind: 'failed'; readonly problem: string };

/** A program to run once, and its bounds. */
export interface OneShot extends Program {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Kills it, as a time-out does. */
  readonly signal?: AbortSignal;
}

/** Runs a program once. Resolves after `timeoutMs` at the latest, even if the kernel does not let the program die; never rejects. */
export async function runOnce(shot: OneShot): Promise<OneRun> {
  const child = start(shot);
  const stop = new AbortController();
  const signals = shot.signal === undefined ? [stop.signal] : [stop.signal, shot.signal];
  const late = pause(shot.timeoutMs, null, { signal: AbortSignal.any(signals) }).then(
    () => true,
    () => shot.signal?.aborted === true,
  );
  const finished = finish(child, shot);
  const run = await Promise.race([finished, late.then((isLate) => (isLate ? null : finished))]);
  stop.abort();
  if (run !== null) return run;
  abandon(child);
  return { kind: 'timed-out', problem: `${lineOf(shot)} gave no answer within ${shot.timeoutMs} ms` };
}

async function finish(child: ChildProcess, shot: OneShot): Promise<OneRun> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const errors: string[] = [];
  const [end] = await Promise.all([
    endOf(child),
    readAll(child.stdout, (part) => {
      bytes += part.length;
      if (bytes > shot.maxBytes) abandon(child);
      else parts.push(part);
      return Promise.resolve();
    }),
    readLines(child.stderr, (line) => void (errors.length < 100 && errors.push(line))),
  ]);
  const errorText = errors.join('\n');
  if (end.kind === 'missing') return { kind: 'missing', problem: missingText(shot) };
  if (bytes > shot.maxBytes) return { kind: 'failed', problem: `${lineOf(shot)} printed more than ${shot.maxBytes} bytes` };
  if (end.code === null) return { kind: 'failed', problem: `${lineOf(shot)} ${end.text}` };
  return { kind: 'done', code: end.code, output: Buffer.concat(parts), errorText };
}

interface End {
  readonly kind: 'missing' | 'ended';
  /** Exit code; `null` where a signal or an error ended it. */
  readonly code: number | null;
  readonly text: string;
}

function start({ command, args }: Program): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: programEnvironment() });
}

interface Running {
  readonly supervision: Supervision;
  readonly pauses: Pauses;
  begun(): void;
}

async function runToEnd(child: ChildProcess, { supervision, pauses, begun }: Running): Promise<End> {
  let lastError = '';
  let problem: string | null = null;
  const settled = setTimeout(() => supervision.report('running', null), pauses.settledMs);
  const ended = endOf(child).finally(() => clearTimeout(settled));
  if (child.pid !== undefined) supervision.onStart?.(child.pid);
  begun();
  const output = readAll(child.stdout, supervision.onOutput).catch((error: unknown) => {
    problem = error instanceof Error ? error.message : String(error);
    void endProcess(child, pauses.killMs);
  });
  const errors = readLines(child.stderr, (line) => {
    lastError = line.trim() === '' ? lastError : line;
    supervision.onErrorLine?.(line);
  });
  const [end] = await Promise.all([ended, output, errors]);
  if (end.kind === 'ended') await supervision.onEnd?.();
  if (problem !== null) return { ...end, text: `what ${supervision.command} printed could not be passed on: ${String(problem)}` };
  return { ...end, text: `${lineOf(supervision)} ${end.text}${lastError === '' ? '' : `: ${lastError}`}` };
}

/** Resolves when the process is gone. What is left of its group goes too: it would hold the pipes open. */
async function endOf(child: ChildProcess): Promise<End> {
  const { pid } = child;
  if (pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve));
    if (error.code === 'ENOENT') return { kind: 'missing', code: null, text: 'is not installed' };
    return { kind: 'ended', code: null, text: `could not be started (${error.code ?? error.message})` };
  }
  const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('exit', (...how) => resolve(how)),
  );
  signalGroup(pid, 'SIGKILL');
  return { kind: 'ended', code, text: code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}` };
}

async function readAll(stream: Readable | null, take: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  if (stream === null) return;
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) await take(bytes);
  } catch (error) {
    // we closed the pipe ourselves
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
  }
}

const MAX_ERROR_CHARS = 1000;

async function readLines(stream: Readable | null, take: (line: string) => void): Promise<void> {
  let rest = '';
  await readAll(stream, (bytes) => {
    const lines = (rest + Buffer.from(bytes).toString('utf8')).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_ERROR_CHARS);
    for (const line of lines) take(line.slice(0, MAX_ERROR_CHARS));
    return Promise.resolve();
  });
  if (rest !== '') take(rest);
}

/** SIGTERM, SIGKILL, and at last only letting go of it: the kernel holds a process that waits for storage. */
async function endProcess(child: ChildProcess | null, killMs: number): Promise<boolean> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return true;
  signalGroup(child.pid, 'SIGTERM');
  if (await isGone(child, killMs)) return true;
  signalGroup(child.pid, 'SIGKILL');
  if (await isGone(child, killMs)) return true;
  abandon(child);
  return false;
}

async function isGone(child: ChildProcess, withinMs: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  const done = new AbortController();
  const gone = once(child, 'exit', { signal: done.signal }).then(
    () => true,
    () => false,
  );
  const result = await Promise.race([gone, pause(withinMs, false, { signal: done.signal })]);
  done.abort();
  return result;
}

function abandon(child: ChildProcess): void {
  if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

function lineOf({ command, args }: Program): string {
  return `\`${[command, ...args].join(' ')}\``;
}

function missingText({ command, debianPackage }: Program): string {
  return `${command} is not installed: apt-get install ${debianPackage}`;
}
