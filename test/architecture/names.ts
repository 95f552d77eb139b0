import type { Node } from 'oxc-parser';
import { walk, type Module } from './module.ts';

/** A use of a global. */
export interface Reference {
  readonly name: string;
  readonly offset: number;
}

/** Globals that a file uses: not the `x` of `a.x`, of `{ x: 1 }`, or of a variable of that name. */
export function referencesIn(module: Module, wanted: (name: string) => boolean): readonly Reference[] {
  const found: Reference[] = [];
  walk(module.program, (node, around) => {
    if (node.type !== 'Identifier' || !wanted(node.name) || isLabelOf(node, around.at(-1))) return;
    if (!around.some((scope) => declares(scope, node.name))) found.push({ name: node.name, offset: node.start });
  });
  return found;
}

function isLabelOf(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined) return false;
  if ('property' in parent && parent.property === node) return parent.type === 'MemberExpression' && !parent.computed;
  if (!('key' in parent) || parent.key !== node || !('computed' in parent) || parent.computed) return false;
  return !('shorthand' in parent && parent.shorthand);
}

/** Whether a function, a block or a loop makes a variable of that name. */
function declares(scope: Node, name: string): boolean {
  if ('params' in scope && Array.isArray(scope.params)) return scope.params.some((param) => binds(param, name));
  if (scope.type === 'CatchClause') return scope.param !== null && binds(scope.param, name);
  if (scope.type === 'ForOfStatement' || scope.type === 'ForInStatement') return binds(scope.left, name);
  if (scope.type === 'ForStatement') return scope.init?.type === 'VariableDeclaration' && binds(scope.init, name);
  return (scope.type === 'Program' || scope.type === 'BlockStatement') && scope.body.some((statement) => binds(statement, name));
}

/** Whether a pattern, a declaration or an import binds a name. */
// oxlint-disable-next-line complexity -- one case a kind of node, flat
function binds(node: Node, name: string): boolean {
  switch (node.type) {
    case 'Identifier':
      return node.name === name;
    case 'VariableDeclaration':
      return node.declarations.some((one) => binds(one.id, name));
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return node.id?.name === name;
    case 'ExportNamedDeclaration':
      return node.declaration !== null && binds(node.declaration, name);
    case 'ImportDeclaration':
      return node.specifiers.some((one) => one.local.name === name);
    case 'ObjectPattern':
      return node.properties.some((one) => binds(one.type === 'RestElement' ? one.argument : one.value, name));
    case 'ArrayPattern':
      return node.elements.some((one) => one !== null && binds(one, name));
    case 'AssignmentPattern':
      return binds(node.left, name);
    case 'RestElement':
      return binds(node.argument, name);
    default:
      return false;
  }
}
