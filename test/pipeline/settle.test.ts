import { describe, expect, test } from 'vitest';
import { detectors } from '../../src/detectors/index.ts';
import { at, begins, booted, completes, fails, tell, VM } from '../../src/detectors/story.ts';
import { settled, withoutUnsettled } from '../../src/pipeline/settle.ts';
import { findingsOf, type Analysis } from '../../src/reports/analysis.ts';

const aboutHosts = new Set<string>();
const CPU_ERROR = "operation failed: guest CPU doesn't match specification: missing features: vaes,la57";

type Told = Pick<Analysis, 'migrations' | 'findings'>;

function told(events: Parameters<typeof tell>[0]): Told & { readonly endedAt: number } {
  const timelines = tell(events);
  const endedAt = timelines.migrations[0]?.lastSeenAt ?? 0;
  return { migrations: timelines.migrations, findings: findingsOf(timelines, detectors), endedAt };
}

/** The agent's thread ended, and nothing tells how. */
const guessed = told([...booted(), ...begins(), at(5, 'kvm-a', 'cloudstack-agent', { kind: 'migrate-thread-ended', vm: VM })]);

describe('a migration that ended just now', () => {
  test('is not told where no line says how or why', () => {
    const { analysis, unsettled } = settled(guessed, { now: guessed.endedAt + 500, aboutHosts });
    expect(guessed.migrations[0]?.outcome).not.toBe('running');
    expect(unsettled).toEqual(guessed.migrations);
    expect(analysis).toEqual({ migrations: [], findings: [] });
  });

  test('is told when nothing came for a while', () => {
    const { analysis, unsettled } = settled(guessed, { now: guessed.endedAt + 4000, aboutHosts });
    expect(unsettled).toEqual([]);
    expect(analysis.migrations).toEqual(guessed.migrations);
  });

  test('is told at once where a line says why, or that it completed', () => {
    const failed = told([...booted(), ...begins(), ...fails(5, CPU_ERROR)]);
    expect(settled(failed, { now: failed.endedAt, aboutHosts }).analysis.findings).toEqual(failed.findings);
    const completed = told([...booted(), ...begins(), ...completes(20, 300)]);
    expect(settled(completed, { now: completed.endedAt, aboutHosts }).unsettled).toEqual([]);
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
