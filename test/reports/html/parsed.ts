import { parse, parseFragment, type DefaultTreeAdapterTypes } from 'parse5';

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

/** A page or a piece of one, as a browser would read it. */
export interface Parsed {
  readonly elements: readonly Element[];
  /** Names of elements and attributes, in their order: what a text must never change. */
  readonly skeleton: readonly string[];
}

/** Reads markup as a browser does; a page where it says that it is one. */
export function parsed(markup: string): Parsed {
  const elements = elementsIn(markup.startsWith('<!doctype') ? parse(markup) : parseFragment(markup));
  return {
    elements,
    skeleton: elements.map(({ tagName, attrs }) => [tagName, ...attrs.map(({ name }) => name)].join(' ')),
  };
}

/** All text in an element, entities read. */
export function textOf(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

/** The value of an attribute; `null` where there is none. */
export function attributeOf({ attrs }: Element, name: string): string | null {
  return attrs.find((attribute) => attribute.name === name)?.value ?? null;
}

function elementsIn(node: Node): readonly Element[] {
  if (!('childNodes' in node)) return [];
  const inside = node.childNodes.flatMap(elementsIn);
  return 'tagName' in node ? [node, ...inside] : inside;
}
