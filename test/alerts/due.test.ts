import { describe, expect, test } from 'vitest';
import { notificationsOf } from '../../src/alerts/notifications.ts';
import type { FindingMessage } from '../../src/reports/finding-message.ts';
import { createStage, found, type Stage } from './stage.ts';

const HOUR = 3600;

/** VMs whose migrations fail, each for the same cause or for one of its own host. */
function failures(
  count: number,
  { at, first = 1, apart = false }: { at: number; first?: number; apart?: boolean },
): readonly FindingMessage[] {
  return Array.from({ length: count }, (_, i) =>
    found({
      detector: 'migration-failed',
      at,
      vm: `i-2-${first + i}-VM`,
      migration: apart ? { destination: `kvm-${first + i}` } : {},
    }),
  );
}

describe('groups', () => {
  test('the first of a cause is told at once, more of it together a minute later, with those that still fire', () => {
    const stage = createStage();
    expect(stage.at(0, { found: failures(1, { at: 0 }) })).toHaveLength(1);
    expect(stage.at(10, { found: failures(2, { at: 10, first: 2 }) })).toEqual([]);
    expect(stage.at(20, { found: failures(1, { at: 20, first: 4 }) })).toEqual([]);
    expect(stage.at(60)).toEqual(
      ['firing: migration-failed i-2-2-VM, migration-failed i-2-3-VM, migration-failed i-2-4-VM'].map(anyOrder),
    );
    expect(stage.told[1]?.others.map(({ subject }) => subject)).toEqual(['i-2-1-VM']);
    expect(stage.told[1]?.group).toBe(stage.told[0]?.group);
  });

  test('what comes at once and has one cause is one notification', () => {
    const stage = createStage();
    expect(stage.at(0, { found: failures(12, { at: 0 }) })).toHaveLength(1);
    expect(stage.told[0]?.alerts).toHaveLength(12);
  });

  test('another cause, or another host, is told at once', () => {
    const stage = createStage();
    stage.at(0, { found: failures(1, { at: 0 }) });
    expect(stage.at(1, { found: failures(1, { at: 1, first: 2, apart: true }) })).toHaveLength(1);
    const port = found({ detector: 'migration-failed', at: 2, vm: 'i-2-3-VM', migration: { cause: 'no-free-port' } });
    expect(stage.at(2, { found: [port] })).toHaveLength(1);
  });

  test('thirty VMs that lack the same CPU features at one host are one cause, other features another', () => {
    const stage = createStage();
    const lacking = (vm: number, features: string): FindingMessage =>
      found({
        detector: 'cpu-incompatible',
        severity: 'critical',
        at: 0,
        vm: `i-2-${vm}-VM`,
        migration: {
          cause: 'cpu-incompatible',
          causeText: `guest CPU doesn't match specification: missing features: ${features}`,
        },
      });
    const many = Array.from({ length: 15 }, (_, i) => lacking(i, i % 2 === 0 ? 'vaes,la57' : 'la57,vaes'));
    expect(stage.at(0, { found: [...many, lacking(99, 'avx512f')] })).toHaveLength(2);
  });

  test('one pool that hangs on three hosts is told as one', () => {
    const stage = createStage();
    const hangs = (host: string): FindingMessage =>
      found({
        detector: 'storage-heartbeat-spike',
        host,
        at: 0,
        to: null,
        summary: `A heartbeat write of ${host} to pool 9534216b-f021-4caa-b6b4-f5b133751716 hangs for 3 s, since 00:00:00 UTC.`,
      });
    expect(stage.at(0, { found: ['kvm-a', 'kvm-b', 'kvm-c'].map(hangs) })).toHaveLength(1);
  });

  test('the ends of a group are told together, too', () => {
    const stage = createStage();
    stage.at(0, { found: failures(3, { at: 0 }) });
    expect(stage.at(100, { moved: { 'i-2-1-VM': 90 } })).toHaveLength(1);
    expect(stage.at(110, { moved: { 'i-2-2-VM': 109 } })).toEqual([]);
    expect(stage.at(120, { moved: { 'i-2-3-VM': 119 } })).toEqual([]);
    expect(stage.at(160)).toEqual([anyOrder('resolved: migration-failed i-2-2-VM, migration-failed i-2-3-VM')]);
  });
});

describe('storms', () => {
  test('more than twenty new alerts in five minutes are one summary, with counts and the worst', () => {
    const stage = createStage();
    const critical = found({
      detector: 'destination-died',
      severity: 'critical',
      at: 0,
      vm: 'i-2-99-VM',
      migration: { cause: 'destination-died' },
    });
    expect(stage.at(0, { found: [...failures(30, { at: 0, apart: true }), critical] })).toEqual([
      'storm: 30 migration-failed, 1 destination-died',
    ]);
    expect(stage.told[0]?.alerts).toHaveLength(5);
    expect(stage.told[0]?.alerts[0]?.subject).toBe('i-2-99-VM');
  });

  test('twenty are told by themselves', () => {
    const stage = createStage();
    expect(stage.at(0, { found: failures(20, { at: 0, apart: true }) })).toHaveLength(20);
    expect(stage.at(100, { found: failures(1, { at: 100, first: 50, apart: true }) })).toEqual(['storm: 1 migration-failed']);
  });

  test('while it goes on there is one summary each five minutes; calm is told, and then each by itself', () => {
    const stage = createStage();
    stage.at(0, { found: failures(30, { at: 0, apart: true }) });
    expect(stage.at(60, { found: failures(15, { at: 60, first: 100, apart: true }) })).toEqual([]);
    expect(stage.at(299)).toEqual([]);
    expect(stage.at(300)).toEqual(['storm: 15 migration-failed']);
    expect(stage.at(599)).toEqual([]);
    expect(stage.at(600)).toEqual(['storm-over: 45 migration-failed']);
    expect(stage.at(700, { found: failures(1, { at: 700, first: 200, apart: true }) })).toEqual([
      'firing: migration-failed i-2-200-VM',
    ]);
  });

  test('what ends during a storm is told with its end, what ends later together', () => {
    const stage = createStage();
    stage.at(0, { found: failures(30, { at: 0, apart: true }) });
    expect(stage.at(100, { moved: movedUpTo(10, 90) })).toEqual([]);
    expect(stage.at(300)).toEqual(['storm-over: 20 migration-failed']);
    expect(stage.at(HOUR, { moved: movedUpTo(30, HOUR - 1) })).toHaveLength(1);
    expect(stage.told.at(-1)?.alerts).toHaveLength(20);
    expect(new Set(stage.told.map(({ group }) => group))).toEqual(new Set(['c1 storm']));
  });

  test('VMs that run twice are told one by one all the same', () => {
    const stage = createStage();
    const twice = found({ detector: 'split-brain-risk', severity: 'critical', at: 0, to: null, vm: 'i-2-99-VM' });
    expect(stage.at(0, { found: [...failures(30, { at: 0, apart: true }), twice] }).toSorted()).toEqual([
      'firing: split-brain-risk i-2-99-VM',
      'storm: 30 migration-failed',
    ]);
  });

  test('what is kept back by a maintenance window is no storm', () => {
    const stage = createStage();
    const window = { id: 'm', cluster: 'c1', host: 'kvm-a', from: 0, until: Number.POSITIVE_INFINITY, comment: '' };
    expect(stage.at(0, { found: failures(40, { at: 0, apart: true }), maintenance: [window] })).toEqual([]);
    expect(stage.at(1, { found: [found({ detector: 'missing-garp', at: 1, to: null, vm: 'i-9-9-VM' })] })).toHaveLength(1);
  });
});

describe('notifications from rows', () => {
  function rebuilt(stage: Stage): unknown {
    return notificationsOf(stage.stored.values(), new Set(stage.told.map(({ id }) => id)));
  }

  test('what was stored and perhaps not sent is told from the rows alone, word for word', () => {
    const stage = createStage();
    stage.at(0, { found: failures(3, { at: 0 }) });
    expect(rebuilt(stage)).toEqual(stage.told);
  });

  test('a summary of a storm, too', () => {
    const stage = createStage();
    stage.at(0, { found: failures(30, { at: 0, apart: true }) });
    expect(rebuilt(stage)).toEqual(stage.told);
  });

  test('what was told again since is only in the newer one', () => {
    const stage = createStage();
    stage.at(0, { found: failures(2, { at: 0 }) });
    stage.at(100, { moved: { 'i-2-1-VM': 90 } });
    const [first, second] = notificationsOf(stage.stored.values(), new Set(stage.told.map(({ id }) => id)));
    expect(first?.alerts.map(({ subject }) => subject)).toEqual(['i-2-2-VM']);
    expect(second?.alerts.map(({ subject }) => subject)).toEqual(['i-2-1-VM']);
  });

  test('ids that no row tells of are nothing', () => {
    expect(notificationsOf([], new Set(['x']))).toEqual([]);
  });
});

function movedUpTo(last: number, at: number): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from({ length: last }, (_, i) => [`i-2-${i + 1}-VM`, at]));
}

/** Alerts that are as bad and as old stand in any order. */
function anyOrder(line: string): unknown {
  const [head = '', names = ''] = line.split(': ');
  const parts = names.split(', ').map((name) => `(?=.*${name}(,|$))`);
  return expect.stringMatching(new RegExp(`^${head}: ${parts.join('')}.{${names.length}}$`));
}
