import type { Groups } from './parser.ts';

/** Matches a text and adds what the named groups hold to `groups`; `null`, and nothing added, where it does not match. */
export type Capture = (text: string, groups: Record<string, string | undefined>) => Groups | null;

/**
 * A pattern as a function. Of a pattern with names V8 makes a dictionary per match, which costs more than the match: so the groups
 * are taken by number, and put into an ordinary object. A sticky pattern is tried at the text's beginning.
 */
export function createCapture(pattern: RegExp): Capture {
  const { source, names } = withoutNames(pattern.source);
  const numbered = new RegExp(source, pattern.flags);
  return (text, groups) => {
    numbered.lastIndex = 0;
    const match = numbered.exec(text);
    if (match === null) return null;
    for (let i = 0; i < names.length; i += 1) {
      const name = names[i];
      if (name !== undefined && name !== '') groups[name] = match[i + 1];
    }
    return groups;
  };
}

interface Numbered {
  readonly source: string;
  /** Of each group by its number, from the first; empty where it has none. */
  readonly names: readonly string[];
}

/** An escape, a class, or the beginning of a group; all else stands for itself. */
const TOKEN = /\\[^]|\[(?:\\[^]|[^\]\\])*\]|\((?:\?<([A-Za-z_]\w*)>|(?!\?))/g;

/** Patterns that refer back by name cannot do without. */
function withoutNames(source: string): Numbered {
  if (source.includes('\\k<')) throw new Error(`a group is referred to by its name: ${source}`);
  const names: string[] = [];
  const numbered = source.replace(TOKEN, (token, name: string | undefined) => {
    if (!token.startsWith('(')) return token;
    names.push(name ?? '');
    return '(';
  });
  return { source: numbered, names };
}
