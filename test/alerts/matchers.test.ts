import { expect, test } from 'vitest';
import { createMatch, parseMatchers } from '../../src/alerts/matchers.ts';
import { createStage, found } from './stage.ts';

const alert = (() => {
  const stage = createStage();
  stage.at(0, { found: [found({ detector: 'migration-failed', at: 0, vm: 'i-2-71-VM' })] });
  return stage.alert('i-2-71-VM');
})();

function matches(...texts: readonly string[]): boolean {
  const { matchers, problem } = parseMatchers(texts);
  if (matchers === null) throw new Error(problem);
  return createMatch(matchers)(alert);
}

test.each([
  ['detector=migration-failed', true],
  ['detector=migration', false],
  ['detector!=missing-garp', true],
  ['vm=~i-2-.*', true],
  ['vm=~i-2', false],
  ['vm=~i-2-(71|72)-VM', true],
  ['vm!~i-3-.*', true],
  ['host=kvm-a', true],
  ['host=kvm-b', true],
  ['host!=kvm-a', false],
  ['host!=kvm-c', true],
  ['cluster=c1', true],
  ['severity=~warning|critical', true],
  [' vm = i-2-71-VM ', true],
])('%s: %s', (text, expected) => {
  expect(matches(text)).toBe(expected);
});

test('all matchers of a silence have to match', () => {
  expect(matches('vm=i-2-71-VM', 'host=kvm-a')).toBe(true);
  expect(matches('vm=i-2-71-VM', 'host=kvm-c')).toBe(false);
});

test('nothing matches nothing', () => {
  expect(createMatch([])(alert)).toBe(false);
});

test.each([
  ['vm', /is no matcher: FIELD=TEXT/],
  ['name=x', /there is no field "name"; fields are detector, severity/],
  ['vm=', /nothing to compare with/],
  ['vm=~(', /not a regular expression/],
  ['vm=~(a+)+', /repeats what is repeated/],
  ['vm=~((a|a))*x', /repeats what is repeated or a choice/],
  ['vm=~(a?){50}b', /repeats what is repeated/],
  ['vm=~.*a.*b.*c.*d', /more than 3 repetitions/],
  ['vm=~a{1000}', /more than 100 times/],
  ['vm=~(a)\\1', /refers back/],
  ['vm=~(?=a)a', /looks around/],
  [`vm=~${'a'.repeat(300)}`, /longer than 200/],
])('%s is refused, and why', (text, problem) => {
  expect(parseMatchers([text]).problem).toMatch(problem);
});

test('no matcher at all is refused: it would silence everything', () => {
  expect(parseMatchers([]).problem).toMatch(/no matcher/);
});

test('an expression that was stored and is refused matches nothing, negated too', () => {
  for (const is of ['=~', '!~'] as const) expect(createMatch([{ field: 'vm', is, value: '(a+)+$' }])(alert)).toBe(false);
});

test.each(['i-2-.*', '[a-z]+-\\d+-VM', '(?:kvm|host)-[ab]', 'i-\\d{1,3}-.*-VM', 'i-2-\\(x\\)', 'a\\.b|c'])(
  '%s is taken',
  (expression) => {
    expect(parseMatchers([`vm=~${expression}`]).problem).toBeNull();
  },
);

test('what is taken is quick on the worst name', () => {
  const { matchers } = parseMatchers(['vm=~.*a.*a.*x']);
  const worst = { ...alert, subject: 'a'.repeat(300) };
  const began = performance.now();
  createMatch(matchers ?? [])(worst);
  expect(performance.now() - began).toBeLessThan(200);
});
