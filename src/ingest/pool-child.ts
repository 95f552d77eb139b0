import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PoolAnswer, PoolQuestion } from './pool-probe.ts';

/** `pool-probe` as a process. */
export interface PoolChild {
  ask(question: PoolQuestion): void;
  /** The next answer; `late` where it takes longer, `ended` where the process is gone. */
  next(withinMs: number): Promise<PoolAnswer | 'late' | 'ended'>;
  /** Why the process is gone, in words. */
  end(): string;
  /** Lets an idle process end, and kills one at work. A process that hangs in the kernel ends when the kernel lets it; nobody waits. */
  stop(): Promise<void>;
}

/** An idle process ends within moments of the end of its input. */
const EXIT_MS = 1000;

/** Starts the program; where it cannot be started, `next` says that it ended. */
export function startPoolChild(node: string, entry: URL): PoolChild {
  const child = spawn(node, [fileURLToPath(entry)], { stdio: ['pipe', 'pipe', 'ignore'] });
  const answers: PoolAnswer[] = [];
  let end: string | null = null;
  let wake = (): void => undefined;
  let stopped = false;

  function ended(why: string): void {
    end ??= why;
    wake();
  }

  child.on('error', (error) => ended(error.message));
  child.on('exit', (status, signal) => ended(signal === null ? `status ${status}` : `signal ${signal}`));
  // of a process that is gone; `exit` tells of it
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    answers.push(JSON.parse(line) as PoolAnswer);
    wake();
  });

  /** Resolves at the next answer or the end, or when the time is over. */
  function stirred(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    ask: (question) => void child.stdin.write(`${JSON.stringify(question)}\n`),
    async next(withinMs) {
      if (answers.length === 0 && end === null && !stopped) await stirred(withinMs);
      return answers.shift() ?? (end === null ? 'late' : 'ended');
    },
    end: () => end ?? 'it runs',
    async stop() {
      stopped = true;
      // whoever waits for an answer waits no longer
      wake();
      child.stdin.end();
      if (end === null) await stirred(EXIT_MS);
      if (end === null) child.kill('SIGKILL');
      lines.close();
      child.stdout.destroy();
      child.unref();
    },
  };
}
