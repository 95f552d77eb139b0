import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type YAMLError } from 'yaml';
import type { Path } from './schema-walk.ts';

/** A place in the file, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something that YAML itself does not allow. */
export interface SyntaxProblem {
  readonly path: Path;
  readonly place: Place;
  readonly what: string;
  readonly hint: string | null;
}

/** The text of a configuration file, parsed. */
export interface YamlFile {
  /** What it says; `{}` for an empty file, and where it is no YAML. */
  readonly value: unknown;
  readonly problems: readonly SyntaxProblem[];
  /** Where a value stands, or the nearest thing around it that the file has; with `'key'` where its key stands. */
  placeOf(path: Path, what: 'key' | 'value'): Place | null;
}

/** Reads YAML 1.2; every problem of syntax at once, with its line. */
export function readYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, logLevel: 'error' });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const wrong = [...document.errors, ...document.warnings].map((error) => ({
    path: error.code === 'DUPLICATE_KEY' ? keyPathAt(document, error.pos[0]) : [],
    place: place(error.pos[0]),
    ...wordsOf(error),
  }));
  const aliases = aliasesIn(document).map(({ path, offset }) => ({ path, place: place(offset), ...ALIAS_WORDS }));
  const broken = aliases.length > 0 || document.errors.some(({ code }) => code !== 'DUPLICATE_KEY');
  return {
    value: broken ? {} : (document.toJS() ?? {}),
    problems: [...wrong, ...aliases],
    placeOf(path, what) {
      const offset = offsetOf(document.contents, path, what);
      return offset === null ? null : place(offset);
    },
  };
}

function wordsOf({ code, message }: YAMLError): Pick<SyntaxProblem, 'what' | 'hint'> {
  switch (code) {
    case 'DUPLICATE_KEY':
      return { what: 'this key is there twice', hint: 'leave one of the two' };
    case 'TAB_AS_INDENT':
      return { what: 'a tab indents this line', hint: 'indent with blanks' };
    case 'MULTIPLE_DOCS':
      return { what: 'a second document begins here', hint: 'leave one document, without ---' };
    default:
      return { what: `not YAML: ${message.split('\n')[0] ?? message}`, hint: null };
  }
}

const ALIAS_WORDS = {
  what: 'an alias (*…), which a configuration does not take',
  hint: 'write the value itself; put a text that begins with * in quotes',
};

/** Aliases may hold themselves, or grow without bounds: there is no need for them. */
function aliasesIn(document: Document): readonly { readonly path: Path; readonly offset: number }[] {
  const found: { readonly path: Path; readonly offset: number }[] = [];
  visit(document, {
    Alias(_key, { range }, around) {
      found.push({ path: keysOf(around), offset: range?.[0] ?? 0 });
    },
  });
  return found;
}

/** The keys of the pairs around a node. */
function keysOf(around: readonly unknown[]): readonly string[] {
  return around.flatMap((node) => (isPair(node) && isScalar(node.key) ? [String(node.key.value)] : []));
}

/** The path of the key that begins at an offset. */
function keyPathAt(document: Document, offset: number): Path {
  let found: Path = [];
  visit(document, {
    Pair(_key, { key }, around) {
      if (!isScalar(key) || key.range?.[0] !== offset) return undefined;
      found = [...keysOf(around), String(key.value)];
      return visit.BREAK;
    },
  });
  return found;
}

function offsetOf(node: unknown, path: Path, what: 'key' | 'value'): number | null {
  const [step, ...rest] = path;
  const own = rangeStart(node);
  if (step === undefined) return own;
  if (isSeq(node) && typeof step === 'number') return offsetOf(node.items[step], rest, what) ?? own;
  if (!isMap(node)) return own;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair === undefined) return own;
  const key = rangeStart(pair.key);
  return rest.length === 0 && what === 'key' ? key : (offsetOf(pair.value, rest, what) ?? key);
}

function rangeStart(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}
