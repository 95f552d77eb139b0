import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

/** How a run of the program ended. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs, and what it has printed so far. */
export interface Started {
  readonly child: ChildProcess;
  printed(): string;
  complained(): string;
  /** `null` while it runs, then its status, or the signal that ended it. */
  state(): number | string | null;
}

/** The program as a user has it. */
export interface BuiltProgram {
  run(args: readonly string[], options?: { readonly shell?: string }): Ran;
  start(args: readonly string[]): Started;
  /** Ends what still runs. */
  endAll(): void;
}

/** The program that was built for all suites. */
export function builtProgram(): BuiltProgram {
  const program = 'dist/cli.js';
  const env = { ...process.env, NO_COLOR: '1' };
  const running = new Set<ChildProcess>();
  return {
    run(args, { shell } = {}) {
      const [command, all] =
        shell === undefined
          ? [process.execPath, [program, ...args]]
          : ['bash', ['-c', shell, process.execPath, program, ...args]];
      const { status, stdout, stderr } = spawnSync(command, all, { encoding: 'utf8', env, maxBuffer: 1 << 27 });
      return { status, stdout, stderr };
    },
    start(args) {
      const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      running.add(child);
      let out = '';
      let err = '';
      child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString('utf8')));
      child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString('utf8')));
      let state: number | string | null = null;
      child.once('close', (status, signal) => {
        running.delete(child);
        state = status ?? signal ?? 'gone';
      });
      return { child, printed: () => out, complained: () => err, state: () => state };
    },
    endAll() {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}
