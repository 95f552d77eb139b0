import { join } from 'node:path';
import type { HeartbeatFile } from './pool-probe.ts';

/** An age is worth a line from here on: CloudStack writes every 60 s (`kvm.heartbeat.update.frequency`), and a write may take its time. */
const OVERDUE_MS = 90_000;
/** The next line about a file that is not written again comes when its age has grown by so much. */
const GROWTH = 1.25;

interface Told {
  readonly writtenAt: number;
  readonly ageMs: number;
}

/**
 * Makes lines of the ages of a folder's heartbeat files: one for each write, and while the next write is overdue one at each
 * growth of the age by a quarter, so that a file left behind by a removed host costs a few lines a year.
 */
export function createAgeTeller(folder: string): (files: readonly HeartbeatFile[], now: number) => string {
  let told = new Map<string, Told>();

  return (files, now) => {
    const next = new Map<string, Told>();
    const lines = files.map(({ name, writtenAt }) => {
      const ageMs = now - writtenAt;
      const last = told.get(name);
      const again = ageMs >= OVERDUE_MS && ageMs >= (last?.ageMs ?? 0) * GROWTH;
      const tell = last === undefined || last.writtenAt !== writtenAt || again;
      next.set(name, tell ? { writtenAt, ageMs } : last);
      return tell ? line(join(folder, name), now, ageMs) : '';
    });
    told = next;
    return lines.join('');
  };
}

function line(path: string, now: number, ageMs: number): string {
  return `${JSON.stringify({ at: new Date(now).toISOString(), path, age_ms: ageMs })}\n`;
}
