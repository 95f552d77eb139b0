import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Compiles one program of `src/ingest` that imports no other file, for `node` to run; the folder is the caller's to remove. */
export function built(name: string): { readonly folder: string; readonly entry: URL } {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-built-'));
  const options = ['--target', 'es2023', '--module', 'nodenext', '--types', 'node', '--skipLibCheck', '--ignoreConfig'];
  execFileSync('node_modules/.bin/tsc', [...options, '--outDir', folder, `src/ingest/${name}.ts`]);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  return { folder, entry: pathToFileURL(join(folder, `${name}.js`)) };
}
