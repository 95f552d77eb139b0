/** A metric that an expression asks for. */
export interface Selector {
  readonly name: string;
  /** Labels that its braces name. */
  readonly labels: readonly string[];
}

/** What an expression names. */
export interface Named {
  readonly selectors: readonly Selector[];
  /** Labels of `by`, `without`, `on`, `ignoring`. */
  readonly grouped: readonly string[];
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan']);

/**
 * Names in an expression of Prometheus' language, whatever they are names of: a function stands before a parenthesis, an aggregation
 * before one or before `by`, labels in braces or behind `by`; all else is a metric. That it is well formed, promtool tells.
 */
export function selectorsIn(expr: string): Named {
  // strings are of no interest, and may hold anything
  const bare = expr.replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '""').replaceAll(/\[[^\]]*\]/g, ' ');
  const grouped: string[] = [];
  const rest = bare.replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, names: string) => {
    grouped.push(...names.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()])));
    return ' (';
  });
  const selectors: Selector[] = [];
  for (const [, name = '', braces = ''] of rest.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)\b(?!\s*\()\s*(\{[^}]*\})?/g)) {
    if (KEYWORDS.has(name.toLowerCase())) continue;
    selectors.push({ name, labels: [...braces.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label) });
  }
  return { selectors, grouped: [...new Set(grouped)] };
}
