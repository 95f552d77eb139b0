import { expect, test } from 'vitest';
import { createLiveTeller } from '../../src/commands/live-teller.ts';
import { detectors } from '../../src/detectors/index.ts';
import { begins, booted, fails, tell } from '../../src/detectors/story.ts';
import { findingsOf } from '../../src/reports/analysis.ts';
import { findingDocument, migrationDocument } from '../../src/reports/json.ts';

const CPU_ERROR =
  'unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide required features: avx512f';
const story = tell([...booted(), ...begins(), ...fails(5, CPU_ERROR)]);
const [failed] = story.migrations.map(migrationDocument);
const findings = findingsOf(story, detectors).map(findingDocument);
const generic = findings.find(({ detector }) => detector === 'migration-failed');
const cause = findings.find(({ detector }) => detector === 'cpu-incompatible');

/** A teller on a screen of so many columns, and what it has told. */
function teller(width = 100) {
  const lines: string[] = [];
  const notes: string[] = [];
  const { tell: say } = createLiveTeller({
    sheet: { width, color: false },
    out: (more) => lines.push(...more),
    note: (text) => notes.push(text),
  });
  const finding = (document: unknown): void => say({ event: 'finding', document: { document } });
  const migration = (document: unknown): void => say({ event: 'migration', document: { document } });
  return { lines, notes, finding, migration, say };
}

test('a migration is told when it begins and when it ends, and not in between', () => {
  const { lines, migration } = teller();
  const running = { ...failed, outcome: 'running', endedAt: null };
  for (const each of [running, { ...running, iterations: 2 }, failed, failed]) migration(each);
  expect(lines).toEqual([
    expect.stringMatching(/^migration {2}begins {2}\d{4}-\d\d-\d\d [\d:]{8} {2}\S+ {3}kvm-a → kvm-b$/),
    expect.stringMatching(/^migration {2}failed .* {3}cpu-incompatible, took 5(?:\.\d)? s$/),
  ]);
});

test('a migration that a late line lets begin earlier, under another id, is not told again; the next one is', () => {
  const { lines, migration } = teller();
  const begun = Date.parse(failed?.startedAt ?? '');
  const from = (id: string, second: number, endedAfter: number | null): unknown => ({
    ...failed,
    id,
    startedAt: new Date(begun + second * 1000).toISOString(),
    endedAt: endedAfter === null ? null : new Date(begun + endedAfter * 1000).toISOString(),
    outcome: endedAfter === null ? 'running' : 'failed',
  });
  for (const each of [from('c', 2, null), from('b', 1, null), from('a', 0, 5), from('d', 10, null), from('e', 9, null)])
    migration(each);
  expect(lines.map((line) => line.split('  ')[1])).toEqual(['begins', 'failed', 'begins']);
});

test('a finding is told once, and again when it became worse', () => {
  const { lines, finding } = teller();
  const heads = (): number => lines.filter((line) => /^(WARNING|CRITICAL) /.test(line)).length;
  finding({ ...cause, severity: 'warning' });
  finding({ ...cause, severity: 'warning', summary: 'Other numbers.' });
  expect(heads()).toBe(1);
  finding({ ...cause, severity: 'critical' });
  finding({ ...cause, severity: 'warning' });
  expect(heads()).toBe(2);
});

test('where the VM is is said for every host, once', () => {
  const { lines, migration, finding } = teller();
  migration(failed);
  finding(cause);
  const text = lines.join('\n');
  expect(cause?.summary).toContain('It runs on kvm-a');
  expect(text).not.toContain('It runs on kvm-a');
  expect(text).toMatch(/^ {2}now {6}kvm-a {2}running/m);
});

test('that a migration failed is not news once it is said why', () => {
  const first = teller();
  first.finding(cause);
  const before = first.lines.length;
  first.finding(generic);
  expect(first.lines.length).toBe(before);
  const other = teller();
  other.finding(generic);
  expect(other.lines.join('\n')).toContain('migration-failed');
});

test('nothing but commands is wider than the screen, and nothing of a log is obeyed', () => {
  for (const width of [60, 80, 160]) {
    const { lines, migration, finding } = teller(width);
    migration({ ...failed, vm: '\u001b[31mi-2-1-VM' });
    finding({ ...cause, summary: `\u001b[2J${cause?.summary}`, remedies: [] });
    expect(lines.filter((line) => Array.from(line).length > width)).toEqual([]);
    expect(lines.join('')).not.toContain('\u001b');
  }
});

test('what came too fast is counted', () => {
  const { notes, say } = teller();
  say({ event: 'missed', document: { items: 7 } });
  say({ event: 'alive', document: {} });
  expect(notes).toEqual(['7 left out: they came faster than they could be shown']);
});
