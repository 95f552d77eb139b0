import { posix } from 'node:path';
import { parseSync, visitorKeys, type Node, type Program } from 'oxc-parser';

/** One file of `src`, read once for all rules. */
export interface Module {
  /** From the project's root, with `/`: `src/parsers/time.ts`. */
  readonly path: string;
  /** `parsers`; for a file directly in `src` its name: `cli`. */
  readonly folder: string;
  readonly program: Program;
  readonly imports: readonly ImportOf[];
  /** Ends of the doc comments that say something. */
  readonly docEnds: readonly number[];
  readonly text: string;
  lineAt(offset: number): number;
}

/** One import, static or dynamic. */
export interface ImportOf {
  readonly specifier: string;
  /** Where it leads, for a relative one: `src/model/event.ts`. */
  readonly target: string | null;
  readonly offset: number;
}

/** Parses a file; a file that does not parse is an error, not a finding. */
export function readModule(path: string, text: string): Module {
  const { program, comments, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`);
  return {
    path,
    folder: folderOf(path),
    program,
    imports: importsOf(program, path),
    docEnds: comments
      .filter((comment) => comment.type === 'Block' && /^\*[^]*\w/.test(comment.value))
      .map((comment) => comment.end),
    text,
    lineAt: (offset) => text.slice(0, offset).split('\n').length,
  };
}

/** The folder of `src` that a path belongs to. */
export function folderOf(path: string): string {
  const [, folder = '', rest] = path.split('/');
  return rest === undefined ? folder.replace(/\.ts$/, '') : folder;
}

/** Calls `visit` for every node of a tree, with the nodes around it, the nearest last. */
export function walk(node: Node, visit: (node: Node, around: readonly Node[]) => void, around: readonly Node[] = []): void {
  visit(node, around);
  const fields: Readonly<Record<string, unknown>> = { ...node };
  const inside = [...around, node];
  for (const key of visitorKeys[node.type] ?? []) {
    const child = fields[key];
    for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) walk(one, visit, inside);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function importsOf(program: Program, path: string): readonly ImportOf[] {
  const found: ImportOf[] = [];
  walk(program, (node) => {
    const source = 'source' in node ? node.source : null;
    if (!isNode(source) || source.type !== 'Literal' || typeof source.value !== 'string') return;
    const specifier = source.value;
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : null;
    found.push({ specifier, target, offset: node.start });
  });
  return found;
}
