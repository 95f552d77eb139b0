import { describe, expect, test } from 'vitest';
import type { AlertAction, Maintenance } from '../../src/alerts/alert.ts';
import { causeRules } from '../../src/alerts/causes.ts';
import { parseMatchers } from '../../src/alerts/matchers.ts';
import { policyOf } from '../../src/alerts/policies.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import { detectors } from '../../src/detectors/index.ts';
import type { FindingMessage } from '../../src/reports/finding-message.ts';
import { createStage, found, second, type Found } from './stage.ts';

const MINUTE = 60;
const HOUR = 3600;

function silence(matchers: readonly string[], until: number, { from = 0, id = 'quiet' } = {}): AlertAction {
  const { matchers: parsed } = parseMatchers(matchers);
  if (parsed === null) throw new Error(`no matchers: ${matchers.join(' ')}`);
  const times = { at: second(from), from: second(from), until: second(until) };
  return { kind: 'silence', id, by: 'ann', comment: 'known', matchers: parsed, ...times };
}

function acknowledge(alert: string, at: number): AlertAction {
  return { kind: 'acknowledge', id: `ack ${at}`, by: 'ann', at: second(at), comment: '', alert };
}

function maintenance(host: string | null, from: number, until: number): Maintenance {
  return { id: `m ${host}`, cluster: 'c1', host, from: second(from), until: second(until), comment: 'new fans' };
}

const of = (detector: string, more: Omit<Found, 'detector'>): FindingMessage => found({ detector, ...more });
const spike = (at: number, to: number | null, more: Partial<Found> = {}): FindingMessage =>
  of('storage-heartbeat-spike', { host: 'kvm-a', from: 0, id: 's', at, to, ...more });
const reset = (at: number): FindingMessage =>
  spike(at, at, {
    severity: 'critical',
    summary: 'kvm-a resets itself now, at 00:05:50 UTC: every VM on it stops. kvm-a cannot write.',
  });
const unexplained = { migration: { cause: 'timed-out' } } as const;

describe('causes', () => {
  test('a storage heartbeat that hangs mutes the failed migrations of its host in that time', () => {
    const stage = createStage();
    stage.at(5, { found: [spike(5, null)] });
    const comes = {
      found: [
        of('migration-failed', { at: 40, ...unexplained }),
        of('migration-aborted', { at: 40, vm: 'i-2-2-VM', ...unexplained }),
      ],
    };
    expect(stage.at(40, comes)).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({
      state: 'firing',
      muted: { by: 'cause', because: 'kvm-a has a slow or failing storage heartbeat (storage-heartbeat-spike)' },
    });
  });

  test('not those of other hosts, not those after its time, and not those with a cause of their own', () => {
    const stage = createStage();
    stage.at(5, { found: [spike(5, null)] });
    stage.at(60, { found: [spike(60, 50)] });
    const others = { source: 'kvm-c', destination: 'kvm-d', cause: 'timed-out' } as const;
    expect(stage.at(60, { found: [of('migration-failed', { at: 60, migration: others })] })).toHaveLength(1);
    expect(
      stage.at(70, { found: [of('migration-failed', { at: 70, vm: 'i-2-2-VM', migration: { cause: 'no-free-port' } })] }),
    ).toHaveLength(1);
    expect(
      stage.at(250, { found: [of('migration-failed', { at: 250, from: 200, vm: 'i-2-3-VM', ...unexplained })] }),
    ).toHaveLength(1);
  });

  test('a failure that was told before its cause is listed with it, and not told again except as resolved', () => {
    const stage = createStage();
    stage.at(10, { found: [of('migration-failed', { at: 10, from: 2, ...unexplained })] });
    expect(stage.at(60, { found: [spike(60, null)] })).toEqual([
      'firing: storage-heartbeat-spike kvm-a because of it: migration-failed i-2-1-VM',
    ]);
    const worse = of('migration-failed', {
      at: 80,
      from: 2,
      to: 10,
      change: 'changed',
      severity: 'critical',
      id: 'migration-failed i-2-1-VM@2',
      ...unexplained,
    });
    expect(stage.at(80, { found: [worse] })).toEqual([]);
    expect(stage.at(200, { moved: { 'i-2-1-VM': 190 } })).toEqual(['resolved: migration-failed i-2-1-VM']);
  });

  test('what a cause explained stays explained when the cause is over', () => {
    const stage = createStage();
    stage.at(5, { found: [spike(5, null)] });
    stage.at(40, { found: [of('migration-failed', { at: 40, ...unexplained })] });
    expect(stage.at(60, { found: [spike(60, 50)] })).toEqual([]);
    expect(stage.at(2 * HOUR)).toEqual(['resolved: storage-heartbeat-spike kvm-a']);
    expect(stage.at(26 * HOUR)).toEqual([]);
  });

  test('it stays explained when the cause is forgotten', () => {
    const stage = createStage({ settings: alertSettings.parse({ keepMs: HOUR * 1000 }), restarts: () => true });
    stage.at(5, { found: [spike(5, null)] });
    stage.at(40, { found: [of('migration-failed', { at: 40, ...unexplained })] });
    stage.at(60, { found: [spike(60, 50)] });
    expect(stage.at(3 * HOUR)).toEqual(['resolved: storage-heartbeat-spike kvm-a']);
    const again = of('downtime-exceeded', { at: 3 * HOUR, vm: 'i-2-9-VM' });
    expect(stage.at(3 * HOUR, { found: [again] })).toHaveLength(1);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ state: 'firing', muted: { by: 'cause' } });
  });

  test('an alert of which one finding is explained and another is not is told', () => {
    const stage = createStage();
    stage.at(5, { found: [spike(5, null)] });
    const worst = of('migration-failed', { at: 40, severity: 'critical', ...unexplained });
    const other = of('migration-failed', { at: 45, migration: { cause: 'no-free-port' } });
    expect(stage.at(45, { found: [worst, other] })).toEqual(['firing: migration-failed i-2-1-VM']);
  });

  test('what a withdrawn cause explained is told', () => {
    const stage = createStage();
    stage.at(5, { found: [spike(5, null)] });
    stage.at(40, { found: [of('migration-failed', { at: 40, ...unexplained })] });
    expect(stage.at(100, { found: [{ ...spike(100, null), change: 'withdrawn' }] }).toSorted()).toEqual([
      'firing: migration-failed i-2-1-VM',
      'resolved: storage-heartbeat-spike kvm-a',
    ]);
  });

  test('a later failure that has nothing to do with the cause is told', () => {
    const stage = createStage();
    stage.at(5, { found: [spike(5, null)] });
    stage.at(40, { found: [of('migration-failed', { at: 40, ...unexplained })] });
    stage.at(60, { found: [spike(60, 50)] });
    stage.at(HOUR - 1);
    const later = of('migration-failed', { at: HOUR, ...unexplained });
    expect(stage.at(HOUR, { found: [later] })).toEqual(['firing: migration-failed i-2-1-VM']);
  });

  test('a host that resets itself mutes the rest of that host, but not a VM that runs twice', () => {
    const stage = createStage();
    expect(stage.at(350, { found: [reset(350)] })).toEqual(['firing: storage-heartbeat-spike kvm-a']);
    const rest = [
      of('network-interrupted', { at: 400, severity: 'critical', migration: { cause: 'network-interrupted' } }),
      of('destination-died', {
        at: 401,
        vm: 'i-2-2-VM',
        severity: 'critical',
        migration: { source: 'kvm-c', destination: 'kvm-a', cause: 'destination-died' },
      }),
      of('clock-skew', { at: 402, host: 'kvm-a', to: null }),
    ];
    expect(stage.at(402, { found: rest })).toEqual([]);
    expect(stage.at(403, { found: [of('split-brain-risk', { at: 403, severity: 'critical', to: null })] })).toEqual([
      'firing: split-brain-risk i-2-1-VM',
    ]);
    expect(stage.at(404, { found: [of('clock-skew', { at: 404, host: 'kvm-c', to: null })] })).toHaveLength(1);
  });

  test('of one migration the most telling finding is told, and the others with it', () => {
    const stage = createStage();
    const at = { at: 10, migration: { cause: 'cpu-incompatible' as const } };
    const three = [
      of('migration-failed', at),
      of('downtime-exceeded', at),
      of('cpu-incompatible', { ...at, severity: 'critical' }),
    ];
    expect(stage.at(10, { found: three })).toEqual([expect.stringMatching(/^firing: cpu-incompatible i-2-1-VM because of it: /)]);
    expect(stage.told[0]?.explains.map(({ detector }) => detector).toSorted()).toEqual(['downtime-exceeded', 'migration-failed']);
    expect(stage.at(100)).toEqual([]);
  });

  test('what begins to tell more than what explained it is told, and no two explain each other', () => {
    const stage = createStage();
    const critical = { severity: 'critical', migration: { id: 'm' } } as const;
    stage.at(0, { found: [of('missing-garp', { at: 0, from: -20, id: 'g', ...critical })] });
    expect(stage.at(1, { found: [of('downtime-exceeded', { at: 1, from: -19, id: 'd', ...critical })] })).toEqual([]);
    const later = of('missing-garp', { at: 2, from: -18, id: 'g', change: 'changed', ...critical });
    expect(stage.at(2, { found: [later] })).toEqual(['firing: downtime-exceeded i-2-1-VM because of it: missing-garp i-2-1-VM']);
  });

  test('while a migration is in post-copy, nobody is told to abort it', () => {
    const stage = createStage();
    const running = { at: 60, from: 0, to: null } as const;
    expect(stage.at(60, { found: [of('not-converging', running), of('post-copy', running)] })).toEqual([
      'firing: post-copy i-2-1-VM because of it: not-converging i-2-1-VM',
    ]);
  });

  test('what is silenced explains nothing: the next most telling finding is told', () => {
    const stage = createStage();
    const at = { at: 60, from: 0 };
    const comes = {
      found: [of('not-converging', at), of('migration-aborted', at)],
      actions: [silence(['detector=not-converging'], HOUR)],
    };
    expect(stage.at(60, comes)).toEqual(['firing: migration-aborted i-2-1-VM']);
  });

  test('the table names detectors that exist, and no cause explains a cause or a VM that runs twice', () => {
    const ids = detectors.map(({ id }) => id);
    const causes = new Set(causeRules.map(({ cause }) => cause));
    for (const { cause, explains } of causeRules) {
      expect(ids).toContain(cause);
      expect(policyOf(cause).about).toBe('host');
      for (const detector of explains) {
        expect(ids).toContain(detector);
        expect(causes.has(detector) || detector === 'split-brain-risk').toBe(false);
      }
    }
  });
});

describe('silences', () => {
  test('an alert that a silence matches is told when the silence ends and it still fires', () => {
    const stage = createStage();
    expect(stage.at(0, { found: [of('migration-failed', { at: 0 })], actions: [silence(['vm=~i-2-.*'], HOUR)] })).toEqual([]);
    expect(stage.alert('i-2-1-VM').muted?.because).toBe('silenced by ann until 2026-11-30 01:00:00 UTC: known');
    expect(stage.at(HOUR - 1)).toEqual([]);
    expect(stage.at(HOUR)).toEqual(['firing: migration-failed i-2-1-VM']);
  });

  test('one that is resolved meanwhile was never told', () => {
    const stage = createStage();
    stage.at(0, { found: [of('migration-failed', { at: 0 })], actions: [silence(['vm=i-2-1-VM'], HOUR)] });
    expect(stage.at(100, { moved: { 'i-2-1-VM': 90 } })).toEqual([]);
    expect(stage.at(2 * HOUR)).toEqual([]);
  });

  test('where it was told before, its end is told after the silence', () => {
    const stage = createStage();
    stage.at(0, { found: [of('migration-failed', { at: 0 })] });
    stage.at(10, { actions: [silence(['vm=i-2-1-VM'], HOUR, { from: 10 })] });
    expect(stage.at(100, { moved: { 'i-2-1-VM': 90 } })).toEqual([]);
    expect(stage.at(HOUR)).toEqual(['resolved: migration-failed i-2-1-VM']);
  });

  test('a silence can be ended before its time, and comes again as often as it likes', () => {
    const stage = createStage();
    const quiet = silence(['detector=migration-failed'], HOUR);
    stage.at(0, { found: [of('migration-failed', { at: 0 })], actions: [quiet] });
    const expire: AlertAction = { kind: 'expire', id: 'e', by: 'bob', at: second(50), comment: '', silence: 'quiet' };
    expect(stage.at(50, { actions: [expire, quiet] })).toEqual(['firing: migration-failed i-2-1-VM']);
  });

  test('even a VM that runs twice can be silenced', () => {
    const stage = createStage();
    const twice = of('split-brain-risk', { at: 0, to: null, severity: 'critical' });
    expect(stage.at(0, { found: [twice], actions: [silence(['detector=split-brain-risk', 'vm=i-2-1-VM'], HOUR)] })).toEqual([]);
  });

  test('another VM, and an alert of which one matcher does not match, are told', () => {
    const stage = createStage();
    const actions = [
      silence(['vm=i-2-9-VM'], HOUR, { id: 'a' }),
      silence(['vm=i-2-1-VM', 'severity!=warning'], HOUR, { id: 'b' }),
      silence(['vm=i-2-1'], HOUR, { id: 'c' }),
      silence(['vm=~i-2-1'], HOUR, { id: 'd' }),
      silence(['host!~kvm-a'], HOUR, { id: 'e' }),
    ];
    expect(stage.at(0, { found: [of('migration-failed', { at: 0 })], actions })).toHaveLength(1);
  });
});

describe('acknowledgements', () => {
  test('nobody is told again until it is resolved', () => {
    const stage = createStage();
    stage.at(0, { found: [of('not-converging', { at: 20, from: 0, to: null, id: 'n' })] });
    stage.at(20);
    stage.at(30, { actions: [acknowledge(stage.alert('i-2-1-VM').id, 30)] });
    const failed = of('not-converging', { at: 90, from: 0, to: 90, id: 'n', change: 'changed' });
    expect(stage.at(90, { found: [failed] })).toEqual([]);
    expect(stage.at(200, { moved: { 'i-2-1-VM': 190 } })).toEqual(['resolved: not-converging i-2-1-VM']);
  });

  test('what becomes worse is told all the same, and is acknowledged no more', () => {
    const stage = createStage();
    const failed = { from: -10, to: 0, id: 'f' } as const;
    stage.at(0, { found: [of('migration-failed', { ...failed, at: 0 })] });
    const ack = acknowledge(stage.alert('i-2-1-VM').id, 30);
    stage.at(30, { actions: [ack] });
    expect(stage.alert('i-2-1-VM').acknowledged).toMatchObject({ by: 'ann' });
    expect(
      stage.at(90, { found: [of('migration-failed', { ...failed, at: 90, change: 'changed', severity: 'critical' })] }),
    ).toHaveLength(1);
    expect(stage.at(91, { actions: [ack] })).toEqual([]);
    expect(stage.alert('i-2-1-VM').acknowledged).toBeNull();
  });

  test('one of an earlier episode does not count', () => {
    const stage = createStage();
    stage.at(0, { found: [of('migration-failed', { at: 0 })] });
    const ack = acknowledge(stage.alert('i-2-1-VM').id, 30);
    stage.at(30, { actions: [ack] });
    stage.at(100, { moved: { 'i-2-1-VM': 90 } });
    expect(stage.at(HOUR, { found: [of('migration-failed', { at: HOUR })], actions: [ack] })).toHaveLength(1);
  });
});

describe('maintenance', () => {
  const told = (message: FindingMessage, window: Maintenance): readonly string[] =>
    createStage().at(100, { found: [message], maintenance: [window] });

  test.each([
    ['not-converging', 'warning'],
    ['downtime-exceeded', 'warning'],
    ['migration-aborted', 'warning'],
    ['migration-failed', 'warning'],
    ['storage-heartbeat-spike', 'warning'],
    ['clock-skew', 'critical'],
  ] as const)('%s (%s) of migrations that leave the host, or of the host, is kept back', (detector, severity) => {
    expect(told(of(detector, { at: 100, host: 'kvm-a', severity, from: 0 }), maintenance('kvm-a', 0, HOUR))).toEqual([]);
  });

  test.each([
    ['split-brain-risk', 'critical'],
    ['cpu-incompatible', 'critical'],
    ['migration-failed', 'critical'],
    ['storage-heartbeat-spike', 'critical'],
    ['missing-garp', 'warning'],
  ] as const)('%s (%s) is told', (detector, severity) => {
    expect(told(of(detector, { at: 100, host: 'kvm-a', severity, from: 0 }), maintenance('kvm-a', 0, HOUR))).toHaveLength(1);
    expect(told(of(detector, { at: 100, host: 'kvm-a', severity, from: 0 }), maintenance(null, 0, HOUR))).toHaveLength(1);
  });

  test('migrations to the host, and of other hosts, are told', () => {
    expect(told(of('migration-failed', { at: 100 }), maintenance('kvm-b', 0, HOUR))).toHaveLength(1);
    expect(told(of('migration-failed', { at: 100 }), maintenance('kvm-c', 0, HOUR))).toHaveLength(1);
  });

  test('before and after the window it is told; what still fires at its end, too', () => {
    expect(told(of('migration-failed', { at: 100 }), maintenance('kvm-a', 200, HOUR))).toHaveLength(1);
    expect(told(of('migration-failed', { at: 100 }), maintenance('kvm-a', 0, 99))).toHaveLength(1);
    const stage = createStage();
    stage.at(100, { found: [of('migration-failed', { at: 100 })], maintenance: [maintenance('kvm-a', 0, HOUR)] });
    expect(stage.at(HOUR)).toEqual(['firing: migration-failed i-2-1-VM']);
  });

  test('a window without an end lasts until it is gone', () => {
    const stage = createStage();
    const endless: Maintenance = { ...maintenance('kvm-a', 0, 0), until: Number.POSITIVE_INFINITY };
    expect(stage.at(100, { found: [of('migration-failed', { at: 100 })], maintenance: [endless] })).toEqual([]);
    expect(stage.at(10 * MINUTE, { maintenance: [] })).toHaveLength(1);
  });
});
