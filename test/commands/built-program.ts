import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

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
  /** `running`, or its status, or the signal that ended it. */
  state(): 'running' | number | string;
}

/** The program as a user has it, built for one test file: other tests build their own at the same time. */
export interface BuiltProgram {
  run(args: readonly string[], options?: { readonly shell?: string }): Ran;
  start(args: readonly string[]): Started;
  /** Ends what still runs, and removes the program. */
  remove(): void;
}

/** Builds it below node_modules, where it finds the packages that it needs. */
export function builtProgram(): BuiltProgram {
  mkdirSync('node_modules/.cache', { recursive: true });
  const folder = mkdtempSync(resolve('node_modules/.cache/precopy-'));
  execFileSync(process.execPath, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--outDir',
    join(folder, 'dist'),
  ]);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', version: '0.0.0' }));
  for (const name of ['schema', 'docs']) symlinkSync(resolve(name), join(folder, name));
  const program = join(folder, 'dist/cli.js');
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
      let state: 'running' | number | string = 'running';
      child.once('close', (status, signal) => {
        running.delete(child);
        state = status ?? signal ?? 'gone';
      });
      return { child, printed: () => out, complained: () => err, state: () => state };
    },
    remove() {
      for (const child of running) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
