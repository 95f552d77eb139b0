import { closeSync, constants, fstatSync, fsyncSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

// A program of its own, for any of these calls may never return: a process that hangs harms nobody, a thread of ours would.

/** What the program is asked, one JSON object a line on its standard input. */
export interface PoolQuestion {
  /** Folder with the heartbeat files. */
  readonly folder: string;
  /** File of our own to write and sync first; `null`: none. */
  readonly write: string | null;
}

/** One heartbeat file. */
export interface HeartbeatFile {
  readonly name: string;
  /** What the writer put into it, Unix ms by the writer's clock; the time of the last change where it holds no number. */
  readonly writtenAt: number;
}

/** What it answers, one JSON object a line on its standard output: of a write first, then of the files. */
export type PoolAnswer =
  | { readonly kind: 'written'; readonly latencyMs: number; readonly error: string | null }
  | {
      readonly kind: 'files';
      readonly files: readonly HeartbeatFile[];
      readonly error: string | null;
      readonly missing: boolean;
    };

/** Hosts of a CloudStack cluster are few; a folder of something else must not fill the memory. */
const MAX_FILES = 1000;
const STDIN = 0;
const STDOUT = 1;

function serve(): void {
  const input = Buffer.alloc(16_384);
  let asked = '';
  for (let read = readSync(STDIN, input); read > 0; read = readSync(STDIN, input)) {
    asked += input.toString('utf8', 0, read);
    const lines = asked.split('\n');
    asked = lines.pop() ?? '';
    for (const line of lines) answer(JSON.parse(line) as PoolQuestion);
  }
}

function answer({ folder, write }: PoolQuestion): void {
  if (write !== null) tell(timedWrite(write));
  tell(filesOf(folder));
}

function tell(answered: PoolAnswer): void {
  writeSync(STDOUT, `${JSON.stringify(answered)}\n`);
}

function timedWrite(path: string): PoolAnswer {
  const began = performance.now();
  const latency = (): number => Math.round(performance.now() - began);
  try {
    // never through a link: the folder is shared with other hosts
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    try {
      writeSync(file, `${Math.floor(Date.now() / 1000)}\n`, 0);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return { kind: 'written', latencyMs: latency(), error: null };
  } catch (error) {
    return { kind: 'written', latencyMs: latency(), error: textOf(error) };
  }
}

function filesOf(folder: string): PoolAnswer {
  try {
    const names = readdirSync(folder).filter((name) => name.startsWith('hb-'));
    return {
      kind: 'files',
      files: names.slice(0, MAX_FILES).flatMap((name) => fileOf(folder, name)),
      error: null,
      missing: false,
    };
  } catch (error) {
    return { kind: 'files', files: [], error: textOf(error), missing: (error as NodeJS.ErrnoException).code === 'ENOENT' };
  }
}

function fileOf(folder: string, name: string): readonly HeartbeatFile[] {
  let file: number;
  try {
    file = openSync(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    // a host that was removed meanwhile
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const text = Buffer.alloc(32);
    const seconds = /^(\d{9,11})\s*$/.exec(text.toString('latin1', 0, readSync(file, text)))?.[1];
    return [{ name, writtenAt: seconds === undefined ? Math.round(fstatSync(file).mtimeMs) : Number(seconds) * 1000 }];
  } finally {
    closeSync(file);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

serve();
