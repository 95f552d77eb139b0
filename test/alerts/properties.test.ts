import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Alert, AlertAction, Maintenance } from '../../src/alerts/alert.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import type { FindingMessage } from '../../src/reports/finding-message.ts';
import { createStage, found, second, type Comes, type Stage, type StageSettings } from './stage.ts';

const HOUR = 3600;
const VMS = 4;
/** Small, so that storms happen. */
const settings = alertSettings.parse({ storm: { alerts: 4 } });

/** Something that happens, `wait` seconds after what happened before. */
type Happening = { readonly wait: number } & (
  | {
      readonly kind: 'finding';
      readonly detector: string;
      readonly vm: number;
      readonly attempt: number;
      readonly severity: 'info' | 'warning' | 'critical';
      readonly goesOn: boolean;
      readonly change: FindingMessage['change'];
    }
  | { readonly kind: 'moved'; readonly vm: number }
  | { readonly kind: 'silence'; readonly vm: number; readonly lasts: number }
  | { readonly kind: 'acknowledge'; readonly vm: number }
  | { readonly kind: 'maintenance'; readonly host: string | null }
  | { readonly kind: 'again'; readonly share: number }
);

const wait = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 30, max: 400 }), fc.constant(HOUR));
const vm = fc.integer({ min: 1, max: VMS });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      wait,
      kind: fc.constant('finding' as const),
      detector: fc.constantFrom(
        'migration-failed',
        'migration-aborted',
        'cpu-incompatible',
        'not-converging',
        'missing-garp',
        'downtime-exceeded',
        'post-copy',
        'split-brain-risk',
        'storage-heartbeat-spike',
        'host-overheated',
      ),
      vm,
      attempt: fc.integer({ min: 1, max: 3 }),
      severity: fc.constantFrom('info' as const, 'warning' as const, 'warning' as const, 'critical' as const),
      goesOn: fc.boolean(),
      change: fc.constantFrom('found' as const, 'changed' as const, 'withdrawn' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ wait, kind: fc.constant('moved' as const), vm }) },
  {
    weight: 1,
    arbitrary: fc.record({ wait, kind: fc.constant('silence' as const), vm, lasts: fc.integer({ min: 10, max: 2 * HOUR }) }),
  },
  { weight: 1, arbitrary: fc.record({ wait, kind: fc.constant('acknowledge' as const), vm }) },
  {
    weight: 1,
    arbitrary: fc.record({ wait, kind: fc.constant('maintenance' as const), host: fc.constantFrom('kvm-a', 'kvm-b', null) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ wait, kind: fc.constant('again' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
);

const story = fc.array(happening, { minLength: 1, maxLength: 40 });

/** Plays a story, and says what was sent of it. */
function play(happenings: readonly Happening[], of: StageSettings = {}, look: (stage: Stage) => void = () => {}) {
  const stage = createStage({ settings, ...of });
  const sent: FindingMessage[] = [];
  let at = 0;
  for (const [i, one] of happenings.entries()) {
    at += one.wait + 0.001;
    const comes = comesOf(one, { at, i, sent, stage });
    sent.push(...(one.kind === 'again' ? [] : (comes.found ?? [])));
    stage.at(at, comes);
    look(stage);
  }
  return { stage, sent, at };
}

interface Scene {
  readonly at: number;
  readonly i: number;
  readonly sent: readonly FindingMessage[];
  readonly stage: Stage;
}

function comesOf(one: Happening, { at, i, sent, stage }: Scene): Comes {
  const name = 'vm' in one ? `i-2-${one.vm}-VM` : '';
  switch (one.kind) {
    case 'finding':
      return { found: [findingOf(one, at)] };
    case 'moved':
      return { moved: { [name]: at } };
    case 'silence': {
      const times = { at: second(at), from: second(at), until: second(at + one.lasts) };
      const matchers = [{ field: 'vm', is: '=', value: name }] as const;
      return { actions: [{ kind: 'silence', id: `silence ${i}`, by: 'ann', comment: '', matchers, ...times }] };
    }
    case 'acknowledge': {
      const open = [...stage.stored.values()].filter(({ subject, state }) => subject === name && state !== 'resolved');
      return { actions: open.map((alert, n): AlertAction => acknowledgement(alert, `ack ${i} ${n}`, at)) };
    }
    case 'maintenance': {
      const window: Maintenance = { id: `m ${i}`, cluster: 'c1', host: one.host, from: 0, until: second(at + 600), comment: '' };
      return { maintenance: [window] };
    }
    case 'again':
      return { found: sent.slice(Math.floor(sent.length * one.share)) };
  }
  return {};
}

function acknowledgement({ id }: Alert, action: string, at: number): AlertAction {
  return { kind: 'acknowledge', id: action, by: 'ann', at: second(at), comment: '', alert: id };
}

function findingOf(
  { detector, vm: number, attempt, severity, goesOn, change }: Extract<Happening, { kind: 'finding' }>,
  at: number,
) {
  const begins = Math.max(at - 20, attempt);
  const outcome = detector === 'missing-garp' || detector === 'downtime-exceeded' ? 'completed' : goesOn ? 'running' : 'failed';
  return found({
    detector,
    vm: `i-2-${number}-VM`,
    host: number % 2 === 0 ? 'kvm-a' : 'kvm-b',
    id: `${detector} ${number} ${attempt}`,
    change,
    severity,
    at,
    from: begins,
    to: goesOn ? null : at,
    migration: { id: `${number} ${attempt}`, outcome, cause: goesOn ? null : attempt === 3 ? 'unknown' : 'timed-out' },
  });
}

const runs = { numRuns: 300 };

test('a restart before any step does not show in what is told', () => {
  fc.assert(
    fc.property(story, fc.infiniteStream(fc.boolean()), (happenings, coins) => {
      const flips = [...coins.take(2000)];
      const once = play(happenings);
      const restarted = play(happenings, { restarts: (step) => flips[step % flips.length] === true });
      expect(restarted.stage.told).toEqual(once.stage.told);
    }),
    runs,
  );
});

test('messages that come again, in any order, tell nothing and change nothing', () => {
  fc.assert(
    fc.property(story, fc.infiniteStream(fc.integer()), (happenings, keys) => {
      const { stage, sent, at } = play(happenings);
      const order = [...keys.take(sent.length)];
      const shuffled = sent.map((message, i) => ({ message, key: order[i] ?? 0 })).toSorted((a, b) => a.key - b.key);
      stage.at(at);
      const before = structuredClone([...stage.stored.values()]);
      expect(stage.at(at, { found: [...sent, ...shuffled.map(({ message }) => message)] })).toEqual([]);
      expect([...stage.stored.values()]).toEqual(before);
    }),
    runs,
  );
});

test('nothing is told while it is kept back, and nothing twice', () => {
  fc.assert(
    fc.property(story, (happenings) => {
      const { stage } = play(happenings);
      const ids = stage.told.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)]);
      for (const { kind, alerts } of stage.told) {
        for (const { muted, acknowledged, state } of alerts) {
          const by = muted?.by ?? 'nobody';
          expect(kind === 'resolved' ? ['nobody', 'cause'] : ['nobody']).toContain(by);
          expect(kind === 'firing' || kind === 'storm' ? acknowledged : null).toBeNull();
          expect(state).toBe(kind === 'resolved' ? 'resolved' : 'firing');
        }
      }
    }),
    runs,
  );
});

test('what another alert explains leads to one that people know or are about to, never in a circle', () => {
  fc.assert(
    fc.property(story, (happenings) => {
      play(happenings, {}, ({ stored }) => {
        const explained = [...stored.values()].filter(({ state, muted }) => state === 'firing' && muted?.by === 'cause');
        expect(explained.filter((alert) => !isKnown(alert, stored))).toEqual([]);
      });
    }),
    runs,
  );
});

/** Whether the chain of explanations ends at an alert that was told or is about to be. */
function isKnown(alert: Alert, stored: ReadonlyMap<string, Alert>): boolean {
  const seen = new Set<string>([alert.id]);
  let cause = stored.get(alert.muted?.id ?? '');
  while (cause !== undefined && !seen.has(cause.id)) {
    if (cause.toldAt !== null || (cause.state === 'firing' && cause.muted === null)) return true;
    // an earlier episode of it was told
    if (cause.episode > 1) return true;
    seen.add(cause.id);
    cause = stored.get(cause.muted?.by === 'cause' ? cause.muted.id : '');
  }
  return false;
}

test('every alert that was told is told to be over when what it says ends', () => {
  fc.assert(
    fc.property(story, (happenings) => {
      const { stage, sent, at } = play(happenings);
      const end = at + 1;
      const over = sent.map((message): FindingMessage => ({
        ...message,
        change: 'withdrawn',
        at: new Date(second(end)).toISOString(),
      }));
      stage.at(end, { found: over, maintenance: [] });
      stage.at(end + 10 * HOUR);
      for (const { state, told } of stage.stored.values())
        expect([state, told?.state ?? 'resolved']).toEqual(['resolved', 'resolved']);
    }),
    runs,
  );
});
