import { listed } from '../lib/units.ts';
import type { Alert, Matcher } from './alert.ts';
import { policyOf } from './policies.ts';

/** What a person typed as matchers: understood, or what is wrong with it. */
export type ParsedMatchers =
  | { readonly matchers: readonly Matcher[]; readonly problem: null }
  | { readonly matchers: null; readonly problem: string };

const FIELDS = ['detector', 'severity', 'vm', 'host', 'cluster', 'id'] as const;
const SIGNS = ['=~', '!~', '!=', '='] as const;

/** Longer ones are a mistake. */
const MAX_CHARS = 200;
/** Each "any number of" multiplies the work by the length of a name; three of them are still quick. */
const MAX_REPETITIONS = 3;
/** Written out, a counted repetition is as long as its number. */
const MAX_COUNT = 100;

/** `['detector=missing-garp', 'vm=~i-2-.*']` as matchers. Nothing is no matcher: a silence of everything has to be said. */
export function parseMatchers(texts: readonly string[]): ParsedMatchers {
  if (texts.length === 0)
    return { matchers: null, problem: 'no matcher: say what it is about, for example detector=missing-garp' };
  const matchers: Matcher[] = [];
  for (const text of texts) {
    const parsed = parseMatcher(text.trim());
    if (typeof parsed === 'string') return { matchers: null, problem: parsed };
    matchers.push(parsed);
  }
  return { matchers, problem: null };
}

function parseMatcher(text: string): Matcher | string {
  const [, name = '', sign = '', value = ''] = /^([A-Za-z]*)\s*(=~|!~|!=|=)\s*(.*)$/s.exec(text) ?? [];
  const field = FIELDS.find((known) => known === name);
  const is = SIGNS.find((known) => known === sign);
  if (is === undefined) return `"${text}" is no matcher: FIELD=TEXT, FIELD!=TEXT, FIELD=~EXPRESSION or FIELD!~EXPRESSION`;
  if (field === undefined) return `"${text}": there is no field "${name}"; fields are ${listed(FIELDS)}`;
  if (value === '') return `"${text}": nothing to compare with`;
  const problem = is.endsWith('~') ? expressionProblem(value) : null;
  return problem === null ? { field, is, value } : `"${text}": ${problem}`;
}

/** Why an expression is refused; `null` where it is fine: valid, and quick on every name. */
function expressionProblem(expression: string): string | null {
  if (expression.length > MAX_CHARS) return `the expression is longer than ${MAX_CHARS} characters`;
  try {
    // compiled only to see whether it is one
    void new RegExp(`^(?:${expression})$`, 'u');
  } catch (error) {
    return `not a regular expression (${error instanceof Error ? error.message : String(error)})`;
  }
  return slowness(expression);
}

interface OpenGroup {
  repetitions: number;
  isChoice: boolean;
}

/** Opening and closing of a group with how often it is repeated, a repetition, a choice. */
const TOKENS = /\((?:\?:)?|\)(?:(?:[*+?]|\{\d+(?:,\d*)?\})\??)?|(?:[*+?]|\{\d+(?:,\d*)?\})\??|\|/gu;

/** Backtracking explodes where something repeated is repeated, or a choice is; neither is needed for names. */
function slowness(expression: string): string | null {
  const plain = expression.replace(/\\[^1-9k]/gsu, 'x').replace(/\[[^\]]*\]/gsu, 'x');
  if (/\\[1-9k]/u.test(plain)) return 'it refers back to a group, which may take for ever';
  if (/\(\?(?!:)/u.test(plain)) return 'it looks around or names a group; only (?:…) and (…) are taken';
  const tokens = [...plain.matchAll(TOKENS)].map(([token]) => token);
  const counts = tokens.flatMap((token) => [...token.matchAll(/\d+/gu)].map(([count]) => Number(count)));
  if (counts.some((count) => count > MAX_COUNT)) return `it repeats something more than ${MAX_COUNT} times`;
  if (repeatsWhatRepeats(tokens)) return 'it repeats what is repeated or a choice, which may take for ever';
  const repetitions = tokens.filter((token) => !token.startsWith('(') && token !== ')' && token !== '|').length;
  return repetitions > MAX_REPETITIONS ? `it has more than ${MAX_REPETITIONS} repetitions, which may take for ever` : null;
}

function repeatsWhatRepeats(tokens: readonly string[]): boolean {
  const groups: OpenGroup[] = [{ repetitions: 0, isChoice: false }];
  for (const token of tokens) {
    const group = groups.at(-1);
    if (group === undefined) return false;
    if (token.startsWith('(')) groups.push({ repetitions: 0, isChoice: false });
    else if (token === '|') group.isChoice = true;
    else if (!token.startsWith(')')) group.repetitions += 1;
    else if (token.length > 1 && (group.repetitions > 0 || group.isChoice)) return true;
    else closeGroup(groups, token.length > 1);
  }
  return false;
}

/** What a group repeats counts for the one around it. */
function closeGroup(groups: OpenGroup[], isRepeated: boolean): void {
  const group = groups.pop();
  const around = groups.at(-1);
  if (group === undefined || around === undefined) return;
  around.repetitions += group.repetitions + (isRepeated ? 1 : 0);
  around.isChoice ||= group.isChoice;
}

/** Makes matchers to be asked of many alerts: whether all of them match. Of several hosts one is enough, and `!=` and `!~` want none. */
export function createMatch(matchers: readonly Matcher[]): (alert: Alert) => boolean {
  // one that is refused would, negated, match everything
  if (matchers.length === 0 || matchers.some(isRefused)) return () => false;
  const tests = matchers.map((matcher) => ({ matcher, holds: comparison(matcher) }));
  return (alert) =>
    tests.every(({ matcher: { field, is }, holds }) => {
      const some = VALUES[field](alert).some(holds);
      return is.startsWith('!') ? !some : some;
    });
}

function isRefused({ is, value }: Matcher): boolean {
  return is.endsWith('~') && expressionProblem(value) !== null;
}

/** Whether a text is, or as an expression matches as a whole, the matcher's value. */
function comparison({ is, value }: Matcher): (text: string) => boolean {
  if (!is.endsWith('~')) return (text) => text === value;
  const expression = new RegExp(`^(?:${value})$`, 'u');
  return (text) => expression.test(text);
}

const VALUES: Readonly<Record<Matcher['field'], (alert: Alert) => readonly string[]>> = {
  id: ({ id }) => [id],
  cluster: ({ cluster }) => [cluster],
  detector: ({ detector }) => [detector],
  severity: ({ finding }) => [finding.severity],
  // a finding about a host names a VM that moved meanwhile
  vm: ({ detector, subject }) => (policyOf(detector).about === 'vm' ? [subject] : []),
  host: ({ hosts }) => hosts,
};
