import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Builds `dist` once before all suites: they run the program as a user would, and none may see it half written by another. */
export function setup(): void {
  execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
}
