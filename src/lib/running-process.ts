import { readFileSync, readlinkSync } from 'node:fs';

/** A process as others on the machine can look for it, also after it has ended and its number is another's. */
export interface RunningProcess {
  readonly pid: number;
  /** When it began, in the kernel's own count; empty where the machine does not tell. */
  readonly startedAt: string;
  /** The boot of the machine; empty where it does not tell. */
  readonly boot: string;
  /** Within what process numbers are one sequence: a container has its own. */
  readonly numbering: string;
}

/** This process. */
export function thisProcess(): RunningProcess {
  const pid = process.pid;
  return { pid, startedAt: statOf(pid)?.startedAt ?? '', boot: bootOfMachine(), numbering: numberingOfMachine() };
}

/** Whether it has certainly ended. `false` says nothing about a process in another container. */
export function hasEnded({ pid, startedAt, boot, numbering }: RunningProcess): boolean {
  if (boot !== bootOfMachine()) return true;
  if (numbering !== numberingOfMachine()) return false;
  const stat = statOf(pid);
  if (stat !== null) return stat.ended || (startedAt !== '' && stat.startedAt !== startedAt);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** proc_pid_stat(5): the state is the first field behind the name in parentheses, the start (clock ticks since boot) the 20th. */
function statOf(pid: number): { readonly ended: boolean; readonly startedAt: string } | null {
  const text = contentOf(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { ended: fields[0] === 'Z' || fields[0] === 'X', startedAt: fields[19] ?? '' };
}

function bootOfMachine(): string {
  return contentOf('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

function numberingOfMachine(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
