import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readModule, type Module } from './architecture/module.ts';
import { rules, type ArchitectureRule } from './architecture/rules.ts';

const modules = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => `src/${path.replaceAll('\\', '/')}`)
  .toSorted()
  .map((path) => readModule(path, readFileSync(path, 'utf8')));

/** One line a violation: where, which rule, what is wrong, what to do. */
function violations(rule: ArchitectureRule, module: Module): readonly string[] {
  return rule
    .check(module)
    .map(({ offset, problem }) => `${module.path}:${module.lineAt(offset)}: ${rule.name}: ${problem}. To do: ${rule.remedy}.`);
}

test('the rules see the whole of src', () => {
  expect(modules.map((module) => module.path)).toContain('src/parsers/parser.ts');
});

describe.each(rules.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
  test('in all of src', () => {
    expect(modules.flatMap((module) => violations(rule, module))).toEqual([]);
  });

  test.each(rule.broken)('caught: %s %s', (path, text) => {
    expect(violations(rule, readModule(path, text))).not.toEqual([]);
  });

  test.each(rule.fine)('let through: %s %s', (path, text) => {
    expect(violations(rule, readModule(path, text))).toEqual([]);
  });
});
