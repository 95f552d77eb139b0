import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const WRITE_CHARS = 1 << 22;

export interface LogSettings {
  readonly path: string;
  /** When the log begins and ends, Unix ms, and how large it becomes. */
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** A record of everyday life, its line end included; `null` where the log has none. */
  readonly noise: ((at: number) => string) | null;
}

/** A log that grows: what has to be in it is added at its time, and everyday records fill it up to its size. */
export interface LogFile {
  /** A whole record, its line end included. */
  add(at: number, record: string): void;
  /** Writes everything before that moment. */
  advance(until: number): void;
  close(): Written;
}

export interface Written {
  readonly lines: number;
  readonly bytes: number;
  /** Lines that were added, not filled in. */
  readonly added: number;
}

/** ASCII only, so that characters are bytes. */
export function createLogFile({ path, from, to, bytes, noise }: LogSettings): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w');
  let pending: { readonly at: number; readonly record: string }[] = [];
  let written = { lines: 0, bytes: 0, added: 0 };
  let parts: string[] = [];
  let buffered = 0;
  let reached = from;
  let noiseChars = 250;

  function flush(): void {
    writeSync(file, parts.join(''), null, 'latin1');
    parts = [];
    buffered = 0;
  }

  function write(record: string, added: boolean): void {
    const lines = linesOf(record);
    written = { lines: written.lines + lines, bytes: written.bytes + record.length, added: written.added + (added ? lines : 0) };
    parts.push(record);
    buffered += record.length;
    if (buffered > WRITE_CHARS) flush();
  }

  /** Everyday records that the time until then still lacks, evenly spread. */
  function fill(until: number, due: number): readonly { readonly at: number; readonly record: string; readonly filled: true }[] {
    if (noise === null) return [];
    const lack = (bytes * (until - from)) / (to - from) - written.bytes - due;
    const count = Math.max(0, Math.round(lack / noiseChars));
    const records = Array.from({ length: count }, (_, index) => {
      const at = Math.round(reached + ((index + 0.5) * (until - reached)) / count);
      return { at, record: noise(at), filled: true as const };
    });
    if (count > 0) noiseChars += (records.reduce((sum, { record }) => sum + record.length, 0) / count - noiseChars) / 50;
    return records;
  }

  return {
    add(at, record) {
      pending.push({ at, record });
    },
    advance(until) {
      const due = pending.filter(({ at }) => at < until);
      pending = pending.filter(({ at }) => at >= until);
      const filled = fill(
        until,
        due.reduce((sum, { record }) => sum + record.length, 0),
      );
      for (const entry of [...due, ...filled].toSorted((a, b) => a.at - b.at)) write(entry.record, !('filled' in entry));
      reached = until;
    },
    close() {
      for (const { record } of pending.toSorted((a, b) => a.at - b.at)) write(record, true);
      flush();
      closeSync(file);
      return written;
    },
  };
}

function linesOf(record: string): number {
  let lines = 0;
  for (let at = record.indexOf('\n'); at >= 0; at = record.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
