import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A running command of the built program. */
export interface Program {
  readonly pid: number;
  /** What it said on standard error so far, a JSON line each. */
  log(): string;
  /** `null` while it runs. */
  status(): number | string | null;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGKILL; resolves when it has gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its status. */
  stop(): Promise<number | string>;
  /** Memory that it holds, bytes; pages of files that are mapped count only in `withFiles`, for the kernel may take them back. */
  resident(): { readonly bytes: number; readonly withFiles: number };
}

/** Starts `dist/cli.js`; it is killed when the test ends. */
export function startProgram(command: 'up' | 'collect' | 'process', config: string): Program {
  const child = spawn(process.execPath, ['dist/cli.js', command, '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  let status: number | string | null = null;
  child.stderr.on('data', (piece: Buffer) => {
    log += piece.toString();
  });
  const ended = endOf(child).then((how) => (status = how));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} was not started`);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    pid,
    log: () => log,
    status: () => status,
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
    resident: () => residentOf(pid),
  };
}

function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
  });
}

function residentOf(pid: number): { readonly bytes: number; readonly withFiles: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { bytes: field('RssAnon') + field('RssShmem'), withFiles: field('VmRSS') };
}

/** A folder for one test, gone after it. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-integration-'));
  // a store has many files
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }), 120_000);
  return folder;
}

/** Options that a test gives; collectors that it does not name are off, the API takes any port. */
export interface TestConfig {
  readonly data: string;
  readonly cluster?: string;
  readonly timezone?: string;
  readonly collect?: Readonly<Record<string, unknown>>;
  readonly stream?: Readonly<Record<string, unknown>>;
  readonly store?: Readonly<Record<string, unknown>>;
  readonly alerts?: Readonly<Record<string, unknown>>;
}

/** Writes a configuration file; returns its path. */
export function writeConfig(path: string, { collect, ...rest }: TestConfig): string {
  const off = { files: [], virsh: null, sensors: null, arp: null, heartbeat: null, journal: null, syslog: null, hostFacts: null };
  const whole = {
    cluster: 'c1',
    host: 'kvm-a',
    timezone: 'UTC',
    ...rest,
    collect: { ...off, ...collect },
    api: { listen: '127.0.0.1:0' },
  };
  // JSON is YAML
  writeFileSync(path, JSON.stringify(whole));
  return path;
}

/** Rows of a query, asked of the instance that works on a data folder. @throws Error where none answers */
export async function asked(data: string, sql: string): Promise<readonly (readonly unknown[])[]> {
  const { url } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as { readonly url: string };
  const response = await fetch(`${url}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql, maxRows: 100_000 }),
    signal: AbortSignal.timeout(20_000),
  });
  const answer = (await response.json()) as { readonly rows: readonly (readonly unknown[])[] };
  if (!response.ok) throw new Error(`${sql}: ${JSON.stringify(answer)}`);
  return answer.rows;
}

/** Waits until `look` returns true; where it returns or throws something else, the error of the deadline says what. */
export async function eventually(
  look: () => Promise<boolean | string> | boolean | string,
  { withinMs = 20_000, everyMs = 100 } = {},
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let found: boolean | string;
    try {
      found = await look();
    } catch (error) {
      found = String(error);
    }
    if (found === true) return;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${String(found)}`);
    await pause(everyMs);
  }
}

/** Some time of a program that runs beside the test. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
