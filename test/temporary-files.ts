import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives a run of the tests a folder of its own for everything temporary, which goes when it ends. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-tests-'));
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
