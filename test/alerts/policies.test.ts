import { expect, test } from 'vitest';
import { policies, policyOf } from '../../src/alerts/policies.ts';
import { detectors } from '../../src/detectors/index.ts';

test('each detector has one policy, in the order of the registry', () => {
  expect(policies.map(({ detector }) => detector)).toEqual(detectors.map(({ id }) => id));
});

test.each(policies)('$detector says for people when it is resolved, without a full stop', ({ resolvesWhen, ends }) => {
  expect(resolvesWhen).toMatch(/^[a-z].*[^.]$/);
  const hours = ends.flatMap((ending) => (ending.by === 'quiet' && ending.afterMs === 86_400_000 ? ['24 h'] : []));
  for (const words of hours) expect(resolvesWhen).toContain(words);
});

test('nothing but a silence or its end keeps back that a VM runs twice', () => {
  expect(policyOf('split-brain-risk')).toMatchObject({ holdMs: 0, inMaintenance: 'told', together: 'vm' });
  expect(policyOf('split-brain-risk').ends.map(({ by }) => by)).toEqual(['condition-ends']);
});

test('a detector of a newer release is told at once', () => {
  expect(policyOf('from-the-future')).toMatchObject({ detector: 'from-the-future', holdMs: 0, inMaintenance: 'told' });
});
