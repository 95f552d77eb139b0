import { describe, expect, test } from 'vitest';
import { at, begins, booted, completes, copies, fails, VM } from '../../src/detectors/story.ts';
import type { Event } from '../../src/model/event.ts';
import type { InputResult } from '../../src/model/input.ts';
import type { Analysis } from '../../src/reports/analysis.ts';
import { relative } from '../../src/reports/incident/time.ts';
import { terminalReport } from '../../src/reports/terminal.ts';
import type { Screen } from '../../src/reports/terminal/page.ts';
import { fold } from '../../src/reports/terminal/text.ts';
import { analysedFolder, recordings } from '../recording.ts';
import { analysisOfStory, findingIn } from './analyses.ts';

const WIDE: Screen = { width: 120, color: false, allEvidence: false };

const ESC = '\x1b';
const COLORS = new RegExp(`${ESC}\\[[\\d;]*m`, 'g');

const FAILED = [...booted(), ...begins(), ...fails(5, 'operation failed: Broken pipe')];

const failed = analysisOfStory(FAILED);
const completed = analysisOfStory([...booted(), ...begins(), ...completes(10, 40)]);

function show(analysis: Analysis, screen: Partial<Screen> = {}): string {
  return terminalReport(analysis, { ...WIDE, ...screen });
}

function eventIn({ migrations }: Analysis, kind: string): Event {
  const event = migrations.flatMap(({ events }) => events).find(({ body }) => body.kind === kind);
  if (event === undefined) throw new Error(`no ${kind} in the story`);
  return event;
}

/** The event with another text, as a file would have it. */
function quoting(event: Event, text: string, line = 1): Event {
  return { ...event, origin: { ...event.origin, text, messageAt: 0, line } };
}

test.each([
  [5340, '+5.3 s'],
  [-100, '-0.1 s'],
  [99_940, '+99.9 s'],
  [114_000, '+1 min 54 s'],
  [3_605_000, '+1 h 0 min 5 s'],
])('%i ms since the first mark are told in units: %s', (ms, words) => {
  expect(relative(ms)).toBe(words);
});

test('a path that is longer than a line is broken between its parts', () => {
  expect(fold("open '/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/KVMHA'", 32)).toEqual([
    'open',
    "'/mnt/5ca1759a-88e2-4b65-9134-",
    "bfd3159528f5/KVMHA'",
  ]);
  expect(fold('x'.repeat(40), 32)).toEqual(['x'.repeat(32), 'x'.repeat(8)]);
});

describe('what stands first', () => {
  test('a healthy migration is one line of a table and no more than twelve lines in all', () => {
    const lines = show(completed).split('\n');
    expect(lines).toContain('Nothing wrong was found.');
    expect(lines.filter((line) => line.includes(VM))).toHaveLength(1);
    expect(lines.length).toBeLessThanOrEqual(13);
  });

  test('a failed migration that no detector explains is not called fine', () => {
    const text = show(failed);
    expect(text).not.toContain('Nothing wrong');
    expect(text).toContain('1 migration did not complete, and no detector says why');
    expect(text).toContain('TIMELINE');
  });

  test('files without a migration are not called fine either', () => {
    expect(show({ ...completed, migrations: [] })).toContain('No live migration is in these files.');
  });

  test('an assumed zone is a warning with the flag to set', () => {
    const clock = { zone: 'UTC', zoneFrom: 'assumed' as const, skewMs: null, skewAgainst: null };
    const known = { host: 'kvm-b', zone: 'UTC+1', zoneFrom: 'given' as const, skewMs: null, skewAgainst: null };
    const one = show({ ...completed, clocks: [{ ...clock, host: 'kvm-a' }, known] });
    expect(one).toContain('WARNING: the time zone of kvm-a is unknown');
    expect(one).toContain('--timezone kvm-a=ZONE');
    const all = show({ ...completed, clocks: [{ ...clock, host: 'kvm-a' }] });
    expect(all).toContain('WARNING: the time zone of these logs is unknown');
    expect(all).toContain('--timezone [HOST=]ZONE');
  });

  test('a time in which nothing moved says how much did outside it', () => {
    const text = show({ ...completed, migrations: [], findings: [], outside: 3 });
    expect(text).toContain('No live migration touches the time asked for; 3 outside it.');
  });

  test('a migration without an end is no good news', () => {
    const running = analysisOfStory([...booted(), ...begins(), ...copies(20, { rate: 1e6, workingSet: 1e8, bandwidth: 25e6 })]);
    expect(show(running)).toContain('Nothing wrong was found; the migration still ran when these logs end.');
  });

  test('hosts of one zone share a line, and a corrected skew is said', () => {
    const clocks = ['kvm-a', 'kvm-b'].map((host, i) => ({
      host,
      zone: 'UTC+1',
      zoneFrom: 'same-migration' as const,
      skewMs: i * 2300,
      skewAgainst: 'kvm-a',
    }));
    const text = show({ ...completed, clocks });
    expect(text).toContain("local time on kvm-a and kvm-b is UTC+1 (inferred from libvirt's log)");
    expect(text).toContain('kvm-b: its clock is 2.3 s ahead of that of kvm-a');
  });
});

describe('findings', () => {
  test('the one that tells the cause is the head, the one that only says that it failed is folded', () => {
    const findings = [
      findingIn(failed, { detector: 'migration-failed', summary: 'It failed.' }),
      findingIn(failed, { detector: 'destination-died' }),
    ];
    const text = show({ ...failed, findings });
    expect(text).toMatch(/^CRITICAL {2}destination-died {3}i-2-10-VM {3}kvm-a → kvm-b {3}00:00:00 to 00:00:05$/m);
    expect(text).toMatch(/^ {2}also: migration-failed$/m);
    expect(text).not.toContain('It failed.');
    const both = [...findings, findingIn(failed, { detector: 'migration-aborted', summary: 'It was aborted.' })];
    expect(show({ ...failed, findings: both })).toMatch(
      /^ {2}also: migration-(failed and migration-aborted|aborted and migration-failed)$/m,
    );
  });

  test('a guest that runs twice comes before everything else', () => {
    const findings = [findingIn(failed), findingIn(failed, { detector: 'split-brain-risk', summary: 'Twice.' })];
    expect(show({ ...failed, findings })).toMatch(/CRITICAL {2}split-brain-risk[^]*also CRITICAL {2}destination-died/);
  });

  test('the VM is looked for right below the verdict', () => {
    const text = show({ ...failed, findings: [findingIn(failed)] });
    expect(text).toMatch(/It died\.\n {2}now {6}kvm-a {2}running {2}follows: .*\n {11}kvm-b {2}absent {3}seen: /);
  });

  test('evidence is quoted to the letter with host, file, line and time', () => {
    const error = quoting(
      eventIn(failed, 'migrate-error'),
      "Can't migrate domain [i-2-10-VM] due to: [Broken pipe].\njava.lang.Exception",
      87,
    );
    const text = show({ ...failed, findings: [findingIn(failed, { evidence: [error] })] });
    expect(text).toContain(
      "  seen     kvm-a cloudstack-agent:87  00:00:05.000Z  Can't migrate domain [i-2-10-VM] due to: [Broken pipe].\n",
    );
    expect(text).not.toContain('java.lang');
  });

  test('three lines of evidence are enough until all are asked for', () => {
    const evidence = Array.from({ length: 7 }, (_, i) => quoting(eventIn(failed, 'migrate-error'), `line ${i}`, i + 1));
    const findings = [findingIn(failed, { evidence })];
    expect(show({ ...failed, findings })).toContain('4 more with --all-evidence');
    expect(show({ ...failed, findings })).not.toContain('line 3');
    expect(show({ ...failed, findings }, { allEvidence: true })).toContain('line 6');
  });

  test('the same words again in the same file take no second line', () => {
    const evidence = [1, 2, 3].map((line) => quoting(eventIn(failed, 'migrate-error'), 'again and again', line));
    const text = show({ ...failed, findings: [findingIn(failed, { evidence })] });
    expect(text.match(/again and again/g)).toHaveLength(1);
    expect(text).toContain('2 more with --all-evidence');
  });

  test('counters are shown in words, with their file and line', () => {
    const running = analysisOfStory([
      ...booted(),
      ...begins(),
      ...copies(75, { rate: 63e6, workingSet: 268e6, bandwidth: 25e6 }),
    ]);
    const sample = running.migrations[0]?.passes[2]?.sample;
    if (sample === undefined) throw new Error('the story has three passes');
    const findings = [findingIn(running, { detector: 'not-converging', severity: 'warning', evidence: [sample] })];
    const text = show({ ...running, findings });
    expect(text).toMatch(/kvm-a domjobinfo:\d+ {2}\S+ {2}pass 3, remaining \d+ MiB, dirty rate [\d.]+ MB\/s, bandwidth 25 MB\/s/);
    expect(text).toMatch(/passes {3}[▁▂▃▄▅▆▇█]+ {2}MiB left before each pass: \d+ \d+/);
    expect(text).toContain('since 00:00:00, still running');
  });

  test('commands stand on lines of their own, whole, however narrow the screen', () => {
    const command = `virsh qemu-monitor-command ${VM} '{"execute":"announce-self","arguments":{"initial":50,"max":550,"rounds":5}}'\nbridge link`;
    const text = show(
      { ...failed, findings: [findingIn(failed, { remedies: [{ what: 'announce it again', command }] })] },
      { width: 60 },
    );
    for (const line of command.split('\n')) expect(text.split('\n').map((shown) => shown.trim())).toContain(line);
  });

  test('advice is no problem', () => {
    const findings = [
      findingIn(completed, {
        severity: 'info',
        detector: 'unencrypted-stream',
        summary: 'It crossed in the clear.',
        remedies: [{ what: 'encrypt', command: 'x' }],
      }),
    ];
    const text = show({ ...completed, findings });
    expect(text).toContain('Nothing wrong was found.\nADVICE  unencrypted-stream: It crossed in the clear.');
    expect(text).not.toContain('encrypt\n');
  });
});

describe('migrations', () => {
  const [one] = completed.migrations;
  if (one === undefined) throw new Error('the story has a migration');
  const many = Array.from({ length: 60 }, (_, i) => ({
    ...one,
    id: `m${i}`,
    vm: `i-2-${i}-VM`,
    outcome: i === 59 ? ('failed' as const) : one.outcome,
    lastSeenAt: one.lastSeenAt + i,
  }));

  test('too many are cut to the failed and the slow ones', () => {
    const text = show({ ...completed, migrations: many });
    expect(text).toContain('i-2-59-VM');
    expect(text).not.toContain('i-2-0-VM');
    expect(text).toContain('… and 20 more completed (all with --all-evidence)');
    expect(show({ ...completed, migrations: many }, { allEvidence: true })).toContain('i-2-0-VM');
  });

  test('five frames of one announcement are one line', () => {
    const frames = [0, 0.05, 0.2, 0.45, 0.8].map((delay) =>
      at(8.4 + delay, 'switch', 'tcpdump', { kind: 'announced', mac: '02:00:00:00:00:0a', how: 'rarp' }),
    );
    const moved = analysisOfStory([...booted(), ...begins(), ...completes(10, 40), ...frames]);
    expect(show(moved, { allEvidence: true })).toContain('network  5 RARP frames (800 ms)');
  });
});

describe('files', () => {
  const input: InputResult = {
    path: 'logs/agent.log',
    host: 'kvm-a',
    source: 'cloudstack-agent',
    tally: null,
    skipped: null,
    problem: null,
    modifiedAt: 0,
  };
  const tally = { lines: 12, records: 10, withEvents: 4, plain: 3, rejected: { 'no-header': 3 }, first: null, last: null };

  test('nothing is said where all of them were read', () => {
    expect(show({ ...completed, inputs: [{ ...input, tally: { ...tally, rejected: {} } }] })).not.toContain('FILES');
  });

  test('what was rejected or not read is said with its reason', () => {
    const inputs: readonly InputResult[] = [
      { ...input, tally },
      { ...input, path: 'logs/x.bin', host: null, source: null, skipped: 'binary' },
    ];
    const text = show({ ...completed, inputs });
    expect(text).toContain('FILES  logs/x.bin: not read: binary\n       logs/agent.log: 3 of 10 records rejected (no-header 3)');
    expect(text).toContain('read: 12 lines in 10 records: 4 with events, 3 plain, 3 rejected (no-header 3)');
  });

  test('a file is named by as much of its path as tells it from the others', () => {
    const event = eventIn(failed, 'migrate-error');
    const inputs = ['a/agent.log', 'b/agent.log'].map((path) => ({ ...input, path, tally }));
    const evidence = [{ ...event, origin: { ...event.origin, file: { ...event.origin.file, path: 'b/agent.log' } } }];
    expect(show({ ...failed, inputs, findings: [findingIn(failed, { evidence })] })).toContain('kvm-a b/agent.log:');
  });
});

describe('safety', () => {
  test('no text of a log reaches the controls of the terminal', () => {
    const evil = 'a\x1b]0;owned\x07b\x9b31mc\u202edc\u200be\u2028f';
    const migrations = failed.migrations.map((migration) => ({ ...migration, vm: evil, source: evil, unobserved: [evil] }));
    const error = quoting(eventIn(failed, 'migrate-error'), evil);
    const finding = findingIn(failed, { summary: `${evil}.`, evidence: [error], remedies: [{ what: evil, command: evil }] });
    for (const allEvidence of [false, true]) {
      const text = show({ ...failed, migrations, findings: [finding] }, { allEvidence });
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(text).toContain('a\\x1b]0;owned\\x07b\\x9b31mc\\u{202e}dc\\u{200b}e\\u{2028}f');
    }
  });
});

describe.each(recordings().map(({ folder }) => folder))('%s', (path) => {
  test('no line is wider than the screen, except commands', async () => {
    const analysis = await analysedFolder(path);
    const commands = new Set(
      analysis.findings
        .flatMap(({ remedies }) => remedies.flatMap(({ command }) => command?.split('\n') ?? []))
        .map((line) => line.trim()),
    );
    for (const width of [60, 80, 100, 160]) {
      const wide = show(analysis, { width })
        .split('\n')
        .filter((line) => Array.from(line).length > width && !commands.has(line.trim()));
      expect(wide).toEqual([]);
    }
  });

  test('colour adds nothing, and ASCII is ASCII', async () => {
    const analysis = await analysedFolder(path);
    expect(show(analysis, { color: true }).replace(COLORS, '')).toBe(show(analysis));
    expect(show(analysis, { ascii: true, allEvidence: true })).toMatch(/^[\x20-\x7e\n]*$/);
  });
});
