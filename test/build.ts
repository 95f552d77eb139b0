import { execFileSync } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Written when a build is complete. */
const STAMP = 'dist/.built';

/**
 * Builds `dist` once before all suites, where it is older than its sources: they run the program as a user would, and none may see it
 * half written by another.
 */
export function setup(): void {
  if (newest('src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json') < newest(STAMP)) return;
  execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  writeFileSync(STAMP, '');
}

/** When the newest of these files, and of those in these folders, was written; 0 where none is there. */
function newest(...paths: readonly string[]): number {
  const times = paths.map((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return 0;
    return found.isDirectory()
      ? Math.max(found.mtimeMs, newest(...readdirSync(path).map((name) => join(path, name))))
      : found.mtimeMs;
  });
  return Math.max(0, ...times);
}
