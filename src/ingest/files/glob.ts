import { readdirSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { unrotated } from '../identify.ts';

/** Paths that a pattern names, and their rotated siblings. */
export interface Glob {
  readonly pattern: string;
  /** No `*` or `?`: exactly one file is meant. */
  readonly single: boolean;
  /** The name of the log that a path belongs to, rotated or not; `null` where the pattern does not name that log. */
  liveName(path: string): string | null;
  /** Every path there is now whose log the pattern names. Folders that cannot be listed are told with the error. */
  list(failed: (folder: string, error: NodeJS.ErrnoException) => void): readonly string[];
}

/** Levels of folders that `**` goes down at most: a loop of mounts must not be walked for ever. */
const MAX_DEPTH = 16;

/** Reads a pattern of absolute paths: `*` and `?` within a name, `**` across folders. */
export function createGlob(pattern: string): Glob {
  const parts = pattern.split('/').filter((part) => part !== '');
  if (parts.at(-1) === '**') parts.push('*');
  const whole = new RegExp(`^${parts.map((part) => (part === '**' ? '(?:/[^/]+)*' : `/${partSource(part)}`)).join('')}$`);

  function liveName(path: string): string | null {
    const live = unrotated(path);
    if (whole.test(live)) return live;
    return whole.test(path) ? path : null;
  }

  return {
    pattern,
    single: !/[*?]/.test(pattern),
    liveName,
    list: (failed) => {
      const found: string[] = [];
      const walk: Walk = { found, failed, depth: 0 };
      listInto('/', parts, walk);
      return found.filter((path) => liveName(path) !== null);
    },
  };
}

function partSource(part: string): string {
  return part.replace(/\*+|\?|[.+^${}()|[\]\\]/g, (token) => {
    if (token.startsWith('*')) return '[^/]*';
    return token === '?' ? '[^/]' : `\\${token}`;
  });
}

interface Walk {
  readonly found: string[];
  readonly failed: (folder: string, error: NodeJS.ErrnoException) => void;
  readonly depth: number;
}

function listInto(folder: string, parts: readonly string[], walk: Walk): void {
  const [part = '', ...rest] = parts;
  if (rest.length === 0) {
    for (const entry of entriesOf(folder, walk)) if (!entry.isDirectory()) walk.found.push(join(folder, entry.name));
  } else if (part === '**') {
    listInto(folder, rest, walk);
    if (walk.depth < MAX_DEPTH) listBelow(folder, parts, { ...walk, depth: walk.depth + 1 });
  } else if (/[*?]/.test(part)) {
    const name = new RegExp(`^${partSource(part)}$`);
    const folders = entriesOf(folder, walk).filter((entry) => name.test(entry.name) && isFolder(folder, entry));
    for (const entry of folders) listInto(join(folder, entry.name), rest, walk);
  } else listInto(join(folder, part), rest, walk);
}

/** Links to folders are not followed: they may lead back. */
function listBelow(folder: string, parts: readonly string[], walk: Walk): void {
  for (const entry of entriesOf(folder, walk)) if (entry.isDirectory()) listInto(join(folder, entry.name), parts, walk);
}

function entriesOf(folder: string, walk: Walk): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    // what is not there may come later
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') walk.failed(folder, error);
    return [];
  }
}

function isFolder(folder: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}
