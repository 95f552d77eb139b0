import { AppError } from '../../lib/errors.ts';
import type { CollectorState, CollectorStatus } from '../collector.ts';

/** What is wrong at the moment, and what it makes of the collector's state. */
export interface Problems {
  /** Something is wrong until it is cleared, or until `untilMs` on a clock that never goes back. */
  set(key: string, problem: Problem): void;
  /** What `key` names is well again. */
  clear(key: string): void;
  /** Tells the state if it is another than told last. */
  tell(state: 'starting' | 'running' | 'stopped', now: number): void;
}

/** One thing that is wrong, and what to do about it. */
export interface Problem {
  /** `running`: worth saying, but all that is there is read. */
  readonly state: Extract<CollectorState, 'running' | 'missing' | 'failing'>;
  readonly text: string;
  readonly untilMs?: number;
}

const GRAVITY = { running: 0, missing: 1, failing: 2 } as const;
/** More are counted only. */
const MAX_TOLD = 5;

/** Gathers what is wrong with a collector and reports changes. */
export function createProblems(collector: string, report: (status: CollectorStatus) => void): Problems {
  const problems = new Map<string, Problem>();
  let told = '';

  return {
    set: (key, problem) => void problems.set(key, problem),
    clear: (key) => void problems.delete(key),
    tell(state, now) {
      for (const [key, { untilMs = Number.POSITIVE_INFINITY }] of problems) if (untilMs <= now) problems.delete(key);
      const worst = [...problems.values()].toSorted((a, b) => GRAVITY[b.state] - GRAVITY[a.state]);
      const status: CollectorStatus = {
        collector,
        state: state === 'running' ? (worst[0]?.state ?? state) : state,
        problem: worst.length === 0 ? null : sentence(worst),
      };
      const text = JSON.stringify(status);
      if (text === told) return;
      told = text;
      report(status);
    },
  };
}

/** What to do about a file that could not be opened or read. */
export function fileProblem(path: string, error: NodeJS.ErrnoException): Problem {
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return {
      state: 'missing',
      text: `cannot read ${path}: permission denied; run as root, or let its group read it; it is tried again`,
    };
  }
  return { state: 'failing', text: `cannot read ${path}: ${error.message}; it is tried again` };
}

/** An error of what is written to, with what to do. */
export function writeProblem(what: string, cause: unknown): Problem {
  const hint = cause instanceof AppError && cause.hint !== null ? `; ${cause.hint}` : '';
  return { state: 'failing', text: `${what}: ${cause instanceof Error ? cause.message : String(cause)}${hint}` };
}

function sentence(problems: readonly Problem[]): string {
  const rest = problems.length > MAX_TOLD ? ` (and ${problems.length - MAX_TOLD} more)` : '';
  return `${problems
    .slice(0, MAX_TOLD)
    .map(({ text }) => text)
    .join('. ')}${rest}`;
}
