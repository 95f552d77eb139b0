import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The children's programs, built: Node 20 cannot run TypeScript. */
export interface Programs {
  start(name: 'producer-child' | 'consumer-child' | 'kafka-consumer-child', args: readonly string[]): Child;
  remove(): void;
}

/** A program that runs beside the test. */
export interface Child {
  /** Whole lines that it has printed. */
  readonly lines: readonly string[];
  /** What it said on standard error. */
  complaints(): string;
  /** Ends it at once, as `kill -9`; resolves with the moment just before, on the monotonic clock in ns. */
  kill(): Promise<bigint>;
  /** Asks it to stop; resolves with its status. */
  stop(): Promise<number | null>;
}

/** Builds them into a folder from which packages resolve. */
export function buildPrograms(): Programs {
  const cache = resolve('node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'precopy-stream-'));
  const config = join(folder, 'tsconfig.json');
  const compilerOptions = { noEmit: false, rewriteRelativeImportExtensions: true, rootDir: resolve('.'), outDir: folder };
  const include = [resolve('test/stream/*-child.ts')];
  writeFileSync(config, JSON.stringify({ extends: resolve('tsconfig.json'), compilerOptions, include, exclude: [] }));
  // the packages' types are found beside tsconfig.json, not beside this one
  execFileSync('npx', ['tsc', '-p', config, '--typeRoots', resolve('node_modules/@types')]);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return {
    start: (name, args) => startChild([join(folder, `test/stream/${name}.js`), ...args]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function startChild(args: readonly string[]): Child {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let rest = '';
  let complaints = '';
  child.stdout.on('data', (piece: Buffer) => {
    const parts = (rest + piece.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  child.stderr.on('data', (piece: Buffer) => {
    complaints += piece.toString();
  });
  const closed = closing(child);
  return {
    lines,
    complaints: () => complaints,
    async kill() {
      const at = process.hrtime.bigint();
      child.kill('SIGKILL');
      await closed;
      return at;
    },
    async stop() {
      child.stdin.write('stop\n');
      return closed;
    },
  };
}

function closing(child: ChildProcess): Promise<number | null> {
  return new Promise((resolved, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolved(status));
  });
}
