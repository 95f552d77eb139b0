import { describe, expect, test } from 'vitest';
import { detectors } from '../../src/detectors/index.ts';
import { at, begins, booted, completes, fails, tell, VM } from '../../src/detectors/story.ts';
import { hear, settled, withoutUnsettled } from '../../src/pipeline/settle.ts';
import { findingsOf, type Analysis } from '../../src/reports/analysis.ts';

const aboutHosts = new Set<string>();
const NOW = 1_000_000;
const JUST_HEARD = { heardAt: new Map([[VM, NOW - 500]]), now: NOW, aboutHosts, told: new Set<string>() };
const LONG_AGO = { heardAt: new Map([[VM, NOW - 4000]]), now: NOW, aboutHosts, told: new Set<string>() };
const OTHER_FRAME = { kind: 'frame-seen', mac: '02:00:00:00:00:99' } as const;
const CPU_ERROR = "operation failed: guest CPU doesn't match specification: missing features: vaes,la57";

function told(events: Parameters<typeof tell>[0]): Pick<Analysis, 'migrations' | 'findings'> {
  const timelines = tell(events);
  return { migrations: timelines.migrations, findings: findingsOf(timelines, detectors) };
}

/** The agent's thread ended, and nothing tells how. */
const guessed = told([...booted(), ...begins(), at(5, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-thread-ended', vm: VM })]);

describe('a migration that ended just now', () => {
  test('is not told where no line says how or why', () => {
    const { analysis, unsettled } = settled(guessed, JUST_HEARD);
    expect(guessed.migrations[0]?.outcome).not.toBe('running');
    expect(unsettled).toEqual(guessed.migrations);
    expect(analysis).toEqual({ migrations: [], findings: [] });
  });

  test('is told when nothing came for a while', () => {
    const { analysis, unsettled } = settled(guessed, LONG_AGO);
    expect(unsettled).toEqual([]);
    expect(analysis.migrations).toEqual(guessed.migrations);
  });

  test('is told at once where a line says why, or that it completed', () => {
    const failed = told([...booted(), ...begins(), ...fails(5, CPU_ERROR)]);
    expect(settled(failed, JUST_HEARD).analysis.findings).toEqual(failed.findings);
    const completed = told([...booted(), ...begins(), ...completes(20, 300)]);
    expect(settled(completed, JUST_HEARD).unsettled).toEqual([]);
  });

  test('stays as it is stored, while others are judged', () => {
    const [migration] = guessed.migrations;
    if (migration === undefined) throw new Error('no migration');
    const stored = {
      id: 'running',
      vm: VM,
      startedAt: migration.startedAt,
      lastSeenAt: migration.startedAt + 1000,
      document: '{}',
    };
    const other = { ...stored, id: 'other', vm: 'i-2-99-VM', outcome: 'running' } as const;
    const kept = withoutUnsettled({ migrations: [{ ...stored, outcome: 'running' }, other], findings: [] }, [migration]);
    expect(kept.migrations).toEqual([other]);
  });
});

test.each([
  ['just now', 0, true],
  ['half a minute ahead, by a host whose clock is', 30_000, true],
  ['20 s ago', -20_000, false],
  ['an hour ahead', 3_600_000, false],
])('a VM that nobody announced, and that arrived %s: whether it may yet be', (_, aheadMs, waits) => {
  const silent = told([...booted(), ...begins(), ...completes(20, 60), at(60, 'switch', 'tcpdump', OTHER_FRAME)]);
  const arrivedAt = silent.findings.find(({ detector }) => detector === 'missing-garp')?.from ?? Number.NaN;
  const { analysis, waiting } = settled(silent, { ...LONG_AGO, now: arrivedAt - aheadMs });
  expect(waiting).toHaveLength(waits ? 1 : 0);
  expect(analysis.findings.some(({ detector }) => detector === 'missing-garp')).toBe(!waits);
});

test('what was heard of long ago is forgotten', () => {
  const heardAt = new Map<string, number>();
  hear(heardAt, 'a', 0);
  hear(heardAt, 'b', 2000);
  hear(heardAt, 'a', 2500);
  hear(heardAt, 'c', 5200);
  expect([...heardAt.keys()]).toEqual(['a', 'c']);
});
