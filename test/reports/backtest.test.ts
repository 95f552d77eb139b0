import { describe, expect, test } from 'vitest';
import type { Backtest, BacktestChange, JudgedFinding } from '../../src/model/backtest.ts';
import { backtestDocument, backtestReport } from '../../src/reports/backtest.ts';

const AT = Date.UTC(2026, 10, 23, 4, 42, 33);
const ASKED = {
  detector: 'downtime-exceeded',
  limits: { warnMs: 2000 },
  since: Date.UTC(2026, 9, 31),
  until: Date.UTC(2026, 10, 30),
} as const;
const NOTHING: Backtest = {
  asked: ASKED,
  inForce: { warnMs: 1000 },
  found: 52,
  gone: 0,
  fresh: 0,
  otherSeverity: 0,
  changes: [],
  unjudged: [],
};

function finding(parts: Partial<JudgedFinding> = {}): JudgedFinding {
  return {
    id: 'f1',
    cluster: 'c1',
    from: AT,
    to: AT + 5000,
    vm: 'i-2-12-VM',
    host: 'kvm-b',
    source: 'kvm-a',
    destination: 'kvm-b',
    severity: 'warning',
    summary: 'i-2-12-VM stood still for 1.4 s when it moved from kvm-a to kvm-b; the limit in force was 300 ms.',
    ...parts,
  };
}

function shown(parts: Partial<Backtest>, screen: { readonly width?: number | null; readonly untilNow?: boolean } = {}): string {
  return backtestReport({ ...NOTHING, ...parts }, { width: null, color: false, untilNow: true, ...screen });
}

const GOES: BacktestChange = { before: finding(), after: null };
const COMES: BacktestChange = { before: null, after: finding({ from: AT + 60_000, severity: 'info' }) };
const CHANGES: BacktestChange = {
  before: finding({ from: AT + 90_000 }),
  after: finding({ from: AT + 90_000, severity: 'info' }),
};

describe('the first sentence says what changes, in numbers', () => {
  test.each<[Partial<Backtest>, string]>([
    [{ gone: 14 }, '14 of 52 findings of the last 30 days go, none is new.'],
    [{ gone: 1 }, '1 of 52 findings of the last 30 days goes, none is new.'],
    [{ found: 1, gone: 1, fresh: 1 }, '1 of 1 finding of the last 30 days goes, 1 is new.'],
    [{ fresh: 3 }, 'none of 52 findings of the last 30 days goes, 3 are new.'],
    [{ gone: 2, otherSeverity: 1 }, '2 of 52 findings of the last 30 days go, none is new and 1 gets another severity.'],
    [{}, 'nothing changes: 52 findings of the last 30 days as before.'],
    [{ found: 0 }, 'nothing changes: there is no finding of the last 30 days.'],
  ])('%j', (parts, sentence) => {
    expect(shown(parts).split('\n')[0]).toBe(`With downtime-exceeded.warnMs=2000 instead of 1000, ${sentence}`);
  });

  test('names every limit, a period that is over, and the cluster', () => {
    const asked = { ...ASKED, limits: { warnMs: 2000, adviseMs: 5 }, cluster: 'c1' };
    expect(shown({ asked, inForce: { warnMs: 1000, adviseMs: 100 }, gone: 2 }, { untilNow: false }).split('\n')[0]).toBe(
      'With downtime-exceeded.warnMs=2000 instead of 1000 and downtime-exceeded.adviseMs=5 instead of 100, 2 of 52 findings from 2026-10-31 00:00:00 to 2026-11-30 00:00:00 UTC in c1 go, none is new.',
    );
  });

  test.each([
    [3_600_000, 'the last 1 hour'],
    [36 * 3_600_000, 'the last 36 hours'],
    [48 * 3_600_000, 'the last 2 days'],
  ])('a period of %d ms is %s', (ms, words) => {
    expect(shown({ asked: { ...ASKED, since: ASKED.until - ms } })).toContain(`findings of ${words} as`);
  });
});

describe('a line a change', () => {
  const changed = { gone: 1, fresh: 1, otherSeverity: 1, changes: [GOES, COMES, CHANGES] };

  test('says when, which VM, from where to where, how bad, and what; one line each where nothing watches', () => {
    const summary = finding().summary;
    expect(shown(changed).split('\n').slice(1)).toEqual([
      '',
      'times are UTC',
      `-  2026-11-23 04:42:33  i-2-12-VM  kvm-a → kvm-b  warning  ${summary}`,
      `+  2026-11-23 04:43:33  i-2-12-VM  kvm-a → kvm-b  info  ${summary}`,
      `~  2026-11-23 04:44:03  i-2-12-VM  kvm-a → kvm-b  warning → info  ${summary}`,
      '',
    ]);
  });

  test.each([80, 120, 160])('fits into %d columns', (width) => {
    const lines = shown(changed, { width }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(finding().summary);
  });

  test('of a host names the host', () => {
    const changes = [{ before: finding({ source: null, destination: null, vm: 'i-2-12-VM' }), after: null }];
    expect(shown({ gone: 1, changes })).toContain('-  2026-11-23 04:42:33  kvm-b  warning  ');
  });

  test('of many shows the latest, and says so', () => {
    expect(shown({ gone: 2000, changes: [GOES] })).toContain('\nthe latest 1 of them, times are UTC\n');
  });

  test('shows what logs say and does not obey it', () => {
    const changes = [{ before: finding({ vm: 'i-\u001b[2J', summary: 'a\u001b[2Jb' }), after: null }];
    expect(shown({ gone: 1, changes })).not.toContain('\u001b');
  });
});

test('what was not judged is named, with what is stored of it', () => {
  const unjudged = [
    { cluster: 'c1', from: ASKED.since, to: AT, migrations: 12 },
    { cluster: 'c2', from: ASKED.since, to: AT, migrations: 0 },
  ];
  expect(shown({ unjudged }).split('\n').slice(2)).toEqual([
    'not judged: c1, 2026-10-31 00:00:00 to 2026-11-23 04:42:33 UTC: no events are stored of this time (store.ttlDays.events); 12 migrations of it could not be judged',
    'not judged: c2, 2026-10-31 00:00:00 to 2026-11-23 04:42:33 UTC: no events are stored of this time (store.ttlDays.events); no migration is stored of it',
    '',
  ]);
});

test('the document has the same numbers and times in ISO 8601', () => {
  const unjudged = [{ cluster: 'c1', from: ASKED.since, to: AT, migrations: 12 }];
  expect(backtestDocument({ ...NOTHING, gone: 1, changes: [GOES], unjudged })).toEqual({
    schema: 'precopy/backtest@1',
    detector: 'downtime-exceeded',
    limits: { warnMs: 2000 },
    inForce: { warnMs: 1000 },
    since: '2026-10-31T00:00:00.000Z',
    until: '2026-11-30T00:00:00.000Z',
    cluster: null,
    found: 52,
    gone: 1,
    fresh: 0,
    otherSeverity: 0,
    changes: [{ before: { ...finding(), from: '2026-11-23T04:42:33.000Z', to: '2026-11-23T04:42:38.000Z' }, after: null }],
    unjudged: [{ cluster: 'c1', from: '2026-10-31T00:00:00.000Z', to: '2026-11-23T04:42:33.000Z', migrations: 12 }],
  });
});
