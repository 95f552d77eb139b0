import { expect, test } from 'vitest';
import { createPace } from '../../src/pipeline/pace.ts';

const HOUR_MS = 3_600_000;

/** A pace on a clock that the test sets. */
function paced(at = 1e12) {
  const clock = { at };
  const pace = createPace({ now: () => clock.at });
  /** Whether it chooses something that ended so long ago. */
  const chooses = (urgency: 'urgent' | 'background', agoMs: number): boolean => {
    const to = clock.at - agoMs;
    return pace.choose()({ from: to, to }, urgency);
  };
  return { clock, pace, chooses };
}

test('what is urgent is chosen at once, what is not every five seconds', () => {
  const { clock, pace, chooses } = paced();
  pace.stored();
  chooses('background', 0);
  clock.at += 200;
  pace.stored();
  expect(chooses('urgent', 0)).toBe(true);
  expect(chooses('background', 0)).toBe(false);
  clock.at += 5000;
  pace.stored();
  expect(chooses('background', 0)).toBe(true);
});

test('what is old waits for more of its time, but not where nothing comes any more', () => {
  const { clock, pace, chooses } = paced();
  pace.stored();
  chooses('urgent', 2 * HOUR_MS);
  clock.at += 500;
  pace.stored();
  expect(chooses('urgent', 2 * HOUR_MS)).toBe(false);
  clock.at += 1000;
  expect(chooses('urgent', 2 * HOUR_MS)).toBe(true);
});

test('a clock that is set back an hour stops nothing', () => {
  const { clock, pace, chooses } = paced();
  pace.stored();
  chooses('background', 0);
  expect(pace.lookAtRunning()).toBe(true);
  clock.at -= HOUR_MS;
  pace.stored();
  expect(chooses('background', 0)).toBe(true);
  expect(pace.lookAtRunning()).toBe(true);
});

test('a clock that is set forward during a look, or a machine that slept, makes no long pause', () => {
  const { pace } = paced();
  pace.storing();
  pace.looked(HOUR_MS, false);
  expect(pace.waitMs()).toBe(10_000);
  pace.looked(-HOUR_MS, false);
  expect(pace.waitMs()).toBe(200);
});

test('while more comes it rests as long as it worked, then no longer; longer after a failure', () => {
  const { clock, pace } = paced();
  pace.stored();
  pace.looked(700, false);
  expect(pace.waitMs()).toBe(700);
  clock.at += 1000;
  pace.looked(700, false);
  expect(pace.waitMs()).toBe(200);
  pace.storing();
  pace.looked(700, false);
  expect(pace.waitMs()).toBe(700);
  pace.looked(HOUR_MS, false);
  expect(pace.waitMs()).toBe(10_000);
  pace.looked(10, true);
  expect(pace.waitMs()).toBe(2000);
});

test('running migrations are looked at again only after something was stored', () => {
  const { clock, pace } = paced();
  expect(pace.lookAtRunning()).toBe(true);
  clock.at += 60_000;
  expect(pace.lookAtRunning()).toBe(false);
  pace.stored();
  expect(pace.lookAtRunning()).toBe(true);
});
