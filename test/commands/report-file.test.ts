import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeReportFile } from '../../src/commands/report-file.ts';

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'precopy-report-'));
}

describe('a report file', () => {
  test('is new or replaced as a whole, and leaves nothing beside it', async () => {
    const root = folder();
    const path = join(root, 'report.html');
    await writeReportFile(path, 'one, which is longer');
    await writeReportFile(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(root)).toEqual(['report.html']);
  });

  test('behind a link is replaced where it is, and the link stays', async () => {
    const root = folder();
    mkdirSync(join(root, 'kept'));
    writeFileSync(join(root, 'kept/report.html'), 'old');
    symlinkSync('kept/report.html', join(root, 'latest.html'));
    await writeReportFile(join(root, 'latest.html'), 'new');
    expect(readFileSync(join(root, 'kept/report.html'), 'utf8')).toBe('new');
    expect(lstatSync(join(root, 'latest.html')).isSymbolicLink()).toBe(true);
  });

  test('that is a pipe is written to, not replaced', async () => {
    const path = join(folder(), 'pipe');
    execFileSync('mkfifo', [path]);
    const [read] = await Promise.all([readFile(path, 'utf8'), writeReportFile(path, 'through')]);
    expect(read).toBe('through');
    expect(lstatSync(path).isFIFO()).toBe(true);
  });

  test('that is a folder is bad usage', async () => {
    const root = folder();
    await expect(writeReportFile(root, 'x')).rejects.toMatchObject({
      code: 'usage',
      message: `${root} is a folder`,
      hint: `name a file: ${root}/report.html`,
    });
  });

  test('that cannot be written is told with the reason, and the old one stays', async () => {
    const path = join(folder(), 'x'.repeat(250));
    writeFileSync(path, 'old');
    // the name of the new file beside it would be too long
    await expect(writeReportFile(path, 'new')).rejects.toMatchObject({ message: `${path} cannot be written (ENAMETOOLONG)` });
    expect(readFileSync(path, 'utf8')).toBe('old');
  });
});
