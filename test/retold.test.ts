import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Analysis } from '../src/reports/analysis.ts';
import { writtenLater } from './merged.ts';
import { analysedFolder, recordings, type Recording } from './recording.ts';

/** Of a file's path or its text, what it is instead. */
type Change = (text: string, what: 'path' | 'text') => string;

/** What is found in a recording whose files are others. */
async function retold({ folder }: Recording, change: Change): Promise<Analysis> {
  const copy = mkdtempSync(join(tmpdir(), 'precopy-retold-'));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path !== 'label.json' && statSync(join(folder, path)).isFile(),
  );
  for (const path of files) {
    const to = join(copy, change(path, 'path'));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, change(readFileSync(join(folder, path), 'latin1'), 'text'), 'latin1');
  }
  const analysis = await analysedFolder(copy);
  rmSync(copy, { recursive: true });
  return analysis;
}

const LATER_MS = -900 * 86_400_000;

/** A name of another kind for each VM, in other words of the same length or not. */
const NAMES: readonly (readonly [from: RegExp, to: string])[] = [
  [/\bkvm-a\b/g, 'node07'],
  [/\bkvm-b\b/g, 'hv-1.example.net'],
  [/\bi-\d+-(\d+)-VM\b/g, 'r-$1-PROD'],
  [/\b02:00:(?=[0-9a-f]{2}:)/g, '1e:01:'],
  [/\b10\.77\.0\./g, '192.168.101.'],
  [/\bcloudbr(\d)\b/g, 'brbond0-21$1'],
];

function renamed(text: string): string {
  return NAMES.reduce((all, [from, to]) => all.replaceAll(from, to), text);
}

/** Another name for everything, years earlier, written on Windows, in one folder with the host before each file's name. */
function elsewhere(text: string, what: 'path' | 'text'): string {
  const other = renamed(text);
  if (what === 'path') return other.replace(/^hosts\/([^/]+)\/.*?([^/]+)$/, '$1-$2');
  return writtenLater(other, LATER_MS).replaceAll('\n', '\r\n');
}

const cut: Change = (text, what) => (what === 'path' ? text : text.slice(0, -9));

function told({ migrations, findings }: Analysis, movedMs: number): unknown {
  return {
    findings: findings.map(({ detector, severity }) => `${severity} ${detector}`).toSorted(),
    migrations: migrations.map(({ vm, source, destination, outcome, cause, startedAt, endedAt, ...rest }) => ({
      of: [vm, source, destination].map((name) => renamed(name ?? '')),
      end: [outcome, cause?.kind, rest.downtime?.ms, rest.iterations, rest.announcement.state],
      times: [startedAt - movedMs, (endedAt ?? 0) - movedMs],
      after: rest.after.map(({ host, state }) => `${renamed(host)} ${state}`).toSorted(),
    })),
  };
}

describe.each(recordings().map((recording) => [recording.name, recording] as const))('%s', (_name, recording) => {
  test('is told alike of other hosts, VMs and addresses, at another time, in another layout', async () => {
    expect(told(await retold(recording, elsewhere), LATER_MS)).toEqual(told(await analysedFolder(recording.folder), 0));
  });

  test('without the end of the last line of each file there is no migration more', async () => {
    const { migrations } = await retold(recording, cut);
    expect(migrations).toHaveLength(recording.label.migrations.length);
  });
});
