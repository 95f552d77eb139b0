import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { unrotated } from '../identify.ts';
import { keyOf, type Place } from './backing.ts';
import type { Glob } from './glob.ts';

/** A file in a log's folder that is the log, or was. */
export interface Member extends Place {
  /** Bytes on disk. */
  readonly diskBytes: number;
  readonly modifiedAt: number;
}

/** A log with the files it was rotated into, by the path of the log. */
export type Members = ReadonlyMap<string, readonly Member[]>;

/** Told what could not be looked at. */
export type Failed = (path: string, error: NodeJS.ErrnoException) => void;

/** Every log that a pattern names, with its rotated files. */
export function membersOf(glob: Glob, failed: Failed): Members {
  const paths = new Map<string, string[]>();
  for (const path of glob.list(failed)) {
    const live = glob.liveName(path) ?? path;
    const list = paths.get(live);
    if (list === undefined) paths.set(live, [path]);
    else list.push(path);
  }
  return new Map([...paths].map(([live, list]) => [live, membersAt(live, list, failed)]));
}

function membersAt(live: string, paths: readonly string[], failed: Failed): readonly Member[] {
  const found = new Map<string, Member>();
  // the log itself first: where a link and its target are both listed, the target is the log
  for (const path of [live, ...paths.filter((other) => other !== live), ...besideTarget(live, failed)]) {
    const member = memberAt(path, live, failed);
    if (member !== null && !found.has(member.key)) found.set(member.key, member);
  }
  return [...found.values()];
}

/** What a link points to in the end; `null` for what is no link, or one to nothing. */
export function targetOf(path: string): string | null {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return null;
  try {
    return realpathSync(path);
  } catch {
    // what it points to may come
    return null;
  }
}

/** Where the log is a link, its rotated files may lie beside what it points to. */
function besideTarget(live: string, failed: Failed): readonly string[] {
  const target = targetOf(live);
  if (target === null) return [];
  const name = basename(target);
  const folder = dirname(target);
  try {
    return readdirSync(folder)
      .filter((other) => unrotated(other) === name)
      .map((other) => join(folder, other));
  } catch (cause) {
    failed(folder, cause as NodeJS.ErrnoException);
    return [];
  }
}

function memberAt(path: string, live: string, failed: Failed): Member | null {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) return null;
    return {
      path,
      key: keyOf(stat),
      diskBytes: Number(stat.size),
      modifiedAt: Number(stat.mtimeNs / 1000n) / 1000,
      gzip: path.endsWith('.gz'),
      live: path === live,
    };
  } catch (cause) {
    failed(path, cause as NodeJS.ErrnoException);
    return null;
  }
}
