import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { programEnvironment, signalGroup } from '../lib/processes.ts';
import type { Program } from './child.ts';

/** virsh's prompt; with readline it stands before each command, and the command is repeated behind it. */
const PROMPT = /^(?:virsh [#>] )+/gm;
/** Statistics of one VM have 2 KiB, names of a thousand VMs 20 KiB. */
const MAX_ANSWER_CHARS = 1 << 20;
/** Errors come through a pipe of their own; they were written before the end of the answer, and are read at once. */
const ERRORS_MS = 100;

/** What virsh answered. */
export type VirshAnswer =
  | { readonly kind: 'answered'; readonly text: string; readonly errorText: string }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'missing' }
  /** It ended, or answered endlessly. */
  | { readonly kind: 'ended'; readonly problem: string };

/** One virsh that takes command after command: one connection, not a process and a connection for each. */
export interface VirshSession {
  /** Runs a command. One that does not answer in time costs the process: the next command starts another. Never rejects. */
  ask(command: string, timeoutMs: number): Promise<VirshAnswer>;
  close(): void;
}

type Shell = ChildProcessByStdio<Writable, Readable, Readable>;

/** What a running virsh said since the last command. */
interface Conversation {
  readonly shell: Shell;
  out: string;
  errors: string;
  gone: 'missing' | 'ended' | null;
  /** Called when there is more. */
  heard(): void;
}

/** See `VirshSession`; ask one at a time. */
export function createVirshSession(program: Program): VirshSession {
  let current: Conversation | null = null;
  let asked = 0;
  let isClosed = false;

  function end(): void {
    if (current === null) return;
    const { shell } = current;
    if (shell.pid !== undefined) signalGroup(shell.pid, 'SIGKILL');
    for (const pipe of [shell.stdin, shell.stdout, shell.stderr]) pipe.destroy();
    current = null;
  }

  return {
    async ask(command, timeoutMs) {
      if (isClosed) return { kind: 'ended', problem: 'closed' };
      if (current === null || current.gone !== null) current = open(program);
      const talk = current;
      asked += 1;
      const [begin, ending] = [`<${asked}>`, `</${asked}>`];
      talk.out = '';
      talk.errors = '';
      talk.shell.stdin.write(`echo ${quoted(begin)}\n${command}\necho --err ${quoted(ending)}\necho ${quoted(ending)}\n`);
      const isThere = await heardWithin(
        talk,
        timeoutMs,
        () => talk.out.includes(ending) || talk.gone !== null || isTooLong(talk),
      );
      if (!isThere) {
        end();
        return { kind: 'timed-out' };
      }
      if (talk.gone === 'missing') return { kind: 'missing' };
      if (talk.gone === 'ended') return { kind: 'ended', problem: textOfErrors(talk.errors) || 'virsh ended' };
      if (!talk.out.includes(ending)) {
        end();
        return { kind: 'ended', problem: `virsh answered \`${command}\` with more than ${MAX_ANSWER_CHARS} characters` };
      }
      await heardWithin(talk, ERRORS_MS, () => talk.errors.includes(ending));
      return {
        kind: 'answered',
        text: answerIn(talk.out, { command, begin, end: ending }),
        errorText: textOfErrors(talk.errors),
      };
    },
    close() {
      isClosed = true;
      end();
    },
  };
}

/** One word of a virsh command; its shell has the quotes of a POSIX shell. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function open({ command, args }: Program): Conversation {
  // virsh would write its history of commands, and complains that it cannot only when it ends
  const env = { ...programEnvironment(), XDG_CACHE_HOME: '/dev/null' };
  const shell = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
  const talk: Conversation = { shell, out: '', errors: '', gone: null, heard: () => undefined };
  const end = (how: 'missing' | 'ended'): void => {
    talk.gone ??= how;
    talk.heard();
  };
  shell.once('error', (error) => end('code' in error && error.code === 'ENOENT' ? 'missing' : 'ended'));
  shell.once('close', () => end('ended'));
  // a virsh that is gone does not read: its end is what tells
  shell.stdin.on('error', () => undefined);
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    talk.out += text;
    talk.heard();
  });
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    talk.errors += text;
    talk.heard();
  });
  return talk;
}

function heardWithin(talk: Conversation, withinMs: number, isEnough: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (result: boolean): void => {
      clearTimeout(timer);
      talk.heard = () => undefined;
      resolve(result);
    };
    const timer = setTimeout(() => done(isEnough()), withinMs);
    talk.heard = () => isEnough() && done(true);
    talk.heard();
  });
}

function isTooLong({ out, errors }: Conversation): boolean {
  return out.length > MAX_ANSWER_CHARS || errors.length > MAX_ANSWER_CHARS;
}

interface Asked {
  readonly command: string;
  readonly begin: string;
  readonly end: string;
}

/** What stands between the marks, without prompts and without the commands that readline repeats. */
function answerIn(out: string, { command, begin, end }: Asked): string {
  const before = out.slice(0, out.indexOf(end));
  const answer = before
    .slice(before.lastIndexOf(begin) + begin.length)
    .replace(/^\n/, '')
    .replace(PROMPT, '');
  return (answer.startsWith(`${command}\n`) ? answer.slice(command.length + 1) : answer).replace(/echo --err '$/, '');
}

function textOfErrors(errors: string): string {
  return errors
    .split('\n')
    .filter((line) => line !== '' && !/^error: <\/\d+>$/.test(line))
    .join('\n');
}
