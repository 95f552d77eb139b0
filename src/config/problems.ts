import type { z } from 'zod';
import { nearest } from '../lib/nearest.ts';
import type { Place } from './document.ts';
import { schemaAt, shapeOf, type Path } from './schema-walk.ts';
import { isSecret } from './secret.ts';

/** One thing that is wrong with a configuration. */
export interface Problem {
  readonly path: Path;
  /** Where in the file; `null` where the file has nothing there. */
  readonly place: Place | null;
  readonly what: string;
  readonly hint: string | null;
}

/** A problem before it is known where the file has it, and whether its key or its value is wrong. */
export interface Fault extends Omit<Problem, 'place'> {
  readonly at: 'key' | 'value';
}

const SHOWN_CHARS = 60;
const SHOWN_NAMES = 16;

/** `collect.files[0].source` */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** What zod found, in the words of a person who edits the file. */
export function faultsOf(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, value: unknown): readonly Fault[] {
  return issues.flatMap((issue) => {
    const path = pathOf(issue);
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(schema, path, key));
    const within = issue.code === 'invalid_union' ? deepBranch(issue) : null;
    if (within !== null) {
      const inner = within.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
      return faultsOf(inner, schema, value);
    }
    return [wrongValue(issue, { path, schema, found: valueAt(value, path) })];
  });
}

function pathOf({ path }: z.core.$ZodIssue): Path {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

/** The branch of a union that took the value's kind, and objects to something within. */
function deepBranch({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | null {
  return errors.find((branch) => branch.length > 0 && branch.every(({ path }) => path.length > 0)) ?? null;
}

function unknownKey(schema: z.ZodType, path: Path, key: string): Fault {
  const parent = schemaAt(schema, path);
  const names = parent === null ? [] : Object.keys(shapeOf(parent));
  const meant = nearest(key, names);
  const listed = names.length > SHOWN_NAMES ? `${names.slice(0, SHOWN_NAMES).join(', ')} …` : names.join(', ');
  const known = names.length === 0 ? 'there is nothing to set here' : `keys here: ${listed}`;
  return { path: [...path, key], at: 'key', what: 'no such key', hint: meant === null ? known : `did you mean ${meant}?` };
}

interface Found {
  readonly path: Path;
  readonly schema: z.ZodType;
  readonly found: unknown;
}

function wrongValue(issue: z.core.$ZodIssue, { path, schema, found }: Found): Fault {
  if (found === undefined) return { path, at: 'value', what: `is missing; expected ${expectedBy(issue)}`, hint: null };
  const own = schemaAt(schema, path);
  const hidden = own !== null && isSecret(own);
  return {
    path,
    at: 'value',
    what: `${hidden ? 'this secret' : described(found)}; expected ${expectedBy(issue)}`,
    hint: hidden ? null : meantBy(issue, found),
  };
}

function expectedBy(issue: z.core.$ZodIssue): string {
  if (saysItself(issue)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return lengthOrValue(issue.origin, `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`);
    case 'too_big':
      return lengthOrValue(issue.origin, `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`);
    case 'invalid_format':
      return 'prefix' in issue ? `a text that begins with ${String(issue.prefix)}` : issue.message;
    case 'invalid_union':
      return unionText(issue);
    default:
      return issue.message;
  }
}

function oneOf(values: readonly unknown[]): string {
  return values
    .map(String)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
}

/** The keys that members of a union may be told apart by, where none of them is this one. */
function kindsOf(issue: z.core.$ZodIssue): readonly unknown[] {
  return issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
}

function unionText(issue: z.core.$ZodIssueInvalidUnion): string {
  const kinds = kindsOf(issue);
  if (kinds.length > 0) return oneOf(kinds);
  const { errors, message } = issue;
  const branches = errors.flatMap(([first]) => (first === undefined ? [] : [expectedBy(first)]));
  return branches.length > 0 ? branches.join(', or ') : message;
}

/** The schema gives words of its own (`error: …`) for what it takes; zod's begin so. */
function saysItself({ message }: z.core.$ZodIssue): boolean {
  return !/^(?:Invalid|Too small|Too big|Unrecognized)\b/.test(message);
}

function lengthOrValue(origin: string, bound: string): string {
  if (origin === 'string') return `${bound} characters`;
  return origin === 'array' ? `${bound} entries` : bound;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys and values',
};

function meantBy(issue: z.core.$ZodIssue, found: unknown): string | null {
  const known = issue.code === 'invalid_value' ? issue.values : kindsOf(issue);
  if (known.length > 0 && typeof found === 'string') {
    const meant = nearest(found, known.map(String));
    return meant === null ? null : `did you mean ${meant}?`;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'string' && typeof found === 'number' && !saysItself(issue))
    return `put it in quotes: '${found}'`;
  return null;
}

/** A value as the file shows it, cut where it is long. */
function described(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys and values';
  // a password within an address is one, wherever somebody wrote it
  const text = JSON.stringify(value).replace(/\/\/[^/\s]*@/, '//***@');
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, step) => (typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined), value);
}
