import { expect, test } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { changesOf, type Scope } from '../../src/pipeline/changes.ts';
import type { Changes, StoredFinding } from '../../src/pipeline/timelines.ts';
import { findingDocument } from '../../src/reports/json.ts';

const MINUTE_MS = 60_000;
const NOON = Date.UTC(2026, 10, 24, 12);

/** A host whose clock is wrong from one minute to another, after noon. */
function skewed(fromMinute: number, toMinute: number, summary = 'the clock is 5 s ahead.'): Finding {
  return {
    id: 'skew-of-kvm-a',
    detector: 'clock-skew',
    title: 'Clocks of the hosts differ',
    severity: 'warning',
    confidence: 'seen',
    summary,
    from: NOON + fromMinute * MINUTE_MS,
    to: NOON + toMinute * MINUTE_MS,
    host: 'kvm-a',
    vm: null,
    migration: null,
    evidence: [],
    remedies: [],
    discriminator: '',
  };
}

/** All of these minutes was looked at, and what is ten minutes around them was seen. */
function looking(fromMinute: number, toMinute: number): Scope {
  const hosts = { from: NOON + fromMinute * MINUTE_MS, to: NOON + toMinute * MINUTE_MS };
  const seen = { from: hosts.from - 10 * MINUTE_MS, to: hosts.to + 10 * MINUTE_MS };
  return { owned: [hosts], hosts, seen, aboutHosts: new Set(['clock-skew']), now: NOON };
}

function changes(findings: readonly Finding[], stored: readonly StoredFinding[], scope: Scope): Changes {
  return changesOf({ migrations: [], findings }, { migrations: [], findings: stored }, scope);
}

/** What is stored after changes. */
function storedAfter({ findings }: Changes): readonly StoredFinding[] {
  return findings.map(({ id, foundAt, finding }) => ({
    ...finding,
    id,
    foundAt,
    document: JSON.stringify(findingDocument(finding)),
  }));
}

test('a condition that began before the time looked at is told on as long as it lasts: it has one row, from its beginning', () => {
  let stored = storedAfter(changes([skewed(0, 1)], [], looking(0, 1)));
  const [first] = stored;
  // a migration every five minutes: there is always one just before
  for (let minute = 5; minute < 120; minute += 5) {
    const next = changes([skewed(minute - 5, minute + 1)], stored, looking(minute, minute + 1));
    expect(next.fresh.size).toBe(0);
    stored = storedAfter(next);
    expect(stored).toMatchObject([{ id: first?.id, from: NOON, to: NOON + (minute + 1) * MINUTE_MS, foundAt: first?.foundAt }]);
  }
});

test('a part of a condition does not replace what is known of all of it', () => {
  const stored = storedAfter(changes([skewed(0, 60, 'up to 9 s.')], [], looking(0, 60)));
  const part = changes([skewed(30, 50, 'up to 2 s.')], stored, looking(40, 41));
  expect(part).toMatchObject({ findings: [], goneFindings: [] });
});

test('a condition that nothing bears out any more is taken back, one of another time is not', () => {
  const stored = storedAfter(changes([skewed(0, 1)], [], looking(0, 1)));
  expect(changes([], stored, looking(0, 1)).goneFindings).toHaveLength(1);
  expect(changes([], stored, looking(5, 6)).goneFindings).toEqual([]);
});

test('what is found again as it is stored is not written', () => {
  const stored = storedAfter(changes([skewed(0, 1)], [], looking(0, 1)));
  expect(changes([skewed(0, 1)], stored, looking(0, 1))).toMatchObject({ findings: [], goneFindings: [] });
});

test('a condition of another day is another one', () => {
  const stored = storedAfter(changes([skewed(0, 1)], [], looking(0, 1)));
  const day = 3 * 24 * 60;
  const next = changes([skewed(day, day + 1)], stored, looking(day, day + 1));
  expect(next.fresh.size).toBe(1);
});
