import { describe, expect, test } from 'vitest';
import { createStage, found, second } from './stage.ts';

const MINUTE = 60;
const HOUR = 3600;

const refused = (at: number, vm = 'i-2-1-VM'): ReturnType<typeof found> => found({ detector: 'migration-failed', at, vm });

describe('identity', () => {
  test('three failed attempts of one VM are one alert, told once', () => {
    const stage = createStage();
    expect(stage.at(0, { found: [refused(0)] })).toEqual(['firing: migration-failed i-2-1-VM']);
    expect(stage.at(100, { found: [refused(100)] })).toEqual([]);
    expect(stage.at(200, { found: [refused(200)] })).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ count: 3, episode: 1, state: 'firing' });
  });

  test('what becomes worse is told again, what becomes milder is not', () => {
    const stage = createStage();
    const failed = { detector: 'migration-failed', from: -10, to: 0, id: 'f' } as const;
    stage.at(0, { found: [found({ ...failed, at: 0 })] });
    expect(stage.at(70, { found: [found({ ...failed, at: 70, change: 'changed', severity: 'critical' })] })).toEqual([
      'firing: migration-failed i-2-1-VM',
    ]);
    expect(stage.at(140, { found: [found({ ...failed, at: 140, change: 'changed' })] })).toEqual([]);
    expect(stage.at(210, { found: [found({ ...failed, at: 210, change: 'changed', severity: 'critical' })] })).toEqual([]);
  });

  test('what turns from a warning to critical is told at once, though its group was just told of', () => {
    const stage = createStage();
    const failed = { detector: 'migration-failed', from: -10, to: 0, id: 'f' } as const;
    stage.at(0, { found: [found({ ...failed, at: 0 })] });
    expect(stage.at(2, { found: [found({ ...failed, at: 2, change: 'changed', severity: 'critical' })] })).toHaveLength(1);
  });

  test('advice alarms nobody', () => {
    const stage = createStage();
    expect(stage.at(0, { found: [found({ detector: 'downtime-exceeded', at: 0, severity: 'info' })] })).toEqual([]);
    expect(stage.stored.size).toBe(0);
  });

  test('a warning that turns into advice is resolved', () => {
    const stage = createStage();
    const long = { detector: 'downtime-exceeded', from: -10, to: 0, id: 'd' } as const;
    stage.at(0, { found: [found({ ...long, at: 0 })] });
    expect(stage.at(100, { found: [found({ ...long, at: 100, change: 'changed', severity: 'info' })] })).toEqual([
      'resolved: downtime-exceeded i-2-1-VM',
    ]);
  });

  test('old logs wake nobody', () => {
    const stage = createStage();
    const old = found({ detector: 'migration-failed', at: 0, from: -2 * HOUR, to: -2 * HOUR + 5 });
    expect(stage.at(0, { found: [old] })).toEqual([]);
    expect(stage.stored.size).toBe(0);
  });

  test('alerts of another cluster are another book’s', () => {
    const stage = createStage();
    expect(stage.at(0, { found: [found({ detector: 'migration-failed', at: 0, cluster: 'c2' })] })).toEqual([]);
  });
});

describe('the same message again', () => {
  test('changes nothing, however late and in whatever order', () => {
    const stage = createStage();
    const first = refused(0);
    const again = refused(100);
    stage.at(0, { found: [first] });
    stage.at(100, { found: [again] });
    const before = structuredClone(stage.alert('i-2-1-VM'));
    expect(stage.at(130, { found: [again, first, again] })).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toEqual(before);
  });

  test('does not open again what is resolved', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    expect(stage.at(100, { moved: { 'i-2-1-VM': 90 } })).toEqual(['resolved: migration-failed i-2-1-VM']);
    expect(stage.at(110, { found: [refused(0)] })).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ state: 'resolved', episode: 1 });
  });

  test('is known even after twenty others', () => {
    const stage = createStage();
    const attempts = Array.from({ length: 30 }, (_, i) => refused(i * 20));
    for (const [i, attempt] of attempts.entries()) stage.at(i * 20, { found: [attempt] });
    expect(stage.at(1000, { found: attempts })).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ count: 30 });
    expect(stage.alert('i-2-1-VM').said).toHaveLength(20);
  });
});

describe('holding', () => {
  const slow = (at: number, to: number | null = null): ReturnType<typeof found> =>
    found({
      detector: 'not-converging',
      at,
      from: 0,
      to,
      id: 'n',
      migration: to === null ? {} : { outcome: 'completed', cause: null },
    });

  test('a migration that converges after all within the hold is not told', () => {
    const stage = createStage();
    expect(stage.at(1, { found: [slow(1)] })).toEqual([]);
    expect(stage.at(10, { found: [{ ...slow(10), change: 'withdrawn' }] })).toEqual([]);
    expect(stage.at(100)).toEqual([]);
  });

  test('one that goes on is told when the hold is over', () => {
    const stage = createStage();
    stage.at(1, { found: [slow(1)] });
    expect(stage.at(14)).toEqual([]);
    expect(stage.at(15)).toEqual(['firing: not-converging i-2-1-VM']);
  });

  test('one that fails meanwhile is told at once, and once', () => {
    const stage = createStage();
    stage.at(1, { found: [slow(1)] });
    const failed = found({ detector: 'not-converging', at: 8, from: 0, to: 8, id: 'n', change: 'changed' });
    expect(stage.at(8, { found: [failed] })).toEqual(['firing: not-converging i-2-1-VM']);
  });

  test('one that was told while it ran is told again when it has failed', () => {
    const stage = createStage();
    stage.at(1, { found: [slow(1)] });
    stage.at(20);
    const aborted = found({ detector: 'not-converging', at: 90, from: 0, to: 90, id: 'n', change: 'changed' });
    const generic = found({ detector: 'migration-aborted', at: 90, from: 0, to: 90 });
    expect(stage.at(90, { found: [aborted, generic] })).toEqual([
      'firing: not-converging i-2-1-VM because of it: migration-aborted i-2-1-VM',
    ]);
    expect(stage.at(200)).toEqual([]);
  });

  test('one that completes is resolved by itself', () => {
    const stage = createStage();
    stage.at(1, { found: [slow(1)] });
    stage.at(20);
    expect(stage.at(90, { found: [{ ...slow(90, 90), change: 'changed' }], moved: { 'i-2-1-VM': 90 } })).toEqual([
      'resolved: not-converging i-2-1-VM',
    ]);
    expect(stage.alert('i-2-1-VM').resolvedBecause).toBe('a migration of i-2-1-VM completed at 00:01:30 UTC');
  });

  test('a failure of unknown cause waits three seconds for the other log, and is then told by its cause', () => {
    const stage = createStage();
    const unknown = found({ detector: 'migration-failed', at: 0, from: -10, to: 0, id: 'f', migration: { cause: null } });
    expect(stage.at(0, { found: [unknown] })).toEqual([]);
    const of = { from: -10, to: 0, at: 1, migration: { cause: 'cpu-incompatible' as const } };
    const cpu = found({ detector: 'cpu-incompatible', severity: 'critical', ...of });
    const known = found({ detector: 'migration-failed', id: 'f', change: 'changed', ...of });
    expect(stage.at(1, { found: [cpu, known] })).toEqual([
      'firing: cpu-incompatible i-2-1-VM because of it: migration-failed i-2-1-VM',
    ]);
    expect(stage.at(10)).toEqual([]);
  });

  test('one whose cause stays unknown is told after three seconds', () => {
    const stage = createStage();
    stage.at(0, { found: [found({ detector: 'migration-failed', at: 0, migration: { cause: 'unknown' } })] });
    expect(stage.at(2.9)).toEqual([]);
    expect(stage.at(3)).toEqual(['firing: migration-failed i-2-1-VM']);
  });
});

describe('the end', () => {
  const hot = (at: number, to: number, from = 0): ReturnType<typeof found> =>
    found({ detector: 'host-overheated', host: 'kvm-a', at, from, to, id: 'h', change: at === 0 ? 'found' : 'changed' });
  const hangs = (at: number, to: number | null, id = 's'): ReturnType<typeof found> =>
    found({ detector: 'storage-heartbeat-spike', host: 'kvm-a', at, from: 0, to, id });

  test('a later migration of the VM resolves its failure', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    expect(stage.at(HOUR, { moved: { 'i-2-2-VM': HOUR } })).toEqual([]);
    expect(stage.at(2 * HOUR, { moved: { 'i-2-1-VM': 2 * HOUR } })).toEqual(['resolved: migration-failed i-2-1-VM']);
  });

  test('an earlier one does not', () => {
    const stage = createStage();
    expect(stage.at(0, { found: [refused(0)], moved: { 'i-2-1-VM': -100 } })).toEqual(['firing: migration-failed i-2-1-VM']);
    expect(stage.at(HOUR)).toEqual([]);
  });

  test('a day without another attempt resolves it, too', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    expect(stage.at(HOUR, { found: [refused(HOUR)] })).toEqual([]);
    expect(stage.at(25 * HOUR - 1)).toEqual([]);
    expect(stage.at(25 * HOUR)).toEqual(['resolved: migration-failed i-2-1-VM']);
    expect(stage.alert('i-2-1-VM').resolvedBecause).toBe('nothing more was found for 24 h');
  });

  test('a condition is resolved when it has been over for its recovery', () => {
    const stage = createStage();
    expect(stage.at(5, { found: [hangs(5, null)] })).toEqual(['firing: storage-heartbeat-spike kvm-a']);
    expect(stage.at(30, { found: [hangs(30, 29)] })).toEqual([]);
    expect(stage.at(30 + 5 * MINUTE - 1)).toEqual([]);
    expect(stage.at(30 + 5 * MINUTE)).toEqual(['resolved: storage-heartbeat-spike kvm-a']);
    expect(stage.alert('kvm-a').resolvedBecause).toBe('it ended at 00:00:29 UTC and did not come back for 5 min');
  });

  test('one that comes back within its recovery was never over', () => {
    const stage = createStage();
    stage.at(5, { found: [hangs(5, null)] });
    stage.at(30, { found: [hangs(30, 29)] });
    expect(stage.at(200, { found: [hangs(200, 199)] })).toEqual([]);
    expect(stage.at(499)).toEqual([]);
    expect(stage.at(500)).toEqual(['resolved: storage-heartbeat-spike kvm-a']);
    expect(stage.alert('kvm-a').episode).toBe(1);
  });

  test('one that comes back later is the same alert anew, and told anew', () => {
    const stage = createStage();
    stage.at(5, { found: [hangs(5, 4)] });
    stage.at(400);
    const first = stage.alert('kvm-a');
    expect(stage.at(HOUR, { found: [hangs(HOUR, HOUR - 1)] })).toEqual(['firing: storage-heartbeat-spike kvm-a']);
    expect(stage.alert('kvm-a')).toMatchObject({ id: first.id, episode: 2, count: 1 });
    expect(stage.told.at(-1)?.id).not.toBe(stage.told[0]?.id);
  });

  test('one whose end nobody was told of yet, because its group was just told, goes on', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    stage.at(10, { moved: { 'i-2-1-VM': 9 } });
    expect(stage.alert('i-2-1-VM').state).toBe('resolved');
    expect(stage.at(20, { found: [refused(20)] })).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ state: 'firing', episode: 1 });
    expect(stage.at(200)).toEqual([]);
  });

  test('of a failure that is over because the VM moved, nothing that comes later makes an alert', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    stage.at(100, { moved: { 'i-2-1-VM': 90 } });
    const later = found({ detector: 'migration-failed', at: 120, from: -10, to: 1, change: 'changed', severity: 'critical' });
    expect(stage.at(120, { found: [later] })).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ state: 'resolved', episode: 1 });
  });

  test('what ended before anybody heard of it is told all the same', () => {
    const stage = createStage();
    const twice = found({ detector: 'split-brain-risk', severity: 'critical', at: 1500, from: 0, to: 20 });
    expect(stage.at(1500, { found: [twice] })).toEqual(['firing: split-brain-risk i-2-1-VM']);
    expect(stage.at(1560)).toEqual(['resolved: split-brain-risk i-2-1-VM']);
  });

  test('a VM on two hosts is not resolved by silence', () => {
    const stage = createStage();
    stage.at(0, { found: [found({ detector: 'split-brain-risk', severity: 'critical', at: 0, to: null })] });
    expect(stage.at(30 * 24 * HOUR, { moved: { 'i-2-1-VM': HOUR } })).toEqual([]);
  });

  test('heat is resolved when no more of it is found', () => {
    const stage = createStage();
    expect(stage.at(0, { found: [hot(0, 0)] })).toEqual([]);
    expect(stage.at(70, { found: [hot(70, 69)] })).toEqual(['firing: host-overheated kvm-a']);
    expect(stage.at(70 + 30 * MINUTE)).toEqual(['resolved: host-overheated kvm-a']);
  });

  test('a missing announcement is not resolved by the end of the migration that it is about', () => {
    const stage = createStage();
    const of = {
      detector: 'missing-garp',
      from: 0,
      to: null,
      migration: { outcome: 'completed', endedAt: new Date(second(3)).toISOString() },
    } as const;
    expect(stage.at(10, { found: [found({ ...of, at: 10 })], moved: { 'i-2-1-VM': 3 } })).toEqual([
      'firing: missing-garp i-2-1-VM',
    ]);
    expect(stage.at(100)).toEqual([]);
    expect(stage.at(200, { moved: { 'i-2-1-VM': 190 } })).toEqual(['resolved: missing-garp i-2-1-VM']);
  });

  test('what later lines do not bear out is resolved at once', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    expect(stage.at(100, { found: [{ ...refused(0), change: 'withdrawn', at: new Date(second(100)).toISOString() }] })).toEqual([
      'resolved: migration-failed i-2-1-VM',
    ]);
    expect(stage.alert('i-2-1-VM').resolvedBecause).toBe('later lines do not bear it out');
  });

  test('where another finding still holds, it stays and shows that one', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    stage.at(50, { found: [refused(50)] });
    const withdrawn = { ...refused(50), change: 'withdrawn' as const, at: new Date(second(100)).toISOString() };
    expect(stage.at(100, { found: [withdrawn] })).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ state: 'firing', findingId: refused(0).id });
  });

  test('a finding that another one replaces in the same step is no new alert', () => {
    const stage = createStage();
    stage.at(0, { found: [refused(0)] });
    const better = found({ detector: 'migration-failed', at: 5, from: -12, to: 0, id: 'better' });
    const withdrawn = { ...refused(0), change: 'withdrawn' as const, at: new Date(second(5)).toISOString() };
    expect(stage.at(5, { found: [withdrawn, better] })).toEqual([]);
    expect(stage.at(100)).toEqual([]);
    expect(stage.alert('i-2-1-VM')).toMatchObject({ state: 'firing', findingId: 'better', episode: 1 });
  });
});
