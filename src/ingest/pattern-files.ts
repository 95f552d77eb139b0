import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hintPattern } from './identify.ts';

/** A folder deeper than this below `**` is not looked into. */
const MOST_DEPTH = 16;

/** True where a path names files by `*`, `?` or `**`. */
export function isPattern(path: string): boolean {
  return /[*?]/.test(path);
}

/** The files that a pattern matches now, sorted; folders that cannot be read count as empty. */
export function patternFiles(pattern: string): readonly string[] {
  const matches = hintPattern(pattern);
  const names = pattern.split('/').slice(0, -1);
  const fixed = names.slice(0, names.findIndex(isPattern) < 0 ? names.length : names.findIndex(isPattern));
  const depth = pattern.includes('**') ? MOST_DEPTH : names.length - fixed.length;
  return filesBelow(fixed.join('/') || '/', depth).filter((path) => matches.test(path));
}

function filesBelow(folder: string, depth: number): readonly string[] {
  const entries = entriesOf(folder).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return depth > 0 ? filesBelow(path, depth - 1) : [];
  });
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
